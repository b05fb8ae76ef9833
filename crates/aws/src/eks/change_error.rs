//! Errors from changing access entries or the authentication mode.

use std::fmt;
use std::io;

use serde_json::json;

use super::client::Eks;
use super::read_error::{EksError, allow};
use crate::AwsError;
use awsauth_core::access_entries::Operation;
use awsauth_core::error_chain;
use awsauth_core::facts::access_entries::policy_name;
use awsauth_core::shell_quote::quoted;

/// Why an operation failed.
#[derive(Debug)]
pub struct OperationError {
    pub operation: Operation,
    pub cause: Cause,
    cluster: String,
    region: String,
    /// The policy statement that allows the operation, as JSON, if the caller was denied.
    statement: Option<String>,
}

/// The cause of an [`OperationError`].
#[derive(Debug)]
pub enum Cause {
    /// EKS refused the call, could not be reached, or did not answer before the deadline.
    Aws(AwsError),
    /// The access entry exists and differs; the string states how, as a clause.
    Different(String),
    /// The cluster was not ready at the deadline.
    StillUpdating {
        /// The id of the update that this run started.
        update_id: Option<String>,
    },
    /// The update of the authentication mode did not succeed.
    Update(UpdateFailure),
    /// The cluster is being created or deleted, or has failed.
    NotReady(String),
    /// No request was sent.
    Setup(io::Error),
}

/// How an update of the cluster ended, if not successfully.
#[derive(Debug)]
pub struct UpdateFailure {
    pub id: String,
    /// `Failed` or `Cancelled`.
    pub status: String,
    /// EKS may give none.
    pub reasons: Vec<String>,
}

impl Eks {
    pub(super) fn operation_error(
        &self,
        cluster: &str,
        operation: &Operation,
        cause: Cause,
    ) -> OperationError {
        let mut error = OperationError {
            operation: operation.clone(),
            cause,
            cluster: cluster.to_owned(),
            region: self.region.clone(),
            statement: None,
        };
        let Cause::Aws(refusal) = error.cause else {
            return error;
        };
        let refusal = if is_denied_pass_role(&refusal) {
            let role = operation.principal_arn().unwrap_or("*");
            error.statement = Some(
                json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": role}).to_string(),
            );
            refusal
        } else {
            match self.refused(cluster, refusal, &actions(operation), &["access-entry"]) {
                EksError::Denied { refusal, statement } => {
                    error.statement = Some(statement);
                    refusal
                }
                EksError::Aws(refusal) => refusal,
                _ => unreachable!("a refusal stays one"),
            }
        };
        error.cause = Cause::Aws(refusal);
        error
    }
}

/// Returns the actions that an operation and the reads around it need.
fn actions(operation: &Operation) -> Vec<&'static str> {
    let further: &[&str] = match operation {
        Operation::UpdateAuthenticationMode { .. } => {
            &["eks:DescribeCluster", "eks:DescribeUpdate"]
        }
        Operation::CreateEntry { .. } => &[
            "eks:DescribeAccessEntry",
            "eks:ListAssociatedAccessPolicies",
            // To delete the new entry if its policies are refused.
            "eks:DeleteAccessEntry",
        ],
        _ => &[],
    };
    let mut actions = vec![operation.permission()];
    actions.extend(further);
    actions
}

fn is_denied_pass_role(error: &AwsError) -> bool {
    let refused = error.refused();
    error.is_denial() && refused.is_some_and(|refused| refused.message.contains("iam:PassRole"))
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: ", what(&self.operation, &self.cluster))?;
        match &self.cause {
            Cause::Aws(error) => error.fmt(f),
            Cause::Different(difference) => {
                write!(f, "it already exists and is different: {difference}")
            }
            Cause::StillUpdating { .. } => f.write_str("the cluster is still being updated"),
            Cause::Update(failure) => {
                write!(f, "the update {} is {}", failure.id, failure.status)?;
                match failure.reasons.as_slice() {
                    [] => f.write_str(", and EKS gives no reason"),
                    reasons => write!(f, ": {}", reasons.join("; ")),
                }
            }
            Cause::NotReady(status) => write!(f, "the cluster is {status}"),
            Cause::Setup(error) => f.write_str(&error_chain::messages(error).join(": ")),
        }
    }
}

