//! From "Unauthorized" to its cause: a ladder of rungs, each a pure judgement of what was looked at.
//!
//! A rung knows its id, what it depends on, and how it judges [`Evidence`]. The first problem on the way to being signed in is
//! the diagnosis.

pub mod evidence;
mod headline;
mod redact;
mod remedy;
mod symptom;

mod b1;
mod b2;
mod c1;
mod c10;
mod c11;
mod c12;
mod c13;
mod c14;
mod c15;
mod c2;
mod c3;
mod c4;
mod c5;
mod c6;
mod c7;
mod c8;
mod c9;
mod e1;
mod e2;
mod e3;
mod k1;
mod k2;
mod k3;
mod k4;
mod k5;
mod k6;
mod k7;
mod m1;
mod m2;
mod m3;
mod m4;
mod m5;
mod m6;
mod m7;
mod m8;
mod m9;
mod t1;
mod t2;
mod t3;
mod t4;
mod t5;
mod w1;
mod w2;
mod w3;

pub use evidence::Evidence;
pub use headline::{Headline, Standing};
pub use redact::{last_four, redacted, without_accounts};
pub use symptom::{Symptom, symptom};

/// One step of the ladder.
#[derive(Debug)]
pub struct Rung {
    /// Stable, such as `K1`.
    pub id: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// The rungs whose problem makes it meaningless.
    pub after: &'static [&'static str],
    /// What it makes of the evidence.
    pub judge: fn(&Evidence) -> Judged,
}

/// What a rung makes of the evidence; an error where there is nothing to judge.
pub type Judged = Result<Outcome, Skipped>;

/// What a rung looked at, and what it makes of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it looked at.
    pub saw: String,
    /// What is wrong with it, if something is.
    pub problem: Option<evidence::Trouble>,
}

/// A rung that judged nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// What it would need.
    pub needs: String,
}

impl Skipped {
    /// For want of this.
    pub fn needs(what: impl Into<String>) -> Self {
        Self { needs: what.into() }
    }
}

impl Outcome {
    fn ok(saw: impl Into<String>) -> Judged {
        Ok(Self {
            saw: saw.into(),
            problem: None,
        })
    }

    fn problem(
        saw: impl Into<String>,
        cause: impl Into<String>,
        next: impl Into<String>,
    ) -> Judged {
        Ok(Self {
            saw: saw.into(),
            problem: Some(evidence::Trouble {
                cause: cause.into(),
                next: next.into(),
            }),
        })
    }

    fn trouble(saw: impl Into<String>, trouble: &evidence::Trouble) -> Judged {
        Self::problem(saw, &trouble.cause, &trouble.next)
    }
}

/// Every rung, in the order in which they are shown.
pub static LADDER: [Rung; 44] = [
    k1::RUNG,
    k2::RUNG,
    k3::RUNG,
    k4::RUNG,
    k5::RUNG,
    k6::RUNG,
    k7::RUNG,
    c1::RUNG,
    c2::RUNG,
    c3::RUNG,
    c4::RUNG,
    c5::RUNG,
    c6::RUNG,
    c7::RUNG,
    c8::RUNG,
    c9::RUNG,
    c10::RUNG,
    c11::RUNG,
    c12::RUNG,
    c13::RUNG,
    c14::RUNG,
    c15::RUNG,
    t1::RUNG,
    t2::RUNG,
    t3::RUNG,
    t4::RUNG,
    t5::RUNG,
    e1::RUNG,
    e2::RUNG,
    e3::RUNG,
    m1::RUNG,
    m2::RUNG,
    m3::RUNG,
    m4::RUNG,
    m5::RUNG,
    m6::RUNG,
    m7::RUNG,
    m8::RUNG,
    m9::RUNG,
    b1::RUNG,
    b2::RUNG,
    w1::RUNG,
    w2::RUNG,
    w3::RUNG,
];

/// What the ladder came to.
#[derive(Debug)]
pub struct Report {
    /// Each rung and what it made of the evidence, in the order of [`LADDER`].
    pub rungs: Vec<(&'static Rung, Judged)>,
    /// The diagnosis.
    pub headline: Headline,
}

/// Judges everything.
pub fn examine(evidence: &Evidence) -> Report {
    let mut rungs: Vec<(&'static Rung, Judged)> = Vec::new();
    for rung in &LADDER {
        let in_the_way = rung.after.iter().find(|id| is_problem(&rungs, id));
        let judged = match in_the_way {
            Some(id) => Err(Skipped::needs(format!("{id} to be mended first"))),
            None => (rung.judge)(evidence),
        };
        rungs.push((rung, judged));
    }
    let headline = headline::of(evidence, &rungs);
    Report { rungs, headline }
}

fn is_problem(rungs: &[(&'static Rung, Judged)], id: &str) -> bool {
    let found = rungs.iter().find(|(rung, _)| rung.id == id);
    found.is_some_and(|(_, judged)| {
        judged
            .as_ref()
            .is_ok_and(|outcome| outcome.problem.is_some())
    })
}
