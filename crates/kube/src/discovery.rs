//! Resource discovery: the API server's resources and their names.

use std::time::Duration;

use kube::core::discovery::v2::{
    ACCEPT_AGGREGATED_DISCOVERY_V2, APIGroupDiscovery, APIGroupDiscoveryList,
};
use tokio::time::Instant;

use super::api_client::ApiClient;
use super::request_error::Fault;
use awsauth_core::near_name::nearest;
use awsauth_core::rbac::{Action, Namespace, Question, Scope, Target};

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
    verbs: Vec<String>,
    subresources: Vec<String>,
    names: Vec<String>,
    versions: Vec<String>,
}

/// The action of a question, and whether the API server knows its resource.
#[derive(Debug)]
pub struct Resolved {
    pub action: Action,
    pub resource: Found,
}

/// Whether the API server knows a resource.
#[derive(Debug)]
pub enum Found {
    /// It is not a resource of the API server, but a path, `*`, or an identity to impersonate.
    NotNeeded,
    Known {
        /// The verbs that the API server handles, without RBAC-only verbs such as `bind`.
        verbs: Vec<String>,
        subresources: Vec<String>,
    },
    Unknown {
        /// A resource with a similar name.
        nearest: Option<String>,
    },
    /// The resources could not be read, so the question is used as typed.
    Unread(Fault),
}

impl Found {
    /// Returns whether the API server has no such resource.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

/// Resolves the resource of a question as kubectl does. A question without a namespace is about that of the context.
pub async fn resolve(client: &ApiClient, question: &Question, time_limit: Duration) -> Resolved {
    let current = client.client().default_namespace();
    let resources = match &question.target {
        Target::Url(_) => Ok(Resources::default()),
        Target::Resource { .. } => Resources::read(client, Instant::now() + time_limit).await,
    };
    match resources {
        Ok(resources) => resources.resolve(question, current),
        Err(fault) => Resolved {
            resource: Found::Unread(fault),
            ..Resources::default().resolve(question, current)
        },
    }
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

    /// Returns the action of a question. A resource that the API server does not have is used as typed.
    pub(crate) fn resolve(&self, question: &Question, current: &str) -> Resolved {
        let verb = question.verb.clone();
        let (kind, name, subresource, namespace) = match &question.target {
            Target::Url(path) => {
                let path = path.clone();
                return Resolved {
                    action: Action::Path { verb, path },
                    resource: Found::NotNeeded,
                };
            }
            Target::Resource {
                kind,
                name,
                subresource,
                namespace,
            } => (kind, name, subresource, namespace),
        };
        let found = self.find(kind);
        let (group, resource) = match found {
            Some(Resource { group, plural, .. }) => (group.as_str(), plural.as_str()),
            None if kind == "*" => ("*", "*"),
            None => {
                let (resource, group) = kind.split_once('.').unwrap_or((kind, ""));
                (group, resource)
            }
        };
        let scope = match namespace {
            _ if found.is_some_and(|resource| !resource.is_namespaced) => Scope::Cluster,
            Namespace::Current => Scope::Namespace(current.to_owned()),
            Namespace::Named(name) => Scope::Namespace(name.clone()),
            Namespace::All => Scope::AllNamespaces,
        };
        let resource_found = match found {
            Some(resource) => Found::Known {
                verbs: resource.verbs.clone(),
                subresources: resource.subresources.clone(),
            },
            // Impersonated users and groups are not API resources.
            None if resource == "*" || verb == "impersonate" => Found::NotNeeded,
            None => Found::Unknown {
                nearest: nearest(resource, self.0.iter().map(|known| known.plural.as_str()))
                    .map(str::to_owned),
            },
        };
        Resolved {
            action: Action::Resource {
                verb,
                group: group.to_owned(),
                resource: resource.to_owned(),
                subresource: subresource.clone().unwrap_or_default(),
                name: name.clone().unwrap_or_default(),
                scope,
            },
            resource: resource_found,
        }
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
                verbs: found.verbs,
                subresources: found
                    .subresources
                    .into_iter()
                    .filter_map(|subresource| subresource.subresource)
                    .collect(),
                is_namespaced: found.scope.as_deref() == Some("Namespaced"),
                versions: vec![version_name.clone()],
            });
        }
    }
    resources
}
