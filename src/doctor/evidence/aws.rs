use jiff::{SignedDuration, Timestamp};

use super::Trouble;
use crate::facts::auth_mode::AuthenticationMode;

/// Credentials that were found. Nothing here is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Where they come from, in words.
    pub source: String,
    /// The same in one word, as `--source` has it where it does.
    pub source_name: &'static str,
    /// The last four characters of the access key id.
    pub key: String,
    /// When they end.
    pub expiration: Option<Timestamp>,
    /// The roles that were assumed.
    pub roles: Vec<String>,
    /// The sources before it, and why each has none.
    pub tried: Vec<String>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// The region.
    pub region: String,
    /// Who says so.
    pub region_from: String,
}

/// Which rung a failed search is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// C1: no source has any.
    Chain,
    /// C2: a profile, or what it names.
    Profile,
    /// C3: a web identity token.
    WebIdentity,
    /// C4: the container endpoint.
    Container,
    /// C5: instance metadata can't be asked.
    Imds,
    /// C6: its answers do not arrive.
    HopLimit,
    /// C7: the instance has no profile.
    NoProfile,
    /// C8: the profile gives no role.
    NoRole,
    /// C9: they have ended.
    Expired,
    /// C10: AWS does not accept them, or can't be asked.
    Caller,
    /// C13: the region.
    Region,
    /// C14: a role can't be assumed.
    AssumeRole,
}

/// No credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoKeys {
    /// Which rung it is of.
    pub place: Place,
    /// The source that should have served.
    pub source: Option<String>,
    /// Why, and what to do.
    pub trouble: Trouble,
    /// The sources that were asked, and why each has none.
    pub tried: Vec<String>,
    /// Where a role can't be assumed: the caller's half and the role's.
    pub halves: Option<Box<[Half; 2]>>,
    /// How far this machine's clock is ahead, if AWS was asked.
    pub clock_ahead: Option<SignedDuration>,
}

/// One half of what lets a role be assumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Half {
    /// What it is.
    pub title: String,
    /// What it says.
    pub because: String,
    /// The statement that it lacks, as JSON.
    pub statement: Option<String>,
    /// Whether it certainly is in the way.
    pub is_missing: bool,
}

/// Who credentials are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// As STS reports it.
    pub arn: String,
    /// The account.
    pub account: String,
}

/// Why STS tells nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsTrouble {
    /// Its word for it; `None` when it was not reached.
    pub code: Option<String>,
    /// In words.
    pub trouble: Trouble,
    /// How far this machine's clock is ahead.
    pub clock_ahead: Option<SignedDuration>,
}

/// What EKS says of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its API server.
    pub endpoint: String,
    /// Whether the kubeconfig trusts the same authority; `None` when that can't be told.
    pub same_authority: Option<bool>,
    /// Who is asked.
    pub mode: Option<AuthenticationMode>,
    /// Versions.
    pub version: String,
    /// Whether the authenticator's log is kept.
    pub logs_authenticator: bool,
}

/// Why EKS says nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotDescribed {
    /// There is none of this name.
    NoSuchCluster(Trouble),
    /// It can't be signed in to.
    NotReady(Trouble),
    /// The caller may not ask, or EKS can't be asked.
    Unknown(String),
}
