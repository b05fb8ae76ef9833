//! Obstacles to assuming a role.

use std::fmt;

/// The kind of policy behind a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    Own,
    Trust,
    Boundary,
    Session,
    ServiceControl,
    ResourceControl,
    /// The policy of the VPC endpoint that the request passed.
    Endpoint,
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "the caller's own policies",
            Self::Trust => "the role's trust policy",
            Self::Boundary => "the caller's permissions boundary",
            Self::Session => "the session policy of the caller's session",
            Self::ServiceControl => "a service control policy of the organization",
            Self::ResourceControl => "a resource control policy of the organization",
            Self::Endpoint => "the policy of the VPC endpoint of STS",
        })
    }
}

/// An obstacle to assuming the role. `Display` returns a sentence without a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The role is in another partition.
    OtherPartition {
        caller: String,
        role: String,
    },
    /// The root user of an account cannot assume roles.
    RootUser,
    /// Sessions of GetFederationToken cannot assume roles.
    FederatedUser,
    /// An explicit deny, which overrides every Allow.
    Denied {
        kind: PolicyKind,
        /// The ARN of the policy, if the message has it.
        policy: Option<String>,
    },
    /// A policy that limits the caller and grants nothing does not allow the call.
    Limited {
        kind: PolicyKind,
        /// The ARN of the policy, if the message has it.
        policy: Option<String>,
    },
    OwnPolicies,
    NotTrusted,
    /// The role assumes itself, but its trust policy does not name it.
    NotTrustedByItself,
    /// The trust policy names a deleted principal, which it shows by its unique id.
    DeletedPrincipal {
        /// Such as `AROA…`.
        id: String,
    },
    /// The trust policy names another session of the caller's role.
    OtherSession {
        arn: String,
    },
    /// The trust policy requires an external id.
    ExternalId {
        /// The accepted values.
        required: Vec<String>,
        given: Option<String>,
    },
    /// The trust policy requires MFA.
    Mfa {
        /// Whether the caller is a role, whose sessions never have MFA.
        role: bool,
    },
    /// The trust policy has another condition that does not hold.
    Condition {
        /// Such as `StringEquals`.
        operator: String,
        /// Such as `sts:RoleSessionName`.
        key: String,
        /// The accepted values.
        required: Vec<String>,
    },
    /// The trust policy names the caller under unknown conditions, and AWS refused the call.
    UnknownCondition {
        /// The conditions, each with its key first.
        keys: Vec<String>,
        /// Whether nothing else can have denied the call.
        is_certain: bool,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherPartition { caller, role } => {
                write!(f, "the caller is in the partition {caller} and the role in {role}, and roles cannot be assumed across partitions")
            }
            Self::RootUser => f.write_str("the root user of an account cannot assume roles"),
            Self::FederatedUser => {
                f.write_str("a session from GetFederationToken cannot assume roles")
            }
            Self::Denied { kind, policy } => {
                write!(f, "{kind} denies it explicitly{}, and no Allow overrides that", named(policy))
            }
            Self::Limited { kind, policy } => {
                write!(f, "{kind} does not allow it{}", named(policy))
            }
            Self::OwnPolicies => f.write_str("the caller's own policies do not allow it"),
            Self::NotTrusted => f.write_str("the role's trust policy does not name the caller"),
            Self::NotTrustedByItself => f.write_str(
                "the role's trust policy does not name the role itself, which AWS has required since September 2022 for a role that assumes itself",
            ),
            Self::DeletedPrincipal { id } => write!(
                f,
                "the role's trust policy names {id}, the id of a deleted role or user; to IAM, a new one with the same name is a \
                 different principal until the policy is saved with its ARN again"
            ),
            Self::OtherSession { arn } => {
                write!(f, "the role's trust policy names only the session {arn}, but the caller is another session")
            }
            Self::ExternalId { required, given: None } => {
                write!(f, "the role's trust policy requires the external id {}, but the call has none", any(required))
            }
            Self::ExternalId { required, given: Some(given) } => {
                write!(f, "the role's trust policy requires the external id {}, but the call has {given:?}", any(required))
            }
            Self::Mfa { role: false } => f.write_str("the role's trust policy requires a caller who signed in with MFA"),
            Self::Mfa { role: true } => {
                f.write_str("the role's trust policy requires a caller who signed in with MFA, which a role's session never has")
            }
            Self::Condition { operator, key, required } => write!(
                f,
                "the role's trust policy names the caller, but its condition {operator} on {key} requires {}",
                any(required)
            ),
            Self::UnknownCondition { keys, is_certain } => {
                let holds = match is_certain {
                    true => "does not hold",
                    false => "probably does not hold",
                };
                write!(
                    f,
                    "the role's trust policy names the caller, but its condition on {} {holds}",
                    keys.join(", ")
                )
            }
        }
    }
}

