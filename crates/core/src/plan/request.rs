//! The input of a plan.

use std::sync::Arc;

use super::Stages;
use super::guard_facts::Facts;
use crate::access_entries::EntryChange;
use crate::authenticator::{AccessEntries, User};
use crate::deadline::Deadline;
use crate::document::Principal;
use crate::document::edit::Edit;
use crate::expiry::Expiry;
use crate::history::Contents;
use crate::lint::Rule;
use crate::owners_annotation::Owner;

/// A change that a command or the controller requests, and the facts that the guards need.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub edits: Vec<Edit>,
    /// The owner that requests the edits; without one, nothing is claimed or pruned.
    pub owner: Option<Ownership>,
    /// When the access of these principals of the edits ends. Others keep the time that is recorded for their entry.
    pub expiries: Vec<(Principal, Expiry)>,
    /// The complete new contents of aws-auth, instead of edits.
    pub contents: Option<Contents>,
    /// Whether conditions selected the edits, so that the user did not name each principal.
    pub is_selection: bool,
    /// The principals whose mappings may be created but not changed.
    pub create_only: Vec<Principal>,
    /// The user that every entry to remove must map to; `None` for any user.
    pub expected: Option<ExpectedUser>,
    /// Whether to write principals as given, even those that can match no identity.
    pub as_written: bool,
    /// Whether the plan only shows a change, and is not carried out: no guard checks it.
    pub is_only_shown: bool,
    /// The guards that the user overrides.
    pub allow: Allowed,
    /// The cluster's access entries, which take precedence over aws-auth; `None` if unknown.
    pub access_entries: Option<Arc<AccessEntries>>,
    /// The changes to access entries. They need `access_entries`.
    pub entry_changes: Vec<EntryChange>,
    /// The order of these changes, if some of them were made already; `None` to choose one.
    pub stages: Option<Stages>,
    /// The principals of the entry changes that remove what the user did not name: what an owner no longer requests, or what conditions
    /// selected.
    pub pruned_entries: Vec<String>,
    /// The principals whose access entries are kept although their owner no longer requests them, because they were changed afterwards.
    pub kept_entries: Vec<String>,
    /// What else is known about the cluster and the caller.
    pub facts: Facts,
    /// When to stop. The plan is then incomplete and must be discarded.
    pub deadline: Deadline,
    /// The number of entries above which the plan is incomplete and must be discarded.
    pub max_entries: Option<usize>,
}

/// A Kubernetes user that an entry must map to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedUser {
    /// `None` for any username.
    pub username: Option<String>,
    /// The user may have others, too.
    pub groups: Vec<String>,
}

impl ExpectedUser {
    /// Returns whether this is the expected user.
    pub(crate) fn is_met(&self, user: &User) -> bool {
        let username = self.username.as_ref();
        username.is_none_or(|username| *username == user.username) && user.is_in(&self.groups)
    }
}

/// The refusals of guards that the user overrides explicitly.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Mappings that have no effect.
    pub ignored: bool,
    /// Errors of these lint rules.
    pub rules: Vec<&'static Rule>,
    /// Changes to and removals of the node entries with these ARNs.
    pub node_entries: Vec<String>,
    /// The removal of exactly this many mappings that were not named one by one.
    pub removals: Option<usize>,
    /// Locking out the caller.
    pub self_lockout: bool,
    /// Leaving the cluster without an administrator.
    pub no_admin: bool,
}

/// The owner of a set of mappings, and what it may do.
#[derive(Clone, Debug)]
pub struct Ownership {
    pub owner: Owner,
    /// All principals that it requests.
    pub requested: Vec<Principal>,
    /// Remove the entries that it applied before and no longer requests.
    pub prune: bool,
    /// Take over entries that another owner claims.
    pub take_over: bool,
}
