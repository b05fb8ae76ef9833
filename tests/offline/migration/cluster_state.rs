//! A cluster's access entries, and what EKS does with operations.

use std::collections::{BTreeMap, BTreeSet};

use awsauth_core::access_entries::Operation;
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::facts::access_entries::{AccessEntry, AccessPolicy, AccessTerms};
use awsauth_core::facts::authentication_mode::AuthenticationMode;

/// The part of a cluster that operations change.
#[derive(Clone)]
pub(crate) struct ClusterState {
    pub(crate) mode: AuthenticationMode,
    /// The access entries by principal.
    pub(crate) entries: BTreeMap<String, AccessTerms>,
    /// The groups that are bound to cluster-admin.
    pub(crate) admin_groups: BTreeSet<String>,
}

impl ClusterState {
    /// A cluster without access entries.
    pub(crate) fn new(mode: AuthenticationMode) -> Self {
        Self {
            mode,
            entries: BTreeMap::new(),
            admin_groups: BTreeSet::new(),
        }
    }

    pub(crate) fn access_entries(&self) -> AccessEntries {
        let entries = self.entries.iter().map(|(arn, terms)| AccessEntry {
            principal_arn: arn.clone(),
            terms: Some(terms.clone()),
        });
        AccessEntries::new(self.mode, Some(entries.collect()))
    }

    pub(crate) fn after(&self, operations: &[Operation]) -> Self {
        let mut state = self.clone();
        for operation in operations {
            // The caller applies each one again and reports a refusal.
            let _ = state.apply(operation);
        }
        state
    }

    /// Applies an operation, or returns why EKS refuses it.
    pub(crate) fn apply(&mut self, operation: &Operation) -> Result<(), String> {
        match operation {
            Operation::BindClusterAdmin { group } => {
                self.admin_groups.insert(group.clone());
            }
            Operation::UpdateAuthenticationMode { from, to } => {
                if self.mode != *from || *from != AuthenticationMode::ConfigMap {
                    return Err(format!(
                        "Unsupported authentication mode update from {} to {}",
                        from.name(),
                        to.name()
                    ));
                }
                self.mode = *to;
            }
            Operation::CreateEntry {
                principal_arn,
                kind,
                username,
                groups,
                tags,
            } => {
                if self.mode == AuthenticationMode::ConfigMap {
                    return Err("The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.".to_owned());
                }
                if self.entries.contains_key(principal_arn) {
                    return Err(
                        "The specified access entry resource is already in use on this cluster."
                            .to_owned(),
                    );
                }
                refusal(principal_arn, kind, username.as_deref(), groups)?;
                let terms = match kind.as_str() {
                    "STANDARD" => AccessTerms {
                        username: username.clone(),
                        groups: groups.clone(),
                        policies: Some(Vec::new()),
                        tags: tags.clone(),
                        ..AccessTerms::default()
                    },
                    kind => node_terms(kind),
                };
                self.entries.insert(principal_arn.clone(), terms);
            }
            Operation::AssociatePolicy {
                principal_arn,
                policy_arn,
                scope,
            } => {
                let terms = self
                    .entries
                    .get_mut(principal_arn)
                    .ok_or("no such access entry")?;
                if terms.kind != "STANDARD" {
                    return Err("This operation can only be performed on Access Entries with a type of \"STANDARD\".".to_owned());
                }
                terms.policies.get_or_insert_default().push(AccessPolicy {
                    arn: policy_arn.clone(),
                    scope: scope.clone(),
                });
            }
            other => return Err(format!("a migration does not need {other}")),
        }
        Ok(())
    }
}

/// Returns an entry for nodes, with the groups that EKS gives them.
pub(crate) fn node_terms(kind: &str) -> AccessTerms {
    let further = match kind {
        "FARGATE_LINUX" => Some("system:node-proxier"),
        "EC2_WINDOWS" => Some("eks:kube-proxy-windows"),
        _ => None,
    };
    let groups = std::iter::once("system:nodes").chain(further);
    AccessTerms {
        kind: kind.to_owned(),
        groups: groups.map(str::to_owned).collect(),
        policies: Some(Vec::new()),
        ..AccessTerms::default()
    }
}

/// Returns why EKS refuses a new entry, in its words where they are known.
fn refusal(arn: &str, kind: &str, username: Option<&str>, groups: &[String]) -> Result<(), String> {
    let is_principal =
        arn.starts_with("arn:aws:iam::") && (arn.contains(":role/") || arn.contains(":user/"));
    if !is_principal || arn.contains(['*', ' ']) {
        return Err(format!(
            "The principalArn parameter format is not valid: {arn}"
        ));
    }
    if arn.contains("/AWSServiceRoleFor") {
        return Err("The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role".to_owned());
    }
    if kind != "STANDARD"
        && (username.is_some()
            || !groups.is_empty()
            || !arn.contains(":role/")
            || !arn.contains("::111122223333:"))
    {
        return Err(format!("type {kind}"));
    }
    for group in groups {
        if group.starts_with("system:") || group.contains('{') {
            return Err(format!(
                "The kubernetes group name {group} is invalid, it cannot start with system:"
            ));
        }
    }
    if let Some(username) = username {
        let prefixes = ["system:", "eks:", "aws:", "amazon:", "iam:"];
        let session = username.find("{{SessionName");
        let is_late = session.is_none_or(|at| username[..at].contains(':'));
        let rest = username
            .replace("{{SessionName}}", "")
            .replace("{{SessionNameRaw}}", "");
        if username.is_empty()
            || prefixes.iter().any(|prefix| username.starts_with(prefix))
            || !is_late
            || rest.contains("{{")
        {
            return Err(format!("The username {username} is invalid"));
        }
    }
    Ok(())
}
