//! Proof of access: a token that the API server accepts, and what comes out.

mod refused;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::access_entries::is_of;
use super::signer::Signer;
use crate::arn::canonical;
use crate::aws::credentials::{Caller, CallerError};
use crate::cluster::review::{Answer, Reviewed};
use crate::cluster::shell::quoted;
use crate::document::Document;
use crate::edge::{Failure, Kind, Out};
use crate::effect::{self, AccessEntries, User, explain};
use crate::facts::access_entries::AccessEntry;
use crate::rbac::Question;
use crate::render::{Verification, user_text};
use crate::world::{Came, SignIn};
use refused::refused;

/// Between two attempts: tokens differ from second to second, and the API server remembers what it made of one, also that it
/// refused it.
const PAUSE: Duration = Duration::from_millis(1100);

/// What must come out.
#[derive(Default)]
pub(crate) struct Expected<'a> {
    /// This user.
    pub(crate) username: Option<&'a str>,
    /// These groups, among others.
    pub(crate) groups: &'a [String],
    /// These things are allowed.
    pub(crate) can: &'a [Question],
    /// Whom this aws-auth makes of them, if it maps them.
    pub(crate) document: Option<&'a Document>,
    /// What aws-auth said before: whoever it let in then and lets in no more may be in only until the authenticator has read it.
    pub(crate) before: Option<&'a Document>,
    /// The access entries that are asked before it, if they are known already.
    pub(crate) access_entries: Option<Arc<AccessEntries>>,
}

/// What came out in the end.
pub(crate) struct Proof {
    asked: Vec<Question>,
    came: Came,
    unmet: Vec<String>,
    /// Who STS says it is, where the API server accepts nobody; `None` for a token that no authenticator reads.
    caller: Option<Result<Caller, CallerError>>,
    /// The access entry of whoever it is, as far as it is known.
    access_entry: Option<AccessEntry>,
}

impl Expected<'_> {
    /// Signs in again and again until all is as expected, for at most `patience`; once in any case.
    ///
    /// # Errors
    /// When the API server gives no answer, or the user interrupts.
    pub(crate) fn prove(
        &self,
        cluster: &SignIn,
        signer: &Signer,
        patience: Duration,
        out: &mut Out,
    ) -> Result<Proof, Failure> {
        let start = Instant::now();
        let mut is_first = true;
        loop {
            let token = signer.token();
            let came = cluster.attempt(&token, self.can, out)?;
            let unmet = self.unmet(&came);
            let is_hopeless = token.is_too_long() || start.elapsed() + PAUSE > patience;
            let is_good = unmet.is_empty() && (is_hopeless || !self.may_be_of_before(&came));
            if is_good && !is_first {
                out.note(&format!(
                    "It came into force after {} s",
                    start.elapsed().as_secs()
                ));
            }
            if is_good || is_hopeless {
                let is_refused = matches!(came, Came::Unauthorized) && !token.is_too_long();
                let caller = is_refused.then(|| signer.caller());
                let arn = canonical_arn(&came, caller.as_ref());
                return Ok(Proof {
                    asked: self.can.to_vec(),
                    access_entry: arn.and_then(|arn| self.access_entry(&arn, cluster, out)),
                    came,
                    unmet,
                    caller,
                });
            }
            if is_first {
                let why = match unmet.is_empty() {
                    true => "it is who aws-auth said before".to_owned(),
                    false => unmet.join("; "),
                };
                out.note(&format!(
                    "Waiting up to {} s for a change to come into force: {why}",
                    patience.as_secs(),
                ));
            }
            is_first = false;
            cluster.pause(PAUSE, out)?;
        }
    }

    /// The access entry of whoever signs in with this ARN.
    fn access_entry(&self, arn: &str, cluster: &SignIn, out: &mut Out) -> Option<AccessEntry> {
        let entries = match &self.access_entries {
            Some(known) => Arc::clone(known),
            None => Arc::new(cluster.access_entries(&|of| is_of(of, arn), out)?),
        };
        entries.of(arn).cloned()
    }

    fn mapped(
        &self,
        document: Option<&Document>,
        who: &Reviewed,
    ) -> Option<(Vec<User>, &'static str)> {
        mapped(document?, self.access_entries.as_deref(), who)
    }

    /// Whether whoever came in is let in by the aws-auth of before, and by none of now.
    fn may_be_of_before(&self, came: &Came) -> bool {
        let Came::In(who, _) = came else {
            return false;
        };
        let before = self.mapped(self.before, who);
        let was = before.is_some_and(|(users, _)| users.iter().any(|user| user.is(&who.user())));
        was && self.mapped(self.document, who).is_none()
    }

    /// What is not as expected, each as a clause.
    fn unmet(&self, came: &Came) -> Vec<String> {
        let (who, answers) = match came {
            Came::In(who, answers) => (who, answers),
            Came::Unauthorized => {
                return vec!["the API server does not accept the token".to_owned()];
            }
            Came::Forbidden(said) => return vec![said.clone()],
        };
        let mut unmet = Vec::new();
        if let Some((users, source)) = self.mapped(self.document, who)
            && !users.iter().any(|user| user.is(&who.user()))
        {
            let users: Vec<_> = users.iter().map(user_text).collect();
            unmet.push(format!(
                "it is {}, and {source} says {}",
                user_text(&who.user()),
                users.join(", or ")
            ));
        }
        if let Some(expected) = self.username.filter(|expected| *expected != who.username) {
            unmet.push(format!(
                "the username is {:?}, not {expected:?}",
                who.username
            ));
        }
        let missing = self
            .groups
            .iter()
            .filter(|group| !who.groups.contains(group));
        unmet.extend(missing.map(|group| format!("group {group:?} is not among its groups")));
        let asked = self.can.iter().zip(answers);
        let refused = asked.filter(|(_, answer)| !answer.allowed);
        unmet.extend(refused.map(|(question, _)| format!("it may not {question}")));
        unmet
    }
}

