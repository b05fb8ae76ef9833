//! Checks which users may request a mapping.

use super::config::{Config, Grant};
use super::decide::desired_entry;
use super::mapping_object::{EntryRecord, Spec};
use crate::deadline::Deadline;
use crate::document::{Principal, SectionName, SsoRole};
use crate::facts::partitions::{PARTITIONS, Partition};
use crate::permission_set::role_name;

/// An example of the suffix that Identity Center adds to a role's name.
const EXAMPLE_SUFFIX: &str = "0123456789abcdef";

/// Checks whether a user can create an object with this spec, or change one to it. If no grant names requesters, every user may. A
/// spec that is invalid or that no grant covers is an error as well: a grant that is added later would cover it without a check of its
/// requester. If time is up, the result must be discarded.
///
/// # Errors
/// Why the user may not; a sentence fragment.
pub fn check_requester(
    config: &Config,
    spec: &Spec,
    user: &str,
    user_groups: &[String],
    deadline: &Deadline,
) -> Result<(), String> {
    if !config.has_requesters() {
        return Ok(());
    }
    let entries = match &spec.principal {
        Principal::Sso(sso) => later_entries(sso, spec)?,
        principal => vec![desired_entry::of(principal, spec)?],
    };
    let may_use = |grant: &Grant| {
        let requesters = grant.requesters.as_ref();
        requesters.is_none_or(|requesters| requesters.include(user, user_groups))
    };
    let mut uncovered = None;
    let mut is_covered = false;
    for entry in &entries {
        let covered_by = |includes: &dyn Fn(&Grant) -> bool| {
            let is_account = entry.section == SectionName::Accounts;
            let username = (!is_account).then_some(entry.username.as_str());
            let (groups, policies) = (&entry.groups, &spec.policies);
            config.approve_for(&entry.principal(), username, groups, policies, |grant| {
                !deadline.is_over() && includes(grant)
            })
        };
        match covered_by(&|_| true) {
            Err(why) => drop(uncovered.get_or_insert(why)),
            Ok(_) if covered_by(&may_use).is_ok() => is_covered = true,
            Ok(_) => {
                return Err(format!(
                    "{user} may not request a mapping of {}: no grant that covers it has this user among its requesters; ask an administrator to add the user to the requesters of a grant",
                    entry.describe()
                ));
            }
        }
    }
    uncovered.filter(|_| !is_covered).map_or(Ok(()), Err)
}

/// Returns one entry per partition, because only EKS knows the cluster's partition. `*` in the ARN stands for the suffix of the
/// permission set's role, now and after the role is created again. A grant covers such an entry only if its own ARN pattern has a `*`
/// there.
fn later_entries(sso: &SsoRole, spec: &Spec) -> Result<Vec<EntryRecord>, String> {
    let (set, account) = (&sso.permission_set_name, &sso.account_id);
    let arn =
        |partition: &Partition, name| format!("arn:{}:iam::{account}:role/{name}", partition.id);
    let entry = |partition| {
        let example = Principal::Role(arn(partition, role_name(set, EXAMPLE_SUFFIX)));
        Ok(EntryRecord {
            key: arn(partition, role_name(set, "*")),
            ..desired_entry::of(&example, spec)?
        })
    };
    PARTITIONS.iter().map(entry).collect()
}
