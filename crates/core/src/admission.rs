//! Validates other clients' edits to aws-auth before they are stored: runs the same [`Plan`](crate::plan::Plan) and guards as for
//! awsauth's own writes, and decides which users are exempt.

mod admission_request;
mod denial;
pub mod enforcement_probe;
mod exemption;
mod messages;
mod protected_entries;
mod result;
#[cfg(test)]
mod tests;
mod validate;

use std::sync::Arc;

pub use crate::deadline::Deadline;
use admission_request::MAX_ITEMS;
pub use admission_request::{AdmissionRequest, Operation};
pub(crate) use admission_request::{MAX_PARTS, is_part};
pub use exemption::Exemption;
pub use result::{ReviewError, ReviewResult, Verdict};
pub use validate::validate;

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
    pub user: RequestUser,
    /// The field manager in the request, as set by kubectl, Terraform and awsauth; a deletion has none.
    pub field_manager: Option<String>,
}

/// The parts of aws-auth that are needed to validate an edit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    pub contents: Contents,
    /// The value of the annotation [`BREAK_GLASS`].
    pub break_glass: Option<String>,
    pub is_immutable: bool,
    /// Whether its sections have more lines and items, or it has more keys, than a review may have.
    pub has_too_many_parts: bool,
}

/// The user who sent the request, as the API server identifies it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestUser {
    pub username: String,
    pub groups: Vec<String>,
    /// The ARN of the AWS identity; `None` if the user is not an AWS identity.
    pub arn: Option<String>,
    pub session_name: Option<String>,
    pub access_key_id: Option<String>,
}

/// The configuration by which edits are validated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The users that are never refused.
    pub admission: Admission,
    /// The protected entries. Node entries are always protected.
    pub protect: Protect,
    /// The controller's username, if known.
    pub controller: Option<String>,
}

/// The facts about the cluster.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The authentication mode, if EKS reports it.
    pub mode: Option<AuthenticationMode>,
    /// The cluster's AWS account.
    pub account: Option<String>,
    /// The subjects bound to the ClusterRole `cluster-admin`.
    pub admins: Known<Admins>,
    /// The cluster's access entries; `None` if unknown.
    pub access_entries: Option<Arc<AccessEntries>>,
}
