//! Changes to access entries: the EKS calls, what EKS accepts, the move from aws-auth, and the recovery from a lockout.

mod change;
mod difference;
mod edit;
pub mod migrate;
mod named_policy;
mod operation;
pub mod rescue;
pub mod rules;
mod store_choice;
mod tags;

pub use change::{EntryChange, changed, changes_by};
pub use difference::{difference, difference_between};
pub use edit::{EntryEditError, EntryOptions, entry_change, replacing};
pub use named_policy::{NamedPolicy, PolicyError, PolicyTextError};
pub use operation::Operation;
pub use store_choice::{Store, StoreChoice, store_for};
pub use tags::{is_changed, owner, recorded_expiry};
