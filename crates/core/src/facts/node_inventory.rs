//! The nodes of a cluster, by IAM role.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::node_kinds::NodeKind;
use crate::arn::{Parts, comparable};

/// The AMI type of node groups with an image of the user's own.
const CUSTOM_IMAGE: &str = "CUSTOM";

/// The sources of nodes, with the IAM roles that their nodes sign in with. A field is `None` if it was not or could not be
/// read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeInventory {
    pub groups: Option<Vec<NodeGroup>>,
    pub profiles: Option<Vec<FargateProfile>>,
    pub classes: Option<Vec<NodeClass>>,
    /// The EC2 instances of the cluster, those of all other sources included.
    pub instances: Option<Vec<Instance>>,
    pub scaling_groups: Option<Vec<ScalingGroup>>,
    /// The node classes of Auto Mode.
    pub auto_classes: Option<Vec<NodeClass>>,
    /// The ARN of the role of Auto Mode's own node pools, with its IAM path; `None` without them.
    pub auto_mode_role: Option<String>,
}

/// A managed node group.
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeGroup {
    pub name: String,
    /// The ARN of the nodes' role, with its IAM path.
    pub role: Option<String>,
    /// Such as `AL2023_x86_64_STANDARD`.
    pub ami_type: String,
    /// Such as `ACTIVE`.
    pub status: String,
    /// The health issues.
    pub issues: Vec<Issue>,
}

/// A health issue of a node group.
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_Issue.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Such as `AccessDenied`.
    pub code: String,
    pub message: String,
    /// The affected resources.
    pub resources: Vec<String>,
}

/// A Fargate profile.
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_FargateProfile.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FargateProfile {
    pub name: String,
    /// The ARN of the pod execution role, with its IAM path.
    pub role: Option<String>,
    /// Such as `ACTIVE`.
    pub status: String,
}

/// An EC2NodeClass of Karpenter (<https://karpenter.sh/docs/concepts/nodeclasses/>) or a NodeClass of Auto Mode
/// (<https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeClass {
    pub name: String,
    /// Whether its nodes run Windows.
    pub is_windows: bool,
    /// The ARN of the nodes' role; `None` if the class names an instance profile whose role is unknown.
    pub role: Option<String>,
    /// The instance profile, if the class names one in place of a role.
    pub instance_profile: Option<String>,
}

/// An EC2 instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Such as `i-0123456789abcdef0`.
    pub id: String,
    pub is_windows: bool,
    /// The ARN of its instance profile; `None` if it has none.
    pub instance_profile: Option<String>,
    /// The ARN of the role in the instance profile, with its IAM path; `None` if unknown.
    pub role: Option<String>,
    /// The name of the Node that it runs; `None` if it has not joined the cluster.
    pub node: Option<String>,
}

/// An Auto Scaling group outside managed node groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScalingGroup {
    pub name: String,
    /// The desired number of instances.
    pub desired_capacity: u32,
    /// The names or ARNs of the instance profiles of its launch templates or its launch configuration.
    pub instance_profiles: Vec<String>,
    /// Why the instance profile of a launch template or launch configuration is unknown.
    pub obstacles: Vec<String>,
    /// The ARNs of the roles in the instance profiles, with their IAM paths, as far as known.
    pub roles: Vec<String>,
}

/// A Node of Kubernetes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinedNode {
    pub name: String,
    /// Such as `aws:///eu-west-1a/i-0123456789abcdef0`; empty if unknown.
    pub provider_id: String,
    pub labels: BTreeMap<String, String>,
}

impl JoinedNode {
    /// Returns the id of its EC2 instance; `None` for nodes of Fargate and for machines outside AWS.
    pub fn instance_id(&self) -> Option<&str> {
        let path = self.provider_id.strip_prefix("aws://")?;
        path.rsplit('/').next().filter(|id| id.starts_with("i-"))
    }

