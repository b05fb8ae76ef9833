//! The diagnosis: the first problem on the way to being signed in.

use super::evidence::{SignedIn, Trouble};
use super::{Evidence, Judged, Rung, remedy};

/// How far the identity comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The API server was not asked, or did not answer.
    Unknown,
    /// 401: it is nobody.
    Nobody,
    /// It is somebody, who lacks a right.
    WithoutRights,
    /// It is somebody.
    SignedIn,
}

impl Standing {
    /// In one word, for scripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Nobody => "unauthorized",
            Self::WithoutRights => "forbidden",
            Self::SignedIn => "signed-in",
        }
    }
}

/// The one diagnosis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    /// How far the identity comes.
    pub standing: Standing,
    /// The same in words.
    pub text: String,
    /// The rung whose problem it is, and what it says; `None` when nothing is wrong.
    pub problem: Option<(&'static str, Trouble)>,
    /// The rungs that have a problem, too.
    pub others: Vec<&'static str>,
    /// The ARN that the cluster compares.
    pub arn: Option<String>,
    /// The command that makes the entry which would match, where nobody is mapped.
    pub entry: Option<String>,
}

/// The order in which problems decide. What only shows that something is wrong comes after what says why: a plugin that fails
/// after the credentials that it lacks, a token that is not accepted after the entry that is not there.
const PATH: [&str; 43] = [
    "K1", "K2", "K3", "K6", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C11", "C13",
    "C15", "C14", "C10", "C12", "K5", "K4", "K7", "T1", "T3", "T4", "T2", "T5", "E1", "E2", "E3",
    "M1", "M3", "M4", "M7", "M6", "M5", "M8", "M2", "B2", "B1", "W3", "W1", "W2",
];

pub(super) fn of(evidence: &Evidence, rungs: &[(&'static Rung, Judged)]) -> Headline {
    let problem = |id: &str| {
        let (rung, judged) = rungs.iter().find(|(rung, _)| rung.id == id)?;
        let trouble = judged.as_ref().ok()?.problem.as_ref()?;
        Some((rung.id, trouble.clone()))
    };
    let mut problems = PATH.iter().filter_map(|id| problem(id));
    let first = problems.next();
    let others = problems.map(|(id, _)| id).collect();
    let standing = standing(evidence, first.as_ref().map(|(id, _)| *id));
    let subject = evidence.subject();
    let is_unmapped = evidence.explanation().is_ok_and(|explained| {
        explained.explanation.admitted.is_none() && explained.explanation.answers.is_empty()
    }) && standing != Standing::SignedIn;
    let is_access_entry = first
        .as_ref()
        .is_some_and(|(id, _)| ["M1", "M3"].contains(id));
    Headline {
        standing,
        text: text(evidence, standing, first.is_some()),
        arn: subject.map(|subject| subject.canonical.arn),
        entry: (is_unmapped || (standing == Standing::Nobody && !is_access_entry)).then(|| {
            let explained = evidence.explanation().ok();
            let near = explained.as_ref().and_then(|explained| {
                let near = explained.explanation.near.first()?;
                Some((&explained.document, near))
            });
            remedy::map(evidence, near)
        }),
        problem: first,
        others,
    }
}

fn standing(evidence: &Evidence, first: Option<&str>) -> Standing {
    let lacks_rights = evidence
        .answers
        .known()
        .is_some_and(|answers| answers.iter().any(|one| !one.allowed));
    match evidence.signed_in.known() {
        Some(SignedIn::In { .. }) if lacks_rights => Standing::WithoutRights,
        Some(SignedIn::In { .. }) => Standing::SignedIn,
        Some(SignedIn::Unauthorized) => Standing::Nobody,
        Some(SignedIn::Forbidden(_)) => Standing::WithoutRights,
        Some(SignedIn::Failed(_)) => Standing::Unknown,
        // Of somebody else, what can be read decides.
        None if evidence.wanted.arn.is_some() => match first {
            Some("B1" | "B2") => Standing::WithoutRights,
            Some(id) if id.starts_with('M') => Standing::Nobody,
            Some(_) => Standing::Unknown,
            None if evidence.explanation().is_ok() => Standing::SignedIn,
            None => Standing::Unknown,
        },
        None => Standing::Unknown,
    }
}

fn text(evidence: &Evidence, standing: Standing, is_wrong: bool) -> String {
    let who = || {
        let user = remedy::user(evidence)?;
        Some(format!(
            "user {} in {}",
            user.username,
            remedy::groups(&user.groups)
        ))
    };
    let who = who().unwrap_or_else(|| "somebody".to_owned());
    let (is, you) = match &evidence.wanted.arn {
        Some(arn) => (format!("{arn} is"), arn.as_str()),
        None => ("you are".to_owned(), "you"),
    };
    match standing {
        Standing::Nobody => format!("Unauthorized (401): {is} nobody to this cluster"),
        Standing::WithoutRights => {
            format!("Forbidden (403): {is} {who} to this cluster, and lack a right").replace(
                "and lack a right",
                if you == "you" {
                    "and lack a right"
                } else {
                    "and lacks a right"
                },
            )
        }
        Standing::SignedIn if is_wrong => {
            format!("Signed in: {is} {who} to this cluster, and one thing is not as it should be")
        }
        Standing::SignedIn => format!("Signed in: {is} {who} to this cluster"),
        Standing::Unknown if is_wrong => {
            "No answer of the cluster on who it is: something before that is wrong".to_owned()
        }
        Standing::Unknown => {
            "Nothing wrong was found, and who it is to the cluster could not be asked".to_owned()
        }
    }
}
