//! Karpenter's node classes, where it is installed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroupList, ObjectMeta};
use serde::Deserialize;
use tokio::time::Instant;

use super::api_client::Store;
use super::request_error::Fault;
use awsauth_core::facts::node_inventory;

/// The API group of its objects on AWS: <https://karpenter.sh/docs/concepts/nodeclasses/>
const GROUP: &str = "karpenter.k8s.aws";

/// What is to be allowed, as `kubectl create clusterrole` takes it.
pub const PERMISSION: &str = "list ec2nodeclasses.karpenter.k8s.aws";

/// What the nodes of one EC2NodeClass sign in with, as it says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeClass {
    /// The object's name.
    pub name: String,
    /// The name of a role.
    pub role: Option<String>,
    /// The name of an instance profile.
    pub instance_profile: Option<String>,
}

impl NodeClass {
    /// The same with its role's ARN, in the cluster of this ARN: a node class names a role of its own account by the name.
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

/// All EC2NodeClasses; none where Karpenter is not installed.
///
/// # Errors
/// When the API server does not tell.
pub async fn node_classes(store: &Store, deadline: Instant) -> Result<Vec<NodeClass>, Fault> {
    // For a group or a kind that is not there the API server answers 404 in plain text.
    let all: APIGroupList = store.get("/apis", deadline).await?;
    let Some(group) = all.groups.into_iter().find(|group| group.name == GROUP) else {
        return Ok(Vec::new());
    };
    let preferred = group.preferred_version.map(|version| version.version);
    let first = || Some(group.versions.first()?.version.clone());
    let version = preferred.or_else(first).unwrap_or_default();
    let path = format!("/apis/{GROUP}/{version}/ec2nodeclasses");
    let list: List = match store.get(&path, deadline).await {
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
