//! Judges other clients' edits of aws-auth before they are stored. Pure: uses the same [`Plan`](crate::plan::Plan) and guards as
//! awsauth's own writes, and decides which requesters are exempt.

mod answer;
mod exemption;
mod judge;
mod messages;
pub mod probe;
mod protected;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use answer::{Answer, Verdict};
pub use exemption::Passage;
pub use judge::judge;

use crate::authenticator::AccessEntries;
use crate::facts::authentication_mode::AuthenticationMode;
use crate::history::Contents;
use crate::plan::{Admins, Known};
use crate::reconcile::{Admission, Protect};

/// The annotation of aws-auth that allows every edit; its value is the reason.
pub const BREAK_GLASS: &str = "awsauth.dev/break-glass";

/// A request to change aws-auth.
#[derive(Clone, Debug, Default)]
pub struct Review {
    /// The stored object; `None` if there is no aws-auth.
    pub before: Option<Object>,
    /// The requested object; `None` if aws-auth is being deleted, alone or in a collection.
    pub after: Option<Object>,
    /// The requester.
    pub requester: Requester,
    /// The field manager in the request, as set by kubectl, Terraform and awsauth; a deletion has none.
    pub field_manager: Option<String>,
}

/// The parts of aws-auth that are needed to judge an edit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// Its content.
    pub contents: Contents,
    /// The annotation [`BREAK_GLASS`].
    pub break_glass: Option<String>,
    /// Whether it is immutable.
    pub is_immutable: bool,
}

/// The requester, as the API server identifies it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requester {
    /// The username.
    pub username: String,
    /// The groups.
    pub groups: Vec<String>,
    /// The ARN of the AWS identity; `None` if the requester is not an AWS identity.
    pub arn: Option<String>,
    /// The session name.
    pub session_name: Option<String>,
    /// The access key ID.
    pub access_key_id: Option<String>,
}

/// The configuration by which edits are judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The requesters that are never refused.
    pub admission: Admission,
    /// The protected entries. Node entries are always protected.
    pub protect: Protect,
    /// The username of the controller, if known.
    pub controller: Option<String>,
}

/// Known facts about the cluster.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Which sources authenticate to the cluster, if EKS reports them.
    pub mode: Option<AuthenticationMode>,
    /// The cluster's account.
    pub account: Option<String>,
    /// The subjects bound to the ClusterRole `cluster-admin`.
    pub admins: Known<Admins>,
    /// The cluster's access entries; `None` if unknown.
    pub access_entries: Option<Arc<AccessEntries>>,
}
