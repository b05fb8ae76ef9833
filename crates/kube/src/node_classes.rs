//! The node classes of Karpenter and of EKS Auto Mode.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroupList, ObjectMeta};
use serde::Deserialize;
use tokio::time::Instant;

use super::api_client::ApiClient;
use super::request_error::Fault;
use awsauth_core::facts::node_inventory;

/// A kind of node classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// One object, for messages.
    pub object: &'static str,
    /// All objects, for messages.
    pub objects: &'static str,
    group: &'static str,
    plural: &'static str,
    /// The permission to list them, in the syntax of `kubectl create clusterrole`.
    pub permission: &'static str,
}

/// The EC2NodeClasses of Karpenter: <https://karpenter.sh/docs/concepts/nodeclasses/>
pub const KARPENTER: Kind = Kind {
    object: "Karpenter's node class",
    objects: "Karpenter's node classes",
    group: "karpenter.k8s.aws",
    plural: "ec2nodeclasses",
    permission: "list ec2nodeclasses.karpenter.k8s.aws",
};

/// The NodeClasses of EKS Auto Mode: <https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html>
pub const AUTO_MODE: Kind = Kind {
    object: "Auto Mode's node class",
    objects: "Auto Mode's node classes",
    group: "eks.amazonaws.com",
    plural: "nodeclasses",
    permission: "list nodeclasses.eks.amazonaws.com",
};

/// The identity of a node class's nodes, as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeClass {
    pub name: String,
    /// The name of the role.
    pub role: Option<String>,
    pub instance_profile: Option<String>,
    pub is_windows: bool,
}

impl NodeClass {
    /// Adds the ARN of the role. `cluster` is the cluster's ARN: a node class names a role of the cluster's account.
    pub fn at(self, cluster: &str) -> node_inventory::NodeClass {
        let part = |at| cluster.split(':').nth(at).unwrap_or_default();
        let (partition, account) = (part(1), part(4));
        let role = self.role.filter(|role| !role.is_empty());
        node_inventory::NodeClass {
            name: self.name,
            is_windows: self.is_windows,
            role: role.map(|role| format!("arn:{partition}:iam::{account}:role/{role}")),
            instance_profile: self.instance_profile,
        }
    }
}

#[derive(Deserialize)]
struct List {
    items: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    role: Option<String>,
    instance_profile: Option<String>,
    #[serde(default)]
    ami_family: String,
    #[serde(default)]
    ami_selector_terms: Vec<AmiSelectorTerm>,
}

#[derive(Deserialize)]
struct AmiSelectorTerm {
    /// Such as `windows2022@latest`.
    #[serde(default)]
    alias: String,
}

/// Lists all node classes of a kind. Empty if the cluster does not have the kind.
///
/// # Errors
/// If the API server does not respond.
pub async fn node_classes(
    kind: Kind,
    client: &ApiClient,
    deadline: Instant,
) -> Result<Vec<NodeClass>, Fault> {
    let Kind { group, plural, .. } = kind;
    // For an unknown group or kind, the API server returns 404 in plain text.
    let all: APIGroupList = client.get("/apis", deadline).await?;
    let Some(found) = all.groups.into_iter().find(|found| found.name == group) else {
        return Ok(Vec::new());
    };
    let preferred = found.preferred_version.map(|version| version.version);
    let first = || Some(found.versions.first()?.version.clone());
    let version = preferred.or_else(first).unwrap_or_default();
    let path = format!("/apis/{group}/{version}/{plural}");
    let list: List = match client.get(&path, deadline).await {
        Err(Fault::NotFound(_) | Fault::NotKubernetes(404)) => return Ok(Vec::new()),
        list => list?,
    };
    Ok(list.items.into_iter().map(class).collect())
}

fn class(object: Object) -> NodeClass {
    let aliases = object.spec.ami_selector_terms.iter();
    let mut images = aliases
        .map(|term| term.alias.as_str())
        .chain([object.spec.ami_family.as_str()]);
    let is_windows = images.any(|image| image.to_ascii_lowercase().starts_with("windows"));
    NodeClass {
        name: object.metadata.name.unwrap_or_default(),
        is_windows,
        role: object.spec.role,
        instance_profile: object.spec.instance_profile,
    }
}
