//! Warnings about groups that no binding names.

use std::collections::BTreeSet;

use crate::backend::Backend;
use crate::terminal::{Failure, Out};
use awsauth_core::authenticator::User;
use awsauth_core::escape::one_line;
use awsauth_core::plan::Plan;
use awsauth_core::rbac::{is_built_in_group, unbound_group_help};

/// The lists that show every binding.
pub(super) const BINDINGS: [&str; 2] = ["clusterrolebindings", "rolebindings"];

/// Warns of groups that the plan gives to an identity and that no binding names. Reads the bindings only if there is such a group
/// that users must bind; skips the check if they cannot be listed.
///
/// # Errors
/// If the user interrupts.
pub(super) fn warn(plan: &Plan, backend: &Backend, out: &mut Out) -> Result<(), Failure> {
    let mut added = BTreeSet::new();
    for change in plan.access() {
        let had = |group: &&String| {
            let mut before = change.before.iter();
            before.any(|user: &User| user.groups.contains(group))
        };
        let groups = change.after.iter().flat_map(|user| &user.groups);
        added.extend(groups.filter(|group| !is_built_in_group(group) && !had(group)));
    }
    if added.is_empty() {
        return Ok(());
    }
    let Some(policy) = backend.bindings(out)? else {
        return Ok(());
    };
    if policy.lacks(&BINDINGS).is_some() {
        return Ok(());
    }
    for group in added {
        if !policy
            .bindings
            .iter()
            .any(|binding| binding.names_group(group))
        {
            out.note(&unbound(group));
            let help = unbound_group_help(group, &policy.bindings, &backend.kubectl());
            out.note(&format!("hint: {}", one_line(&help)));
        }
    }
    Ok(())
}

/// The warning that no binding names the group.
pub(super) fn unbound(group: &str) -> String {
    format!(
        "warning: no RoleBinding or ClusterRoleBinding names group {}: it allows nothing.",
        one_line(group)
    )
}
