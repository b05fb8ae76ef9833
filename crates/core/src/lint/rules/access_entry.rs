//! The E rules: access entries.

pub(super) mod admin_in_both_stores;
pub(super) mod entry_older_than_principal;
pub(super) mod entry_without_principal;
pub(super) mod entry_without_rights;
pub(super) mod standard_entry_for_nodes;
pub(super) mod unknown_access_policy;