impl std::error::Error for OperationError {}

/// Returns what an operation does, to follow `cannot`.
fn what(operation: &Operation, cluster: &str) -> String {
    match operation {
        Operation::UpdateAuthenticationMode { to, .. } => format!(
            "change the authentication mode of cluster {cluster} to {}",
            to.name()
        ),
        Operation::BindClusterAdmin { group } => {
            format!("bind the group {group} to cluster-admin")
        }
        Operation::UnbindClusterAdmin { group } => {
            format!("remove the binding of the group {group}")
        }
        Operation::CreateEntry { principal_arn, .. } => {
            format!("create the access entry of {principal_arn}")
        }
        Operation::UpdateEntry { principal_arn, .. } => {
            format!("update the access entry of {principal_arn}")
        }
        Operation::DeleteEntry { principal_arn } => {
            format!("delete the access entry of {principal_arn}")
        }
        Operation::AssociatePolicy {
            principal_arn,
            policy_arn,
            ..
        } => format!(
            "associate {} with the access entry of {principal_arn}",
            policy_name(policy_arn)
        ),
        Operation::DisassociatePolicy {
            principal_arn,
            policy_arn,
        } => format!(
            "disassociate {} from the access entry of {principal_arn}",
            policy_name(policy_arn)
        ),
        Operation::TagEntry { principal_arn, .. } => {
            format!("tag the access entry of {principal_arn}")
        }
    }
}

