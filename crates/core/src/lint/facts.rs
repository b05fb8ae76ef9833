//! What rules need to know besides the document.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use crate::authenticator::AccessEntries;
use crate::document::{Document, SectionName};
use crate::facts::iam_inventory::Principals;
use crate::facts::management_markers::ManagingTool;
use crate::facts::node_inventory::NodeInventory;
use crate::manifest::ManifestFaults;
use crate::owners_annotation::Owners;
use crate::rbac::Policy;
use crate::terraform_show::PlannedAccess;

/// Facts from outside the document. Unknown facts are `None`.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The AWS account of the cluster.
    pub account: Option<String>,
    /// The start of a kubectl command for the cluster.
    pub kubectl: Option<String>,
    /// All bindings of users and groups, all ClusterRoles, and the Roles in kube-system.
    pub rbac: Option<Policy>,
    /// The authentication mode and the access entries.
    pub access_entries: Option<Arc<AccessEntries>>,
    /// The owners of entries, and when entries expire.
    pub owners: Owners,
    /// When the document was read; `None` if unknown.
    pub read_at: Option<Timestamp>,
    /// The metadata of the ConfigMap.
    pub object: Option<Object>,
    /// What EKS and IAM report about the cluster and its nodes.
    pub cluster: Option<Cluster>,
    /// Whether the cluster has no aws-auth.
    pub is_absent: bool,
    /// Whether the document is all of an aws-auth in a file, which will be applied.
    pub is_file: bool,
    /// What is wrong with the manifest around the document.
    pub manifest_faults: ManifestFaults,
    /// The planned change that results in the document, if there is a plan.
    pub change: Option<Change>,
    /// The access that the same plan creates elsewhere.
    pub planned_access: PlannedAccess,
}

/// Who manages the ConfigMap.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// The tool that its labels and annotations name as the owner.
    pub managing_tool: Option<ManagingTool>,
    pub field_managers: Option<FieldManagers>,
}

/// The field managers of the ConfigMap.
#[derive(Clone, Debug)]
pub struct FieldManagers {
    pub all: Vec<FieldManager>,
    /// When the ConfigMap was read.
    pub read_at: Timestamp,
}

/// A field manager of the ConfigMap.
#[derive(Clone, Debug)]
pub struct FieldManager {
    pub name: String,
    /// The keys of `data` that it owns.
    pub keys: Vec<String>,
    /// When it last wrote.
    pub updated_at: Option<Timestamp>,
}

/// What AWS reports about a cluster.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    pub name: String,
    pub region: String,
    pub node_inventory: NodeInventory,
    /// The roles and users of its account; `None` if IAM denied access.
    pub principals: Option<Principals>,
    /// Why IAM did not return all of them; empty if it did.
    pub unavailable_principals: Vec<String>,
}

/// A planned change to aws-auth, as in a Terraform plan.
#[derive(Clone, Debug)]
pub struct Change {
    /// The document before the change.
    pub before: Document,
    /// What the change does to the ConfigMap object.
    pub object: ObjectChange,
    /// The sections whose text is known only after the change.
    pub unknown: Vec<SectionName>,
}

/// What a planned change does to the ConfigMap object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectChange {
    /// It is updated in place.
    Updated,
    /// It is deleted and created again.
    Replaced,
    /// It is deleted.
    Deleted,
}

/// What a rule needs to know besides the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// The manifest around the document, or the plan. The rule finds nothing without one.
    File,
    /// [`Facts::account`].
    Account,
    /// The bindings of [`Facts::rbac`].
    Bindings,
    /// All of [`Facts::rbac`].
    BindingsAndRoles,
    /// The mode of [`Facts::access_entries`].
    Mode,
    /// The principals of [`Facts::access_entries`].
    AccessEntries,
    /// The principals of [`Facts::access_entries`], and [`Cluster::principals`].
    EntryPrincipals,
    /// All of [`Facts::rbac`], and the contents of all access entries.
    AllAccess,
    /// [`Object::managing_tool`].
    Owner,
    /// [`Object::field_managers`].
    FieldManagers,
    /// If there is no aws-auth: [`Needs::Nodes`] of all sources.
    NodesIfAbsent,
    /// The nodes of these sources, and which of them have an access entry.
    Nodes(NodeSources),
    /// [`Cluster::principals`].
    Principals,
}

/// Sources of a cluster's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeSources {
    /// Managed node groups.
    Groups,
    /// Fargate profiles.
    Profiles,
    /// Karpenter's node classes.
    Classes,
    /// Managed node groups and Fargate profiles.
    Eks,
    /// Managed node groups and Karpenter's node classes.
    Instances,
    /// All of them.
    All,
}

