//! Collected evidence as plain data, without secrets.

mod api_server;
mod aws;
mod endpoint;
mod failing_command;
mod kubeconfig;
mod nodes;
mod token;

use jiff::{SignedDuration, Timestamp};

pub use api_server::{AwsAuth, ConfigMapName, PermissionAnswer, SignedIn};
pub use aws::{
    Caller, ClusterDescription, DescribeFailure, FailedAt, FoundCredentials, PolicySide,
    SearchFailed, StsProblem,
};
pub use endpoint::{ConnectionAttempt, ConnectionFailure, LivenessFailure, ProxyFault, ProxyProbe};
pub use failing_command::CommandRun;
pub use kubeconfig::{ADOPTED_VARIABLES, Entry, Exec, IgnoredEntry, Plugin, User};
pub use nodes::{EksNodes, Node};
pub use token::{Signer, Token, VerifiedCaller};

use super::Skipped;
use crate::arn::{Canonical, Normalized, canonical, normalize};
use crate::authenticator::{self, AccessEntries, Explanation, Question, explain};
use crate::document::Document;
use crate::facts::node_inventory::NodeClass;
use crate::rbac::Policy;

/// The result of collecting one piece of evidence.
#[derive(Clone, Debug)]
pub enum Collected<T> {
    /// Not collected. Contains what is missing.
    NotRequested(String),
    /// No response within this time.
    TimedOut(SignedDuration),
    /// The evidence.
    Seen(T),
}

impl<T> Default for Collected<T> {
    fn default() -> Self {
        Self::NotRequested("the result of an earlier check".to_owned())
    }
}

impl<T> Collected<T> {
    /// Returns the evidence.
    ///
    /// # Errors
    /// If there is none; then the check is skipped.
    pub fn seen(&self) -> Result<&T, Skipped> {
        match self {
            Self::NotRequested(needs) => Err(Skipped::needs(needs)),
            Self::TimedOut(limit) => Err(Skipped::needs(format!(
                "more time: no response within {} s",
                limit.as_secs()
            ))),
            Self::Seen(seen) => Ok(seen),
        }
    }

    /// Returns the evidence, if there is any.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Seen(seen) => Some(seen),
            _ => None,
        }
    }

    /// Consumes the result and returns the evidence, if there is any.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Seen(seen) => Some(seen),
            _ => None,
        }
    }

    /// Returns the time limit that was exceeded.
    pub fn timed_out(&self) -> Option<SignedDuration> {
        match self {
            Self::TimedOut(limit) => Some(*limit),
            _ => None,
        }
    }
}

/// A problem in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The cause: one sentence without a period.
    pub cause: String,
    /// The next step.
    pub next: String,
}

/// The user's request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Diagnose this ARN instead of the caller.
    pub arn: Option<String>,
    /// The role or user that the caller expects to be.
    pub identity: Option<String>,
    /// The cluster name at EKS.
    pub cluster: Option<String>,
    /// The context whose user reads aws-auth and RBAC.
    pub as_context: Option<String>,
    /// The requests that the user named or the failing command made, in the syntax of `--can`.
    pub questions: Vec<String>,
    /// Whether the user named no request, so that doctor checks one as an example.
    pub is_example: bool,
    /// The role that the failing command binds, such as `clusterroles/view`.
    pub bound_role: Option<String>,
    /// The namespace that the failing command names.
    pub namespace: Option<String>,
}

