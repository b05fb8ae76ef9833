//! IAM and STS ARNs as the authenticator reads and compares them.

mod canonical;
mod fold;
mod identity;
mod mend;
mod parts;
mod quote;

pub use canonical::{ArnError, Canonical, Kind, canonical};
pub use fold::{equal_fold, fold, to_lower};
pub use identity::{Identity, IdentityError};
pub use mend::{Mended, mend};
pub use parts::{Parts, can_match};
pub(crate) use quote::quote;
