use std::fmt;

/// The kind of policy behind a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Own,
    Trust,
    Boundary,
    Session,
    ServiceControl,
    ResourceControl,
    /// The policy of the VPC endpoint that the request passed.
    Endpoint,
}

impl fmt::Display for Place {
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
pub enum Gap {
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
        place: Place,
        /// The ARN of the policy, if the message has it.
        policy: Option<String>,
    },
    /// A policy that limits the caller and grants nothing does not allow the call.
    Limited {
        place: Place,
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
        wanted: Vec<String>,
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
        wanted: Vec<String>,
    },
    /// The trust policy names the caller under unknown conditions, and AWS refused the call.
    UnseenCondition {
        /// The condition keys.
        keys: Vec<String>,
    },
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherPartition { caller, role } => {
                write!(f, "the caller is in the partition {caller} and the role in {role}, and roles cannot be assumed across partitions")
            }
            Self::RootUser => f.write_str("the root user of an account cannot assume roles"),
            Self::FederatedUser => {
                f.write_str("a session from GetFederationToken cannot assume roles")
            }
            Self::Denied { place, policy } => {
                write!(f, "{place} denies it explicitly{}, and no Allow overrides that", named(policy))
            }
            Self::Limited { place, policy } => {
                write!(f, "{place} does not allow it{}", named(policy))
            }
            Self::OwnPolicies => f.write_str("the caller's own policies do not allow it"),
            Self::NotTrusted => f.write_str("the role's trust policy does not name the caller"),
            Self::NotTrustedByItself => f.write_str(
                "the role's trust policy does not name the role itself, which since September 2022 it must for a role that assumes itself",
            ),
            Self::DeletedPrincipal { id } => write!(
                f,
                "the role's trust policy names {id}, the id of a role or user that was deleted; one that was created anew under the \
                 same name is another to IAM, until the policy is saved with its ARN again"
            ),
            Self::OtherSession { arn } => {
                write!(f, "the role's trust policy names one session only, {arn}, and this is another")
            }
            Self::ExternalId { wanted, given: None } => {
                write!(f, "the role's trust policy requires the external id {}, and none was given", any(wanted))
            }
            Self::ExternalId { wanted, given: Some(given) } => {
                write!(f, "the role's trust policy requires the external id {}, and {given:?} was given", any(wanted))
            }
            Self::Mfa { role: false } => f.write_str("the role's trust policy requires a caller who signed in with MFA"),
            Self::Mfa { role: true } => {
                f.write_str("the role's trust policy requires a caller who signed in with MFA, and a role's session never did")
            }
            Self::Condition { operator, key, wanted } => write!(
                f,
                "the role's trust policy names the caller, but its condition {operator} on {key} wants {}",
                any(wanted)
            ),
            Self::UnseenCondition { keys } => write!(
                f,
                "the role's trust policy names the caller, but its condition on {} does not hold",
                keys.join(", ")
            ),
        }
    }
}

impl Gap {
    /// Whether no policy can remove the obstacle.
    pub fn is_final(&self) -> bool {
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
            Self::Denied { place, .. } => {
                format!("remove the caller or the role from the Deny statement of {place}")
            }
            Self::Limited { place, .. } => format!("let {place} allow it"),
            Self::ExternalId { wanted, .. } => match wanted.as_slice() {
                [one] => format!("give it: --external-id {one}"),
                _ => "give one of them with --external-id".to_owned(),
            },
            Self::Mfa { role: false } => {
                "sign in with MFA first (aws sts get-session-token --serial-number MFA_ARN --token-code CODE), and use those \
                 credentials"
                    .to_owned()
            }
            Self::Mfa { role: true } => {
                "give the caller a statement of its own in the trust policy, without that condition"
                    .to_owned()
            }
            Self::Condition { .. } | Self::UnseenCondition { .. } => {
                "meet the condition, or give the caller a statement of its own in the trust policy"
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
                place:
                    Place::ServiceControl | Place::ResourceControl | Place::Endpoint | Place::Session,
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
            Self::Condition { .. } | Self::UnseenCondition { .. } => {
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"
            }
        }
    }
}

fn named(policy: &Option<String>) -> String {
    policy
        .as_ref()
        .map(|arn| format!(" ({arn})"))
        .unwrap_or_default()
}

fn any(wanted: &[String]) -> String {
    let quoted: Vec<String> = wanted.iter().map(|one| format!("{one:?}")).collect();
    quoted.join(" or ")
}
