//! The IAM roles of a cluster's nodes.

use std::collections::HashMap;
use std::fmt;

use super::access_entries::key;
use crate::arn::fold;
use crate::facts::node_inventory::{NodeInventory, NodeSource, Use};
use crate::facts::node_kinds::NodeKind;

/// The roles that a cluster's nodes sign in with, indexed by ARN.
#[derive(Clone, Debug, Default)]
pub struct NodeRoles<'f> {
    roles: Vec<NodeRole<'f>>,
    /// The indexes of the roles by the case-folded ARN that their nodes sign in with.
    by_arn: HashMap<String, usize>,
}

/// A role that nodes sign in with. Displayed with its uses: `the role of node group ng-1`.
#[derive(Clone, Debug)]
pub struct NodeRole<'f> {
    /// Its ARN, with its IAM path.
    pub arn: &'f str,
    /// All uses of the role, at least one.
    pub uses: Vec<Use<'f>>,
}

impl<'f> NodeRoles<'f> {
    /// Returns the roles of an inventory, in its order.
    pub fn of(node_inventory: &'f NodeInventory) -> Self {
        let mut all = Self::default();
        for one in node_inventory.uses() {
            let next = all.roles.len();
            let number = *all.by_arn.entry(key(one.role)).or_insert(next);
            if number == next {
                all.roles.push(NodeRole {
                    arn: one.role,
                    uses: Vec::new(),
                });
            }
            all.roles[number].uses.push(one);
        }
        all
    }

    /// Returns all roles.
    pub fn all(&self) -> &[NodeRole<'f>] {
        &self.roles
    }

    /// Returns the role whose nodes sign in with this ARN, which has no IAM path.
    pub fn get(&self, arn: &str) -> Option<&NodeRole<'f>> {
        self.roles.get(*self.by_arn.get(&*fold(arn))?)
    }
}

impl<'f> NodeRole<'f> {
    /// Returns whether nodes of this kind sign in with it.
    pub fn has(&self, kind: NodeKind) -> bool {
        self.uses.iter().any(|one| one.kind == kind)
    }

    /// Returns the kind of node whose entry the role needs. If several kinds share it, the one with the most groups.
    pub fn kind(&self) -> NodeKind {
        let kinds = self.uses.iter().map(|one| one.kind);
        kinds
            .max_by_key(|kind| kind.groups().len())
            .unwrap_or(NodeKind::Linux)
    }

    /// Returns its uses as text, such as `node groups ng-1 and ng-2`.
    pub fn used_by(&self) -> impl fmt::Display + '_ {
        UsedBy(&self.uses)
    }

    /// Returns the role with only these uses; `None` if no use remains.
    pub fn only(&self, filter: impl Fn(&Use<'f>) -> bool) -> Option<Self> {
        let uses: Vec<Use<'f>> = self.uses.iter().copied().filter(filter).collect();
        let arn = self.arn;
        (!uses.is_empty()).then_some(Self { arn, uses })
    }
}

impl fmt::Display for NodeRole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the role of {}", self.used_by())
    }
}

/// The uses of a role, such as `node groups ng-1 and ng-2`.
struct UsedBy<'a, 'f>(&'a [Use<'f>]);

impl fmt::Display for UsedBy<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: Vec<(&str, Vec<&str>)> = Vec::new();
        for one in self.0 {
            let (kind, name) = match one.by {
                NodeSource::Group(name) => ("node group", name),
                NodeSource::Profile(name) => ("Fargate profile", name),
                NodeSource::Class(name) => ("Karpenter's node class", name),
                NodeSource::Instance(id) => ("instance", id),
                NodeSource::ScalingGroup(name) => ("Auto Scaling group", name),
                NodeSource::AutoClass(name) => ("Auto Mode's node class", name),
                NodeSource::AutoMode => ("Auto Mode's node pools", ""),
            };
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, names)) => names.push(name),
                None => kinds.push((kind, vec![name])),
            }
        }
        for (at, (kind, names)) in kinds.iter().enumerate() {
            let and = if at == 0 { "" } else { " and " };
            let plural = if kind.ends_with('s') { "es" } else { "s" };
            match names.as_slice() {
                [""] => write!(f, "{and}{kind}")?,
                [name] => write!(f, "{and}{kind} {name}")?,
                [one, other] => write!(f, "{and}{kind}{plural} {one} and {other}")?,
                [one, other, more @ ..] => {
                    write!(
                        f,
                        "{and}{kind}{plural} {one}, {other} and {} more",
                        more.len()
                    )?;
                }
                [] => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::node_inventory::{FargateProfile, NodeClass, NodeGroup};

    const A: &str = "arn:aws:iam::111122223333:role";

    fn group(name: &str, role: &str, ami_type: &str) -> NodeGroup {
        NodeGroup {
            name: name.to_owned(),
            role: Some(format!("{A}/{role}")),
            ami_type: ami_type.to_owned(),
            status: "ACTIVE".to_owned(),
            issues: Vec::new(),
        }
    }

    fn class(name: &str, role: &str) -> NodeClass {
        NodeClass {
            name: name.to_owned(),
            role: Some(format!("{A}/{role}")),
            ..NodeClass::default()
        }
    }

    /// A role is found by its sign-in ARN, and displayed with all its uses.
    #[test]
    fn role_is_displayed_with_its_uses() {
        let node_inventory = NodeInventory {
            groups: Some(vec![
                group("ng-1", "eks/Nodes", "AL2023_x86_64_STANDARD"),
                group("ng-2", "eks/nodes", "WINDOWS_CORE_2022_x86_64"),
                NodeGroup {
                    status: "DELETING".to_owned(),
                    ..group("going", "gone", "CUSTOM")
                },
            ]),
            profiles: Some(vec![FargateProfile {
                name: "fp".to_owned(),
                role: Some(format!("{A}/pods")),
                status: "ACTIVE".to_owned(),
            }]),
            classes: Some(vec![
                class("default", "nodes"),
                class("a", "karpenter"),
                class("b", "karpenter"),
                NodeClass {
                    name: "unknown".to_owned(),
                    instance_profile: Some("p".to_owned()),
                    ..NodeClass::default()
                },
            ]),
            auto_mode_role: Some(format!("{A}/auto")),
            ..NodeInventory::default()
        };
        let roles = NodeRoles::of(&node_inventory);
        let text = |arn: &str| roles.get(&format!("{A}/{arn}")).map(ToString::to_string);
        assert_eq!(
            text("NODES").as_deref(),
            Some("the role of node groups ng-1 and ng-2 and Karpenter's node class default")
        );
        assert_eq!(
            text("pods").as_deref(),
            Some("the role of Fargate profile fp")
        );
        assert_eq!(
            text("auto").as_deref(),
            Some("the role of Auto Mode's node pools")
        );
        assert_eq!(
            text("karpenter").as_deref(),
            Some("the role of Karpenter's node classes a and b")
        );
        assert_eq!(text("gone"), None);
        assert_eq!(text("eks/Nodes"), None, "no caller's ARN has a role path");
        assert_eq!(roles.all().len(), 4);
        let nodes = roles.get(&format!("{A}/nodes")).unwrap();
        assert_eq!(nodes.kind(), NodeKind::Windows);
        assert!(nodes.has(NodeKind::Linux) && !nodes.has(NodeKind::Fargate));
    }
}