impl OperationError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match &self.cause {
            Cause::Aws(error) => self.aws_hint(error),
            Cause::Different(_) => format!(
                "keep the existing entry and leave this principal out, or delete the entry and run again: {}",
                self.aws("delete-access-entry", true)
            ),
            Cause::StillUpdating {
                update_id: Some(id),
            } => format!(
                "wait until the update is Successful, then run again: {} --update-id {}",
                self.aws("describe-update", false),
                quoted(id)
            ),
            Cause::StillUpdating { update_id: None } => format!(
                "wait until the cluster is ACTIVE, then run again: {}",
                self.aws("describe-cluster", false)
            ),
            Cause::Update(failure) => format!(
                "the cluster still has its previous authentication mode; run the command again, and ask AWS support if the update fails again: {} --update-id {}",
                self.aws("describe-update", false),
                quoted(&failure.id)
            ),
            Cause::NotReady(_) => format!(
                "run again when the cluster is ACTIVE: {}",
                self.aws("describe-cluster", false)
            ),
            Cause::Setup(_) => "try again".to_owned(),
        }
    }

    fn aws_hint(&self, error: &AwsError) -> String {
        let Some(refused) = error.refused() else {
            return format!(
                "EKS may have carried out the call; run the command again; it continues from here ({})",
                error.hint()
            );
        };
        if let Some(statement) = &self.statement {
            return match explicit_deny(&refused.message) {
                Some(policy) => format!(
                    "the explicit deny in {policy} overrides every allow: ask its owner for an exception. Its condition may use {}",
                    condition_keys(&self.operation)
                ),
                None => allow(error, statement),
            };
        }
        let message = refused.message.as_str();
        let says = |text: &str| message.contains(text);
        let principal = self.operation.principal_arn().unwrap_or_default();
        let name = quoted(principal.rsplit('/').next().unwrap_or_default());
        match refused.code.as_str() {
            _ if is_mode_gate(error) => format!(
                "the cluster reads only aws-auth; change its authentication mode first, which cannot be reversed: {} --access-config authenticationMode=API_AND_CONFIG_MAP",
                self.aws("update-cluster-config", false)
            ),
            "InvalidParameterException" if says("kubernetes group name") => {
                "bind another group to the same roles, and use that group; instead of system:masters, use a group that a ClusterRoleBinding binds to cluster-admin, or the access policy AmazonEKSClusterAdminPolicy".to_owned()
            }
            "InvalidParameterException" if says("username") => {
                "use a username without a reserved prefix (system:, eks:, aws:, amazon:, iam:) and, if it contains {{SessionName}}, with a colon before it, and bind that user to the same roles".to_owned()
            }
            "InvalidParameterException" if says("Service Linked Role") => {
                "EKS manages the access of service-linked roles itself: leave this principal out".to_owned()
            }
            "InvalidParameterException" if says("invalid principal") => format!(
                "EKS requires a principal that exists, with its IAM path, and a new principal can take some seconds to become visible: aws iam {} {name}",
                match principal.contains(":user/") {
                    true => "get-user --user-name",
                    false => "get-role --role-name",
                }
            ),
            "InvalidParameterException" if says("principalArn parameter format") => {
                "name the user or the role, not a session: arn:aws:iam::ACCOUNT:role/PATH/NAME".to_owned()
            }
            "InvalidParameterException" if says("Unsupported authentication mode update") => {
                "the mode changes from CONFIG_MAP to API_AND_CONFIG_MAP to API, one step at a time and never back".to_owned()
            }
            "InvalidRequestException" if says("with a type of") => format!(
                "entries for nodes have fixed permissions; for users and programs, use another role: {}",
                self.aws("describe-access-entry", true)
            ),
            "ResourceLimitExceededException" => format!(
                "delete access entries that are not needed; AWS does not raise this quota of 3,000: {}",
                self.aws("list-access-entries", false)
            ),
            "ResourceNotFoundException" => {
                "another client deleted the access entry, or the cluster; run again".to_owned()
            }
            "ResourceInUseException" => format!(
                "another update of the cluster is in progress; run again when it is finished: {}",
                self.aws("list-updates", false)
            ),
            _ => error.hint(),
        }
    }

    /// Returns an AWS CLI command for this cluster, and for the principal of the operation.
    fn aws(&self, verb: &str, names_principal: bool) -> String {
        let option = match verb {
            "describe-cluster" | "describe-update" | "list-updates" | "update-cluster-config" => {
                "--name"
            }
            _ => "--cluster-name",
        };
        let mut command = format!(
            "aws eks {verb} --region {} {option} {}",
            quoted(&self.region),
            quoted(&self.cluster)
        );
        if let Some(principal) = self.operation.principal_arn().filter(|_| names_principal) {
            command.push_str(" --principal-arn ");
            command.push_str(&quoted(principal));
        }
        command
    }
}

/// Returns the kind of policy that denies a request, if it is an explicit denial:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
fn explicit_deny(message: &str) -> Option<&str> {
    let (_, policy) = message.split_once("with an explicit deny in ")?;
    Some(policy.trim_end_matches('.'))
}

/// Returns the condition keys of an operation:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html>
fn condition_keys(operation: &Operation) -> &'static str {
    match operation {
        Operation::UpdateAuthenticationMode { .. } => "eks:authenticationMode",
        Operation::CreateEntry { .. } => {
            "eks:principalArn, eks:accessEntryType, eks:username or eks:kubernetesGroups"
        }
        Operation::UpdateEntry { .. } => "eks:username or eks:kubernetesGroups",
        Operation::AssociatePolicy { .. } => "eks:policyArn, eks:accessScope or eks:namespaces",
        _ => "aws:ResourceTag or aws:PrincipalArn",
    }
}

/// Whether EKS refuses access entries because of the authentication mode.
pub(super) fn is_mode_gate(error: &AwsError) -> bool {
    error.refused().is_some_and(|refused| {
        refused.code == "InvalidRequestException"
            && refused.message.contains("authentication mode must be set")
    })
}
