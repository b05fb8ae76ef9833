//! Entries held against what IAM says of the cluster's account.

use super::context::{Context, Written};
use super::rules::arn::fault::fault;
use crate::arn::Parts;
use crate::facts::principals::{Named, Principal, Principals};

/// Names of Identity Center's roles begin so.
const SSO: &str = "AWSReservedSSO_";

/// An entry that can match somebody of the cluster's account.
pub(super) struct Known<'c, 'a> {
    pub(super) written: &'c Written<'a>,
    pub(super) parts: Parts<'a>,
    /// Whom IAM has of that name.
    pub(super) named: Named<'a>,
}

/// What IAM says, where it was asked.
pub(super) fn principals<'a>(context: &Context<'a>) -> Option<&'a Principals> {
    context.facts.cluster.as_ref()?.principals.as_ref()
}

/// The entries in force for roles and users of the cluster's account whose ARNs are as they should be.
pub(super) fn known<'c, 'a>(context: &'c Context<'a>) -> impl Iterator<Item = Known<'c, 'a>> {
    let all = principals(context);
    let entries = context.in_force();
    entries.filter_map(move |written| {
        let all = all?;
        let parts = written
            .parts()
            .filter(|parts| parts.account == all.account)?;
        let named = if parts.is("iam", "role") {
            all.roles.named(parts.name)
        } else if parts.is("iam", "user") {
            all.users.named(parts.name)
        } else {
            return None;
        };
        fault(written).is_none().then_some(Known {
            written,
            parts,
            named,
        })
    })
}

/// The permission set that a role of Identity Center is of, where its name is whole: `AWSReservedSSO_SET_0123456789abcdef`.
pub(super) fn permission_set(name: &str) -> Option<&str> {
    let (set, suffix) = sso_name(name)?.rsplit_once('_')?;
    let is_suffix = suffix.len() == 16 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_suffix.then_some(set)
}

/// Whether a role's name begins as those of Identity Center do, and lacks the number that all of those end with.
pub fn lacks_suffix(name: &str) -> bool {
    sso_name(name).is_some() && permission_set(name).is_none()
}

/// The roles that Identity Center has made of a permission set.
pub(super) fn of_permission_set<'a>(all: &'a Principals, set: &str) -> Vec<&'a Principal> {
    let roles = all.roles.found();
    let of_set = |role: &&Principal| {
        permission_set(&role.name).is_some_and(|of| of.eq_ignore_ascii_case(set))
    };
    roles.filter(of_set).collect()
}

/// What follows the beginning that Identity Center's roles have.
pub(super) fn sso_name(name: &str) -> Option<&str> {
    let start = name.get(..SSO.len())?;
    start.eq_ignore_ascii_case(SSO).then(|| &name[SSO.len()..])
}
