//! What is said of somebody else's edit of aws-auth before it is stored. Pure: the same [`Plan`](crate::plan::Plan) and guards as
//! for a write of one's own, and who is let through all the same.

mod answer;
mod judge;
mod passage;
pub mod probe;
mod protected;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;

pub use answer::{Answer, Verdict};
pub use judge::judge;
pub use passage::Passage;

use crate::effect::AccessEntries;
use crate::facts::auth_mode::AuthenticationMode;
use crate::history::Contents;
use crate::plan::{Admins, Known};
use crate::reconcile::{Admission, Protect};

/// The annotation of aws-auth that lets every edit through; its value says why.
pub const BREAK_GLASS: &str = "awsauth.dev/break-glass";

/// Who asks for what.
#[derive(Clone, Debug, Default)]
pub struct Review {
    /// What is stored; `None` where there is no aws-auth.
    pub before: Option<Object>,
    /// What is to be stored; `None` where aws-auth is to be deleted, alone or among others.
    pub after: Option<Object>,
    /// Who asks.
    pub requester: Requester,
    /// The field manager that they name, as kubectl, Terraform and awsauth do; a deletion has none.
    pub field_manager: Option<String>,
}

/// An aws-auth, as far as an edit of it is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// What stands in it.
    pub contents: Contents,
    /// The annotation [`BREAK_GLASS`].
    pub break_glass: Option<String>,
    /// Whether nobody can edit it any more.
    pub is_immutable: bool,
}

/// Who asks, as the API server knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requester {
    /// The username.
    pub username: String,
    /// The groups.
    pub groups: Vec<String>,
    /// The ARN that they signed in with; `None` of who is no AWS identity.
    pub arn: Option<String>,
    /// The name of their session.
    pub session_name: Option<String>,
    /// Their access key id.
    pub access_key_id: Option<String>,
}

/// What edits are judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Who is never refused.
    pub admission: Admission,
    /// What stays as it is. Node entries do, whatever this says.
    pub protect: Protect,
    /// The username of the controller itself, where that is known.
    pub controller: Option<String>,
}

/// What is known of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Who answers for the cluster, where EKS says so.
    pub mode: Option<AuthenticationMode>,
    /// The account that the cluster is in.
    pub account: Option<String>,
    /// To whom the ClusterRole `cluster-admin` is bound.
    pub admins: Known<Admins>,
    /// The cluster's access entries; `None` when nobody knows of any.
    pub access_entries: Option<Arc<AccessEntries>>,
}
