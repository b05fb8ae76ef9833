//! The calls that change who can sign in, as data.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::authenticator::template;
use crate::escape;
use crate::facts::access_entries::{
    AccessEntry, AccessPolicy, AccessScope, AccessTerms, CLUSTER_ADMIN_ROLE, STANDARD, policy_name,
};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::shell_quote::quoted;

/// A call that changes who can sign in to a cluster. Displayed as a command without the cluster's name.
///
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_Operations_Amazon_Elastic_Kubernetes_Service.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// EKS has no way back:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html>
    UpdateAuthenticationMode {
        from: AuthenticationMode,
        to: AuthenticationMode,
    },
    /// Creates a ClusterRoleBinding of the ClusterRole `cluster-admin`, named after the group.
    BindClusterAdmin { group: String },
    /// Deletes the ClusterRoleBinding that [`Self::BindClusterAdmin`] creates.
    UnbindClusterAdmin { group: String },
    CreateEntry {
        principal_arn: String,
        /// Such as [`STANDARD`]. It cannot be changed later.
        kind: String,
        /// `None` for EKS's default. EKS accepts a username and groups only with [`STANDARD`].
        username: Option<String>,
        groups: Vec<String>,
        tags: BTreeMap<String, String>,
    },
    /// Replaces the username and all groups of an entry.
    UpdateEntry {
        principal_arn: String,
        username: String,
        groups: Vec<String>,
    },
    /// Deletes an entry and its associations.
    DeleteEntry { principal_arn: String },
    /// Associates a policy. If the entry already has the policy, replaces its scope.
    AssociatePolicy {
        principal_arn: String,
        policy_arn: String,
        scope: AccessScope,
    },
    DisassociatePolicy {
        principal_arn: String,
        policy_arn: String,
    },
    /// Sets these tags of an entry, and keeps its others.
    TagEntry {
        principal_arn: String,
        /// The ARN of the entry itself.
        entry_arn: String,
        tags: BTreeMap<String, String>,
    },
}

