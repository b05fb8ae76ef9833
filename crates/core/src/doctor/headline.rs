//! The diagnosis: the first problem on the path to a signed-in user.

use super::denied_request::{DeniedRequest, denied_example};
use super::evidence::{Problem, SignedIn};
use super::{Check, CheckResult, Evidence};
use super::{lint_causes, remedy};

/// The result of the sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInState {
    /// The API server was not contacted or did not respond.
    Unknown,
    /// 401.
    Unauthorized,
    /// Signed in, but a requested permission is denied.
    Forbidden,
    SignedIn,
}

impl SignInState {
    /// Returns the state as one word for scripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::SignedIn => "signed-in",
        }
    }
}

/// The diagnosis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    pub state: SignInState,
    /// The state in words.
    pub text: String,
    /// The check with the decisive problem; `None` if there is no problem.
    pub problem: Option<(&'static str, Problem)>,
    /// What could not be read although the diagnosis depends on it; `None` if there is a problem or everything was read.
    pub unread: Option<String>,
    /// Other checks with a problem.
    pub others: Vec<&'static str>,
    /// The ARN that the cluster compares.
    pub arn: Option<String>,
    /// The command that adds a matching entry, if the cause is that none matches.
    pub entry: Option<String>,
    /// What doctor asked as an example if that is denied, and how to ask for another request.
    pub example: Option<String>,
}

/// The priority of problems: the headline is the first one in this list. A symptom comes after its causes: a failing plugin after missing credentials, a rejected
/// token after a missing entry.
const ORDER: [&str; 45] = [
    "K1", "K8", "K2", "K3", "K6", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C11",
    "C13", "C15", "C14", "C10", "C12", "K5", "K4", "K7", "T1", "T3", "T4", "T2", "T5", "M1", "E1",
    "E2", "E3", "M3", "M4", "M7", "M6", "M5", "M8", "M2", "B2", "B1", "B3", "W3", "W1", "W2",
];

/// Checks without which kubectl gets no token. awsauth then signs one with the same credentials.
const OF_PLUGIN: [&str; 5] = ["K1", "K2", "K3", "K4", "K6"];

