//! A: accounts.

pub(super) mod account_shape;
pub(super) mod account_unquoted;
pub(super) mod foreign_account;
pub(super) mod whole_account_mapped;

/// Whether this is how STS reports an account.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
