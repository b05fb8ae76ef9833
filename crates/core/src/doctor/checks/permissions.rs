//! B1 and B2: what RBAC allows.

pub(super) mod bindings;
pub(super) mod requested_permissions;
mod similar_subject;
