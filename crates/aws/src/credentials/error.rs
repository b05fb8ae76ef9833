//! Errors of credential sources.

use super::web_identity_token::Claims;
use crate::AwsError;
use crate::client_config::ClientError;
use crate::config_file::ConfigError;
use crate::container_credentials::ContainerError;
use crate::credential_process_json::CredentialsJsonError;
use crate::imds::ImdsError;
use crate::region::RegionError;
use crate::shlex::UnclosedQuote;
use awsauth_core::assume_role_advice::{self, Advice, Decision, Facts};
use jiff::Timestamp;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why a source of credentials cannot be used. Messages contain no secrets.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A key pair is incomplete.
    #[error("{present} is set, but {missing} is not")]
    Partial {
        /// The setting that is present.
        present: String,
        /// The setting that is missing.
        missing: String,
        /// The profile that the key pair is in.
        profile: Option<String>,
    },
    /// A timestamp is invalid.
    #[error("{what} is {value:?}, which is not a time such as 2026-01-31T12:00:00Z")]
    Time {
        /// The setting.
        what: String,
        value: String,
    },
    /// The credentials have expired.
    #[error("the credentials expired at {when}")]
    Expired { when: Timestamp },
    /// The config or credentials file cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configured region is invalid.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// The requested profile does not exist.
    #[error("there is no profile {name} in {places}")]
    NoProfile {
        name: String,
        /// The paths of the files.
        places: String,
        /// The existing profiles.
        known: Vec<String>,
    },
    /// A profile has two sources of credentials for its role.
    #[error("profile {profile} has both source_profile and credential_source")]
    TwoSources { profile: String },
    /// A profile has no source of credentials for its role.
    #[error("profile {profile} has a role_arn, but neither source_profile nor credential_source")]
    NoSource { profile: String },
    /// The profile with the credentials for a role does not exist.
    #[error("the source_profile {source_profile} of profile {profile} does not exist")]
    NoSourceProfile {
        /// The profile with the role.
        profile: String,
        /// The missing profile.
        source_profile: String,
    },
    /// The profile with the credentials for a role has none.
    #[error("the source_profile {profile} has no credentials")]
    EmptySourceProfile {
        /// The profile without credentials.
        profile: String,
    },
    /// Profiles refer to each other in a cycle.
    #[error("profiles are each other's source_profile: {}", visited.join(" → "))]
    Loop {
        /// In order of reference.
        visited: Vec<String>,
    },
    /// The value of `credential_source` is not supported.
    #[error(
        "credential_source {value} of profile {profile} is none of Environment, EcsContainer and Ec2InstanceMetadata"
    )]
    CredentialSource { profile: String, value: String },
    /// `credential_source` has no credentials.
    #[error("credential_source {value} of profile {profile} has no credentials: {why}")]
    EmptyCredentialSource {
        profile: String,
        value: String,
        /// What is missing.
        why: String,
    },
    /// The role requires an MFA code, which awsauth cannot request.
    #[error(
        "profile {profile} requires a code from the MFA device {serial}, and awsauth cannot request one"
    )]
    Mfa {
        profile: String,
        /// The MFA device.
        serial: String,
    },
    /// STS does not accept the session name.
    #[error(
        "{name:?} is not a valid session name: STS accepts 2 to 64 letters, digits and _+=,.@-"
    )]
    SessionName { name: String },
    /// `credential_process` is not a command line.
    #[error("credential_process is not a valid command line")]
    ProcessWords(#[source] Option<UnclosedQuote>),
    /// The process could not be started.
    #[error("credential_process {program} cannot be run")]
    ProcessNotRun { program: String, source: io::Error },
    /// The process failed.
    #[error("credential_process {program} failed with {status}")]
    ProcessFailed { program: String, status: String },
    /// The output of the process is not credentials.
    #[error("what credential_process {program} printed cannot be used")]
    ProcessAnswer {
        program: String,
        source: CredentialsJsonError,
    },
    /// There is a web identity token, but no role.
    #[error("there is a web identity token, but no role to assume with it")]
    NoRole,
    /// The web identity token cannot be read.
    #[error("cannot read the web identity token {}", path.display())]
    TokenFile { path: PathBuf, source: io::Error },
    /// STS issued no session for the web identity token.
    #[error("cannot assume {role} with the web identity token {}", path.display())]
    WebIdentity {
        role: String,
        /// The file of the token.
        path: PathBuf,
        /// The claims of the token, if it is a JWT.
        claims: Option<Box<Claims>>,
        source: AwsError,
    },
    /// STS issued no session of the role.
    #[error("cannot assume {role}")]
    AssumeRole {
        role: String,
        session_name: String,
        external_id: Option<String>,
        source: AwsError,
    },
    /// STS did not report the session whose name a role's session takes over.
    #[error("cannot find out the name of the current session")]
    Caller(#[source] AwsError),
    /// IAM Identity Center issued no credentials.
    #[error(transparent)]
    Sso(#[from] SsoError),
    /// The session of `aws login` cannot be used.
    #[error("there is no session of aws login for profile {profile}: {why}")]
    Login { profile: String, why: String },
    /// The container endpoint returned no credentials.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// Instance metadata returned no credentials.
    #[error(transparent)]
    Instance(#[from] ImdsError),
    /// A client cannot be configured.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The system cannot start a runtime.
    #[error("cannot start the async runtime")]
    Runtime(#[from] io::Error),
}

/// The policies that decide whether a role can be assumed, as far as the caller can read them.
#[derive(Clone, Debug, Default)]
pub struct IamEvidence {
    pub trust_policy: Option<String>,
    /// The decision of the caller's own policies.
    pub own_policies: Decision,
    /// The decision of the caller's permissions boundary.
    pub boundary: Decision,
}

impl SourceError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Partial {
                present, missing, ..
            } => format!("also set {missing}, or remove {present}"),
            Self::Time { what, .. } => format!("unset {what}, or correct it"),
            Self::Expired { .. } => "get new ones from the same source, or check this machine's clock: date -u".into(),
            Self::Config(_) => "correct that line".into(),
            Self::Region(error) => error.hint(),
            Self::NoProfile { name, .. } if name.starts_with(['"', '\'']) => {
                "the quotation marks are part of the name: write it without them".into()
            }
            Self::NoProfile { known, .. } if known.is_empty() => {
                "there are no profiles; create one: aws configure --profile NAME".into()
            }
            Self::NoProfile { known, .. } => {
                format!("name one of these with --profile or AWS_PROFILE: {}", known.join(", "))
            }
            Self::TwoSources { profile } => {
                format!("remove source_profile or credential_source from profile {profile}")
            }
            Self::NoSource { profile } => format!(
                "name the credentials that assume the role: source_profile = NAME in profile {profile}, or credential_source = Ec2InstanceMetadata"
            ),
            Self::NoSourceProfile { source_profile, .. } => {
                format!("write it: aws configure --profile {source_profile}")
            }
            Self::EmptySourceProfile { profile } => {
                format!("give it credentials: aws configure --profile {profile}")
            }
            Self::Loop { .. } => "let one of them refer to a profile with credentials of its own".into(),
            Self::CredentialSource { profile, .. } => format!(
                "set credential_source of profile {profile} to Environment, EcsContainer or Ec2InstanceMetadata, in exactly this spelling"
            ),
            Self::EmptyCredentialSource { .. } => "run awsauth in an environment with these credentials, or name another profile with --profile".into(),
            Self::Mfa { profile, .. } => format!(
                "let the AWS CLI prompt for the code, and use its session for an hour: eval \"$(aws configure export-credentials --profile {profile} --format env)\"; then run this again without --profile"
            ),
            Self::SessionName { .. } => "name it with --role-session-name, such as deploy@ci".into(),
            Self::ProcessWords(_) => "correct credential_process of the profile".into(),
            Self::ProcessNotRun { program, .. } if program.starts_with('/') => format!(
                "install {program}, or correct credential_process of the profile"
            ),
            Self::ProcessNotRun { program, .. } => format!(
                "use its full path, without ~: ls -l \"$(command -v {program})\""
            ),
            Self::ProcessFailed { .. } | Self::ProcessAnswer { .. } => {
                "run the profile's credential_process by itself; it must print {\"Version\": 1, \"AccessKeyId\": …, \"SecretAccessKey\": …}".into()
            }
            Self::NoRole => "name the role: AWS_ROLE_ARN, or role_arn in the profile".into(),
            Self::TokenFile { .. } => "in a pod: annotate its service account with eks.amazonaws.com/role-arn and restart the pod; elsewhere, correct AWS_WEB_IDENTITY_TOKEN_FILE".into(),
            Self::WebIdentity { role, claims, source, .. } => {
                web_identity(role, claims.as_deref(), source)
            }
            Self::AssumeRole { role, source, .. } => assume_role(role, source),
            Self::Caller(error) => error.hint(),
            Self::Sso(error) => error.hint(),
            Self::Login { profile, .. } => format!(
                "let the AWS CLI renew it: aws sts get-caller-identity --profile {profile}; or sign in again: aws login --profile {profile}"
            ),
            Self::Container(error) => error.hint(),
            Self::Instance(error) => error.hint(),
            Self::Client(error) => error.hint(),
            Self::Runtime(_) => "check which limit this process has reached: ulimit -a".into(),
        }
    }

    /// Returns the profile that does not exist or lacks a setting.
    pub(super) fn profile(&self) -> Option<&str> {
        match self {
            Self::Partial { profile, .. } => profile.as_deref(),
            Self::NoProfile { name, .. } => Some(name),
            Self::NoSource { profile }
            | Self::EmptySourceProfile { profile }
            | Self::Sso(SsoError::Missing { profile, .. }) => Some(profile),
            Self::NoSourceProfile { source_profile, .. } => Some(source_profile),
            _ => None,
        }
    }

    /// Explains a denied AssumeRole: which policy must change, and how.
    pub fn advice(&self) -> Option<Advice> {
        self.advice_knowing(&IamEvidence::default())
    }

    /// Explains a denied AssumeRole with the policies that IAM returned.
    pub fn advice_knowing(&self, known: &IamEvidence) -> Option<Advice> {
        let Self::AssumeRole {
            role,
            session_name,
            external_id,
            source,
        } = self
        else {
            return None;
        };
        let refused = source
            .refused()
            .filter(|refused| refused.code == "AccessDenied")?;
        Some(assume_role_advice::explain(&Facts {
            message: Some(&refused.message),
            external_id: external_id.as_deref(),
            session_name: Some(session_name),
            trust_policy: known.trust_policy.as_deref(),
            own_policies: known.own_policies,
            boundary: known.boundary,
            ..Facts::new(refused.caller()?, role)
        }))
    }

    /// Whether the error affects all sources.
    pub(super) fn is_of_no_source(&self) -> bool {
        matches!(
            self,
            Self::Config(_) | Self::Region(_) | Self::Client(_) | Self::Runtime(_)
        )
    }

    /// Whether the user's input is at fault, as opposed to AWS or the network.
    pub fn is_input(&self) -> bool {
        match self {
            Self::WebIdentity { .. }
            | Self::AssumeRole { .. }
            | Self::Caller(_)
            | Self::Expired { .. }
            | Self::Login { .. }
            | Self::EmptyCredentialSource { .. }
            | Self::Mfa { .. }
            | Self::ProcessFailed { .. }
            | Self::ProcessAnswer { .. }
            | Self::Instance(_)
            | Self::Runtime(_) => false,
            Self::Container(error) => matches!(
                error,
                ContainerError::Uri { .. } | ContainerError::HostNotAllowed { .. }
            ),
            Self::Sso(error) => error.is_input(),
            _ => true,
        }
    }
}

fn assume_role(role: &str, source: &AwsError) -> String {
    match source.code() {
        Some("AccessDenied") => show_trust(role),
        Some("ValidationError") if source.to_string().contains("oleSessionName") => {
            "correct role_session_name of the profile, --role-session-name, or AWS_ROLE_SESSION_NAME: 2 to 64 letters, digits and _+=,.@-".into()
        }
        _ => source.hint(),
    }
}

fn show_trust(role: &str) -> String {
    let name = role.rsplit('/').next().unwrap_or(role);
    format!(
        "check which principals the role trusts: aws iam get-role --role-name {name} --query Role.AssumeRolePolicyDocument"
    )
}

/// The audience of tokens for STS.
/// <https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html>
const STS_AUDIENCE: &str = "sts.amazonaws.com";

fn web_identity(role: &str, claims: Option<&Claims>, source: &AwsError) -> String {
    let (Some(claims), Some(code)) = (claims, source.code()) else {
        return match source.code() {
            Some("InvalidIdentityToken") => {
                "set AWS_WEB_IDENTITY_TOKEN_FILE to a file that contains only an ID token (a JWT)"
                    .into()
            }
            _ => source.hint(),
        };
    };
    let name = role.rsplit('/').next().unwrap_or(role);
    let account = role.split(':').nth(4).unwrap_or_default();
    let Claims {
        issuer, subject, ..
    } = claims;
    let audience = claims.audience.join(", ");
    match code {
        "AccessDenied" => format!(
            "the role's trust policy must allow sts:AssumeRoleWithWebIdentity for the provider {issuer}, with conditions that match sub {subject} and aud {audience}: aws iam get-role --role-name {name} --query Role.AssumeRolePolicyDocument"
        ),
        "InvalidIdentityToken" if !claims.audience.iter().any(|one| one == STS_AUDIENCE) => {
            format!(
                "the token is for the audience {audience}, and STS usually accepts {STS_AUDIENCE}: give the program a token for that audience (in a pod, audience: {STS_AUDIENCE} of the projected serviceAccountToken); only if {audience} is intended, account {account} must have an OIDC provider for {issuer} with this audience: aws iam list-open-id-connect-providers"
            )
        }
        "InvalidIdentityToken" => format!(
            "account {account} must have an OIDC provider for {issuer} with the audience {audience}: aws iam list-open-id-connect-providers"
        ),
        "ExpiredTokenException" => {
            "write a new token to the file; in a pod, check whether kubelet renews it".into()
        }
        "IDPRejectedClaim" => "the provider rejects the token: write a new one to the file".into(),
        "IDPCommunicationError" => format!(
            "check that AWS can read {issuer}/.well-known/openid-configuration and its keys"
        ),
        _ => source.hint(),
    }
}

/// Why IAM Identity Center issued no credentials.
#[derive(Debug, Error)]
pub enum SsoError {
    /// The profile is incomplete.
    #[error("profile {profile} is for IAM Identity Center, but has no {missing}")]
    Missing {
        profile: String,
        /// The missing options, separated by commas.
        missing: String,
    },
    /// The profile's `sso_session` does not exist.
    #[error(
        "profile {profile} names the sso-session {session}, which the config file does not have"
    )]
    NoSession { profile: String, session: String },
    /// Profile and session have different values.
    #[error("profile {profile} and its sso-session have different values for {option}")]
    Differs { profile: String, option: String },
    /// There is no sign-in session.
    #[error("no user has signed in for profile {profile}: {why}")]
    NotSignedIn {
        profile: String,
        /// What is wrong with the token file.
        why: String,
    },
    /// The sign-in session has expired.
    #[error("the sign-in for profile {profile} expired at {when}")]
    SignedOut { profile: String, when: Timestamp },
    /// The service refused the request.
    #[error("IAM Identity Center issued no credentials for {role} in account {account}")]
    Refused {
        profile: String,
        /// The name of the permission set.
        role: String,
        account: String,
        source: AwsError,
    },
}

impl SsoError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { profile, missing } => {
                format!(
                    "add {missing} to the profile, or create it again: aws configure sso --profile {profile}"
                )
            }
            Self::NoSession { profile, session } => format!(
                "add the section [sso-session {session}], or create it again: aws configure sso --profile {profile}"
            ),
            Self::Differs { option, .. } => {
                format!("remove {option} from the profile, because the sso-session sets it")
            }
            Self::NotSignedIn { profile, .. } | Self::SignedOut { profile, .. } => {
                format!("aws sso login --profile {profile}")
            }
            Self::Refused {
                profile,
                role,
                account,
                source,
            } => match source.code() {
                Some("UnauthorizedException") => format!("aws sso login --profile {profile}"),
                Some("ForbiddenException" | "ResourceNotFoundException") => format!(
                    "ask for the assignment of {role} in account {account} in IAM Identity Center, or correct sso_role_name and sso_account_id of profile {profile}"
                ),
                _ => source.hint(),
            },
        }
    }

    /// Whether the user's input is at fault.
    pub(in crate::credentials) fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Missing { .. } | Self::NoSession { .. } | Self::Differs { .. }
        )
    }
}
