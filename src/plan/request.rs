use std::sync::Arc;

use super::facts::Facts;
use crate::document::Principal;
use crate::document::edit::Edit;
use crate::effect::AccessEntries;
use crate::history::Contents;
use crate::lint::Rule;
use crate::owners::Owner;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The edits, in order.
    pub edits: Vec<Edit>,
    /// On whose behalf; without an owner nothing is claimed or pruned.
    pub owner: Option<Ownership>,
    /// Instead of edits: what all of aws-auth is to be, as it was kept once.
    pub kept: Option<Contents>,
    /// Whether principals are to be written as they were given, even those that match nobody.
    pub as_written: bool,
    /// Which guards are lowered.
    pub allow: Allowed,
    /// The cluster's access entries, which are asked before aws-auth; `None` when nobody knows of any.
    pub access_entries: Option<Arc<AccessEntries>>,
    /// What else is known of the cluster and of whoever writes.
    pub facts: Facts,
}

/// What guards would refuse, and somebody allows in so many words.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Mappings that count for nothing.
    pub ignored: bool,
    /// Errors that these rules find.
    pub rules: Vec<&'static Rule>,
    /// Changes and removals of these node entries, by ARN.
    pub node_entries: Vec<String>,
    /// The removal of just so many mappings that nobody named.
    pub removals: Option<usize>,
    /// To lock oneself out.
    pub self_lockout: bool,
    /// To leave nobody who can administer the cluster.
    pub no_admin: bool,
}

/// The owner of a set of mappings, and what it may do.
#[derive(Clone, Debug)]
pub struct Ownership {
    /// Who.
    pub owner: Owner,
    /// Everything that it wants.
    pub wanted: Vec<Principal>,
    /// Remove what it applied before and no longer wants.
    pub prune: bool,
    /// Take entries that another owner claims.
    pub take_over: bool,
}
