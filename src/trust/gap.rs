use std::fmt;

/// Where a refusal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The caller's own (identity-based) policies.
    Own,
    /// The role's trust policy.
    Trust,
    /// The caller's permissions boundary.
    Boundary,
    /// The policy that the caller's session was made with.
    Session,
    /// A service control policy of the organization.
    ServiceControl,
    /// A resource control policy of the organization.
    ResourceControl,
    /// The policy of the VPC endpoint that the call went through.
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

/// One thing that keeps the caller from assuming the role. Its text is a sentence without a period.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// The role is in another partition.
    OtherPartition {
        /// The caller's.
        caller: String,
        /// The role's.
        role: String,
    },
    /// The root user of an account can't assume roles.
    RootUser,
    /// Sessions of GetFederationToken can't assume roles.
    FederatedUser,
    /// A statement denies it, which no other statement outweighs.
    Denied {
        /// Where the statement is.
        place: Place,
        /// The ARN of the policy, when AWS told.
        policy: Option<String>,
    },
    /// A policy that limits, and grants nothing, does not allow it.
    Limited {
        /// Which it is.
        place: Place,
        /// The ARN of the policy, when AWS told.
        policy: Option<String>,
    },
    /// The caller's own policies do not allow it.
    OwnPolicies,
    /// The trust policy does not name the caller.
    NotTrusted,
    /// The role does not name itself in its own trust policy.
    NotTrustedByItself,
    /// The trust policy names somebody by a unique id, who was therefore deleted.
    DeletedPrincipal {
        /// Such as `AROA…`.
        id: String,
    },
    /// The trust policy names another session of the caller's role.
    OtherSession {
        /// The session that it names.
        arn: String,
    },
    /// The trust policy wants an external id.
    ExternalId {
        /// Any of these.
        wanted: Vec<String>,
        /// The one that was given.
        given: Option<String>,
    },
    /// The trust policy wants MFA.
    Mfa {
        /// Whether the caller is a role, whose sessions have none.
        role: bool,
    },
    /// The trust policy has another condition that does not hold.
    Condition {
        /// Such as `StringEquals`.
        operator: String,
        /// Such as `sts:RoleSessionName`.
        key: String,
        /// What it wants.
        wanted: Vec<String>,
    },
    /// The trust policy names the caller under conditions of which nothing is known here, and AWS says that it refused.
    UnseenCondition {
        /// Their keys.
        keys: Vec<String>,
    },
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherPartition { caller, role } => {
                write!(f, "the caller is in the partition {caller} and the role in {role}, and no trust reaches across partitions")
            }
            Self::RootUser => f.write_str("the root user of an account can't assume roles"),
            Self::FederatedUser => {
                f.write_str("a session from GetFederationToken can't assume roles")
            }
            Self::Denied { place, policy } => {
                write!(f, "{place} denies it explicitly{}, and no Allow outweighs that", named(policy))
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
                write!(f, "the role's trust policy wants the external id {}, and none was given", any(wanted))
            }
            Self::ExternalId { wanted, given: Some(given) } => {
                write!(f, "the role's trust policy wants the external id {}, and {given:?} was given", any(wanted))
            }
            Self::Mfa { role: false } => f.write_str("the role's trust policy wants a caller who signed in with MFA"),
            Self::Mfa { role: true } => {
                f.write_str("the role's trust policy wants a caller who signed in with MFA, and a role's session never did")
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
    /// Whether no policy can mend it.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::OtherPartition { .. } | Self::RootUser | Self::FederatedUser
        )
    }

    /// What to do about it, where that is not to add a statement.
    pub fn step(&self) -> Option<String> {
        let step = match self {
            Self::OtherPartition { .. } => {
                "use credentials of the role's own partition".to_owned()
            }
            Self::RootUser | Self::FederatedUser => {
                "use an IAM user or a role instead".to_owned()
            }
            Self::Denied { place, .. } => {
                format!("take the caller or the role out of the Deny statement of {place}")
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

    /// The page of AWS that says so.
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