    /// Returns whether it is a machine outside AWS:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-concepts-kubernetes.html>
    pub fn is_hybrid(&self) -> bool {
        self.provider_id.starts_with("eks-hybrid://") || self.compute_type() == Some("hybrid")
    }

    /// Returns whether it runs a pod on Fargate.
    pub fn is_fargate(&self) -> bool {
        self.compute_type() == Some("fargate")
    }

    /// Returns what launched it, according to the labels that EKS and Karpenter set.
    pub fn source(&self) -> String {
        let label = |name: &str| self.labels.get(name).map(String::as_str);
        if let Some(group) = label("eks.amazonaws.com/nodegroup") {
            return format!("node group {group}");
        }
        match self.compute_type() {
            Some("fargate") => "Fargate".to_owned(),
            Some("auto") => "Auto Mode".to_owned(),
            _ if self.is_hybrid() => "EKS Hybrid Nodes".to_owned(),
            _ => match label("karpenter.sh/nodepool") {
                Some(pool) => format!("Karpenter's node pool {pool}"),
                None => "another source".to_owned(),
            },
        }
    }

    fn compute_type(&self) -> Option<&str> {
        let label = self.labels.get("eks.amazonaws.com/compute-type");
        label.map(String::as_str)
    }
}

/// A use of a role by nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use<'f> {
    /// With its IAM path.
    pub role: &'f str,
    pub kind: NodeKind,
    /// Whether the nodes may run Windows although the kind is [`NodeKind::Linux`], because the image is unknown.
    pub may_be_windows: bool,
    /// The source of these nodes.
    pub by: NodeSource<'f>,
}

