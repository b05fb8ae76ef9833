//! The level of access that permissions give, in one word.

use serde::{Deserialize, Serialize};

use crate::facts::access_entries::policy_name;
use crate::rbac::{Rule, Rules};

/// How much access, from the least to the most.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing beyond what every authenticated user can do.
    #[default]
    None,
    /// What it allows is not known.
    Unknown,
    /// What a kubelet needs.
    Node,
    /// Reading only.
    Read,
    /// Changing something.
    Write,
    /// Everything in the whole cluster, or a permission with which a user can get everything.
    Admin,
}

/// The verbs that change nothing.
const READING: [&str; 3] = ["get", "list", "watch"];

impl Level {
    /// All levels, from the most to the least.
    pub const ALL: [Self; 6] = [
        Self::Admin,
        Self::Write,
        Self::Read,
        Self::Node,
        Self::Unknown,
        Self::None,
    ];

    /// Returns the word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unknown => "unknown",
            Self::Node => "node",
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// Returns the level of a role that is bound in the whole cluster or, if `in_namespace`, in some namespaces.
    pub(super) fn of_rules(rules: &Rules, in_namespace: bool) -> Self {
        let rules = match rules {
            Rules::Known(rules) => rules,
            Rules::NoSuchRole => return Self::None,
            Rules::Unread => return Self::Unknown,
        };
        // Paths are not in a namespace.
        let applies = |rule: &&Rule| !rule.resources.is_empty() || !in_namespace;
        let level = |rule: &Rule| {
            let mut verbs = rule.verbs.iter();
            if !in_namespace && makes_admin(rule) {
                Self::Admin
            } else if verbs.all(|verb| READING.contains(&verb.as_str())) {
                Self::Read
            } else {
                Self::Write
            }
        };
        let levels = rules.iter().filter(applies).map(level);
        levels.max().unwrap_or_default()
    }

    /// Returns the level of one of EKS's access policies; [`Level::Unknown`] for those that serve a special purpose.
    /// <https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html>
    pub(super) fn of_policy(arn: &str, in_namespace: bool) -> Self {
        match policy_name(arn) {
            "AmazonEKSClusterAdminPolicy" if !in_namespace => Self::Admin,
            "AmazonEKSClusterAdminPolicy" | "AmazonEKSAdminPolicy" | "AmazonEKSEditPolicy" => {
                Self::Write
            }
            "AmazonEKSAdminViewPolicy" | "AmazonEKSViewPolicy" => Self::Read,
            _ => Self::Unknown,
        }
    }
}

/// Returns whether a rule, in the whole cluster, allows everything or leads there: by a role with more permissions than one's
/// own, or by another user's name or groups.
/// <https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks>
fn makes_admin(rule: &Rule) -> bool {
    let has = |list: &[String], name: &str| list.iter().any(|one| one == "*" || one == name);
    let verb = |name: &str| has(&rule.verbs, name);
    let resource =
        |group: &str, name: &str| has(&rule.api_groups, group) && has(&rule.resources, name);
    let everything = rule.verbs.iter().any(|verb| verb == "*") && resource("*", "*");
    let rbac = "rbac.authorization.k8s.io";
    rule.resource_names.is_empty()
        && (everything
            || (verb("escalate") && resource(rbac, "clusterroles"))
            || (verb("bind") && resource(rbac, "clusterroles"))
            || (verb("impersonate") && (resource("", "groups") || resource("", "users"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verbs: &[&str], group: &str, resources: &[&str]) -> Rule {
        let owned = |list: &[&str]| list.iter().map(|&one| one.to_owned()).collect();
        Rule {
            verbs: owned(verbs),
            api_groups: vec![group.to_owned()],
            resources: owned(resources),
            ..Rule::default()
        }
    }

    fn level(rules: Vec<Rule>) -> (Level, Level) {
        let rules = Rules::Known(rules);
        (
            Level::of_rules(&rules, false),
            Level::of_rules(&rules, true),
        )
    }

    #[test]
    fn level_is_that_of_the_strongest_rule() {
        use Level::{Admin, None, Read, Write};
        let rbac = "rbac.authorization.k8s.io";
        for (rules, expected) in [
            (vec![], (None, None)),
            (vec![rule(&["*"], "*", &["*"])], (Admin, Write)),
            // Including `impersonate` of users and groups.
            (vec![rule(&["*"], "", &["*"])], (Admin, Write)),
            (
                vec![rule(&["create", "delete"], "*", &["*"])],
                (Write, Write),
            ),
            (vec![rule(&["get", "list"], "*", &["*"])], (Read, Read)),
            (
                vec![
                    rule(&["get"], "", &["pods"]),
                    rule(&["create"], "", &["pods/exec"]),
                ],
                (Write, Write),
            ),
            (
                vec![rule(&["bind"], rbac, &["clusterroles"])],
                (Admin, Write),
            ),
            (vec![rule(&["bind"], rbac, &["roles"])], (Write, Write)),
            (vec![rule(&["escalate"], "*", &["*"])], (Admin, Write)),
            (
                vec![rule(&["impersonate"], "", &["groups"])],
                (Admin, Write),
            ),
            (
                vec![rule(&["impersonate"], "", &["serviceaccounts"])],
                (Write, Write),
            ),
        ] {
            assert_eq!(level(rules.clone()), expected, "{rules:?}");
        }
    }

    #[test]
    fn named_objects_and_paths_are_less() {
        let named = Rule {
            resource_names: vec!["edit".to_owned()],
            ..rule(&["bind"], "*", &["clusterroles"])
        };
        assert_eq!(level(vec![named]), (Level::Write, Level::Write));
        let path = Rule {
            verbs: vec!["get".to_owned()],
            non_resource_urls: vec!["/metrics".to_owned()],
            ..Rule::default()
        };
        assert_eq!(level(vec![path]), (Level::Read, Level::None));
    }

    #[test]
    fn missing_role_grants_nothing_and_unread_role_is_unknown() {
        assert_eq!(Level::of_rules(&Rules::NoSuchRole, false), Level::None);
        assert_eq!(Level::of_rules(&Rules::Unread, true), Level::Unknown);
    }
}
