//! IAM and STS ARNs as the authenticator reads and compares them.

mod caller_identity;
mod canonical;
mod case_folding;
mod go_quote;
mod normalize_for_entry;
mod parts;

pub use caller_identity::{Identity, IdentityError};
pub use canonical::{
    ArnError, Canonical, Kind, canonical, comparable, is_same_principal, principal_key,
};
pub(crate) use case_folding::to_lower;
pub use case_folding::{equal_fold, fold};
pub use go_quote::quote;
pub use normalize_for_entry::{Normalized, normalize};
pub use parts::{Parts, can_match};