/// All evidence.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The time of collection.
    pub now: Timestamp,
    pub request: Request,
    /// The selected entries of the kubeconfig.
    pub kubeconfig: Collected<Result<Entry, Problem>>,
    /// A run of the exec plugin.
    pub plugin: Collected<Plugin>,
    /// The search for AWS credentials.
    pub credentials: Collected<Result<FoundCredentials, SearchFailed>>,
    /// A connection to STS. Not attempted through a proxy.
    pub sts_connection: Collected<ConnectionAttempt>,
    /// The identity of the credentials, from STS.
    pub caller: Collected<Result<Caller, StsProblem>>,
    /// The cluster, from EKS.
    pub described: Collected<Result<ClusterDescription, DescribeFailure>>,
    /// The access entries of the subject, from EKS.
    pub access_entries: Collected<Result<AccessEntries, String>>,
    /// The token under test.
    pub token: Collected<Token>,
    /// The identity behind the token, from STS, called as the authenticator does.
    pub verified: Collected<Result<VerifiedCaller, StsProblem>>,
    /// The IP addresses of the API server's host.
    pub addresses: Collected<Result<Vec<String>, Problem>>,
    /// Connection attempts to these addresses.
    pub connections: Collected<Vec<ConnectionAttempt>>,
    /// The status of an anonymous GET of /livez.
    pub livez: Collected<Result<String, LivenessFailure>>,
    /// The proxy for requests to AWS, if there is one.
    pub aws_proxy: Collected<ProxyProbe>,
    /// The proxy for requests to the API server, if there is one.
    pub proxy: Collected<ProxyProbe>,
    /// The API server's response to the token.
    pub signed_in: Collected<SignedIn>,
    pub aws_auth: Collected<Result<AwsAuth, Problem>>,
    /// Responses of the API server about permissions.
    pub answers: Collected<Vec<PermissionAnswer>>,
    /// The RBAC bindings and roles.
    pub policy: Collected<Policy>,
    /// The user's failing command.
    pub command: Collected<CommandRun>,
    /// Node groups and Fargate profiles, from EKS.
    pub eks_nodes: Collected<EksNodes>,
    /// Karpenter's node classes.
    pub node_classes: Collected<Result<Vec<NodeClass>, String>>,
    /// The cluster's nodes.
    pub nodes: Collected<Result<Vec<Node>, String>>,
}

impl Evidence {
    /// Returns the selected entries of the kubeconfig, if they are usable.
    pub(super) fn entry(&self) -> Result<&Entry, Skipped> {
        let entry = self.kubeconfig.seen()?.as_ref();
        entry.map_err(|_| Skipped::needs("a kubeconfig (K1)"))
    }

