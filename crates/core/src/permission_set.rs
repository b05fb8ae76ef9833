//! The roles that IAM Identity Center creates for permission sets, one in each account to which a set is assigned.
//!
//! If all assignments of a set in an account are deleted, Identity Center deletes the role. A new assignment creates one with
//! another suffix: <https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>

mod deleted_roles;
mod role_name;
mod role_of_set;

pub(crate) use deleted_roles::account_and_set;
pub use deleted_roles::{deleted_entries, is_deleted_sibling, with_siblings_replaced};
pub use role_name::{PATH_PREFIX, after_prefix, permission_set, role_name};
pub use role_of_set::{RoleError, role_of};
