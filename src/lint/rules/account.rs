//! A: accounts.

pub(super) mod account_shape;
pub(super) mod foreign_account;

/// Whether this is how STS reports an account.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