    /// Returns the identity to diagnose: the requested ARN, else the identity of the token, else the identity of the
    /// credentials. The credentials do not concern a static token, unless it replaces the plugin that uses them.
    pub fn subject(&self) -> Option<Subject<'_>> {
        if let Some(arn) = &self.request.arn {
            let mut subject = Subject::of(arn, None)?;
            // IAM shows a role's path; STS, whose ARN is compared, does not.
            if let Normalized::PathDropped { arn, .. } = normalize(&subject.canonical.arn) {
                subject.canonical.arn = arn;
            }
            return Some(subject);
        }
        if let Some(Ok(verified)) = self.verified.known() {
            return Subject::of(&verified.arn, Some(&verified.session_name));
        }
        let token = self.token.known();
        let is_static = token.is_some_and(|token| token.signer == Signer::Kubeconfig);
        let replaces_plugin = self.entry().is_ok_and(|entry| match entry.user {
            User::Token {
                overrides_plugin, ..
            } => overrides_plugin,
            _ => false,
        });
        match self.caller.known() {
            Some(Ok(caller)) if !is_static || replaces_plugin => Subject::of(&caller.arn, None),
            _ if is_static && !replaces_plugin => None,
            _ => Subject::of(self.expected_role()?, None),
        }
    }

    /// Returns the role that the credentials should become, if AWS rejects them: the one that cannot be assumed, or that of
    /// the profile that the kubeconfig selects.
    fn expected_role(&self) -> Option<&str> {
        let keys = match self.credentials.known()? {
            Ok(keys) => keys,
            Err(none) => return none.intended.as_deref().or(none.role.as_deref()),
        };
        let is_rejected =
            matches!(self.caller.known(), Some(Err(problem)) if problem.code.is_some());
        let (profile, _) = self
            .entry()
            .ok()?
            .selects_profile()
            .filter(|_| is_rejected)?;
        let mut roles = keys.role_profiles.iter();
        let (_, role) = roles.find(|(name, _)| name == profile)?;
        Some(role)
    }

    /// Returns whether the identity is known only as the one that the credentials should become.
    pub(super) fn is_expected(&self) -> bool {
        self.request.arn.is_none()
            && !matches!(self.verified.known(), Some(Ok(_)))
            && !matches!(self.caller.known(), Some(Ok(_)))
            && !self.is_signed_in()
    }

    /// Returns how far this machine's clock is ahead of AWS, if AWS answered.
    pub(super) fn clock_ahead(&self) -> Option<SignedDuration> {
        let of_keys = match self.credentials.known() {
            Some(Err(none)) => none.clock_ahead,
            _ => None,
        };
        let of_caller = match self.caller.known() {
            Some(Err(problem)) => problem.clock_ahead,
            _ => None,
        };
        of_keys
            .or(of_caller)
            .or_else(|| match self.verified.known()? {
                Ok(verified) => verified.clock_ahead,
                Err(problem) => problem.clock_ahead,
            })
    }

    /// Returns how aws-auth maps the subject.
    pub(super) fn explanation(&self) -> Result<Explained<'_>, Skipped> {
        let read = self.aws_auth.seen()?.as_ref();
        let aws_auth = read.map_err(|_| Skipped::needs("aws-auth (M4)"))?;
        let unknown = || Skipped::needs("the token's identity (T5)");
        let subject = self.subject().ok_or_else(unknown)?;
        let document = Document::read(&aws_auth.snapshot.data);
        let entries = self.access_entries.known();
        let question = Question {
            arn: subject.arn,
            session_name: subject.session_name,
            access_entries: entries.and_then(|entries| entries.as_ref().ok()),
            ..Question::default()
        };
        let explanation = explain(&document, &question).map_err(|_| unknown())?;
        Ok(Explained {
            aws_auth,
            document,
            explanation,
        })
    }

    /// Returns the Kubernetes user of the subject, from the sign-in or else from aws-auth.
    pub fn user(&self) -> Option<authenticator::User> {
        if let Some(SignedIn::In { username, groups }) = self.signed_in.known() {
            return Some(authenticator::User {
                username: username.clone(),
                groups: groups.clone(),
            });
        }
        let explained = self.explanation().ok()?;
        let (user, _) = explained.explanation.users().next()?;
        Some(user.clone())
    }

    /// Returns whether the API server takes the request for one without credentials.
    /// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests>
    pub(super) fn is_anonymous(&self) -> bool {
        match self.signed_in.known() {
            Some(SignedIn::Forbidden(message)) => message.contains("system:anonymous"),
            _ => false,
        }
    }

    /// Returns whether the token itself is wrong, so that a rejection says nothing about the mapping of its identity: it is made
    /// for another cluster, cannot be read, or STS does not accept it.
    pub(super) fn has_wrong_token(&self) -> bool {
        let is_for_another = self.entry().is_ok_and(|entry| {
            let names = entry.plugin_named.as_ref().zip(entry.named.as_ref());
            names.is_some_and(|(plugin, own)| plugin != own)
        });
        let is_unreadable = self.token.known().is_some_and(|token| token.read.is_err());
        let is_rejected =
            matches!(self.verified.known(), Some(Err(problem)) if problem.code.is_some());
        is_for_another || is_unreadable || is_rejected
    }

    /// Returns whether the Kubernetes user is the one that the identity will be after the credentials or the token are corrected.
    pub(super) fn is_future(&self) -> bool {
        let is_rejected = matches!(self.signed_in.known(), Some(answer) if !matches!(answer, SignedIn::In { .. }));
        self.is_expected() || (self.request.arn.is_none() && is_rejected && self.has_wrong_token())
    }

    /// Returns whether the API server accepted the token.
    pub(super) fn is_signed_in(&self) -> bool {
        matches!(self.signed_in.known(), Some(SignedIn::In { .. }))
    }
}

/// aws-auth, and how it maps the subject.
pub(super) struct Explained<'a> {
    pub(super) aws_auth: &'a AwsAuth,
    pub(super) document: Document,
    pub(super) explanation: Explanation,
}

/// An AWS identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The ARN as STS reports it.
    pub arn: &'a str,
    /// The form that is compared with entries.
    pub canonical: Canonical,
    /// The session name of an assumed role.
    pub session_name: Option<&'a str>,
}

impl<'a> Subject<'a> {
    fn of(arn: &'a str, session_name: Option<&'a str>) -> Option<Self> {
        Some(Self {
            arn,
            canonical: canonical(arn).ok()?,
            session_name,
        })
    }
}