impl Operation {
    /// Returns the IAM action or, for a Kubernetes API call, the verb and the resource that the caller must be allowed.
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html>
    pub const fn permission(&self) -> &'static str {
        match self {
            Self::UpdateAuthenticationMode { .. } => "eks:UpdateClusterConfig",
            Self::BindClusterAdmin { .. } => {
                "create clusterrolebindings.rbac.authorization.k8s.io, bind clusterrole cluster-admin"
            }
            Self::UnbindClusterAdmin { .. } => {
                "delete clusterrolebindings.rbac.authorization.k8s.io"
            }
            Self::CreateEntry { .. } => "eks:CreateAccessEntry",
            Self::UpdateEntry { .. } => "eks:UpdateAccessEntry",
            Self::DeleteEntry { .. } => "eks:DeleteAccessEntry",
            Self::AssociatePolicy { .. } => "eks:AssociateAccessPolicy",
            Self::DisassociatePolicy { .. } => "eks:DisassociateAccessPolicy",
            Self::TagEntry { .. } => "eks:TagResource",
        }
    }

    /// Returns an IAM action that EKS requires in addition: it passes the role of EC2 nodes.
    /// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
    pub fn further_permission(&self) -> Option<&'static str> {
        match self {
            Self::CreateEntry { kind, .. } if kind == "EC2_LINUX" || kind == "EC2_WINDOWS" => {
                Some("iam:PassRole")
            }
            _ => None,
        }
    }

    /// Returns the principal whose access changes; `None` if it is not about one principal.
    pub fn principal_arn(&self) -> Option<&str> {
        match self {
            Self::UpdateAuthenticationMode { .. }
            | Self::BindClusterAdmin { .. }
            | Self::UnbindClusterAdmin { .. } => None,
            Self::CreateEntry { principal_arn, .. }
            | Self::UpdateEntry { principal_arn, .. }
            | Self::DeleteEntry { principal_arn }
            | Self::AssociatePolicy { principal_arn, .. }
            | Self::DisassociatePolicy { principal_arn, .. }
            | Self::TagEntry { principal_arn, .. } => Some(principal_arn),
        }
    }

    /// Returns whether a principal may have more access afterwards.
    pub fn may_give_access(&self) -> bool {
        matches!(
            self,
            Self::CreateEntry { .. } | Self::AssociatePolicy { .. } | Self::UpdateEntry { .. }
        )
    }

    /// Returns the operations that restore the state before this one, in order; `None` if none do, or the contents of the
    /// entry before are not known. `before` is the principal's entry before, if it had one.
    pub fn inverse(&self, before: Option<&AccessEntry>) -> Option<Vec<Self>> {
        let terms = || before?.terms.as_ref();
        let associate = |policy_arn: &str| {
            let mut policies = terms()?.policies.as_ref()?.iter();
            let had = policies.find(|policy| policy.arn == policy_arn)?;
            Some(Self::AssociatePolicy {
                principal_arn: before?.principal_arn.clone(),
                policy_arn: had.arn.clone(),
                scope: had.scope.clone(),
            })
        };
        match self {
            Self::UpdateAuthenticationMode { .. } => None,
            Self::BindClusterAdmin { group } => Some(vec![Self::UnbindClusterAdmin {
                group: group.clone(),
            }]),
            Self::UnbindClusterAdmin { group } => Some(vec![Self::BindClusterAdmin {
                group: group.clone(),
            }]),
            Self::CreateEntry { principal_arn, .. } => Some(vec![Self::DeleteEntry {
                principal_arn: principal_arn.clone(),
            }]),
            Self::UpdateEntry { principal_arn, .. } => {
                let user = template(before?, terms()?);
                Some(vec![Self::UpdateEntry {
                    principal_arn: principal_arn.clone(),
                    username: user.username,
                    groups: user.groups,
                }])
            }
            Self::DeleteEntry { principal_arn } => {
                let terms = terms()?;
                terms.policies.as_ref()?;
                Some(Self::creating(principal_arn, terms))
            }
            Self::AssociatePolicy {
                principal_arn,
                policy_arn,
                ..
            } => {
                // Without the policies before, it is unknown whether only the scope changed.
                terms()?.policies.as_ref()?;
                let disassociate = || Self::DisassociatePolicy {
                    principal_arn: principal_arn.clone(),
                    policy_arn: policy_arn.clone(),
                };
                Some(vec![associate(policy_arn).unwrap_or_else(disassociate)])
            }
            Self::DisassociatePolicy { policy_arn, .. } => Some(vec![associate(policy_arn)?]),
            Self::TagEntry {
                principal_arn,
                entry_arn,
                tags,
            } => {
                let had = &terms()?.tags;
                let had = tags
                    .keys()
                    .map(|key| Some((key.clone(), had.get(key)?.clone())));
                Some(vec![Self::TagEntry {
                    principal_arn: principal_arn.clone(),
                    entry_arn: entry_arn.clone(),
                    tags: had.collect::<Option<_>>()?,
                }])
            }
        }
    }

    /// Returns the contents of the principal's entry afterwards. `before` is `None` if there is no entry. An entry that exists is not
    /// created again.
    pub(super) fn apply_to(&self, before: Option<AccessTerms>) -> Option<AccessTerms> {
        if let (
            None,
            Self::CreateEntry {
                kind,
                username,
                groups,
                tags,
                ..
            },
        ) = (&before, self)
        {
            return Some(AccessTerms {
                kind: kind.clone(),
                username: username.clone(),
                groups: groups.clone(),
                policies: Some(Vec::new()),
                tags: tags.clone(),
                ..AccessTerms::default()
            });
        }
        let mut terms = before?;
        let mut without = |arn: &str| {
            if let Some(policies) = &mut terms.policies {
                policies.retain(|policy| policy.arn != arn);
            }
        };
        match self {
            Self::DeleteEntry { .. } => return None,
            Self::UpdateEntry {
                username, groups, ..
            } => {
                terms.username = Some(username.clone());
                terms.groups.clone_from(groups);
            }
            Self::AssociatePolicy {
                policy_arn, scope, ..
            } => {
                without(policy_arn);
                let policy = AccessPolicy {
                    arn: policy_arn.clone(),
                    scope: scope.clone(),
                };
                terms.policies.get_or_insert_default().push(policy);
            }
            Self::DisassociatePolicy { policy_arn, .. } => without(policy_arn),
            Self::TagEntry { tags, .. } => terms.tags.extend(tags.clone()),
            Self::CreateEntry { .. }
            | Self::UpdateAuthenticationMode { .. }
            | Self::BindClusterAdmin { .. }
            | Self::UnbindClusterAdmin { .. } => {}
        }
        Some(terms)
    }

    /// Returns the operations that create an entry with these contents, as far as EKS accepts them for its type.
    pub fn creating(principal_arn: &str, terms: &AccessTerms) -> Vec<Self> {
        let is_standard = terms.kind == STANDARD;
        let create = Self::CreateEntry {
            principal_arn: principal_arn.to_owned(),
            kind: terms.kind.clone(),
            username: terms.username.clone().filter(|_| is_standard),
            groups: match is_standard {
                true => terms.groups.clone(),
                false => Vec::new(),
            },
            tags: terms.tags.clone(),
        };
        let policies = terms.policies().iter();
        let associate = policies.map(|policy| Self::AssociatePolicy {
            principal_arn: principal_arn.to_owned(),
            policy_arn: policy.arn.clone(),
            scope: policy.scope.clone(),
        });
        std::iter::once(create).chain(associate).collect()
    }

    /// Returns what is true if no later operation follows, as a sentence.
    pub fn what_holds_after(&self) -> String {
        match self {
            Self::UpdateAuthenticationMode { to, .. } => match to {
                AuthenticationMode::ConfigMap => "The cluster reads aws-auth only.".to_owned(),
                AuthenticationMode::ApiAndConfigMap => {
                    "aws-auth still decides for every principal without an access entry. EKS cannot return to CONFIG_MAP."
                        .to_owned()
                }
                AuthenticationMode::Api => {
                    "Only principals with an access entry can sign in. EKS cannot return to API_AND_CONFIG_MAP."
                        .to_owned()
                }
            },
            Self::BindClusterAdmin { group } => {
                format!("Members of the group {group} are cluster administrators.")
            }
            Self::UnbindClusterAdmin { group } => {
                format!("The group {group} has no permissions by this binding.")
            }
            Self::CreateEntry {
                principal_arn,
                kind,
                groups,
                ..
            } => match kind.as_str() {
                STANDARD if groups.is_empty() => format!(
                    "{principal_arn} signs in through its access entry, in no group and without access policies; aws-auth is ignored for it."
                ),
                STANDARD => format!(
                    "{principal_arn} signs in through its access entry, in {}; aws-auth is ignored for it.",
                    groups.join(", ")
                ),
                kind => format!(
                    "Nodes with {principal_arn} sign in through its access entry of type {kind}; aws-auth is ignored for them."
                ),
            },
            Self::UpdateEntry {
                principal_arn,
                username,
                groups,
            } => match groups.as_slice() {
                [] => format!("{principal_arn} is {username}, in no group."),
                groups => format!("{principal_arn} is {username}, in {}.", groups.join(", ")),
            },
            Self::DeleteEntry { principal_arn } => format!(
                "{principal_arn} has no access entry: aws-auth decides for it, if the cluster reads aws-auth."
            ),
            Self::AssociatePolicy {
                principal_arn,
                policy_arn,
                scope,
            } => format!("{principal_arn} has {} {scope}.", policy_name(policy_arn)),
            Self::DisassociatePolicy {
                principal_arn,
                policy_arn,
            } => format!("{principal_arn} does not have {}.", policy_name(policy_arn)),
            Self::TagEntry { principal_arn, .. } => {
                format!("The tags of the access entry of {principal_arn} record its contents.")
            }
        }
    }

    /// Returns the command that does the same in a POSIX shell.
    pub fn command(&self, cluster: &str) -> String {
        self.words(Some(cluster))
            .iter()
            .map(|word| quoted(word))
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn words(&self, cluster: Option<&str>) -> Vec<String> {
        let mut words = Vec::new();
        let mut add = |given: &[&str]| words.extend(given.iter().map(|&word| word.to_owned()));
        let verb = match self {
            Self::BindClusterAdmin { group } => {
                add(&["kubectl", "create", "clusterrolebinding", group]);
                add(&[&format!("--clusterrole={CLUSTER_ADMIN_ROLE}")]);
                add(&[&format!("--group={group}")]);
                return words;
            }
            Self::UnbindClusterAdmin { group } => {
                add(&["kubectl", "delete", "clusterrolebinding", group]);
                return words;
            }
            Self::UpdateAuthenticationMode { .. } => "update-cluster-config",
            Self::TagEntry {
                entry_arn, tags, ..
            } => {
                add(&["aws", "eks", "tag-resource", "--resource-arn", entry_arn]);
                add(&["--tags", &json(tags)]);
                return words;
            }
            Self::CreateEntry { .. } => "create-access-entry",
            Self::UpdateEntry { .. } => "update-access-entry",
            Self::DeleteEntry { .. } => "delete-access-entry",
            Self::AssociatePolicy { .. } => "associate-access-policy",
            Self::DisassociatePolicy { .. } => "disassociate-access-policy",
        };
        add(&["aws", "eks", verb]);
        match (self, cluster) {
            (Self::UpdateAuthenticationMode { .. }, Some(cluster)) => add(&["--name", cluster]),
            (_, Some(cluster)) => add(&["--cluster-name", cluster]),
            (_, None) => {}
        }
        if let Some(principal_arn) = self.principal_arn() {
            add(&["--principal-arn", principal_arn]);
        }
        match self {
            Self::UpdateAuthenticationMode { to, .. } => {
                let mode = format!("authenticationMode={}", to.name());
                add(&["--access-config", &mode]);
            }
            Self::CreateEntry {
                kind,
                username,
                groups,
                tags,
                ..
            } => {
                if kind != STANDARD {
                    add(&["--type", kind]);
                }
                if let Some(username) = username {
                    words.extend(username_option(username));
                }
                words.extend(groups_option(groups).filter(|_| !groups.is_empty()));
                if !tags.is_empty() {
                    words.extend(["--tags".to_owned(), json(tags)]);
                }
            }
            Self::UpdateEntry {
                username, groups, ..
            } => {
                words.extend(username_option(username));
                words.extend(groups_option(groups));
            }
            Self::AssociatePolicy {
                policy_arn, scope, ..
            } => {
                add(&["--policy-arn", policy_arn, "--access-scope"]);
                words.push(scope_option(scope));
            }
            Self::DisassociatePolicy { policy_arn, .. } => add(&["--policy-arn", policy_arn]),
            Self::DeleteEntry { .. }
            | Self::TagEntry { .. }
            | Self::BindClusterAdmin { .. }
            | Self::UnbindClusterAdmin { .. } => {}
        }
        words
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, word) in self.words(None).iter().enumerate() {
            let gap = if number == 0 { "" } else { " " };
            write!(f, "{gap}{}", quoted(word))?;
        }
        Ok(())
    }
}

