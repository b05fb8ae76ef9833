//! Access policies as a user names them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::facts::access_entries::{AccessPolicy, AccessScope, policy_name};
use crate::wildcard_pattern::Pattern;

/// What surrounds the short name of a policy: `view` is `AmazonEKSViewPolicy`.
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html>
const PREFIX: &str = "AmazonEKS";
const SUFFIX: &str = "Policy";

/// An access policy by its name or ARN, with its scope: `NAME`, or `NAME:NAMESPACE,NAMESPACE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPolicy {
    /// A short name such as `cluster-admin`, a name such as `AmazonEKSViewPolicy`, or an ARN.
    pub name: String,
    pub scope: AccessScope,
}

/// Why a string names no policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyTextError {
    #[error("the name is empty")]
    NoName,
    #[error("a namespace is empty")]
    EmptyNamespace,
}

/// Why a policy cannot be associated with an entry of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    #[error("EKS has no access policy {name}")]
    Unknown {
        name: String,
        /// All policies of EKS, by name.
        known: Vec<String>,
    },
    #[error("the access policy {arn} is not in the cluster's partition {partition}")]
    OtherPartition { arn: String, partition: String },
}

impl PolicyError {
    /// Returns what to do instead.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unknown { name, known } => {
                let similar = |other: &&String| {
                    let words = |name: &str| name.to_ascii_lowercase();
                    strsim::damerau_levenshtein(&words(other), &words(name))
                };
                match known.iter().min_by_key(similar) {
                    Some(nearest) => format!(
                        "the most similar one is {nearest}; list them all: aws eks list-access-policies"
                    ),
                    None => "list them: aws eks list-access-policies".to_owned(),
                }
            }
            Self::OtherPartition { .. } => {
                "give its name instead of its ARN, such as view".to_owned()
            }
        }
    }
}

impl FromStr for NamedPolicy {
    type Err = PolicyTextError;

    fn from_str(text: &str) -> Result<Self, PolicyTextError> {
        // An ARN has colons before its name.
        let start = text.rfind('/').map_or(0, |slash| slash + 1);
        let (name, namespaces) = match text[start..].split_once(':') {
            Some((name, namespaces)) => (&text[..start + name.len()], Some(namespaces)),
            None => (text, None),
        };
        if policy_name(name).is_empty() {
            return Err(PolicyTextError::NoName);
        }
        let scope = match namespaces {
            None => AccessScope::Cluster,
            Some(names) => {
                let names: Vec<String> = names
                    .split(',')
                    .map(|name| name.trim().to_owned())
                    .collect();
                if names.iter().any(String::is_empty) {
                    return Err(PolicyTextError::EmptyNamespace);
                }
                AccessScope::Namespaces(names)
            }
        };
        Ok(Self {
            name: name.to_owned(),
            scope,
        })
    }
}

impl NamedPolicy {
    /// Returns the policy with this name for the whole cluster.
    pub fn in_cluster(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            scope: AccessScope::Cluster,
        }
    }

    /// Returns the policy of a cluster in this partition. `known` are the ARNs of all policies, if EKS listed them.
    ///
    /// # Errors
    /// If EKS has no such policy, or it belongs to another partition.
    pub fn resolve(
        &self,
        partition: &str,
        known: Option<&[String]>,
    ) -> Result<AccessPolicy, PolicyError> {
        let full = full_name(&self.name);
        let own = format!("arn:{partition}:eks::aws:cluster-access-policy/{full}");
        if self.name.starts_with("arn:") && self.name != own {
            return Err(PolicyError::OtherPartition {
                arn: self.name.clone(),
                partition: partition.to_owned(),
            });
        }
        if let Some(known) = known
            && !known.contains(&own)
        {
            return Err(PolicyError::Unknown {
                name: full,
                known: known
                    .iter()
                    .map(|arn| policy_name(arn).to_owned())
                    .collect(),
            });
        }
        Ok(AccessPolicy {
            arn: own,
            scope: self.scope.clone(),
        })
    }

    /// Returns whether this is the same policy as another one, in all of its namespaces. A `*` in a namespace of the other policy
    /// is matched by a `*` of this one.
    pub fn includes(&self, other: &Self) -> bool {
        let in_scope = match (&self.scope, &other.scope) {
            (AccessScope::Cluster, _) => true,
            (AccessScope::Namespaces(_), AccessScope::Cluster) => false,
            (AccessScope::Namespaces(own), AccessScope::Namespaces(others)) => {
                let own: Vec<Pattern> = own.iter().map(Pattern::new).collect();
                let is_included = |name: &String| own.iter().any(|own| own.matches(name));
                others.iter().all(is_included)
            }
        };
        in_scope && full_name(&self.name) == full_name(&other.name)
    }

    /// Whether this policy has the ARN, whatever its scope.
    pub fn is(&self, arn: &str) -> bool {
        policy_name(arn) == full_name(&self.name)
    }
}

