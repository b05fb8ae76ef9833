//! Karpenter's node classes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroupList, ObjectMeta};
use serde::Deserialize;
use tokio::time::Instant;

use super::api_client::ApiClient;
use super::request_error::Fault;
use awsauth_core::facts::node_inventory;

/// The API group of its objects on AWS: <https://karpenter.sh/docs/concepts/nodeclasses/>
const GROUP: &str = "karpenter.k8s.aws";

/// The required permission, in the syntax of `kubectl create clusterrole`.
pub const PERMISSION: &str = "list ec2nodeclasses.karpenter.k8s.aws";

/// The identity of an EC2NodeClass's nodes, as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeClass {
    pub name: String,
    pub role: Option<String>,
    pub instance_profile: Option<String>,
}

impl NodeClass {
    /// Adds the ARN of the role. `cluster` is the cluster's ARN: a node class names a role of the cluster's account.
    pub fn at(self, cluster: &str) -> node_inventory::NodeClass {
        let part = |at| cluster.split(':').nth(at).unwrap_or_default();
        let (partition, account) = (part(1), part(4));
        let role = self.role.filter(|role| !role.is_empty());
        node_inventory::NodeClass {
            name: self.name,
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
}

/// Lists all EC2NodeClasses. Empty if Karpenter is not installed.
///
/// # Errors
/// If the API server does not respond.
pub async fn node_classes(client: &ApiClient, deadline: Instant) -> Result<Vec<NodeClass>, Fault> {
    // For an unknown group or kind, the API server returns 404 in plain text.
    let all: APIGroupList = client.get("/apis", deadline).await?;
    let Some(group) = all.groups.into_iter().find(|group| group.name == GROUP) else {
        return Ok(Vec::new());
    };
    let preferred = group.preferred_version.map(|version| version.version);
    let first = || Some(group.versions.first()?.version.clone());
    let version = preferred.or_else(first).unwrap_or_default();
    let path = format!("/apis/{GROUP}/{version}/ec2nodeclasses");
    let list: List = match client.get(&path, deadline).await {
        Err(Fault::NotFound(_) | Fault::NotKubernetes(404)) => return Ok(Vec::new()),
        list => list?,
    };
    Ok(list.items.into_iter().map(class).collect())
}

fn class(object: Object) -> NodeClass {
    NodeClass {
        name: object.metadata.name.unwrap_or_default(),
        role: object.spec.role,
        instance_profile: object.spec.instance_profile,
    }
}
