//! Summarizes the rules of several roles.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Rule;

/// The maximum number of pairs of object and verb to inspect. Real roles have fewer; a malicious one may have billions.
const MAX_PAIRS: usize = 100_000;

/// The order of verbs in a summary; other verbs follow.
const VERBS: [&str; 8] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
];

/// What several rules allow together: each object once, grouped by verbs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The allowances; those with the most verbs and objects come first.
    pub allowances: Vec<Allowance>,
    /// Whether the summary is incomplete because there are too many objects.
    pub cut: bool,
}

/// The verbs that are allowed on some objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// `*` alone, or verbs in the usual order.
    pub verbs: Vec<String>,
    pub objects: Vec<Object>,
}

/// An object of a rule. Displayed in kubectl's notation, or in words instead of `*`; the caller displays the names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// Resources of an API group.
    Resource {
        /// The API group; empty for the core group.
        group: String,
        /// The resource, possibly with a subresource.
        resource: String,
        /// The names of the objects; empty for all objects.
        names: Vec<String>,
    },
    /// A path of the API server.
    Url(String),
}

impl Summary {
    /// Summarizes rules. A binding in a namespace grants no paths, so they are left out there.
    pub fn of(rules: &[Rule], in_namespace: bool) -> Self {
        let mut verbs_of: BTreeMap<Object, BTreeSet<&str>> = BTreeMap::new();
        let mut left = MAX_PAIRS;
        'all: for rule in rules {
            for object in objects(rule, in_namespace) {
                left = left.saturating_sub(rule.verbs.len().max(1));
                if left == 0 {
                    break 'all;
                }
                let verbs = verbs_of.entry(object).or_default();
                verbs.extend(rule.verbs.iter().map(String::as_str));
            }
        }
        let mut by_verbs: BTreeMap<Vec<String>, Vec<Object>> = BTreeMap::new();
        for (object, verbs) in verbs_of {
            let objects = by_verbs.entry(in_order(&verbs)).or_default();
            let merges_names = |last: &mut Object| last.merge_names(&object);
            if !objects.last_mut().is_some_and(merges_names) {
                objects.push(object);
            }
        }
        let mut allowances: Vec<Allowance> = by_verbs
            .into_iter()
            .map(|(verbs, objects)| Allowance { verbs, objects })
            .collect();
        allowances
            .sort_by_key(|allowance| (!allowance.is_of_all(), Reverse(allowance.verbs.len())));
        Self {
            allowances,
            cut: left == 0,
        }
    }
}

impl Allowance {
    /// Returns whether every verb is allowed.
    pub fn is_of_all(&self) -> bool {
        self.verbs == ["*"]
    }
}

impl Object {
    /// Adds the names of another object that differs only in names, if both have names.
    fn merge_names(&mut self, other: &Self) -> bool {
        let (
            Self::Resource {
                group,
                resource,
                names,
            },
            Self::Resource {
                group: other_group,
                resource: other_resource,
                names: other_names,
            },
        ) = (self, other)
        else {
            return false;
        };
        let alike = group == other_group && resource == other_resource;
        let both = !names.is_empty() && !other_names.is_empty();
        if alike && both {
            names.extend_from_slice(other_names);
        }
        alike && both
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (group, resource) = match self {
            Self::Url(path) if path == "*" => return f.write_str("every URL"),
            Self::Url(path) => return f.write_str(path),
            Self::Resource {
                group, resource, ..
            } => (group.as_str(), resource.as_str()),
        };
        let (kind, subresource) = match resource.split_once('/') {
            Some((kind, subresource)) => (kind, Some(subresource)),
            None => (resource, None),
        };
        match (kind, group) {
            ("*", "*") => f.write_str("every resource")?,
            ("*", "") => f.write_str("every core resource")?,
            ("*", group) => write!(f, "every resource of {group}")?,
            (kind, "") => f.write_str(kind)?,
            (kind, group) => write!(f, "{kind}.{group}")?,
        }
        match subresource {
            Some(subresource) => write!(f, "/{subresource}"),
            None => Ok(()),
        }
    }
}

/// Returns the objects of a rule, each with at most one name.
fn objects(rule: &Rule, in_namespace: bool) -> impl Iterator<Item = Object> {
    let names: Vec<Vec<String>> = match rule.resource_names.as_slice() {
        [] => vec![Vec::new()],
        names => names.iter().map(|name| vec![name.clone()]).collect(),
    };
    let urls = rule.non_resource_urls.iter().cloned().map(Object::Url);
    let resources = rule.api_groups.iter().flat_map(move |group| {
        let names = names.clone();
        rule.resources.iter().flat_map(move |resource| {
            let (group, resource) = (group.clone(), resource.clone());
            names
                .clone()
                .into_iter()
                .map(move |names| Object::Resource {
                    group: group.clone(),
                    resource: resource.clone(),
                    names,
                })
        })
    });
    resources.chain(urls.filter(move |_| !in_namespace))
}

