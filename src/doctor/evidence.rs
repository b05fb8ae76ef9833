//! What was looked at, as plain data: no secret, no client, and nothing judged yet.

mod aws;
mod cluster;
mod kubeconfig;
mod nodes;

use jiff::{SignedDuration, Timestamp};

pub use aws::{Caller, Described, Half, Keys, NoKeys, NotDescribed, Place, StsTrouble};
pub use cluster::{Answered, AwsAuth, Played, Reached, SignedIn, Signer, Token, Unreached};
pub use kubeconfig::{Entry, Exec, Plugin, User};
pub use nodes::{Node, NodesAtEks};

use super::Skipped;
use crate::arn::{Canonical, canonical};
use crate::document::Document;
use crate::effect::{self, AccessEntries, Explanation, Question, explain};
use crate::facts::fleet::NodeClass;
use crate::rbac::Policy;

/// What a probe saw.
#[derive(Clone, Debug)]
pub enum Probed<T> {
    /// It was not sent out, for want of this.
    NotAsked(String),
    /// It was not back within this time.
    TooLate(SignedDuration),
    /// It came back.
    Seen(T),
}

impl<T> Default for Probed<T> {
    fn default() -> Self {
        Self::NotAsked(String::new())
    }
}

impl<T> Probed<T> {
    /// What it saw.
    ///
    /// # Errors
    /// When it did not come back; then the rung has nothing to judge.
    pub fn seen(&self) -> Result<&T, Skipped> {
        match self {
            Self::NotAsked(needs) => Err(Skipped::needs(needs)),
            Self::TooLate(limit) => Err(Skipped::needs(format!(
                "more time: no answer within {} s",
                limit.as_secs()
            ))),
            Self::Seen(seen) => Ok(seen),
        }
    }

    /// What it saw, if it came back.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Seen(seen) => Some(seen),
            _ => None,
        }
    }

    /// The same, for whoever needs nothing else of it.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Seen(seen) => Some(seen),
            _ => None,
        }
    }

    /// How long it was waited for in vain.
    pub fn late(&self) -> Option<SignedDuration> {
        match self {
            Self::TooLate(limit) => Some(*limit),
            _ => None,
        }
    }
}

/// Something that went wrong, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What, in one sentence without a full stop.
    pub cause: String,
    /// What to do about it.
    pub next: String,
}

/// What the user wants to know.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The diagnosis is for whoever has this ARN, and not for who asks.
    pub arn: Option<String>,
    /// The role or user that one means to be.
    pub identity: Option<String>,
    /// The cluster's name at EKS.
    pub cluster: Option<String>,
}

/// All that was seen.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// When.
    pub now: Timestamp,
    /// What the user wants to know.
    pub wanted: Wanted,
    /// The kubeconfig's entries.
    pub kubeconfig: Probed<Result<Entry, Trouble>>,
    /// A run of its exec plugin.
    pub plugin: Probed<Plugin>,
    /// The search for AWS credentials.
    pub keys: Probed<Result<Keys, NoKeys>>,
    /// STS on whose they are.
    pub caller: Probed<Result<Caller, StsTrouble>>,
    /// EKS on the cluster.
    pub described: Probed<Result<Described, NotDescribed>>,
    /// EKS on the access entry of the subject.
    pub access_entries: Probed<Result<AccessEntries, String>>,
    /// The token that is tried.
    pub token: Probed<Token>,
    /// STS on the token, asked as the authenticator asks.
    pub played: Probed<Result<Played, StsTrouble>>,
    /// The addresses of the API server's host.
    pub addresses: Probed<Result<Vec<String>, Trouble>>,
    /// Connections to them.
    pub reached: Probed<Vec<Reached>>,
    /// The status of an anonymous GET of /livez.
    pub alive: Probed<Result<String, Trouble>>,
    /// What the API server makes of the token.
    pub signed_in: Probed<SignedIn>,
    /// aws-auth.
    pub aws_auth: Probed<Result<AwsAuth, Trouble>>,
    /// What the holder may do.
    pub answers: Probed<Vec<Answered>>,
    /// The bindings that reach them.
    pub policy: Probed<Policy>,
    /// EKS on the cluster's nodes.
    pub nodes_at_eks: Probed<NodesAtEks>,
    /// Karpenter's node classes.
    pub node_classes: Probed<Result<Vec<NodeClass>, String>>,
    /// The nodes that have joined.
    pub nodes: Probed<Result<Vec<Node>, String>>,
}

impl Evidence {
    /// The kubeconfig's entries, if they can be used.
    pub(super) fn entry(&self) -> Result<&Entry, Skipped> {
        let entry = self.kubeconfig.seen()?.as_ref();
        entry.map_err(|_| Skipped::needs("a kubeconfig (K1)"))
    }

    /// Who is at the kubeconfig's door, as far as it is known: whom the diagnosis is for, else whom STS sees behind the token,
    /// else behind the credentials.
    pub fn subject(&self) -> Option<Subject<'_>> {
        if let Some(arn) = &self.wanted.arn {
            return Subject::of(arn, None);
        }
        if let Some(Ok(played)) = self.played.known() {
            return Subject::of(&played.arn, Some(&played.session_name));
        }
        match self.caller.known() {
            Some(Ok(caller)) => Subject::of(&caller.arn, None),
            _ => None,
        }
    }

    /// How far this machine's clock is ahead of AWS's, if AWS was asked.
    pub(super) fn clock_ahead(&self) -> Option<SignedDuration> {
        let of_keys = match self.keys.known() {
            Some(Err(none)) => none.clock_ahead,
            _ => None,
        };
        let of_caller = match self.caller.known() {
            Some(Err(trouble)) => trouble.clock_ahead,
            _ => None,
        };
        of_keys
            .or(of_caller)
            .or_else(|| match self.played.known()? {
                Ok(played) => played.clock_ahead,
                Err(trouble) => trouble.clock_ahead,
            })
    }

    /// What aws-auth makes of the subject.
    pub(super) fn explanation(&self) -> Result<Explained<'_>, Skipped> {
        let read = self.aws_auth.seen()?.as_ref();
        let aws_auth = read.map_err(|_| Skipped::needs("aws-auth (M4)"))?;
        let unknown = || Skipped::needs("to know who it is (T5)");
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

    /// The Kubernetes user that the subject is, or would be.
    pub fn user(&self) -> Option<effect::User> {
        super::remedy::user(self)
    }

    /// Whether the API server has let the token in.
    pub(super) fn is_in(&self) -> bool {
        matches!(self.signed_in.known(), Some(SignedIn::In { .. }))
    }
}

/// aws-auth, and what it makes of the subject.
pub(super) struct Explained<'a> {
    pub(super) aws_auth: &'a AwsAuth,
    pub(super) document: Document,
    pub(super) explanation: Explanation,
}

/// An identity of AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// As STS reports it.
    pub arn: &'a str,
    /// As entries are compared with it.
    pub canonical: Canonical,
    /// The session's name.
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
