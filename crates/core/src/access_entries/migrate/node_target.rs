//! The access entry for nodes.

use super::standard_target::Target;
use super::verdict::Unchecked;
use crate::access_entries::rules::{Violation, validate};
use crate::authenticator::NodeRole;
use crate::document::Mapping;
use crate::facts::access_entries::{AccessEntry, AccessTerms};
use crate::facts::groups::{AUTHENTICATED, OF_NODES, OF_PROXIES};
use crate::facts::node_kinds::NodeKind;

/// Why no access entry fits the nodes.
pub(super) enum NodeProblem {
    /// Nodes of several kinds use the role, and an access entry has one type.
    SeveralKinds(Vec<NodeKind>),
    /// No type has this username.
    Username {
        kind: Option<NodeKind>,
    },
    Refused(Violation),
}

impl NodeProblem {
    /// Returns the reason and what to do instead.
    pub(super) fn words(&self, mapping: &Mapping) -> (String, String) {
        let username = &mapping.username;
        match self {
            Self::SeveralKinds(kinds) => {
                let types: Vec<_> = kinds.iter().map(|kind| kind.access_entry_type()).collect();
                (
                    format!("its nodes need the types {}, and an access entry has one", types.join(" and ")),
                    "give each kind of nodes a role of its own".to_owned(),
                )
            }
            Self::Username { kind: Some(kind) } => (
                format!(
                    "the type {} sets the username {}, and aws-auth has {username}",
                    kind.access_entry_type(),
                    kind.username()
                ),
                match kind.username().contains("EC2") {
                    true => "let the nodes use their private DNS names: turn off InstanceIdNodeName of nodeadm".to_owned(),
                    false => format!("change the username in aws-auth to {}", kind.username()),
                },
            ),
            Self::Username { kind: None } => (
                format!("no type of access entries for nodes sets the username {username}"),
                "map the nodes as EKS does: awsauth map node-role ARN --kind KIND".to_owned(),
            ),
            Self::Refused(violation) => (violation.to_string(), violation.remedy()),
        }
    }
}

/// Returns the access entry for a mapping of nodes. `role` is what is known about the nodes that use the role.
///
/// # Errors
/// If no type gives the nodes their username, or EKS refuses the entry.
pub(super) fn target(
    mapping: &Mapping,
    principal_arn: &str,
    role: Option<&NodeRole<'_>>,
    cluster_arn: Option<&str>,
) -> Result<Target, NodeProblem> {
    let mut changes = Vec::new();
    let mut kinds: Vec<NodeKind> = Vec::new();
    for one in role.iter().flat_map(|role| &role.uses) {
        if !kinds.contains(&one.kind) {
            kinds.push(one.kind);
        }
    }
    let kind = match kinds.as_slice() {
        [] => {
            let kind = kind_of(mapping).ok_or(NodeProblem::Username { kind: None })?;
            if kind == NodeKind::Hybrid {
                changes.push(
                    "EC2 instances with InstanceIdNodeName have the same username as hybrid nodes, and no type of access entries fits them"
                        .to_owned(),
                );
            }
            kind
        }
        [kind] => *kind,
        _ => return Err(NodeProblem::SeveralKinds(kinds)),
    };
    if mapping.username != kind.username() {
        return Err(NodeProblem::Username { kind: Some(kind) });
    }
    let entry = AccessEntry {
        principal_arn: principal_arn.to_owned(),
        terms: Some(AccessTerms {
            kind: kind.access_entry_type().to_owned(),
            policies: Some(Vec::new()),
            ..AccessTerms::default()
        }),
    };
    if let Some(violation) = validate(&entry, cluster_arn).into_iter().next() {
        return Err(NodeProblem::Refused(violation));
    }
    let (other_way, lost) = group_differences(mapping, kind);
    changes.extend(lost);
    Ok(Target {
        entry,
        other_way,
        changes,
        unchecked: match cluster_arn {
            Some(_) => Vec::new(),
            None => vec![Unchecked::NodeAccount],
        },
    })
}

/// Returns the kind of nodes that aws-auth maps in this way; `None` if there is none. Of nodes that are named after their
/// session, only those of Fargate are known by their groups.
fn kind_of(mapping: &Mapping) -> Option<NodeKind> {
    let has = |name: &str| mapping.groups().iter().any(|group| group == name);
    let [fargate, windows] = OF_PROXIES;
    if mapping.username == NodeKind::Linux.username() {
        Some(match has(windows) {
            true => NodeKind::Windows,
            false => NodeKind::Linux,
        })
    } else if mapping.username == NodeKind::Hybrid.username() {
        Some(match has(fargate) {
            true => NodeKind::Fargate,
            false => NodeKind::Hybrid,
        })
    } else {
        None
    }
}

/// Returns how the groups differ: what keeps the permissions of nodes, and what does not.
///
/// EKS gives nodes `system:nodes` but not `system:bootstrappers`, see
/// <https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2896>.
pub(super) fn group_differences(mapping: &Mapping, kind: NodeKind) -> (Vec<String>, Vec<String>) {
    let [bootstrappers, nodes] = OF_NODES;
    let groups = mapping.groups();
    let has = |name: &str| groups.iter().any(|group| group == name);
    let (mut other_way, mut changes) = (Vec::new(), Vec::new());
    if has(bootstrappers) {
        other_way.push(format!(
            "EKS gives nodes the group {nodes} but not {bootstrappers}, which is for kubelets without credentials"
        ));
    }
    let lost: Vec<&str> = groups
        .iter()
        .map(String::as_str)
        .filter(|group| !group.is_empty() && *group != AUTHENTICATED)
        .filter(|group| !kind.groups().contains(group) && *group != bootstrappers)
        .collect();
    if !lost.is_empty() {
        changes.push(format!(
            "the type {} does not give the groups {}",
            kind.access_entry_type(),
            lost.join(", ")
        ));
    }
    let gained: Vec<&str> = kind
        .groups()
        .iter()
        .copied()
        .filter(|group| *group != bootstrappers && !has(group))
        .collect();
    if !gained.is_empty() {
        changes.push(format!(
            "the type {} also gives the groups {}",
            kind.access_entry_type(),
            gained.join(", ")
        ));
    }
    (other_way, changes)
}