/// The users that access entries or a document make of whoever has signed in, and which of these says so; `None` when they map them
/// not at all, or to names that only the authenticator knows, or when access entries count and can't be read.
fn mapped(
    document: &Document,
    access_entries: Option<&AccessEntries>,
    who: &Reviewed,
) -> Option<(Vec<User>, &'static str)> {
    if access_entries.is_some_and(|entries| entries.all().is_none()) {
        return None;
    }
    let question = effect::Question {
        arn: who.says("arn").or_else(|| who.says("canonicalArn"))?,
        session_name: who.says("sessionName"),
        access_key_id: who.says("accessKeyId"),
        access_entries,
        ..effect::Question::default()
    };
    let explanation = explain(document, &question).ok()?;
    if let Some(admitted) = &explanation.admitted {
        let user = admitted.user().filter(|_| admitted.missing.is_empty());
        return Some((vec![user?.clone()], "its access entry"));
    }
    let answers = explanation.answers.into_iter();
    let users = answers.map(|answer| {
        let is_whole = answer.missing.is_empty();
        answer.user.ok().filter(|_| is_whole)
    });
    let users: Vec<User> = users.collect::<Option<_>>()?;
    (!users.is_empty()).then_some((users, "aws-auth"))
}

/// By which ARN the authenticator looks somebody up, where it or STS says it.
fn canonical_arn(came: &Came, caller: Option<&Result<Caller, CallerError>>) -> Option<String> {
    match (came, caller) {
        (Came::In(who, _), _) => who.says("canonicalArn").map(str::to_owned),
        (_, Some(Ok(caller))) => canonical(&caller.arn).ok().map(|canonical| canonical.arn),
        _ => None,
    }
}

impl Proof {
    /// Whether all is as expected.
    pub(crate) fn is_good(&self) -> bool {
        self.unmet.is_empty()
    }

    /// What stands in the way; `None` when all is as expected.
    pub(crate) fn failure(&self, cluster: &SignIn, signer: &Signer) -> Option<Failure> {
        if self.is_good() {
            return None;
        }
        let target = cluster.target();
        Some(match &self.came {
            Came::In(who, _) => {
                let what = format!("signing in to {target} did not give what was expected");
                let failure = self.unmet.iter().fold(Failure::new(Kind::No, what), Failure::note);
                match who.says("canonicalArn") {
                    Some(arn) => failure.hint(format!(
                        "see which entry decides, and what RBAC allows: awsauth explain {}",
                        quoted(arn)
                    )),
                    None => failure,
                }
            }
            Came::Forbidden(said) => Failure::new(
                Kind::No,
                format!("{target} accepts the token, but does not say whose it is: {said}"),
            )
            .hint(format!(
                "give system:authenticated the ClusterRole system:basic-user, which every cluster starts with: {} get clusterrolebinding system:basic-user -o yaml",
                target.kubectl()
            )),
            Came::Unauthorized => {
                refused(cluster, signer, self.caller.as_ref(), self.access_entry.as_ref())
            }
        })
    }

    /// For people and machines.
    pub(crate) fn verification(&self) -> Verification<'_> {
        let (who, answers): (Option<&Reviewed>, &[Answer]) = match &self.came {
            Came::In(who, answers) => (Some(who), answers),
            Came::Unauthorized | Came::Forbidden(_) => (None, &[]),
        };
        Verification {
            canonical_arn: canonical_arn(&self.came, self.caller.as_ref()),
            access_entry: self.access_entry.as_ref().filter(|_| who.is_some()),
            who,
            answers: self.asked.iter().zip(answers).collect(),
            unmet: &self.unmet,
        }
    }
}
