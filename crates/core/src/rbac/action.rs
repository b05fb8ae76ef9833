//! Requests to the API server, and which rules allow them.

use super::Rule;

const ALL: &str = "*";

/// A request to the API server with the attributes that RBAC checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A request for objects.
    Resource {
        verb: String,
        /// The API group; empty for the core group.
        group: String,
        /// The plural, as in `pods`.
        resource: String,
        /// Empty for the resource itself.
        subresource: String,
        /// The name of the object; empty for all objects.
        name: String,
        scope: Scope,
    },
    /// A request for a path that is no resource.
    Path { verb: String, path: String },
}

/// The objects of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Objects of a resource without namespaces.
    Cluster,
    /// Objects in one namespace.
    Namespace(String),
    /// Objects in all namespaces.
    AllNamespaces,
}

impl Action {
    /// Returns the verb.
    pub fn verb(&self) -> &str {
        match self {
            Self::Resource { verb, .. } | Self::Path { verb, .. } => verb,
        }
    }

    /// Returns the scope of objects; a path has that of the cluster.
    pub fn scope(&self) -> &Scope {
        match self {
            Self::Resource { scope, .. } => scope,
            Self::Path { .. } => &Scope::Cluster,
        }
    }
}

impl Rule {
    /// Returns whether the rule allows an action in the scope of its binding.
    ///
    /// Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/rbac/v1/evaluation_helpers.go>
    pub fn allows(&self, action: &Action) -> bool {
        match action {
            Action::Resource {
                verb,
                group,
                resource,
                subresource,
                name,
                ..
            } => {
                has(&self.verbs, verb)
                    && has(&self.api_groups, group)
                    && self.has_resource(resource, subresource)
                    && (self.resource_names.is_empty() || self.resource_names.contains(name))
            }
            Action::Path { verb, path } => {
                let mut urls = self.non_resource_urls.iter();
                has(&self.verbs, verb) && urls.any(|url| matches_path(url, path))
            }
        }
    }

    fn has_resource(&self, resource: &str, subresource: &str) -> bool {
        self.resources.iter().any(|listed| {
            let (of, sub) = listed.split_once('/').unwrap_or((listed, ""));
            listed == ALL
                || (sub == subresource && (of == resource || (of == ALL && !sub.is_empty())))
        })
    }
}

fn has(listed: &[String], requested: &str) -> bool {
    listed.iter().any(|one| one == ALL || one == requested)
}

fn matches_path(url: &str, path: &str) -> bool {
    url == path || (url.ends_with('*') && path.starts_with(url.trim_end_matches('*')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        let words = text.split(',').filter(|word| !word.is_empty());
        words
            .map(|word| if word == "core" { "" } else { word }.to_owned())
            .collect()
    }

    fn action(verb: &str, group: &str, resource: &str, subresource: &str, name: &str) -> Action {
        Action::Resource {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            name: name.to_owned(),
            scope: Scope::Cluster,
        }
    }

    #[test]
    fn rule_allows_what_it_lists() {
        let rule = |groups, resources, names| Rule {
            verbs: list("get,list"),
            api_groups: list(groups),
            resources: list(resources),
            resource_names: list(names),
            non_resource_urls: Vec::new(),
        };
        let pods = action("get", "", "pods", "", "");
        let log = action("get", "", "pods", "log", "");
        let web = action("get", "", "pods", "", "web");
        for (rule, action, expected) in [
            (rule("core", "pods", ""), &pods, true),
            (rule("core", "pods", ""), &log, false),
            (rule("core", "pods", ""), &web, true),
            (rule("apps", "pods", ""), &pods, false),
            (rule("*", "pods", ""), &pods, true),
            (rule("core", "*", ""), &log, true),
            (rule("core", "pods/log", ""), &log, true),
            (rule("core", "pods/log", ""), &pods, false),
            (rule("core", "*/log", ""), &log, true),
            (rule("core", "*/log", ""), &pods, false),
            (rule("core", "*/*", ""), &log, false),
            (rule("core", "pods/*", ""), &log, false),
            (rule("core", "pods", "web,db"), &web, true),
            (rule("core", "pods", "db"), &web, false),
            (rule("core", "pods", "web"), &pods, false),
            (
                rule("core", "pods", ""),
                &action("watch", "", "pods", "", ""),
                false,
            ),
            (
                rule("core", "pods", ""),
                &action("*", "", "pods", "", ""),
                false,
            ),
        ] {
            assert_eq!(rule.allows(action), expected, "{rule:?} {action:?}");
        }
    }

    #[test]
    fn paths_end_with_wildcards() {
        let rule = |urls| Rule {
            verbs: list("get"),
            non_resource_urls: list(urls),
            ..Rule::default()
        };
        let get = |path: &str| Action::Path {
            verb: "get".to_owned(),
            path: path.to_owned(),
        };
        for (urls, path, expected) in [
            ("/metrics", "/metrics", true),
            ("/metrics", "/metrics/", false),
            ("/metrics/*", "/metrics/slis", true),
            ("/metrics/*", "/metrics", false),
            ("/metr*", "/metrics", true),
            ("*", "/anything", true),
            ("/*/slis", "/metrics/slis", false),
        ] {
            assert_eq!(rule(urls).allows(&get(path)), expected, "{urls} {path}");
        }
        assert!(!rule("*").allows(&action("get", "", "pods", "", "")));
    }
}
