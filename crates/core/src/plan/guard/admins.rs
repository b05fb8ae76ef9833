//! Administrators: the users who can do everything in the cluster.

use super::super::guard_facts::{Admins, Known};
use super::caller_access::{CallerAccess, CallerUser};
use super::{Case, State};
use crate::arn::{Parts, can_match};
use crate::authenticator::{Placeholder, User, is_node};
use crate::facts::access_entries::{AccessPolicy, CLUSTER_ADMIN};
use crate::facts::groups::MASTERS;
use crate::lint;

/// Returns which group or username makes the user an administrator, as far as the bindings are known; a phrase.
pub fn reason(user: &User, admins: &Known<Admins>) -> Option<String> {
    if user.groups.iter().any(|group| group == MASTERS) {
        return Some(format!("by group {MASTERS}"));
    }
    let Known::Is(admins) = admins else {
        return None;
    };
    let mut groups = user.groups.iter();
    match groups.find(|group| admins.groups.contains(*group)) {
        Some(group) => Some(format!("by group {group}, which is bound to cluster-admin")),
        None => admins.users.contains(&user.username).then(|| {
            format!(
                "by username {}, which is bound to cluster-admin",
                user.username
            )
        }),
    }
}

/// Returns which access policy makes a principal an administrator; a phrase.
pub(super) fn policy_reason(policies: &[AccessPolicy]) -> Option<String> {
    let mut policies = policies.iter();
    let is_admin = policies.any(AccessPolicy::is_cluster_admin);
    is_admin.then(|| format!("by access policy {CLUSTER_ADMIN}"))
}

/// Returns the ARNs that aws-auth makes administrators.
pub(super) fn arns<'d>(state: &State<'d>, case: &Case<'_>) -> impl Iterator<Item = &'d str> {
    let entries = state.entries;
    let admins = &case.request.facts.admins;
    state
        .store
        .in_force()
        .filter(|(_, slot)| reason(&User::from(slot.mapping), admins).is_some())
        .filter(|(_, slot)| !is_node(slot.mapping) && !is_for_instances(&User::from(slot.mapping)))
        .filter(|(arn, _)| can_match(arn) && !lacks_sso_suffix(arn))
        .filter(move |(arn, _)| entries.is_none_or(|entries| entries.override_for(arn).is_none()))
        .map(|(arn, _)| arn)
}

/// Returns whether only EC2 instances can sign in as this user: its name contains the instance's DNS name.
fn is_for_instances(user: &User) -> bool {
    let name = Placeholder::Ec2PrivateDnsName.text();
    user.username.contains(name) || user.groups.iter().any(|group| group.contains(name))
}

/// Returns whether it is the ARN of an Identity Center role without the suffix that every such role has: no such role exists.
fn lacks_sso_suffix(arn: &str) -> bool {
    Parts::of(arn)
        .is_some_and(|parts| parts.is("iam", "role") && lint::lacks_sso_suffix(parts.name))
}

/// Returns whether the caller is an administrator after the plan, independently of aws-auth.
pub(super) fn has_caller(case: &Case<'_>, access: &CallerAccess) -> bool {
    let facts = &case.request.facts;
    match (access, &facts.caller) {
        (CallerAccess::Otherwise, Known::Is(caller)) => {
            reason(&caller.user, &facts.admins).is_some()
        }
        (CallerAccess::Mapped { after, .. }, _) => after
            .iter()
            .any(|user| user.is_by_entry && is_admin(user, &facts.admins)),
        _ => false,
    }
}

/// Returns whether the caller becomes an administrator.
pub(super) fn is_admin(user: &CallerUser, admins: &Known<Admins>) -> bool {
    reason(&user.user, admins).is_some() || policy_reason(&user.policies).is_some()
}
