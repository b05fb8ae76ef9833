use std::error::Error;
use std::fmt::{Display, Write};
use std::io;

use super::{Exit, Program};

/// What kind of failure it is; decides the exit code and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Wrong usage, or input that can't be read.
    Usage,
    /// The answer is no.
    No,
    /// The cluster can't be reached, or the caller lacks permission.
    Unreachable,
    /// Refused by a guard or a rule of the object.
    Refused,
    /// The object kept changing.
    Conflict,
    /// Written and not as expected; what was there before is back.
    RolledBack,
    /// Written and not as expected, and it stands.
    NotRolledBack,
    /// Our own mistake.
    Bug,
    /// The user interrupted.
    Interrupted,
    /// Stdout can't be written.
    Output,
}

/// Why a command could not do what it was asked: what, why down to the cause, and the next step.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    what: String,
    causes: Vec<String>,
    lines: Vec<Line>,
    // On its own, because failures are handed up through every function.
    refusal: Option<Box<Refused>>,
}

/// Who refused, and what would have allowed it.
#[derive(Debug)]
struct Refused {
    by: Refusal,
    allow: Option<&'static str>,
}

/// What stands below the message.
#[derive(Debug)]
enum Line {
    /// What was tried.
    Note(String),
    /// A next step.
    Hint(String),
}

/// Who refused, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The guard's id.
    pub(crate) guard: &'static str,
    /// Its name in one word.
    pub(crate) reason: &'static str,
}

impl Failure {
    /// `what` is a lower-case fragment without a period.
    pub(crate) fn new(kind: Kind, what: impl Display) -> Self {
        Self {
            kind,
            what: what.to_string(),
            causes: Vec::new(),
            lines: Vec::new(),
            refusal: None,
        }
    }

    /// A failure of kind [`Kind::Usage`].
    pub(crate) fn usage(what: impl Display) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// A failure of kind [`Kind::Refused`], by one guard.
    pub(crate) fn refused(refusal: Refusal, what: impl Display) -> Self {
        Self {
            refusal: Some(Box::new(Refused {
                by: refusal,
                allow: None,
            })),
            ..Self::new(Kind::Refused, what)
        }
    }

    /// A failure of kind [`Kind::Bug`]: what can't happen did.
    pub(crate) fn bug(error: &dyn Error) -> Self {
        Self::new(Kind::Bug, "awsauth made a mistake").because(error)
    }

    /// Appends an error and its chain of sources as the reason.
    #[must_use]
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            // Many libraries repeat the source in their own text.
            if !self.causes.last().is_some_and(|last| last.contains(&text)) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Appends a line of what was tried, for people alone.
    #[must_use]
    pub(crate) fn note(mut self, note: impl Display) -> Self {
        self.lines.push(Line::Note(note.to_string()));
        self
    }

    /// Names the flag that allows what was refused.
    #[must_use]
    pub(crate) fn unless(mut self, flag: &'static str) -> Self {
        if let Some(refused) = &mut self.refusal {
            refused.allow = Some(flag);
        }
        self
    }

    /// Appends a next step. Commands in it are written as `awsauth COMMAND …`, whatever the program was called as.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.lines.push(Line::Hint(hint.to_string()));
        self
    }

    /// Says at which place of the input it arose.
    #[must_use]
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.what = format!("{place}: {}", self.what);
        self
    }

    /// The same failure, as part of a greater one.
    #[must_use]
    pub(crate) fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// What the process ends with.
    pub(crate) fn exit(&self) -> Exit {
        match self.kind {
            Kind::Usage => Exit::Usage,
            Kind::No => Exit::No,
            Kind::Unreachable => Exit::Unreachable,
            Kind::Refused => Exit::Refused,
            Kind::Conflict => Exit::Conflict,
            Kind::RolledBack => Exit::RolledBack,
            Kind::NotRolledBack => Exit::NotRolledBack,
            Kind::Bug => Exit::Bug,
            Kind::Interrupted => Exit::Interrupted,
            Kind::Output => Exit::Output,
        }
    }

    /// Whether something was refused.
    pub(crate) fn is_refused(&self) -> bool {
        self.kind == Kind::Refused
    }

    /// The flag that allows what was refused.
    pub(crate) fn allow(&self) -> Option<&'static str> {
        self.refusal.as_ref()?.allow
    }

    /// Who refused, when it was one guard and no plan has answered for it.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.refusal.as_ref().map(|refused| refused.by)
    }

    /// What could not be done and why, on one line.
    pub(crate) fn message(&self) -> String {
        let mut text = self.what.clone();
        for cause in &self.causes {
            let _ = write!(text, ": {cause}");
        }
        text
    }

    /// The text for people, each line ended. Several refusals say so themselves.
    pub(crate) fn render(&self, program: Program) -> String {
        let what = self.message();
        let mut text = match (self.kind, self.refusal()) {
            (_, Some(Refusal { reason, .. })) => format!("refused ({reason}): {what}\n"),
            (Kind::Refused, None) => format!("{what}\n"),
            _ => format!("error: {what}\n"),
        };
        for line in &self.lines {
            let _ = match line {
                Line::Note(note) => writeln!(text, "  {note}"),
                Line::Hint(hint) => writeln!(text, "hint: {}", program.speak(hint)),
            };
        }
        if self.kind == Kind::Bug {
            let _ = writeln!(
                text,
                "hint: This is a bug in awsauth. Please report it: {}",
                super::program::BUGS
            );
        }
        text
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

/// So that a plan can fail with it in the middle of a write. It has no source: its reasons are texts by now.
impl Error for Failure {}

impl From<io::Error> for Failure {
    /// For errors of our own output streams.
    fn from(error: io::Error) -> Self {
        Self::new(Kind::Output, "cannot write the output").because(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn a_failure_tells_what_why_and_the_next_step() {
        let cause = Layer(
            "outer: inner",
            Some(Box::new(Layer(
                "inner",
                Some(Box::new(Layer("cause", None))),
            ))),
        );
        let failure = Failure::usage("cannot read x")
            .because(&cause)
            .note("tried: y")
            .hint("look at it: awsauth get");
        assert_eq!(
            failure.render(Program::KubectlPlugin),
            "error: cannot read x: outer: inner: cause\n  tried: y\nhint: look at it: kubectl awsauth get\n"
        );
        assert_eq!(failure.exit(), Exit::Usage);
    }
}
