//! The sources of a cluster's nodes and their IAM roles: Kubernetes, EKS, EC2, Auto Scaling and IAM.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Backend;
use super::cluster::Cluster;
use crate::terminal::{Failure, Out};
use awsauth_aws::ActionError;
use awsauth_aws::eks::{EksCluster, Unavailable};
use awsauth_aws::iam::Iam;
use awsauth_core::arn::Parts;
use awsauth_core::authenticator::Store;
use awsauth_core::document::{Document, Principal};
use awsauth_core::facts::iam_inventory::{Listed, Principals};
use awsauth_core::facts::node_inventory::{JoinedNode, NodeClass, NodeInventory};
use awsauth_core::node_report::UnknownRole;
use awsauth_kube::node_classes::{self, AUTO_MODE, KARPENTER, Kind};
use awsauth_kube::request_error::Fault;

/// The delay before the spinner appears.
const SPINNER_DELAY: Duration = Duration::from_millis(300);

/// What is known about a cluster's nodes.
#[derive(Debug, Default)]
pub(crate) struct ClusterNodes {
    pub(crate) node_inventory: NodeInventory,
    /// `None` if they could not be read.
    pub(crate) nodes: Option<Vec<JoinedNode>>,
    pub(crate) principals: Option<Principals>,
    /// The node classes that name a role in an unknown account.
    pub(crate) unknown: Vec<UnknownRole>,
    pub(crate) unread: Vec<Unread>,
}

/// What could not be read.
#[derive(Debug)]
pub(crate) struct Unread {
    /// What is missing and why, as a sentence without a full stop.
    pub(crate) message: String,
    /// How to allow it.
    pub(crate) hint: String,
}

impl Backend {
    /// Reads aws-auth, the nodes, what launches them, and their roles. Without EKS, asks only Kubernetes.
    ///
    /// # Errors
    /// If the backend is a manifest, aws-auth cannot be read, or the user interrupts.
    pub(crate) fn cluster_nodes(
        &mut self,
        out: &mut Out,
    ) -> Result<(Document, ClusterNodes), Failure> {
        if !self.has_server() {
            return Err(
                Failure::usage("a file does not contain the nodes of a cluster")
                    .hint("name the cluster: --cluster-name NAME"),
            );
        }
        let document = Document::read(&self.read(out)?.snapshot.data);
        let mut known = ClusterNodes::default();
        if let Self::Cluster(cluster) = self {
            known.read_kubernetes(cluster, &document, out)?;
        }
        if let Some(eks) = self.eks() {
            known.read_eks(eks, out);
            known.read_ec2(eks, out);
            known.read_iam(eks, out);
        }
        if let Some(nodes) = &known.nodes {
            known.node_inventory.add_nodes(nodes);
        }
        Ok((document, known))
    }
}

impl ClusterNodes {
    /// Reads the nodes and node classes. Without EKS, aws-auth is the only source of the account of roles.
    fn read_kubernetes(
        &mut self,
        cluster: &Cluster,
        document: &Document,
        out: &Out,
    ) -> Result<(), Failure> {
        let read = cluster.node_objects(out)?;
        let arn = cluster_arn(cluster);
        self.node_inventory.classes =
            self.classes(KARPENTER, read.karpenter, arn.as_deref(), document);
        self.node_inventory.auto_classes =
            self.classes(AUTO_MODE, read.auto_mode, arn.as_deref(), document);
        self.nodes = match read.nodes {
            Ok(nodes) => Some(nodes),
            Err(fault) => {
                self.cannot_list("the nodes", "list nodes", &fault);
                None
            }
        };
        Ok(())
    }

    fn classes(
        &mut self,
        kind: Kind,
        read: Result<Vec<node_classes::NodeClass>, Fault>,
        cluster_arn: Option<&str>,
        document: &Document,
    ) -> Option<Vec<NodeClass>> {
        let classes = match read {
            Ok(classes) => classes,
            Err(fault) => {
                self.cannot_list(kind.objects, kind.permission, &fault);
                return None;
            }
        };
        let mut known = Vec::new();
        for class in classes {
            match (cluster_arn, class.role.as_deref()) {
                (Some(arn), _) => known.push(class.at(arn)),
                (None, Some(role)) => match mapped_role(role, document) {
                    Some(arn) => known.push(NodeClass {
                        role: Some(arn),
                        ..class.at("")
                    }),
                    None => self.unknown.push(UnknownRole {
                        nodes: format!("{} {}", kind.object, class.name),
                        why: format!(
                            "it names the role {role}, which aws-auth does not map; an access entry may"
                        ),
                    }),
                },
                (None, None) => known.push(class.at("")),
            }
        }
        Some(known)
    }