/// Returns the verbs in the usual order; `*` includes all others.
fn in_order(verbs: &BTreeSet<&str>) -> Vec<String> {
    if verbs.contains("*") {
        return vec!["*".to_owned()];
    }
    let place = |verb: &&str| VERBS.iter().position(|known| known == verb);
    let mut verbs: Vec<&str> = verbs.iter().copied().collect();
    verbs.sort_by_key(|verb| place(verb).unwrap_or(VERBS.len()));
    verbs.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses `VERBS GROUPS RESOURCES [NAMES]` or `VERBS PATHS`. Lists have commas; `core` is the core group.
    fn rule(line: &str) -> Rule {
        let list = |text: &str| -> Vec<String> {
            let word = |word: &str| if word == "core" { "" } else { word }.to_owned();
            text.split(',').map(word).collect()
        };
        match line.split(' ').map(list).collect::<Vec<_>>().as_slice() {
            [verbs, urls] => Rule {
                verbs: verbs.clone(),
                non_resource_urls: urls.clone(),
                ..Rule::default()
            },
            [verbs, groups, resources, names @ ..] => Rule {
                verbs: verbs.clone(),
                api_groups: groups.clone(),
                resources: resources.clone(),
                resource_names: names.concat(),
                ..Rule::default()
            },
            _ => panic!("{line}"),
        }
    }

    fn check(rules: &[&str], in_namespace: bool, expected: &[&str]) {
        let rules: Vec<Rule> = rules.iter().map(|line| rule(line)).collect();
        let summary = Summary::of(&rules, in_namespace);
        let shown = |object: &Object| match object {
            Object::Resource { names, .. } if !names.is_empty() => {
                format!("{object} ({})", names.join(", "))
            }
            _ => object.to_string(),
        };
        let line = |allowance: &Allowance| {
            let objects: Vec<_> = allowance.objects.iter().map(shown).collect();
            format!("{}: {}", allowance.verbs.join(" "), objects.join(", "))
        };
        let lines: Vec<_> = summary.allowances.iter().map(line).collect();
        assert_eq!(lines, expected, "{rules:?}");
        assert!(!summary.cut);
    }

    #[test]
    fn all_permissions_are_summarized_in_words() {
        check(&["* * *", "* *"], false, &["*: every resource, every URL"]);
        check(&["* * *", "* *"], true, &["*: every resource"]);
        check(&[], false, &[]);
    }

    #[test]
    fn verbs_are_grouped_by_object_and_objects_by_verbs() {
        check(
            &[
                "patch,delete core pods,secrets",
                "watch,list,get core pods,services",
                "get,list,watch core secrets",
                "get,list,watch apps,extensions deployments,deployments/scale",
                "bind,get core pods",
            ],
            false,
            &[
                "get list watch patch delete bind: pods",
                "get list watch patch delete: secrets",
                "get list watch: services, deployments.apps, deployments.apps/scale, deployments.extensions, deployments.extensions/scale",
            ],
        );
    }

    #[test]
    fn wildcards_are_displayed_in_words_or_as_in_kubectl() {
        check(
            &[
                "get core *",
                "get apps *",
                "get * pods",
                "get,* batch jobs",
                "get * */scale",
                "get /healthz,/metrics/*",
            ],
            false,
            &[
                "*: jobs.batch",
                "get: every core resource, every resource/scale, pods.*, every resource of apps, /healthz, /metrics/*",
            ],
        );
    }

    #[test]
    fn named_objects_are_separate_from_all_objects() {
        check(
            &[
                "get core configmaps aws-auth,other",
                "list core configmaps",
                "update core configmaps aws-auth",
                "get core configmaps third",
            ],
            false,
            &[
                "get update: configmaps (aws-auth)",
                "get: configmaps (other, third)",
                "list: configmaps",
            ],
        );
    }

    #[test]
    fn summary_of_a_malicious_role_terminates() {
        let many: Vec<String> = (0..20_000).map(|at| at.to_string()).collect();
        let rule = Rule {
            verbs: vec!["get".into()],
            api_groups: many.clone(),
            resources: many,
            ..Rule::default()
        };
        assert!(Summary::of(&[rule], false).cut);
    }
}
