//! Warnings about groups that no binding names.

use std::collections::{BTreeSet, HashSet};

use crate::backend::Backend;
use crate::terminal::{Failure, Out};
use awsauth_core::escape::one_line;
use awsauth_core::plan::Plan;
use awsauth_core::rbac::{bound_groups, is_built_in_group, unbound_group_help};

/// The lists that show every binding.
pub(super) const BINDINGS: [&str; 2] = ["clusterrolebindings", "rolebindings"];

/// How many groups are named in warnings at most.
const MAX_WARNINGS: usize = 20;

/// Warns of groups that the plan gives to an identity and that no binding names. Reads the bindings only if there is such a group
/// that users must bind; skips the check if they cannot be listed.
///
/// # Errors
/// If the user interrupts.
pub(super) fn warn(plan: &Plan, backend: &Backend, out: &mut Out) -> Result<(), Failure> {
    let mut added = BTreeSet::new();
    for change in plan.access() {
        let before: HashSet<&String> = change.before.iter().flat_map(|user| &user.groups).collect();
        let after = change.after.iter().flat_map(|user| &user.groups);
        added.extend(after.filter(|group| !is_built_in_group(group) && !before.contains(group)));
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
    let bound = bound_groups(&policy.bindings);
    let unbound: Vec<&String> = added
        .into_iter()
        .filter(|group| !bound.contains(group.as_str()))
        .collect();
    for group in unbound.iter().take(MAX_WARNINGS) {
        out.note(&warning(group));
        let help = unbound_group_help(group, &policy.bindings, &backend.kubectl());
        out.note(&format!("hint: {}", one_line(&help)));
    }
    if let Some(more) = unbound
        .len()
        .checked_sub(MAX_WARNINGS)
        .filter(|more| *more > 0)
    {
        out.note(&format!(
            "warning: no RoleBinding or ClusterRoleBinding names {more} more groups."
        ));
    }
    Ok(())
}

/// The warning that no binding names the group.
pub(super) fn warning(group: &str) -> String {
    format!(
        "warning: no RoleBinding or ClusterRoleBinding names group {}: it allows nothing.",
        one_line(group)
    )
}
