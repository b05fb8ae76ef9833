//! Checks access by signing in with a fresh token and comparing the resulting user with what is expected.

mod rejection;
mod signer;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::backend::{SignIn, SignInResult};
use crate::output::{Verification, user_text};
use crate::terminal::{Failure, Kind, Out};
use awsauth_aws::credentials::{Caller, CallerError};
use awsauth_core::arn::{canonical, is_same_principal};
use awsauth_core::authenticator::{self, AccessEntries, User, explain};
use awsauth_core::document::Document;
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::rbac::Question;
use awsauth_core::shell_quote::quoted;
use awsauth_kube::access_review::{Answer, ClusterUser};
use rejection::{rejection, timed_out};

pub(crate) use signer::{SigningCredentials, TokenSigner};

/// The pause between two attempts. Tokens differ from second to second, and the API server caches the result for a token, even a
/// rejection.
const PAUSE: Duration = Duration::from_millis(1100);

/// Returns the question whether a user can do everything.
pub(crate) fn everything() -> Result<Question, Failure> {
    "* * -A".parse().map_err(|error| Failure::bug(&error))
}

/// The access that a check requires.
#[derive(Default)]
pub(crate) struct ExpectedAccess<'a> {
    /// The expected username.
    pub(crate) username: Option<&'a str>,
    /// Groups that must be among the user's groups.
    pub(crate) groups: &'a [String],
    /// Actions that RBAC must allow.
    pub(crate) can: &'a [Question],
    /// The aws-auth whose mapping of the identity must be in force, if it maps the identity.
    pub(crate) document: Option<&'a Document>,
    /// The aws-auth before the write. An identity may still have access through this aws-auth until the authenticator reloads it.
    pub(crate) before: Option<&'a Document>,
    /// The access entries, which take precedence over aws-auth, if already known.
    pub(crate) access_entries: Option<Arc<AccessEntries>>,
    /// The access entries before the write.
    pub(crate) entries_before: Option<Arc<AccessEntries>>,
}

/// The result of an access check.
pub(crate) struct CheckedAccess {
    asked: Vec<Question>,
    sign_in: SignInResult,
    unmet: Vec<String>,
    /// The identity that STS reports, if the API server rejects the token; `None` for a token that is too long for the authenticator.
    caller: Option<Result<Caller, CallerError>>,
    /// The identity's access entry, if known.
    access_entry: Option<AccessEntry>,
}

