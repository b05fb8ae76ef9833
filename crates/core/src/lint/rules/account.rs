//! The A rules: accounts.

pub(super) mod account_plus_wide_binding;
pub(super) mod account_unquoted;
pub(super) mod foreign_account;
pub(super) mod malformed_account;
pub(super) mod whole_account_mapped;
