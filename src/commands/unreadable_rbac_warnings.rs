//! Notes about RBAC objects that could not be read.

use crate::backend::Backend;
use crate::terminal::Out;
use awsauth_core::rbac::{Policy, Unread};

/// The maximum number of warnings.
const WARNINGS: usize = 3;

/// Prints which RBAC objects could not be read, and the permission that is missing.
pub(super) fn print_unread(policy: &Policy, backend: &Backend, out: &mut Out) {
    for unread in policy.unread.iter().take(WARNINGS) {
        let Unread { resource, why, .. } = unread;
        out.note(&format!(
            "warning: cannot read {resource} of {backend}: {why}"
        ));
    }
    let left = policy.unread.len().saturating_sub(WARNINGS);
    if left > 0 {
        out.note(&format!("warning: and {left} more cannot be read"));
    }
    let mut permissions = policy.unread.iter();
    let permission = permissions.find_map(|unread| unread.permission.as_deref());
    if let Some(permission) = permission {
        let kubectl = backend.kubectl_as_user();
        out.note(&format!(
            "hint: check whether you have the permission: {kubectl} auth can-i {permission}; if not, ask an administrator for it"
        ));
    }
}