impl Obstacle {
    /// Returns whether no policy can remove the obstacle.
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::OtherPartition { .. } | Self::RootUser | Self::FederatedUser
        )
    }

    /// Returns what to do, unless it is to add a statement.
    pub fn step(&self) -> Option<String> {
        let step = match self {
            Self::OtherPartition { .. } => {
                "use credentials of the role's own partition".to_owned()
            }
            Self::RootUser | Self::FederatedUser => {
                "use an IAM user or a role instead".to_owned()
            }
            Self::Denied { kind, .. } => {
                format!("remove the caller or the role from the Deny statement of {kind}")
            }
            Self::Limited { kind, .. } => format!("allow the call in {kind}"),
            Self::ExternalId { required, .. } => match required.as_slice() {
                [one] => format!("pass it: --external-id {one}"),
                _ => "pass one of them with --external-id".to_owned(),
            },
            Self::Mfa { role: false } => {
                "sign in with MFA first (aws sts get-session-token --serial-number MFA_ARN --token-code CODE), and use those \
                 credentials"
                    .to_owned()
            }
            Self::Mfa { role: true } => {
                "add a statement for the caller to the trust policy, without that condition"
                    .to_owned()
            }
            Self::UnknownCondition { keys, .. } if keys.iter().any(|key| is_of_network(key)) => {
                "connect from a network that the condition names, such as the VPN, or add a statement for the caller to the trust policy"
                    .to_owned()
            }
            Self::Condition { .. } | Self::UnknownCondition { .. } => {
                "meet the condition, or add a statement for the caller to the trust policy"
                    .to_owned()
            }
            _ => return None,
        };
        Some(step)
    }

    /// Returns the AWS documentation.
    pub fn link(&self) -> &'static str {
        match self {
            Self::OtherPartition { .. } => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html"
            }
            Self::RootUser => {
                "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"
            }
            Self::FederatedUser => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html"
            }
            Self::Denied { .. }
            | Self::Limited {
                kind:
                    PolicyKind::ServiceControl
                    | PolicyKind::ResourceControl
                    | PolicyKind::Endpoint
                    | PolicyKind::Session,
                ..
            } => "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
            Self::Limited { .. } => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html"
            }
            Self::OwnPolicies | Self::NotTrusted => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html"
            }
            Self::NotTrustedByItself => {
                "https://aws.amazon.com/blogs/security/announcing-an-update-to-iam-role-trust-policy-behavior/"
            }
            Self::DeletedPrincipal { .. } | Self::OtherSession { .. } => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"
            }
            Self::ExternalId { .. } => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html"
            }
            Self::Mfa { .. } => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html"
            }
            Self::Condition { .. } | Self::UnknownCondition { .. } => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"
            }
        }
    }
}

/// Returns whether a condition depends on the network of the caller.
fn is_of_network(condition: &str) -> bool {
    let key = condition.to_ascii_lowercase();
    let keys = ["aws:sourceip", "aws:vpcsourceip", "aws:sourcevpc"];
    keys.iter().any(|start| key.starts_with(start))
}

fn named(policy: &Option<String>) -> String {
    policy
        .as_ref()
        .map(|arn| format!(" ({arn})"))
        .unwrap_or_default()
}

fn any(required: &[String]) -> String {
    let quoted: Vec<String> = required.iter().map(|one| format!("{one:?}")).collect();
    quoted.join(" or ")
}
