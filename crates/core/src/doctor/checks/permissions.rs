//! B1 to B3: what RBAC allows, and why the user's command fails.

pub(super) mod bindings;
pub(super) mod failed_user_command;
pub(super) mod requested_permissions;
