//! What the plan of a migration depends on.

use crate::authenticator::AccessEntries;
use crate::document::Document;
use crate::facts::iam_inventory::Principals;
use crate::facts::node_inventory::NodeInventory;

/// The group that replaces `system:masters` by default.
const ADMIN_GROUP: &str = "awsauth:cluster-admins";

/// The state to migrate, as far as it is known, and the user's choices.
#[derive(Clone, Copy, Debug)]
pub struct MigrationInput<'d, 'f> {
    pub document: &'d Document,
    /// The access entries with the authentication mode; `None` if the mode is unknown.
    pub access_entries: Option<&'f AccessEntries>,
    pub cluster: Option<ClusterFacts<'f>>,
    /// The node roles; `None` if they could not be read.
    pub node_inventory: Option<&'f NodeInventory>,
    /// The roles and users of one account; `None` if IAM returned nothing.
    pub principals: Option<&'f Principals>,
    /// The ARN that the caller signs in with; `None` if unknown.
    pub caller: Option<&'f str>,
    pub choices: &'f Choices,
}

/// A cluster as EKS describes it.
#[derive(Clone, Copy, Debug)]
pub struct ClusterFacts<'a> {
    pub arn: &'a str,
    /// Such as `1.36`.
    pub version: Option<&'a str>,
    /// Such as `eks.7`.
    pub platform_version: Option<&'a str>,
}

/// What the user decides. ARNs name a principal with or without its IAM path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    pub masters: Masters,
    /// The principals whose access may change.
    pub accepted: Vec<String>,
    /// The principals that stay in aws-auth.
    pub skipped: Vec<String>,
    /// The ARNs, with their IAM paths, of roles that IAM does not show.
    pub principals: Vec<String>,
    /// The name of the run, for the tags of what it creates; `None` if nothing is created.
    pub run: Option<String>,
}

/// What replaces `system:masters`, which EKS refuses in access entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Masters {
    /// A group that is bound to the ClusterRole `cluster-admin`. The permissions exist as soon as the access entry does.
    Group(String),
    /// The access policy `AmazonEKSClusterAdminPolicy`, which a second call associates.
    Policy,
}

impl Default for Masters {
    fn default() -> Self {
        Self::Group(ADMIN_GROUP.to_owned())
    }
}
