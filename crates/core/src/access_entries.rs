//! Changes of access entries: the calls of EKS, what EKS accepts, and the move from aws-auth.

mod change;
mod difference;
mod edit;
pub mod migrate;
mod named_policy;
mod operation;
pub mod rules;
mod store_choice;

pub use change::{EntryChange, changed};
pub use difference::{difference, difference_between};
pub use edit::{EntryEditError, EntryOptions, entry_change};
pub use named_policy::{NamedPolicy, PolicyError, PolicyTextError};
pub use operation::Operation;
pub use store_choice::{Store, StoreChoice, store_for};
