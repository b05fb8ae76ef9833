//! Nodes whose role is unknown.

use std::collections::BTreeMap;

use super::role_report::NodeReportInput;
use crate::facts::node_inventory::{JoinedNode, NodeClass, is_settled, profile_name};

/// How many names a line lists.
const MAX_NAMES: usize = 3;

/// Nodes whose role is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRole {
    /// Such as `Auto Scaling group workers`.
    pub nodes: String,
    pub why: String,
}

/// Returns the nodes whose role is unknown.
pub(super) fn unknown_roles(input: &NodeReportInput<'_>) -> Vec<UnknownRole> {
    let mut unknown = Vec::new();
    let mut add = |nodes: String, why: String| unknown.push(UnknownRole { nodes, why });
    let inventory = input.node_inventory;
    let unsettled = |status: &str| {
        (!is_settled(status)).then(|| format!("its status is {status}: EKS maps its role itself"))
    };
    let no_role = || "EKS does not return its role".to_owned();
    for group in inventory.groups.iter().flatten() {
        let why = unsettled(&group.status).or_else(|| group.role.is_none().then(no_role));
        if let Some(why) = why {
            add(format!("node group {}", group.name), why);
        }
    }
    for profile in inventory.profiles.iter().flatten() {
        let why = unsettled(&profile.status).or_else(|| profile.role.is_none().then(no_role));
        if let Some(why) = why {
            add(format!("Fargate profile {}", profile.name), why);
        }
    }
    let of_profile = |profile: &str| of_instance_profile(profile, input);
    let of_class = |class: &NodeClass| match &class.instance_profile {
        Some(profile) => of_profile(profile),
        None => "it names neither a role nor an instance profile".to_owned(),
    };
    let kinds = [
        ("Karpenter's", &inventory.classes),
        ("Auto Mode's", &inventory.auto_classes),
    ];
    for (owner, classes) in kinds {
        for class in classes
            .iter()
            .flatten()
            .filter(|class| class.role.is_none())
        {
            add(
                format!("{owner} node class {}", class.name),
                of_class(class),
            );
        }
    }
    for group in inventory.scaling_groups.iter().flatten() {
        for why in &group.obstacles {
            add(format!("Auto Scaling group {}", group.name), why.clone());
        }
        if group.roles.len() < group.instance_profiles.len() {
            let read = input.principals.map(|all| &all.instance_profiles);
            for profile in &group.instance_profiles {
                let role = read.and_then(|read| read.get(profile_name(profile))?.as_ref());
                if role.is_none() {
                    add(
                        format!("Auto Scaling group {}", group.name),
                        of_profile(profile),
                    );
                }
            }
        }
    }
    let mut instances: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let known = inventory.instances.iter().flatten();
    for instance in known.filter(|instance| instance.role.is_none()) {
        let why = match &instance.instance_profile {
            Some(profile) => of_profile(profile),
            None => "without an instance profile, they cannot sign in".to_owned(),
        };
        instances.entry(why).or_default().push(&instance.id);
    }
    for (why, ids) in instances {
        add(format!("instances {}", names(&ids)), why);
    }
    let mut others: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for node in input.nodes.unwrap_or_default() {
        if let Some(why) = of_node(node, input) {
            let key = format!("{}: {why}", node.source());
            others.entry(key).or_default().push(&node.name);
        }
    }
    for (why, nodes) in others {
        add(format!("nodes {}", names(&nodes)), why);
    }
    unknown
}

/// Returns why the role of a Node is unknown; `None` if another source names it.
fn of_node(node: &JoinedNode, input: &NodeReportInput<'_>) -> Option<String> {
    if node.is_hybrid() {
        return Some("no service of AWS lists the role of a hybrid node".to_owned());
    }
    let inventory = input.node_inventory;
    if node.is_fargate() {
        return inventory
            .profiles
            .is_none()
            .then(|| "the Fargate profiles were not read".to_owned());
    }
    match (node.instance_id(), &inventory.instances) {
        (None, _) => Some(format!("its provider id is {:?}", node.provider_id)),
        (Some(_), None) => Some("the instances were not read".to_owned()),
        (Some(id), Some(all)) => {
            let is_known = all.iter().any(|instance| instance.id == id);
            (!is_known).then(|| format!("EC2 does not return the instance {id}"))
        }
    }
}

/// Returns why the role of an instance profile is unknown.
fn of_instance_profile(profile: &str, input: &NodeReportInput<'_>) -> String {
    let name = profile_name(profile);
    let read = input.principals.map(|all| &all.instance_profiles);
    match read.and_then(|read| read.get(name)) {
        Some(_) => format!("the instance profile {name} does not exist or has no role"),
        None => format!("the instance profile {name} was not read"),
    }
}

fn names(all: &[&str]) -> String {
    let shown = all.iter().take(MAX_NAMES).copied().collect::<Vec<_>>();
    match all.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
