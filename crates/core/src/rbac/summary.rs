use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Rule;

/// The largest number of pairs of object and verb that are inspected. Real roles have fewer; a hostile one may have billions.
const LIMIT: usize = 100_000;

/// The order in which people think of verbs; others follow.
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

/// What rules allow together: every object once, those with the same verbs side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The widest first.
    pub allowances: Vec<Allowance>,
    /// Whether there is more, which was left out.
    pub cut: bool,
}

/// What may be done with some objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// What may be done: `*` alone, or verbs in the order in which people think of them.
    pub verbs: Vec<String>,
    /// With what.
    pub objects: Vec<Object>,
}

/// What a rule is about. Shows as kubectl writes it, and in words where that would be a `*`; names are left to the caller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// Resources of an API group.
    Resource {
        /// The group; empty for the core group.
        group: String,
        /// The resource, maybe with a subresource.
        resource: String,
        /// The only ones; all when empty.
        names: Vec<String>,
    },
    /// A path of the API server.
    Url(String),
}

impl Summary {
    /// What `rules` come to. Paths are left out within a namespace, where a binding gives none.
    pub fn of(rules: &[Rule], in_namespace: bool) -> Self {
        let mut verbs_of: BTreeMap<Object, BTreeSet<&str>> = BTreeMap::new();
        let mut left = LIMIT;
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
            let is_one_more_name = |last: &mut Object| last.takes_names_of(&object);
            if !objects.last_mut().is_some_and(is_one_more_name) {
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
    /// Whether every verb is allowed.
    pub fn is_of_all(&self) -> bool {
        self.verbs == ["*"]
    }
}

impl Object {
    /// Takes over the names of another one that differs in nothing else, if both have names.
    fn takes_names_of(&mut self, other: &Self) -> bool {
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

/// The objects of a rule, each with one name at most.
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

/// `*` includes all others.
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

    /// `VERBS GROUPS RESOURCES [NAMES]`, or `VERBS PATHS`, lists with commas, `core` the core group.
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
    fn everything_is_said_so() {
        check(&["* * *", "* *"], false, &["*: every resource, every URL"]);
        check(&["* * *", "* *"], true, &["*: every resource"]);
        check(&[], false, &[]);
    }

    #[test]
    fn verbs_of_the_same_object_come_together_and_objects_with_the_same_verbs() {
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
    fn wildcards_are_words_or_stand_where_kubectl_has_them() {
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
    fn names_are_kept_apart_from_all() {
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
    fn a_hostile_role_ends() {
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
