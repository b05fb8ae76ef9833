//! Entries compared with the roles and users that IAM reports.

use super::arn_fault::arn_fault;
use super::context::Context;
use super::resolved_entry::ResolvedEntry;
use crate::arn::Parts;
use crate::facts::iam_inventory::{Existence, Principal, Principals};
pub(super) use crate::permission_set::{after_prefix as after_sso_prefix, permission_set};

/// An entry for a role or user of the cluster's account.
pub(super) struct IamEntry<'c, 'a> {
    pub(super) entry: &'c ResolvedEntry<'a>,
    pub(super) arn: Parts<'a>,
    /// What IAM reports for this name.
    pub(super) named: Existence<'a>,
}

/// Returns what IAM reports about the cluster's account, if it is known.
pub(super) fn iam_principals<'a>(context: &Context<'a>) -> Option<&'a Principals> {
    context.facts.cluster.as_ref()?.principals.as_ref()
}

/// Returns the effective entries with a valid ARN of a role or user of the cluster's account.
pub(super) fn iam_entries<'c, 'a>(
    context: &'c Context<'a>,
) -> impl Iterator<Item = IamEntry<'c, 'a>> {
    let all = iam_principals(context);
    context.effective().filter_map(move |entry| {
        let all = all?;
        let arn = entry.arn().filter(|arn| arn.account == all.account)?;
        let named = if arn.is("iam", "role") {
            all.roles.named(arn.name)
        } else if arn.is("iam", "user") {
            all.users.named(arn.name)
        } else {
            return None;
        };
        arn_fault(entry)
            .is_none()
            .then_some(IamEntry { entry, arn, named })
    })
}

/// Returns whether a role's name has Identity Center's prefix but lacks the suffix that all such names have.
pub(crate) fn lacks_sso_suffix(name: &str) -> bool {
    after_sso_prefix(name).is_some() && permission_set(name).is_none()
}

/// Returns the roles that Identity Center created for a permission set.
pub(super) fn permission_set_roles<'a>(all: &'a Principals, set: &str) -> Vec<&'a Principal> {
    let is_of_set = |role: &&Principal| {
        permission_set(&role.name).is_some_and(|other| other.eq_ignore_ascii_case(set))
    };
    all.roles.found().filter(is_of_set).collect()
}
