use super::{Claims, SourceError};
use crate::aws::AwsError;
use crate::aws::container::ContainerError;
use crate::trust::{self, Advice, Decision, Facts};

/// What IAM says of the two halves of a role that can't be assumed, as far as it may be asked.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The role's trust policy.
    pub trust_policy: Option<String>,
    /// What the caller's own policies say.
    pub own_policies: Decision,
    /// What the caller's permissions boundary says.
    pub boundary: Decision,
}

impl SourceError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Partial { there, missing } => format!("set {missing} too, or remove {there}"),
            Self::Time { what, .. } => format!("unset {what}, or correct it"),
            Self::Expired { .. } => "get new ones from wherever these came, or check this machine's clock: date -u".into(),
            Self::Config(_) => "correct that line".into(),
            Self::Region(error) => error.hint(),
            Self::NoProfile { known, .. } if known.is_empty() => {
                "there are no profiles at all; write one: aws configure --profile NAME".into()
            }
            Self::NoProfile { known, .. } => {
                format!("name one of these with --profile or AWS_PROFILE: {}", known.join(", "))
            }
            Self::TwoSources { profile } => {
                format!("remove source_profile or credential_source from profile {profile}")
            }
            Self::NoSource { profile } => format!(
                "say whose credentials assume the role: source_profile = NAME in profile {profile}, or credential_source = Ec2InstanceMetadata"
            ),
            Self::NoSourceProfile { source_profile, .. } => {
                format!("write it: aws configure --profile {source_profile}")
            }
            Self::EmptySourceProfile { profile } => {
                format!("give it credentials: aws configure --profile {profile}")
            }
            Self::Loop { .. } => "let one of them name a profile with credentials of its own".into(),
            Self::CredentialSource { profile, .. } => format!(
                "set credential_source of profile {profile} to Environment, EcsContainer or Ec2InstanceMetadata, letter for letter"
            ),
            Self::EmptyCredentialSource { .. } => "run where these credentials are, or name another profile with --profile".into(),
            Self::Mfa { profile, .. } => format!(
                "let the aws CLI ask for the code, and use what it gets for an hour: eval \"$(aws configure export-credentials --profile {profile} --format env)\"; then run this again without --profile"
            ),
            Self::SessionName { .. } => "name it with --role-session-name, such as deploy@ci".into(),
            Self::ProcessWords(_) => "correct credential_process of the profile".into(),
            Self::ProcessNotRun { program, .. } => format!(
                "give its whole path, without ~: ls -l \"$(command -v {program})\""
            ),
            Self::ProcessFailed { .. } | Self::ProcessAnswer { .. } => {
                "run the profile's credential_process by itself; it must print {\"Version\": 1, \"AccessKeyId\": …, \"SecretAccessKey\": …}".into()
            }
            Self::NoRole => "name the role: AWS_ROLE_ARN, or role_arn in the profile".into(),
            Self::TokenFile { .. } => "in a pod: annotate its service account with eks.amazonaws.com/role-arn and start the pod anew; else correct AWS_WEB_IDENTITY_TOKEN_FILE".into(),
            Self::WebIdentity { role, claims, source, .. } => {
                web_identity(role, claims.as_deref(), source)
            }
            Self::AssumeRole { role, source, .. } => assume_role(role, source),
            Self::Sso(error) => error.hint(),
            Self::Login { profile, .. } => format!(
                "let the aws CLI renew it: aws sts get-caller-identity --profile {profile}; or sign in again: aws login --profile {profile}"
            ),
            Self::Container(error) => error.hint(),
            Self::Instance(error) => error.hint(),
            Self::Client(error) => error.hint(),
            Self::Runtime(_) => "see which limit this process has reached: ulimit -a".into(),
        }
    }

    /// What decides over a role that AWS refuses to let be assumed, and the statements to add.
    pub fn advice(&self) -> Option<Advice> {
        self.advice_knowing(&Known::default())
    }

    /// The same with what IAM says of the two halves.
    pub fn advice_knowing(&self, known: &Known) -> Option<Advice> {
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
        Some(trust::explain(&Facts {
            message: Some(&refused.message),
            external_id: external_id.as_deref(),
            session_name: Some(session_name),
            trust_policy: known.trust_policy.as_deref(),
            own_policies: known.own_policies,
            boundary: known.boundary,
            ..Facts::new(refused.caller()?, role)
        }))
    }

    /// Whether it would keep any other source from serving too.
    pub(super) fn is_of_no_source(&self) -> bool {
        matches!(
            self,
            Self::Config(_) | Self::Region(_) | Self::Client(_) | Self::Runtime(_)
        )
    }

    /// Whether something that the user wrote is at fault, rather than AWS or the network.
    pub fn is_input(&self) -> bool {
        match self {
            Self::WebIdentity { .. }
            | Self::AssumeRole { .. }
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
        _ => source.hint(),
    }
}

fn show_trust(role: &str) -> String {
    let name = role.rsplit('/').next().unwrap_or(role);
    format!(
        "look at whom the role trusts: aws iam get-role --role-name {name} --query Role.AssumeRolePolicyDocument"
    )
}

fn web_identity(role: &str, claims: Option<&Claims>, source: &AwsError) -> String {
    let (Some(claims), Some(code)) = (claims, source.code()) else {
        return match source.code() {
            Some("InvalidIdentityToken") => {
                "let AWS_WEB_IDENTITY_TOKEN_FILE name a file with nothing in it but an ID token, which is a JWT".into()
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
            "the role's trust policy must allow sts:AssumeRoleWithWebIdentity to the provider {issuer}, on conditions that sub {subject} and aud {audience} meet: aws iam get-role --role-name {name} --query Role.AssumeRolePolicyDocument"
        ),
        "InvalidIdentityToken" => format!(
            "account {account} must have an OIDC provider for {issuer} with the audience {audience}: aws iam list-open-id-connect-providers"
        ),
        "ExpiredTokenException" => {
            "get a new token into the file; in a pod, see whether kubelet renews it".into()
        }
        "IDPRejectedClaim" => {
            "the provider no longer stands by the token: get a new one into the file".into()
        }
        "IDPCommunicationError" => format!(
            "see whether AWS can read {issuer}/.well-known/openid-configuration and the keys that it names"
        ),
        _ => source.hint(),
    }
}