    fn cannot_list(&mut self, what: &str, permission: &str, fault: &Fault) {
        self.unread.push(Unread {
            message: format!("the API server does not list {what}: {fault}"),
            hint: format!("ask an administrator to allow this: {permission}"),
        });
    }

    fn read_eks(&mut self, eks: &EksCluster, out: &Out) {
        let name = &eks.facts.name;
        let _spinner = out.spinner("Asking EKS for nodes", SPINNER_DELAY);
        let nodes = eks.with_client(|eks| eks.nodes(name));
        self.node_inventory.groups = self.or_unread_at_eks(nodes.groups, name);
        self.node_inventory.profiles = self.or_unread_at_eks(nodes.profiles, name);
        self.node_inventory
            .auto_mode_role
            .clone_from(&eks.facts.auto_mode_role);
    }

    fn or_unread_at_eks<T>(&mut self, answer: Result<T, Unavailable>, name: &str) -> Option<T> {
        let unavailable = match answer {
            Ok(value) => return Some(value),
            Err(unavailable) => unavailable,
        };
        self.unread.push(Unread {
            message: unavailable.message(name),
            hint: unavailable.hint(),
        });
        None
    }

    fn read_ec2(&mut self, eks: &EksCluster, out: &Out) {
        let _spinner = out.spinner("Asking EC2 for instances", SPINNER_DELAY);
        let Some(mut ec2) = self.or_unread("the instances and Auto Scaling groups", eks.ec2())
        else {
            return;
        };
        let name = &eks.facts.name;
        let nodes = self.nodes.iter().flatten();
        let ids: BTreeSet<String> = nodes
            .filter_map(|node| node.instance_id().map(str::to_owned))
            .collect();
        let instances = ec2.instances(name, &ids);
        self.node_inventory.instances = self.or_unread("the instances", instances);
        let groups = ec2.scaling_groups(name);
        self.node_inventory.scaling_groups = self.or_unread("the Auto Scaling groups", groups);
    }

    fn read_iam(&mut self, eks: &EksCluster, out: &Out) {
        let _spinner = out.spinner("Asking IAM", SPINNER_DELAY);
        let Some(mut iam) = self.or_unread("the roles", eks.iam()) else {
            return;
        };
        let account = eks.facts.account();
        let mut principals = Principals {
            account: account.to_owned(),
            ..Principals::default()
        };
        let names = self.node_inventory.instance_profiles();
        if !names.is_empty() {
            let profiles = iam.instance_profiles(&names);
            principals.instance_profiles = self
                .or_unread("the roles of instance profiles", profiles)
                .unwrap_or_default();
            self.node_inventory.add_roles(&principals.instance_profiles);
        }
        principals.roles = self.roles(&mut iam, account);
        self.principals = Some(principals);
    }

    /// Reads the known roles of nodes, to find out whether they exist and since when.
    fn roles(&mut self, iam: &mut Iam, account: &str) -> Listed {
        let uses = self.node_inventory.uses();
        let names = uses.filter_map(|one| {
            let parts = Parts::of(one.role).filter(|parts| parts.account == account)?;
            Some(parts.name.to_owned())
        });
        let names: BTreeSet<String> = names.collect();
        if names.is_empty() {
            return Listed::default();
        }
        let roles = iam.roles_named(&names);
        self.or_unread("whether the roles exist", roles)
            .unwrap_or_default()
    }

    fn or_unread<T>(&mut self, what: &str, answer: Result<T, ActionError>) -> Option<T> {
        let error = match answer {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        self.unread.push(Unread {
            message: format!("AWS did not return {what}: {error}"),
            hint: error.hint(),
        });
        None
    }
}

/// Returns the cluster's ARN, which kubeconfigs of the AWS CLI also contain.
fn cluster_arn(cluster: &Cluster) -> Option<String> {
    let target = cluster.target();
    let eks = target.eks.as_ref().map(|eks| &eks.arn);
    let names = eks
        .into_iter()
        .chain(&target.cluster)
        .chain(&target.context);
    let mut arns = names.filter(|name| Parts::of(name).is_some_and(|arn| arn.is("eks", "cluster")));
    arns.next().cloned()
}

/// Returns the ARN by which aws-auth maps a role of this name.
fn mapped_role(name: &str, document: &Document) -> Option<String> {
    let store = Store::new(document);
    let mut in_force = store.in_force();
    let (arn, _) = in_force.find(|(arn, slot)| {
        let is_named = Parts::of(arn).is_some_and(|parts| parts.name == name);
        is_named && matches!(slot.mapping.principal, Principal::Role(_))
    })?;
    Some(arn.to_owned())
}
