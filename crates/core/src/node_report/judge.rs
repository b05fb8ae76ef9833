//! Decides whether the nodes of a role can join.

use super::role_report::RoleReport;
use super::state::State;
use crate::arn::is_same_principal;
use crate::authenticator::{AccessEntries, EntryState, NodeRole, Place, Store};
use crate::document::{Mapping, Principal};
use crate::facts::access_entries::{AUTO_MODE, AUTO_NODE, AccessEntry, AccessTerms};
use crate::facts::iam_inventory::Existence;
use crate::facts::node_kinds::NodeKind;

/// Decides whether the nodes of a role can join. `joined` are the names of the Nodes with this role.
pub(super) fn judge(
    report: &RoleReport<'_>,
    iam: Existence<'_>,
    joined: &[&str],
    store: &Store<'_>,
    access_entries: Option<&AccessEntries>,
) -> State {
    if iam == Existence::Absent {
        return State::NoSuchRole;
    }
    if let Some(entry) = report.access_entry {
        return of_access_entry(entry, &report.role, iam);
    }
    if access_entries.is_some_and(|entries| entries.all().is_none()) {
        return State::Unknown {
            why: "the access entries could not be read",
        };
    }
    let uses_aws_auth = access_entries.is_none_or(AccessEntries::uses_aws_auth);
    match report.aws_auth.filter(|_| uses_aws_auth) {
        Some((_, mapping)) if !report.role.has(NodeKind::AutoMode) => {
            let differences = differences(mapping, &report.role, joined);
            match differences.is_empty() {
                true => State::Mapped,
                false => State::WrongTerms { differences },
            }
        }
        _ if access_entries.is_none() => State::Unknown {
            why: "aws-auth does not map the role; an access entry may",
        },
        _ => State::Missing {
            without_effect: without_effect(report, store, uses_aws_auth),
        },
    }
}

fn of_access_entry(entry: &AccessEntry, role: &NodeRole<'_>, iam: Existence<'_>) -> State {
    let Some(terms) = &entry.terms else {
        return State::Unknown {
            why: "EKS did not return the contents of the access entry",
        };
    };
    if let Existence::Exists(principal) = iam
        && entry.is_older_than(principal)
    {
        return State::DeadEntry;
    }
    let needed = needed_types(role);
    match needed.as_slice() {
        [_, _, ..] => State::SeveralTypes { needed },
        [needed] if !fits(&terms.kind, needed, role) => State::WrongType {
            found: terms.kind.clone(),
            needed,
        },
        _ if terms.kind == AUTO_MODE && terms.policies.is_none() => State::Unknown {
            why: "the access policies of the access entry could not be read",
        },
        _ if lacks_policy(terms) => State::MissingPolicy,
        _ => State::Mapped,
    }
}

/// Returns the types of access entries that the nodes of a role need. Nodes that may run Windows need that of Linux only if
/// no other use needs that of Windows.
pub(super) fn needed_types(role: &NodeRole<'_>) -> Vec<&'static str> {
    let mut types = Vec::new();
    let known = role.uses.iter().filter(|one| !one.may_be_windows);
    for one in known {
        let kind = one.kind.access_entry_type();
        if !types.contains(&kind) {
            types.push(kind);
        }
    }
    if types.is_empty() {
        types.push(NodeKind::Linux.access_entry_type());
    }
    types
}

fn fits(found: &str, needed: &str, role: &NodeRole<'_>) -> bool {
    let may_be_windows = role.uses.iter().all(|one| one.may_be_windows);
    found == needed || (may_be_windows && found == NodeKind::Windows.access_entry_type())
}

fn lacks_policy(terms: &AccessTerms) -> bool {
    let policies = terms.policies.as_ref();
    terms.kind == AUTO_MODE
        && policies.is_some_and(|all| all.iter().all(|policy| policy.name() != AUTO_NODE))
}

/// Returns what nodes of the role lack by this entry of aws-auth.
fn differences(mapping: &Mapping, role: &NodeRole<'_>, joined: &[&str]) -> Vec<String> {
    let mut differences = Vec::new();
    // With InstanceIdNodeName of nodeadm, an instance is named after its session, which has the instance's id:
    // https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/
    let has_id_names = joined.iter().any(|name| name.starts_with("i-"));
    let mut usernames: Vec<&str> = role.uses.iter().map(|one| one.kind.username()).collect();
    usernames.dedup();
    for username in usernames {
        let by_session = NodeKind::Fargate.username();
        if mapping.username != username && !(has_id_names && mapping.username == by_session) {
            let line = format!("the username is {:?}, not {username}", mapping.username);
            if !differences.contains(&line) {
                differences.push(line);
            }
        }
    }
    let groups = role.uses.iter().flat_map(|one| one.kind.groups());
    for group in groups {
        let line = format!("the group {group} is missing");
        if !mapping.groups().iter().any(|own| own == group) && !differences.contains(&line) {
            differences.push(line);
        }
    }
    differences
}

/// Finds an entry of aws-auth that names the role but does not map it.
fn without_effect(
    report: &RoleReport<'_>,
    store: &Store<'_>,
    uses_aws_auth: bool,
) -> Option<(Place, String)> {
    if !uses_aws_auth {
        let (place, _) = report.aws_auth?;
        let why = "in authentication mode API, the cluster ignores aws-auth";
        return Some((place, why.to_owned()));
    }
    if let Some((place, _)) = report.aws_auth {
        let why = "aws-auth cannot map the nodes of Auto Mode";
        return Some((place, why.to_owned()));
    }
    let slot = store
        .slots()
        .iter()
        .find(|slot| match &slot.mapping.principal {
            Principal::Role(arn) | Principal::User(arn) => is_same_principal(arn, report.role.arn),
            Principal::Account(_) | Principal::Sso(_) => false,
        })?;
    let why = match slot.state {
        EntryState::Ignored { reason } => format!("the authenticator ignores it: {reason}"),
        EntryState::Shadowed { .. } => "another entry replaces it".to_owned(),
        EntryState::Effective => {
            "STS reports roles without their IAM path, so it never matches".to_owned()
        }
    };
    Some((slot.place, why))
}
