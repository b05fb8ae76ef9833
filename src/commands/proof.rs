//! Proof of access: a token that the API server accepts, and what comes out.

mod refused;

use std::time::{Duration, Instant};

use super::signer::Signer;
use crate::arn::canonical;
use crate::aws::credentials::{Caller, CallerError};
use crate::cluster::review::{Answer, Reviewed};
use crate::cluster::shell::quoted;
use crate::document::Document;
use crate::edge::{Failure, Kind, Out};
use crate::effect::{self, User, explain};
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
}

/// What came out in the end.
pub(crate) struct Proof {
    asked: Vec<Question>,
    came: Came,
    unmet: Vec<String>,
    /// Who STS says it is, where the API server accepts nobody; `None` for a token that no authenticator reads.
    caller: Option<Result<Caller, CallerError>>,
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
            if unmet.is_empty() && !is_first {
                out.note(&format!(
                    "It came into force after {} s",
                    start.elapsed().as_secs()
                ));
            }
            if unmet.is_empty() || is_hopeless {
                let is_refused = matches!(came, Came::Unauthorized) && !token.is_too_long();
                return Ok(Proof {
                    asked: self.can.to_vec(),
                    came,
                    unmet,
                    caller: is_refused.then(|| signer.caller()),
                });
            }
            if is_first {
                out.note(&format!(
                    "Waiting up to {} s for a change to come into force: {}",
                    patience.as_secs(),
                    unmet.join("; ")
                ));
            }
            is_first = false;
            cluster.pause(PAUSE, out)?;
        }
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
        if let Some(users) = self.document.and_then(|document| mapped(document, who)) {
            let is = |user: &User| {
                let groups = user.groups.iter();
                user.username == who.username
                    && groups.clone().all(|group| who.groups.contains(group))
            };
            if !users.iter().any(is) {
                let users: Vec<_> = users.iter().map(user_text).collect();
                unmet.push(format!(
                    "it is {}, and aws-auth says {}",
                    user_text(&who.user()),
                    users.join(", or ")
                ));
            }
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

/// The users that a document makes of whoever has signed in; `None` when it maps them not at all, or to names that only the
/// authenticator knows.
fn mapped(document: &Document, who: &Reviewed) -> Option<Vec<User>> {
    let question = effect::Question {
        arn: who.says("arn").or_else(|| who.says("canonicalArn"))?,
        session_name: who.says("sessionName"),
        access_key_id: who.says("accessKeyId"),
        ..effect::Question::default()
    };
    let explanation = explain(document, &question).ok()?;
    let answers = explanation.answers.into_iter();
    let users = answers.map(|answer| {
        let is_whole = answer.missing.is_empty();
        answer.user.ok().filter(|_| is_whole)
    });
    let users: Vec<User> = users.collect::<Option<_>>()?;
    (!users.is_empty()).then_some(users)
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
            Came::Unauthorized => refused(cluster, signer, self.caller.as_ref()),
        })
    }

    /// For people and machines.
    pub(crate) fn verification(&self) -> Verification<'_> {
        let (who, answers): (Option<&Reviewed>, &[Answer]) = match &self.came {
            Came::In(who, answers) => (Some(who), answers),
            Came::Unauthorized | Came::Forbidden(_) => (None, &[]),
        };
        let caller = self.caller.as_ref().and_then(|caller| caller.as_ref().ok());
        Verification {
            canonical_arn: match (who, caller) {
                (Some(who), _) => who.says("canonicalArn").map(str::to_owned),
                (None, Some(caller)) => canonical(&caller.arn).ok().map(|canonical| canonical.arn),
                (None, None) => None,
            },
            who,
            answers: self.asked.iter().zip(answers).collect(),
            unmet: &self.unmet,
        }
    }
}