/// A source of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeSource<'f> {
    Group(&'f str),
    Profile(&'f str),
    /// A node class of Karpenter.
    Class(&'f str),
    Instance(&'f str),
    ScalingGroup(&'f str),
    /// A node class of Auto Mode.
    AutoClass(&'f str),
    /// The node pools that are part of Auto Mode.
    AutoMode,
}

impl NodeInventory {
    /// Returns the known uses of roles. Node groups and profiles that are being created or deleted, or whose deletion failed,
    /// are left out, because EKS itself writes and removes their entries.
    /// <https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html>
    pub fn uses(&self) -> impl Iterator<Item = Use<'_>> {
        let groups = self.groups.iter().flatten();
        let groups = groups.filter(|group| is_settled(&group.status));
        let groups = groups.filter_map(|group| {
            Some(Use {
                role: group.role.as_deref()?,
                kind: group.kind(),
                may_be_windows: group.ami_type == CUSTOM_IMAGE,
                by: NodeSource::Group(&group.name),
            })
        });
        let profiles = self.profiles.iter().flatten();
        let profiles = profiles.filter(|profile| is_settled(&profile.status));
        let profiles = profiles.filter_map(|profile| {
            Some(Use {
                role: profile.role.as_deref()?,
                kind: NodeKind::Fargate,
                may_be_windows: false,
                by: NodeSource::Profile(&profile.name),
            })
        });
        let classes = self.classes.iter().flatten().filter_map(|class| {
            Some(Use {
                role: class.role.as_deref()?,
                kind: linux_or_windows(class.is_windows),
                may_be_windows: false,
                by: NodeSource::Class(&class.name),
            })
        });
        groups
            .chain(profiles)
            .chain(classes)
            .chain(self.uses_of_auto_mode())
            .chain(self.uses_at_ec2())
    }

    /// Returns the names of all instance profiles.
    pub fn instance_profiles(&self) -> BTreeSet<String> {
        let classes = self.classes.iter().chain(&self.auto_classes).flatten();
        let classes = classes.filter_map(|class| class.instance_profile.as_deref());
        let instances = self.instances.iter().flatten();
        let instances = instances.filter_map(|instance| instance.instance_profile.as_deref());
        let groups = self.scaling_groups.iter().flatten();
        let groups = groups.flat_map(|group| &group.instance_profiles);
        let all = classes.chain(instances).chain(groups.map(String::as_str));
        all.map(|profile| profile_name(profile).to_owned())
            .collect()
    }

    /// Adds the roles of the instance profiles, which are given by name.
    pub fn add_roles(&mut self, of_profiles: &BTreeMap<String, Option<String>>) {
        let role = |profile: &str| of_profiles.get(profile_name(profile))?.clone();
        let classes = self.classes.iter_mut().chain(&mut self.auto_classes);
        for class in classes.flatten() {
            let profile = class.instance_profile.as_deref();
            class.role = class.role.take().or_else(|| role(profile?));
        }
        for instance in self.instances.iter_mut().flatten() {
            instance.role = instance.instance_profile.as_deref().and_then(role);
        }
        for group in self.scaling_groups.iter_mut().flatten() {
            let roles = group.instance_profiles.iter().filter_map(|name| role(name));
            group.roles = roles.collect();
        }
    }

    /// Records which instances have joined as nodes.
    pub fn add_nodes(&mut self, nodes: &[JoinedNode]) {
        let by_id: HashMap<&str, &JoinedNode> = nodes
            .iter()
            .filter_map(|node| Some((node.instance_id()?, node)))
            .collect();
        for instance in self.instances.iter_mut().flatten() {
            let node = by_id.get(instance.id.as_str());
            instance.node = node.map(|node| node.name.clone());
        }
    }

    fn uses_of_auto_mode(&self) -> impl Iterator<Item = Use<'_>> {
        let of = |role, by| Use {
            role,
            kind: NodeKind::AutoMode,
            may_be_windows: false,
            by,
        };
        let own = self.auto_mode_role.iter();
        let own = own.map(move |role| of(role, NodeSource::AutoMode));
        let classes = self.auto_classes.iter().flatten();
        let classes = classes.filter_map(move |class| {
            let role = class.role.as_deref()?;
            Some(of(role, NodeSource::AutoClass(&class.name)))
        });
        own.chain(classes)
    }

    fn uses_at_ec2(&self) -> impl Iterator<Item = Use<'_>> {
        let groups = self.scaling_groups.iter().flatten().flat_map(|group| {
            group.roles.iter().map(|role| Use {
                role,
                kind: NodeKind::Linux,
                may_be_windows: true,
                by: NodeSource::ScalingGroup(&group.name),
            })
        });
        // EC2 describes instances of Auto Mode as Linux, but EKS needs another type of access entry for them.
        let auto_mode: HashSet<String> = self
            .uses_of_auto_mode()
            .map(|one| comparable(one.role))
            .collect();
        let instances = self.instances.iter().flatten().filter_map(move |instance| {
            let role = instance.role.as_deref()?;
            Some(Use {
                role,
                kind: match auto_mode.contains(&comparable(role)) {
                    true => NodeKind::AutoMode,
                    false => linux_or_windows(instance.is_windows),
                },
                may_be_windows: false,
                by: NodeSource::Instance(&instance.id),
            })
        });
        groups.chain(instances)
    }
}

fn linux_or_windows(is_windows: bool) -> NodeKind {
    match is_windows {
        true => NodeKind::Windows,
        false => NodeKind::Linux,
    }
}

impl NodeGroup {
    /// Returns the kind of its nodes. A custom image is treated as Linux.
    pub fn kind(&self) -> NodeKind {
        linux_or_windows(self.ami_type.starts_with("WINDOWS"))
    }
}

/// Returns the name of an instance profile, which is given by name or ARN.
pub fn profile_name(profile: &str) -> &str {
    Parts::of(profile).map_or(profile, |parts| parts.name)
}

/// Returns false for the status of a node group or Fargate profile that EKS creates or deletes, or could not delete.
pub fn is_settled(status: &str) -> bool {
    !["CREATING", "DELETING", "DELETE_FAILED"].contains(&status)
}
