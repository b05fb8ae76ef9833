//! IAM and STS ARNs as the authenticator reads and compares them.

mod canonical;
mod case_folding;
mod go_quote;
mod identity;
mod normalization;
mod parts;

pub use canonical::{ArnError, Canonical, Kind, canonical};
pub use case_folding::{equal_fold, fold, to_lower};
pub use go_quote::quote;
pub use identity::{Identity, IdentityError};
pub use normalization::{Normalized, comparable, is_same_principal, normalize};
pub use parts::{Parts, can_match};