/// Returns JSON without invisible characters.
fn json(value: &impl Serialize) -> String {
    escape::json(&serde_json::json!(value).to_string()).into_owned()
}

/// Returns whether a shell would change the text when it passes the text on.
fn is_lost_in_shell(text: &str) -> bool {
    text.contains('\0') || text.ends_with('\n')
}

/// The URLs whose contents the AWS CLI uses as the value of an option. Only its version 1 reads those of the web:
/// <https://docs.aws.amazon.com/cli/latest/userguide/cliv2-migration-changes.html#cliv2-migration-changes-breaking>
const READ_URLS: [&str; 4] = ["file://", "fileb://", "http://", "https://"];

/// Returns the words of `--kubernetes-groups`. The AWS CLI would read some values as JSON, as URLs or as options.
fn groups_option(groups: &[String]) -> impl Iterator<Item = String> {
    let is_plain = |group: &String| {
        let begins = |start: &&str| group.trim_start().starts_with(start);
        !group.is_empty()
            && !is_lost_in_shell(group)
            && !["-", "[", "{"].iter().chain(&READ_URLS).any(begins)
    };
    let words = match !groups.is_empty() && groups.iter().all(is_plain) {
        true => groups.to_vec(),
        false => vec![json(&groups)],
    };
    std::iter::once("--kubernetes-groups".to_owned()).chain(words)
}

