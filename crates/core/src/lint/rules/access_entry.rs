//! The E rules: access entries.

pub(super) mod admin_in_both_stores;
pub(super) mod entry_dead;
pub(super) mod entry_orphaned;
pub(super) mod entry_without_rights;
pub(super) mod standard_entry_for_nodes;
pub(super) mod unknown_access_policy;