const BINDINGS: [&str; 2] = ["clusterrolebindings", "rolebindings"];
const ROLES: [&str; 2] = ["clusterroles", "roles"];

const LIVE: &str = "a live cluster";
const EKS: &str = "information from EKS (--cluster-name)";

impl Needs {
    /// Returns what is unknown and how to provide it, or `None` if everything is known.
    pub fn lacks(self, facts: &Facts) -> Option<Cow<'static, str>> {
        let unless = |known: bool, what: &'static str| (!known).then_some(Cow::Borrowed(what));
        let object = facts.object.as_ref();
        let access_entries = facts.access_entries.as_ref();
        match self {
            Self::Nothing | Self::File => None,
            Self::Account => unless(
                facts.account.is_some(),
                "the cluster's account (--cluster-account)",
            ),
            Self::Bindings => facts.lacks_rbac(&BINDINGS),
            Self::BindingsAndRoles => facts
                .lacks_rbac(&BINDINGS)
                .or_else(|| facts.lacks_rbac(&ROLES)),
            Self::Mode => unless(access_entries.is_some(), EKS),
            Self::AccessEntries => Self::Mode.lacks(facts).or_else(|| {
                let are_known = access_entries.is_some_and(|entries| entries.all().is_some());
                unless(are_known, "the access entries, which EKS did not return")
            }),
            Self::EntryPrincipals => Self::AccessEntries
                .lacks(facts)
                .or_else(|| Self::Principals.lacks(facts)),
            Self::AllAccess => Self::AccessEntries
                .lacks(facts)
                .or_else(|| Self::BindingsAndRoles.lacks(facts))
                .or_else(|| {
                    let entries = access_entries.and_then(|entries| entries.all());
                    let mut terms = entries.into_iter().flatten().map(|entry| &entry.terms);
                    let are_known = terms
                        .all(|terms| terms.as_ref().is_some_and(|terms| terms.policies.is_some()));
                    unless(
                        are_known,
                        "the contents of the access entries, which EKS did not return",
                    )
                }),
            Self::Owner => unless(object.is_some(), LIVE),
            Self::FieldManagers => unless(
                object.is_some_and(|object| object.field_managers.is_some()),
                LIVE,
            ),
            Self::NodesIfAbsent if facts.cluster.is_some() && !facts.is_absent => None,
            Self::NodesIfAbsent => Self::Nodes(NodeSources::All).lacks(facts),
            Self::Nodes(sources) => {
                Self::AccessEntries
                    .lacks(facts)
                    .or_else(|| match &facts.cluster {
                        None => Some(EKS.into()),
                        Some(cluster) => sources.lacks(cluster),
                    })
            }
            Self::Principals => match &facts.cluster {
                None => Some(EKS.into()),
                Some(cluster) => {
                    unless(cluster.principals.is_some(), "permission to iam:ListRoles")
                }
            },
        }
    }

    /// Returns whether [`Facts::cluster`] is needed.
    pub fn is_cluster(self) -> bool {
        matches!(
            self,
            Self::NodesIfAbsent | Self::Nodes(_) | Self::Principals | Self::EntryPrincipals
        )
    }
}

impl NodeSources {
    /// Returns the permission that is missing to list the nodes, if any.
    fn lacks(self, cluster: &Cluster) -> Option<Cow<'static, str>> {
        let NodeInventory {
            groups,
            profiles,
            classes,
            ..
        } = &cluster.node_inventory;
        let (needs_groups, needs_profiles, needs_classes) = match self {
            Self::Groups => (true, false, false),
            Self::Profiles => (false, true, false),
            Self::Classes => (false, false, true),
            Self::Eks => (true, true, false),
            Self::Instances => (true, false, true),
            Self::All => (true, true, true),
        };
        let permission = if needs_groups && groups.is_none() {
            "permission to eks:ListNodegroups and eks:DescribeNodegroup"
        } else if needs_profiles && profiles.is_none() {
            "permission to eks:ListFargateProfiles and eks:DescribeFargateProfile"
        } else if needs_classes && classes.is_none() {
            "permission to list ec2nodeclasses.karpenter.k8s.aws"
        } else {
            return None;
        };
        Some(permission.into())
    }
}

impl Facts {
    /// Returns which of these RBAC resources is unknown, and why.
    fn lacks_rbac(&self, resources: &[&str]) -> Option<Cow<'static, str>> {
        let Some(policy) = &self.rbac else {
            return Some(LIVE.into());
        };
        let unread = policy.lacks(resources)?;
        Some(Cow::Owned(match &unread.permission {
            Some(permission) => format!("permission to {permission}"),
            None => format!("{}, which cannot be read: {}", unread.resource, unread.why),
        }))
    }
}
