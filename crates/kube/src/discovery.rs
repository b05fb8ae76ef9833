//! Resource discovery: the API server's resources and their names.

use kube::core::discovery::v2::{
    ACCEPT_AGGREGATED_DISCOVERY_V2, APIGroupDiscovery, APIGroupDiscoveryList,
};
use tokio::time::Instant;

use super::api_client::ApiClient;
use super::request_error::Fault;

/// The resources of an API server, in the order in which kubectl prefers them.
#[derive(Debug, Default)]
pub(crate) struct Resources(Vec<Resource>);

/// A resource, without its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Empty for the core group.
    pub group: String,
    /// The plural, which RBAC rules use.
    pub plural: String,
    pub is_namespaced: bool,
    names: Vec<String>,
    versions: Vec<String>,
}

impl Resources {
    /// Requests the resources, in two requests.
    pub(crate) async fn read(client: &ApiClient, deadline: Instant) -> Result<Self, Fault> {
        let mut resources = Vec::new();
        for path in ["/api", "/apis"] {
            let list: APIGroupDiscoveryList = client
                .get_as(path, ACCEPT_AGGREGATED_DISCOVERY_V2, deadline)
                .await?;
            resources.extend(list.items.into_iter().flat_map(of_group));
        }
        Ok(Self(resources))
    }

    /// Finds the resource that `typed` names: a plural, singular or short name, optionally followed by the group, or by
    /// a version and the group. Case-insensitive.
    pub(crate) fn find(&self, typed: &str) -> Option<&Resource> {
        let typed = typed.to_lowercase();
        let (name, rest) = typed.split_once('.').unwrap_or((&typed, ""));
        let (version, group) = rest.split_once('.').unwrap_or((rest, ""));
        let matching = || {
            let named = self.0.iter();
            named.filter(move |resource| resource.names.iter().any(|known| known == name))
        };
        let with_version = matching().find(|resource| {
            let has_version = resource.versions.iter().any(|known| known == version);
            !group.is_empty() && resource.group == group && has_version
        });
        with_version
            .or_else(|| matching().find(|resource| rest.is_empty() || resource.group == rest))
    }
}

/// Returns the resources of a group, each once even if several versions have it.
fn of_group(group: APIGroupDiscovery) -> Vec<Resource> {
    let name = group.metadata.and_then(|metadata| metadata.name);
    let name = name.unwrap_or_default();
    let mut resources: Vec<Resource> = Vec::new();
    for version in group.versions {
        let version_name = version.version.unwrap_or_default();
        for found in version.resources {
            let plural = found.resource.unwrap_or_default();
            if let Some(known) = resources.iter_mut().find(|known| known.plural == plural) {
                known.versions.push(version_name.clone());
                continue;
            }
            let singular = found.singular_resource.filter(|name| !name.is_empty());
            let names = std::iter::once(plural.clone()).chain(singular);
            resources.push(Resource {
                group: name.clone(),
                names: names.chain(found.short_names).collect(),
                plural,
                is_namespaced: found.scope.as_deref() == Some("Namespaced"),
                versions: vec![version_name.clone()],
            });
        }
    }
    resources
}
