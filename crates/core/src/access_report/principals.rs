//! The principals that can sign in, from both stores.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{PrincipalAccess, PrincipalKind, RoleLevels, Source, rights};
use crate::access_entries::recorded_expiry;
use crate::arn::Parts;
use crate::authenticator::{MappedBy, MappedPrincipal, MappedPrincipals, Store, is_node};
use crate::document::{Document, SectionName};
use crate::expiry::RecordedExpiry;
use crate::facts::access_entries::{AccessEntry, AccessTerms};
use crate::facts::iam_inventory::{Existence, Principals};
use crate::lint::Facts;
use crate::permission_set::after_prefix;
use crate::rbac::UserInfo;
use crate::unused_access::{UsageEvidence, usage};

/// Returns the access of every principal that an entry in effect maps.
pub(super) fn all(
    document: &Document,
    facts: &Facts,
    sign_ins: Option<&UsageEvidence>,
) -> Vec<PrincipalAccess> {
    let store = Store::new(document);
    let mapped = MappedPrincipals::of(&store, facts.access_entries.as_deref());
    let cluster = facts.cluster.as_ref();
    let principals = cluster.and_then(|cluster| cluster.principals.as_ref());
    let expiries = facts.owners.expiries(document);
    let roles = facts.rbac.as_ref().map(RoleLevels::of);
    let usages = sign_ins.map(|evidence| usage(&mapped, evidence));
    let access = |(number, one): (usize, &MappedPrincipal<'_>)| {
        let expiry = expiry(one, &expiries);
        PrincipalAccess {
            expires: expiry.map(|expiry| expiry.at.to_string()),
            is_expired: expiry
                .zip(facts.read_at)
                .is_some_and(|(expiry, now)| expiry.has_passed(now)),
            last_use: usages.as_ref().map(|usages| (&usages[number].usage).into()),
            ..access(one, roles.as_ref(), principals)
        }
    };
    mapped.all().iter().enumerate().map(access).collect()
}

fn access(
    mapped: &MappedPrincipal<'_>,
    roles: Option<&RoleLevels<'_>>,
    principals: Option<&Principals>,
) -> PrincipalAccess {
    let account = mapped.account();
    let mut rights = Vec::new();
    if let Some(user) = &mapped.user {
        let user = UserInfo::new(user, &mapped.missing);
        rights = rights::of_user(&user, account, roles);
    }
    let (source, is_for_nodes, is_dead) = match mapped.by {
        MappedBy::AwsAuth(slot) => {
            let source = Source::AwsAuth {
                section: slot.place.section.key().to_owned(),
                line: slot.place.line,
            };
            (source, is_node(slot.mapping), false)
        }
        MappedBy::AccessEntry(entry) => {
            let terms = entry.terms.as_ref();
            let policies = terms.and_then(|terms| terms.policies.as_deref());
            rights.extend(rights::of_policies(policies));
            let source = Source::AccessEntry {
                kind: terms.map(|terms| terms.kind.clone()),
            };
            let is_for_nodes = terms.is_some_and(AccessTerms::is_for_nodes);
            let is_dead = principals.is_some_and(|principals| is_dead(entry, principals));
            (source, is_for_nodes, is_dead)
        }
    };
    rights.sort_by_key(|right| Reverse(right.level));
    let certain = rights.iter().filter(|right| !right.for_some_sessions);
    let level = certain.map(|right| right.level).max().unwrap_or_default();
    let (username, groups) = match &mapped.user {
        Some(user) => (Some(user.username.clone()), user.groups.clone()),
        None => (None, Vec::new()),
    };
    PrincipalAccess {
        principal: mapped.name().to_owned(),
        account: Some(account.to_owned()),
        kind: match mapped.whole_account() {
            Some(_) => PrincipalKind::Account,
            None => kind(mapped.name(), is_for_nodes),
        },
        source,
        username,
        groups,
        level,
        rights,
        expires: None,
        is_expired: false,
        last_use: None,
        is_dead,
    }
}

/// Returns when the entry of a principal expires, unless it was changed after its time was recorded.
fn expiry(
    mapped: &MappedPrincipal<'_>,
    expiries: &HashMap<(SectionName, usize), RecordedExpiry>,
) -> Option<RecordedExpiry> {
    let recorded = match mapped.by {
        MappedBy::AwsAuth(slot) => expiries
            .get(&(slot.place.section, slot.place.line))
            .copied(),
        MappedBy::AccessEntry(entry) => recorded_expiry(entry),
    };
    recorded.filter(|recorded| !recorded.is_changed)
}

fn is_dead(entry: &AccessEntry, principals: &Principals) -> bool {
    let Some(parts) = Parts::of(&entry.principal_arn) else {
        return false;
    };
    let listed = match parts.kind {
        "user" => &principals.users,
        _ => &principals.roles,
    };
    parts.account == principals.account
        && match listed.named(parts.name) {
            Existence::Exists(principal) => entry.is_older_than(principal),
            Existence::Absent => true,
            Existence::Unknown => false,
        }
}

fn kind(arn: &str, is_for_nodes: bool) -> PrincipalKind {
    let Some(parts) = Parts::of(arn) else {
        return PrincipalKind::Role;
    };
    if is_for_nodes {
        PrincipalKind::Node
    } else if parts.is("iam", "user") {
        PrincipalKind::User
    } else if after_prefix(parts.name).is_some() {
        PrincipalKind::PermissionSet
    } else {
        PrincipalKind::Role
    }
}