impl ExpectedAccess<'_> {
    /// Signs in at least once, and again until all expectations are met or `time_limit` has passed.
    ///
    /// # Errors
    /// If the API server does not respond, or the user interrupts.
    pub(crate) fn check(
        &self,
        cluster: &SignIn,
        signer: &TokenSigner,
        time_limit: Duration,
        out: &mut Out,
    ) -> Result<CheckedAccess, Failure> {
        let start = Instant::now();
        let mut is_first = true;
        loop {
            let token = signer.token();
            let left = match time_limit.is_zero() {
                true => time_limit,
                false => time_limit.saturating_sub(start.elapsed()).max(PAUSE),
            };
            let client = signer.authenticated(&token);
            let sign_in = cluster.attempt(&client, self.can, left, out)?;
            let unmet = self.unmet_expectations(&sign_in);
            let is_last = token.is_too_long() || start.elapsed() + PAUSE > time_limit;
            let is_good = unmet.is_empty() && (is_last || !self.may_use_previous_mapping(&sign_in));
            if is_good && !is_first {
                out.note(&format!(
                    "It took effect after {} s",
                    start.elapsed().as_secs()
                ));
            }
            if is_good || is_last {
                let is_refused =
                    matches!(sign_in, SignInResult::Unauthorized) && !token.is_too_long();
                let caller = is_refused.then(|| signer.caller());
                let arn = canonical_arn(&sign_in, caller.as_ref());
                return Ok(CheckedAccess {
                    asked: self.can.to_vec(),
                    access_entry: arn.and_then(|arn| self.access_entry(&arn, cluster, out)),
                    sign_in,
                    unmet,
                    caller,
                });
            }
            if is_first {
                let why = match unmet.is_empty() {
                    true => "it still has the previous access".to_owned(),
                    false => unmet.join("; "),
                };
                out.note(&format!(
                    "Waiting up to {} s for a change to take effect: {why}",
                    time_limit.as_secs(),
                ));
            }
            is_first = false;
            cluster.pause(PAUSE, out)?;
        }
    }

    /// Returns the access entry of the identity that signs in with this ARN.
    fn access_entry(&self, arn: &str, cluster: &SignIn, out: &mut Out) -> Option<AccessEntry> {
        let entries = match &self.access_entries {
            Some(known) => Arc::clone(known),
            None => Arc::new(cluster.access_entries(&|of| is_same_principal(of, arn), out)?),
        };
        entries.of(arn).cloned()
    }

    fn mapped(&self, who: &ClusterUser) -> Option<(Vec<User>, &'static str)> {
        mapped(self.document?, self.access_entries.as_deref(), who)
    }

    /// Whether the identity has access that it gets only from the state before the write.
    fn may_use_previous_mapping(&self, sign_in: &SignInResult) -> bool {
        let (SignInResult::Accepted(who, _), Some(before)) = (sign_in, self.before) else {
            return false;
        };
        let who_is = who.user();
        let Some((before, _)) = mapped(before, self.entries_before.as_deref(), who) else {
            return false;
        };
        let after = self.mapped(who).map(|(users, _)| users).unwrap_or_default();
        let gives_all = |of: &User| {
            let mut after = after.iter();
            after.any(|user| {
                user.is(&who_is) && of.groups.iter().all(|group| user.groups.contains(group))
            })
        };
        let mut before = before.iter();
        before.any(|user| user.is(&who_is) && !gives_all(user))
    }

    /// Returns the unmet expectations, as clauses.
    fn unmet_expectations(&self, sign_in: &SignInResult) -> Vec<String> {
        let (who, answers) = match sign_in {
            SignInResult::Accepted(who, answers) => (who, answers),
            SignInResult::Unauthorized => {
                return vec!["the API server does not accept the token".to_owned()];
            }
            SignInResult::TimedOut(_) => {
                return vec![
                    "the API server does not answer in time whether it accepts the token"
                        .to_owned(),
                ];
            }
            SignInResult::Forbidden(message) => return vec![message.clone()],
        };
        let mut unmet = Vec::new();
        if let Some((users, source)) = self.mapped(who)
            && !users.iter().any(|user| user.is(&who.user()))
        {
            let users: Vec<_> = users.iter().map(user_text).collect();
            unmet.push(format!(
                "it is {}, but {source} maps it to {}",
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

/// Returns the users that access entries or a document map the identity to, and which of the two does. Returns `None`
/// if neither maps it, if the names contain values that only the authenticator knows, or if access entries could not be
/// read.
fn mapped(
    document: &Document,
    access_entries: Option<&AccessEntries>,
    who: &ClusterUser,
) -> Option<(Vec<User>, &'static str)> {
    if access_entries.is_some_and(|entries| entries.all().is_none()) {
        return None;
    }
    let question = authenticator::Question {
        arn: who
            .attribute("arn")
            .or_else(|| who.attribute("canonicalArn"))?,
        session_name: who.attribute("sessionName"),
        access_key_id: who.attribute("accessKeyId"),
        access_entries,
        ..authenticator::Question::default()
    };
    let explanation = explain(document, &question).ok()?;
    if let Some(mapped) = &explanation.access_entry {
        let user = mapped.user().filter(|_| mapped.missing.is_empty());
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

/// Returns the ARN that the authenticator compares, if the authenticator or STS reports the identity.
fn canonical_arn(
    sign_in: &SignInResult,
    caller: Option<&Result<Caller, CallerError>>,
) -> Option<String> {
    match (sign_in, caller) {
        (SignInResult::Accepted(who, _), _) => who.attribute("canonicalArn").map(str::to_owned),
        (_, Some(Ok(caller))) => canonical(&caller.arn).ok().map(|canonical| canonical.arn),
        _ => None,
    }
}

impl CheckedAccess {
    /// Whether all expectations are met.
    pub(crate) fn is_good(&self) -> bool {
        self.unmet.is_empty()
    }

    /// Returns the failure to report; `None` if all expectations are met.
    pub(crate) fn failure(&self, cluster: &SignIn, signer: &TokenSigner) -> Option<Failure> {
        if self.is_good() {
            return None;
        }
        let target = cluster.target();
        Some(match &self.sign_in {
            SignInResult::Accepted(who, _) => {
                let what = format!("signing in to {target} did not give the expected access");
                let failure = self.unmet.iter().fold(Failure::new(Kind::No, what), Failure::note);
                match who.attribute("canonicalArn") {
                    Some(arn) => failure.hint(format!(
                        "check which entry applies, and what RBAC allows: awsauth explain {}",
                        quoted(arn)
                    )),
                    None => failure,
                }
            }
            SignInResult::Forbidden(message) => Failure::new(
                Kind::No,
                format!("{target} accepts the token, but does not report its user: {message}"),
            )
            .hint(format!(
                "bind the ClusterRole system:basic-user to system:authenticated, as in every new cluster: {} get clusterrolebinding system:basic-user -o yaml",
                target.kubectl()
            )),
            SignInResult::TimedOut(elapsed) => timed_out(cluster, *elapsed),
            SignInResult::Unauthorized => {
                rejection(cluster, signer, self.caller.as_ref(), self.access_entry.as_ref())
            }
        })
    }

    /// Returns the data for the report.
    pub(crate) fn verification(&self) -> Verification<'_> {
        let (who, answers): (Option<&ClusterUser>, &[Answer]) = match &self.sign_in {
            SignInResult::Accepted(who, answers) => (Some(who), answers),
            SignInResult::Unauthorized | SignInResult::TimedOut(_) | SignInResult::Forbidden(_) => {
                (None, &[])
            }
        };
        Verification {
            canonical_arn: canonical_arn(&self.sign_in, self.caller.as_ref()),
            access_entry: self.access_entry.as_ref().filter(|_| who.is_some()),
            who,
            answers: self.asked.iter().zip(answers).collect(),
            unmet: &self.unmet,
        }
    }
}