pub(super) fn of(evidence: &Evidence, checks: &[(&'static Check, CheckResult)]) -> Headline {
    let problem = |id: &str| {
        let (check, judged) = checks.iter().find(|(check, _)| check.id == id)?;
        let problem = judged.as_ref().ok()?.problem.as_ref()?;
        Some((check.id, problem.clone()))
    };
    let mut problems = ORDER.iter().filter_map(|id| problem(id));
    let first = match command_works(evidence) {
        true => None,
        false => problems.next(),
    };
    let others = problems.map(|(id, _)| id).collect();
    let state = sign_in_state(evidence, first.as_ref().map(|(id, _)| *id));
    let subject = evidence.subject().filter(|_| !evidence.is_expected());
    let is_cause = first
        .as_ref()
        .is_some_and(|(id, _)| ["M5", "M6", "M7"].contains(id));
    let unmapped = evidence.explanation().ok().filter(|explained| {
        let explanation = &explained.explanation;
        // A new entry would not fix the existing, wrong one.
        let corrected = explanation.near.first();
        let corrected =
            corrected.and_then(|near| lint_causes::correction(evidence, explained, near));
        is_cause
            && explanation.access_entry.is_none()
            && explanation.answers.is_empty()
            && corrected.is_none()
            && lint_causes::of_replaced_principal(evidence, explained).is_none()
    });
    let unread = match &first {
        None => unread(evidence, checks, state),
        Some(_) => None,
    };
    Headline {
        state,
        text: text(
            evidence,
            state,
            first.as_ref().map(|(id, _)| *id),
            unread.is_some(),
        ),
        arn: subject.map(|subject| subject.canonical.arn),
        entry: unmapped.map(|explained| {
            let near = explained.explanation.near.first();
            remedy::map(evidence, near.map(|near| (&explained.document, near)))
        }),
        example: denied_example(evidence),
        problem: first,
        unread,
        others,
    }
}

/// Returns what a check that decides the diagnosis needs, if no check found a problem.
fn unread(
    evidence: &Evidence,
    checks: &[(&'static Check, CheckResult)],
    state: SignInState,
) -> Option<String> {
    if evidence.command.known().is_some_and(|run| run.succeeded) {
        return None;
    }
    let needs = |id: &str| {
        let (check, judged) = checks.iter().find(|(check, _)| check.id == id)?;
        let needs = &judged.as_ref().err()?.needs;
        Some(format!("{id} {} needs {needs}", check.title))
    };
    if state == SignInState::Unknown {
        let mut deciding = match &evidence.request.arn {
            Some(_) => ["E1", "E2", "E3", "M4", "M5"].iter(),
            None => ["E1", "E2", "E3", "M2"].iter(),
        };
        let found = deciding.find_map(|id| needs(id));
        return found.or_else(|| Some("the response of the API server is missing".to_owned()));
    }
    match evidence.request.is_example || evidence.request.questions.is_empty() {
        true => None,
        false => needs("B1"),
    }
}

/// Returns whether the user's command works and signs in. No check can disprove that.
fn command_works(evidence: &Evidence) -> bool {
    let works = evidence.command.known().is_some_and(|run| run.succeeded);
    works && evidence.is_signed_in() && DeniedRequest::of(evidence).is_none()
}

fn sign_in_state(evidence: &Evidence, first: Option<&str>) -> SignInState {
    let is_of_plugin = first.is_some_and(|id| OF_PLUGIN.contains(&id));
    let lacks_rights = DeniedRequest::of(evidence).is_some();
    match evidence.signed_in.known() {
        Some(SignedIn::In { .. }) if lacks_rights && !is_of_plugin => SignInState::Forbidden,
        Some(SignedIn::In { .. }) => SignInState::SignedIn,
        Some(SignedIn::Unauthorized) => SignInState::Unauthorized,
        Some(SignedIn::Forbidden(_)) => SignInState::Forbidden,
        Some(SignedIn::Failed(_)) => SignInState::Unknown,
        // The token of another identity is not available, so aws-auth and RBAC decide.
        None if evidence.request.arn.is_some() => match first {
            Some("B1" | "B2" | "M3") => SignInState::Forbidden,
            Some(id) if id.starts_with('M') => {
                let explained = evidence.explanation();
                let is_mapped = explained.is_ok_and(|it| it.explanation.allowed());
                match (is_mapped && id != "M1", lacks_rights) {
                    (false, _) => SignInState::Unauthorized,
                    (true, true) => SignInState::Forbidden,
                    (true, false) => SignInState::SignedIn,
                }
            }
            Some(_) => SignInState::Unknown,
            None if evidence.explanation().is_ok() => SignInState::SignedIn,
            None => SignInState::Unknown,
        },
        None => SignInState::Unknown,
    }
}

fn text(
    evidence: &Evidence,
    state: SignInState,
    problem: Option<&str>,
    lacks_evidence: bool,
) -> String {
    let who = || {
        let user = evidence.user()?;
        Some(format!(
            "user {} in {}",
            remedy::username(&user.username),
            remedy::groups(&user.groups)
        ))
    };
    let who = who().unwrap_or_else(|| "known".to_owned());
    let is = match &evidence.request.arn {
        Some(arn) => format!("{arn} is"),
        None => "you are".to_owned(),
    };
    match state {
        SignInState::Unauthorized => format!("Unauthorized (401): {is} unknown to this cluster"),
        SignInState::Forbidden if evidence.is_anonymous() => {
            "Forbidden (403): your requests are anonymous to this cluster".to_owned()
        }
        SignInState::Forbidden => {
            let lack = if evidence.request.arn.is_some() {
                "lacks"
            } else {
                "lack"
            };
            format!("Forbidden (403): {is} {who} to this cluster, but {lack} a permission")
        }
        SignInState::SignedIn if problem.is_some_and(|id| OF_PLUGIN.contains(&id)) => {
            format!(
                "kubectl cannot sign in. With the same AWS credentials, {is} {who} to this cluster"
            )
        }
        SignInState::SignedIn if problem == Some("B3") => {
            format!("The command fails, but the sign-in works: {is} {who} to this cluster")
        }
        SignInState::SignedIn if problem.is_some() => {
            format!("Signed in: {is} {who} to this cluster, but something is wrong")
        }
        SignInState::SignedIn if lacks_evidence => format!(
            "Signed in: {is} {who} to this cluster, but doctor could not find out whether the request is allowed"
        ),
        SignInState::SignedIn => format!("Signed in: {is} {who} to this cluster"),
        SignInState::Unknown if problem.is_some() => {
            "The sign-in could not be checked, because of this problem".to_owned()
        }
        SignInState::Unknown if lacks_evidence => {
            let who = evidence.request.arn.as_deref().unwrap_or("you");
            format!("Unknown: doctor could not find out whether {who} can sign in to this cluster")
        }
        SignInState::Unknown => {
            "No problem was found, but the cluster did not report who you are".to_owned()
        }
    }
}