impl fmt::Display for NamedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            AccessScope::Cluster => f.write_str(&self.name),
            AccessScope::Namespaces(names) => write!(f, "{}:{}", self.name, names.join(",")),
        }
    }
}

impl From<AccessPolicy> for NamedPolicy {
    fn from(policy: AccessPolicy) -> Self {
        Self {
            name: policy.arn,
            scope: policy.scope,
        }
    }
}

/// Returns the name that EKS uses: that of an ARN, a name in EKS's spelling, or the words of a short name.
fn full_name(name: &str) -> String {
    let name = policy_name(name);
    if name.starts_with(PREFIX) {
        return name.to_owned();
    }
    let words = name.split('-').map(|word| match word.chars().next() {
        Some(first) => first.to_ascii_uppercase().to_string() + &word[first.len_utf8()..],
        None => String::new(),
    });
    format!("{PREFIX}{}{SUFFIX}", words.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> NamedPolicy {
        text.parse().unwrap()
    }

    #[test]
    fn short_names_full_names_and_arns_are_the_same_policy() {
        let arn = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
        for text in ["cluster-admin", "AmazonEKSClusterAdminPolicy", arn] {
            let policy = named(text).resolve("aws", Some(&[arn.to_owned()])).unwrap();
            assert_eq!(
                (policy.arn.as_str(), policy.scope),
                (arn, AccessScope::Cluster)
            );
            assert!(named(text).is(arn));
        }
        let view = named("view:shop-*,web").resolve("aws-cn", None).unwrap();
        assert_eq!(
            view.arn,
            "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
        );
        let namespaces = ["shop-*", "web"].map(str::to_owned).to_vec();
        assert_eq!(view.scope, AccessScope::Namespaces(namespaces.clone()));
        let scoped = named(&format!("{arn}:shop-*,web"));
        assert_eq!(
            (scoped.name.as_str(), scoped.scope),
            (arn, AccessScope::Namespaces(namespaces))
        );
    }

    #[test]
    fn unknown_policy_is_refused_with_the_most_similar_one() {
        let known = ["View", "ClusterAdmin"]
            .map(|name| format!("arn:aws:eks::aws:cluster-access-policy/AmazonEKS{name}Policy"));
        let error = named("cluster-admn")
            .resolve("aws", Some(&known))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "EKS has no access policy AmazonEKSClusterAdmnPolicy"
        );
        assert!(error.remedy().contains("AmazonEKSClusterAdminPolicy"));
        let error = named(&known[0]).resolve("aws-cn", None).unwrap_err();
        assert!(matches!(error, PolicyError::OtherPartition { .. }));
    }

    #[test]
    fn policy_includes_the_same_one_in_fewer_namespaces() {
        let arn = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy";
        for (own, other, expected) in [
            ("edit", arn, true),
            ("edit", "edit:shop", true),
            ("edit:shop-*", "edit:shop-a,shop-*", true),
            ("edit:shop-*", "edit:shop-a,web", false),
            ("edit:shop-a", "edit:shop-*", false),
            ("edit:shop", "edit", false),
            ("view", "edit", false),
        ] {
            assert_eq!(
                named(own).includes(&named(other)),
                expected,
                "{own} {other}"
            );
        }
    }

    #[test]
    fn text_without_name_or_namespace_is_refused() {
        for (text, error) in [
            ("", PolicyTextError::NoName),
            (":shop", PolicyTextError::NoName),
            ("view:", PolicyTextError::EmptyNamespace),
            ("view:a,,b", PolicyTextError::EmptyNamespace),
        ] {
            assert_eq!(text.parse::<NamedPolicy>(), Err(error), "{text}");
        }
    }
}
