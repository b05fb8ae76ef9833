//! The principals that can sign in, from both stores.

use super::{PrincipalAccess, PrincipalKind, Right, Source, rights};
use crate::arn::{Parts, can_match};
use crate::authenticator::{
    AccessEntries, EntryState, OWN_ARN, Placeholder, Slot, Store, User, is_node, template,
};
use crate::document::{Document, Principal};
use crate::facts::access_entries::{AccessEntry, AccessTerms};
use crate::facts::iam_principals::{Existence, Principals};
use crate::lint::Facts;
use crate::rbac::{Policy, UserInfo};

/// The prefix of the names of roles that IAM Identity Center creates:
/// <https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>
const PERMISSION_SET: &str = "AWSReservedSSO_";

/// Returns the access of every principal that an entry in effect maps.
pub(super) fn all(document: &Document, facts: &Facts) -> Vec<PrincipalAccess> {
    let policy = facts.rbac.as_ref();
    let entries = facts.access_entries.as_deref();
    let store = Store::new(document);
    let mapped = store
        .slots()
        .iter()
        .filter(|slot| is_in_force(slot, entries));
    let mapped = mapped.map(|slot| of_mapping(slot, policy));
    let all = entries.and_then(AccessEntries::all).unwrap_or_default();
    let principals = facts.cluster.as_ref();
    let principals = principals.and_then(|cluster| cluster.principals.as_ref());
    let of_entry = |entry: &AccessEntry| of_access_entry(entry, policy, principals);
    mapped.chain(all.iter().map(of_entry)).collect()
}

fn is_in_force(slot: &Slot<'_>, entries: Option<&AccessEntries>) -> bool {
    let principal = &slot.mapping.principal;
    let matches = match principal {
        Principal::Role(arn) | Principal::User(arn) => can_match(arn),
        Principal::Account(_) => true,
        // The authenticator of EKS ignores these: its feature gate SSORoleMatch is off.
        Principal::Sso(_) => false,
    };
    let is_overridden =
        entries.is_some_and(|entries| entries.override_for_principal(principal).is_some());
    slot.state == EntryState::Effective && matches && !is_overridden
}

fn of_mapping(slot: &Slot<'_>, policy: Option<&Policy>) -> PrincipalAccess {
    let mapping = slot.mapping;
    let (principal, account, kind) = match &mapping.principal {
        Principal::Account(id) => (id.clone(), Some(id.clone()), PrincipalKind::Account),
        Principal::Role(arn) | Principal::User(arn) => {
            (arn.clone(), account(arn), kind(arn, is_node(mapping)))
        }
        Principal::Sso(sso) => (
            format!("{}@{}", sso.permission_set_name, sso.account_id),
            Some(sso.account_id.clone()),
            PrincipalKind::PermissionSet,
        ),
    };
    let user = match &mapping.principal {
        Principal::Account(_) => User {
            username: OWN_ARN.to_owned(),
            groups: Vec::new(),
        },
        _ => User::from(mapping),
    };
    let rights = rights_of(&user, account.as_deref(), policy);
    PrincipalAccess {
        principal,
        account,
        kind,
        source: Source::AwsAuth {
            section: slot.place.section.key().to_owned(),
            line: slot.place.line,
        },
        username: Some(user.username),
        groups: user.groups,
        level: Default::default(),
        rights,
        is_dead: false,
    }
    .with_level()
}

fn of_access_entry(
    entry: &AccessEntry,
    policy: Option<&Policy>,
    principals: Option<&Principals>,
) -> PrincipalAccess {
    let arn = &entry.principal_arn;
    let account = account(arn);
    let terms = entry.terms.as_ref();
    let user = terms.map(|terms| template(entry, terms));
    let mut rights = match &user {
        Some(user) => rights_of(user, account.as_deref(), policy),
        None => Vec::new(),
    };
    rights.extend(rights::of_policies(
        terms.and_then(|terms| terms.policies.as_deref()),
    ));
    rights.sort_by_key(|right| std::cmp::Reverse(right.level));
    let (username, groups) = match user {
        Some(user) => (Some(user.username), user.groups),
        None => (None, Vec::new()),
    };
    PrincipalAccess {
        principal: arn.clone(),
        kind: kind(arn, terms.is_some_and(AccessTerms::is_for_nodes)),
        account,
        source: Source::AccessEntry {
            kind: terms.map(|terms| terms.kind.clone()),
        },
        username,
        groups,
        level: Default::default(),
        rights,
        is_dead: principals.is_some_and(|principals| is_dead(entry, principals)),
    }
    .with_level()
}

impl PrincipalAccess {
    fn with_level(self) -> Self {
        let certain = self.rights.iter().filter(|right| !right.for_some_sessions);
        let level = certain.map(|right| right.level).max().unwrap_or_default();
        Self { level, ..self }
    }
}

fn rights_of(user: &User, account: Option<&str>, policy: Option<&Policy>) -> Vec<Right> {
    let account = account.unwrap_or_default();
    // The account is a constant of the principal.
    let known = |text: &String| text.replace(Placeholder::AccountId.text(), account);
    let user = User {
        username: known(&user.username),
        groups: user.groups.iter().map(known).collect(),
    };
    let info = UserInfo::new(&user, &Placeholder::ALL);
    rights::of_user(&info, account, policy)
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

fn account(arn: &str) -> Option<String> {
    Some(Parts::of(arn)?.account.to_owned())
}

fn kind(arn: &str, is_node: bool) -> PrincipalKind {
    match Parts::of(arn) {
        _ if is_node => PrincipalKind::Node,
        Some(parts) if parts.is("iam", "user") => PrincipalKind::User,
        Some(parts)
            if parts
                .name
                .get(..PERMISSION_SET.len())
                .is_some_and(|prefix| prefix.eq_ignore_ascii_case(PERMISSION_SET)) =>
        {
            PrincipalKind::PermissionSet
        }
        _ => PrincipalKind::Role,
    }
}