/// Returns the word or words of `--username`. The AWS CLI would read some URLs.
fn username_option(username: &str) -> Vec<String> {
    let is_url = READ_URLS.iter().any(|start| username.starts_with(start));
    match is_url || is_lost_in_shell(username) {
        true => vec![
            "--cli-input-json".to_owned(),
            json(&serde_json::json!({ "username": username })),
        ],
        false => vec![format!("--username={username}")],
    }
}

fn scope_option(scope: &AccessScope) -> String {
    let scope = match scope {
        AccessScope::Cluster => serde_json::json!({ "type": "cluster" }),
        AccessScope::Namespaces(namespaces) => {
            serde_json::json!({ "type": "namespace", "namespaces": namespaces })
        }
    };
    json(&scope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::access_entries::AccessPolicy;

    const ROLE: &str = "arn:aws:iam::111122223333:role/team/Dev";
    const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
    const EDIT: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy";

    fn create(username: Option<&str>, groups: &[&str]) -> Operation {
        Operation::CreateEntry {
            principal_arn: ROLE.to_owned(),
            kind: STANDARD.to_owned(),
            username: username.map(str::to_owned),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            tags: BTreeMap::new(),
        }
    }

    fn associate(policy: &str, scope: AccessScope) -> Operation {
        Operation::AssociatePolicy {
            principal_arn: ROLE.to_owned(),
            policy_arn: policy.to_owned(),
            scope,
        }
    }

    fn entry(policies: Option<Vec<AccessPolicy>>) -> AccessEntry {
        AccessEntry {
            principal_arn: ROLE.to_owned(),
            terms: Some(AccessTerms {
                groups: vec!["devs".to_owned()],
                policies,
                tags: [("team".to_owned(), "a".to_owned())].into(),
                ..AccessTerms::default()
            }),
        }
    }

    #[test]
    fn commands_are_quoted_for_a_shell_and_for_the_aws_cli() {
        let namespaces = AccessScope::Namespaces(vec!["shop-*".to_owned()]);
        for (operation, command) in [
            (
                create(Some("dev:{{SessionName}}"), &["devs", "it's"]),
                format!(
                    r"aws eks create-access-entry --cluster-name prod --principal-arn {ROLE} '--username=dev:{{{{SessionName}}}}' --kubernetes-groups devs 'it'\''s'"
                ),
            ),
            (
                create(Some("file://x"), &["-x"]),
                format!(
                    r#"aws eks create-access-entry --cluster-name prod --principal-arn {ROLE} --cli-input-json '{{"username":"file://x"}}' --kubernetes-groups '["-x"]'"#
                ),
            ),
            (
                create(Some("https://x"), &["http://x"]),
                format!(
                    r#"aws eks create-access-entry --cluster-name prod --principal-arn {ROLE} --cli-input-json '{{"username":"https://x"}}' --kubernetes-groups '["http://x"]'"#
                ),
            ),
            (
                create(None, &[]),
                format!("aws eks create-access-entry --cluster-name prod --principal-arn {ROLE}"),
            ),
            (
                associate(VIEW, namespaces),
                format!(
                    r#"aws eks associate-access-policy --cluster-name prod --principal-arn {ROLE} --policy-arn {VIEW} --access-scope '{{"namespaces":["shop-*"],"type":"namespace"}}'"#
                ),
            ),
            (
                Operation::UpdateAuthenticationMode {
                    from: AuthenticationMode::ConfigMap,
                    to: AuthenticationMode::ApiAndConfigMap,
                },
                "aws eks update-cluster-config --name prod --access-config authenticationMode=API_AND_CONFIG_MAP".to_owned(),
            ),
            (
                Operation::BindClusterAdmin { group: "admins".to_owned() },
                "kubectl create clusterrolebinding admins --clusterrole=cluster-admin --group=admins".to_owned(),
            ),
        ] {
            assert_eq!(operation.command("prod"), command);
            let displayed = command.replace(" --cluster-name prod", "").replace(" --name prod", "");
            assert_eq!(operation.to_string(), displayed);
        }
    }

    #[test]
    fn inverse_restores_the_entry_before() {
        let view = AccessPolicy {
            arn: VIEW.to_owned(),
            scope: AccessScope::Cluster,
        };
        let known = entry(Some(vec![view]));
        let unknown = entry(None);
        let namespaces = || AccessScope::Namespaces(vec!["a".to_owned()]);
        let disassociate = |policy: &str| Operation::DisassociatePolicy {
            principal_arn: ROLE.to_owned(),
            policy_arn: policy.to_owned(),
        };
        let delete = Operation::DeleteEntry {
            principal_arn: ROLE.to_owned(),
        };
        let mut created = create(None, &["devs"]);
        if let Operation::CreateEntry { tags, .. } = &mut created {
            tags.insert("team".to_owned(), "a".to_owned());
        }
        let view = || associate(VIEW, AccessScope::Cluster);
        for (operation, before, inverse) in [
            (create(None, &[]), None, Some(vec![delete.clone()])),
            (delete.clone(), Some(&known), Some(vec![created, view()])),
            (delete.clone(), Some(&unknown), None),
            (delete, None, None),
            (
                associate(VIEW, namespaces()),
                Some(&known),
                Some(vec![view()]),
            ),
            (
                associate(EDIT, namespaces()),
                Some(&known),
                Some(vec![disassociate(EDIT)]),
            ),
            (associate(EDIT, namespaces()), Some(&unknown), None),
            (disassociate(VIEW), Some(&known), Some(vec![view()])),
            (
                Operation::UpdateEntry {
                    principal_arn: ROLE.to_owned(),
                    username: "x".to_owned(),
                    groups: Vec::new(),
                },
                Some(&known),
                Some(vec![Operation::UpdateEntry {
                    principal_arn: ROLE.to_owned(),
                    username: "arn:aws:sts::111122223333:assumed-role/Dev/{{SessionName}}"
                        .to_owned(),
                    groups: vec!["devs".to_owned()],
                }]),
            ),
            (
                Operation::UpdateAuthenticationMode {
                    from: AuthenticationMode::ApiAndConfigMap,
                    to: AuthenticationMode::Api,
                },
                None,
                None,
            ),
        ] {
            assert_eq!(operation.inverse(before), inverse, "{operation}");
        }
    }
}
