//! Searches for AWS credentials.

use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::problem;
use awsauth_aws::config_file::{ConfigFiles, DEFAULT_PROFILE};
use awsauth_aws::credentials::{
    self, CredentialOptions, NoCredentials, ResolvedCredentials, Source, SourceError,
};
use awsauth_aws::imds::ImdsError;
use awsauth_aws::{AwsEnvironment, AwsError, Machine};
use awsauth_core::assume_role_advice::{self, Advice, State};
use awsauth_core::doctor::evidence::{
    FailedAt, FoundCredentials, PolicySide, Problem, SearchFailed,
};
use awsauth_core::redact::last_four;
use awsauth_core::token::Credentials;

/// Searches for credentials.
pub(crate) fn search(
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
    now: Timestamp,
) -> Result<(FoundCredentials, ResolvedCredentials), Box<SearchFailed>> {
    match credentials::resolve(credential_options, aws_environment, now) {
        Ok(resolved) => Ok((found(&resolved, aws_environment), resolved)),
        Err(error) if error.failed.is_none() => Err(Box::new(
            of_instance(&error, aws_environment)
                .unwrap_or_else(|| without_any_source(&error, aws_environment)),
        )),
        Err(error) => {
            let failed = error.failed.as_ref();
            let advice = failed.and_then(|(_, failed)| {
                super::assume_role::advice(failed, credential_options, aws_environment, now)
            });
            Err(Box::new(none(&error, advice)))
        }
    }
}

fn found(resolved: &ResolvedCredentials, aws_environment: &AwsEnvironment) -> FoundCredentials {
    FoundCredentials {
        source: resolved.source.to_string(),
        source_name: resolved.source.name(),
        key: last_four(&resolved.credentials.access_key_id),
        expiration: resolved.credentials.expiration,
        key_problem: key_problem(&resolved.credentials),
        role_profiles: role_profiles(aws_environment),
        roles: resolved.roles.clone(),
        tried: resolved.tried.iter().map(ToString::to_string).collect(),
        notes: resolved.notes.clone(),
        region: resolved.region.name.clone(),
        region_from: resolved.region.from.to_string(),
    }
}

/// Returns what is certainly wrong with a key. Keys that begin with AKIA are long-term keys, without a session token:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>
fn key_problem(credentials: &Credentials) -> Option<Problem> {
    let key = last_four(&credentials.access_key_id);
    let secret = credentials.secret_access_key.expose_secret();
    if credentials.session_token.is_some() && credentials.access_key_id.starts_with("AKIA") {
        return Some(Problem {
            cause: format!("the key …{key} is a long-term key, but a session token of other credentials is set"),
            next: "unset AWS_SESSION_TOKEN AWS_SECURITY_TOKEN, or remove aws_session_token from the profile".to_owned(),
        });
    }
    secret.starts_with(['"', '\'']).then(|| Problem {
        cause: format!(
            "the secret access key of the key …{key} is in quotes, which are read as a part of it"
        ),
        next: "remove the quotes from aws_secret_access_key".to_owned(),
    })
}

/// Returns the profiles that assume a role; none if the files cannot be read.
fn role_profiles(aws_environment: &AwsEnvironment) -> Vec<(String, String)> {
    let Ok(files) = ConfigFiles::read(aws_environment) else {
        return Vec::new();
    };
    let role = |name: &str| {
        Some((
            name.to_owned(),
            files.profile(name)?.text("role_arn")?.to_owned(),
        ))
    };
    files.profile_names().filter_map(role).collect()
}

/// Returns the failure of instance metadata. On an EC2 instance, its role should provide credentials if no other source
/// has any.
fn of_instance(error: &NoCredentials, aws_environment: &AwsEnvironment) -> Option<SearchFailed> {
    let why = error.instance.as_deref()?;
    let endpoint = aws_environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    let is_instance = why.shows_a_service() || Machine::of(aws_environment).is_ec2();
    let is_expected = endpoint.is_some() || is_instance;
    if matches!(why, ImdsError::Disabled) || !is_expected {
        return None;
    }
    Some(SearchFailed {
        place: of_imds(why),
        source: Some(Source::Instance.to_string()),
        problem: problem(why, why.hint()),
        tried: error.tried.iter().map(ToString::to_string).collect(),
        policies: None,
        role: None,
        has_external_id: false,
        clock_ahead: None,
    })
}

/// Returns that no source has credentials, and which profiles can be selected.
fn without_any_source(error: &NoCredentials, aws_environment: &AwsEnvironment) -> SearchFailed {
    let files = ConfigFiles::read(aws_environment).ok();
    let names = files.iter().flat_map(ConfigFiles::profile_names);
    let names: Vec<&str> = names.filter(|name| *name != DEFAULT_PROFILE).collect();
    let mut failed = none(error, None);
    failed.problem.next = match names.as_slice() {
        [] => "set up credentials: aws configure, or aws configure sso; or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned(),
        names => format!("select a profile: export AWS_PROFILE=NAME, one of {}", names.join(", ")),
    };
    failed
}

fn none(error: &NoCredentials, advice: Option<Advice>) -> SearchFailed {
    let tried = error.tried.iter().map(ToString::to_string).collect();
    let Some((source, failed)) = &error.failed else {
        return SearchFailed {
            place: FailedAt::Chain,
            source: None,
            problem: Problem {
                cause: error.to_string(),
                next: error.hint(),
            },
            tried,
            policies: None,
            role: None,
            has_external_id: false,
            clock_ahead: None,
        };
    };
    let (role, has_external_id) = match failed.as_ref() {
        SourceError::AssumeRole {
            role, external_id, ..
        } => (Some(role.clone()), external_id.is_some()),
        _ => (None, false),
    };
    let refused = of_aws(failed).and_then(AwsError::refused);
    let policies = advice.map(|advice| {
        let policy = |policy: &assume_role_advice::PolicyAdvice| PolicySide {
            title: policy.title.clone(),
            because: policy.because.clone(),
            statement: policy.statement.clone(),
            is_missing: matches!(policy.state, State::Lacks | State::Denies),
            is_unread: policy.state == State::Unknown,
        };
        Box::new([policy(&advice.own), policy(&advice.trust)])
    });
    SearchFailed {
        place: place(*source, failed),
        source: Some(source.to_string()),
        problem: problem(failed.as_ref(), failed.hint()),
        tried,
        policies,
        role,
        has_external_id,
        clock_ahead: refused.and_then(|refused| refused.clock_ahead),
    }
}

fn of_aws(error: &SourceError) -> Option<&AwsError> {
    match error {
        SourceError::AssumeRole { source, .. } | SourceError::WebIdentity { source, .. } => {
            Some(source)
        }
        _ => None,
    }
}

/// Returns the check that a failure belongs to.
fn place(source: Source, error: &SourceError) -> FailedAt {
    match error {
        SourceError::Partial { .. } if source == Source::Environment => FailedAt::Chain,
        SourceError::Time { .. } | SourceError::Expired { .. } => FailedAt::Expired,
        SourceError::Region(_) => FailedAt::Region,
        SourceError::NoRole | SourceError::TokenFile { .. } | SourceError::WebIdentity { .. } => {
            FailedAt::WebIdentity
        }
        SourceError::AssumeRole { source, .. } => match source.code() {
            Some("AccessDenied" | "ValidationError" | "MalformedPolicyDocument") => {
                FailedAt::AssumeRole
            }
            Some("ExpiredToken" | "ExpiredTokenException") => FailedAt::Expired,
            _ => FailedAt::Caller,
        },
        SourceError::Container(_) => FailedAt::Container,
        SourceError::Instance(error) => of_imds(error),
        SourceError::SessionName { .. } | SourceError::Client(_) | SourceError::Runtime(_) => {
            FailedAt::Chain
        }
        _ => FailedAt::Profile,
    }
}

fn of_imds(error: &ImdsError) -> FailedAt {
    match error {
        ImdsError::HopLimit { .. } | ImdsError::NoAnswer { .. } => FailedAt::HopLimit,
        ImdsError::NoProfile { .. } => FailedAt::NoProfile,
        ImdsError::ProfileNotFound { .. }
        | ImdsError::ProfileWithoutRole { .. }
        | ImdsError::NotTrusted { .. }
        | ImdsError::NoCredentials { .. }
        | ImdsError::Malformed { .. } => FailedAt::NoRole,
        _ => FailedAt::Imds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use awsauth_aws::imds::Instance;

    #[test]
    fn metadata_service_that_does_not_respond_is_the_cause() {
        let error = |instance: ImdsError| NoCredentials {
            tried: Vec::new(),
            failed: None,
            instance: Some(Box::new(instance)),
        };
        let endpoint = || "http://169.254.169.254".to_owned();
        let silent = error(ImdsError::NoAnswer {
            endpoint: endpoint(),
            instance: Instance::default(),
        });
        let none = AwsEnvironment::default();
        let found = of_instance(&silent, &none).map(|failed| failed.place);
        assert_eq!(found, Some(FailedAt::HopLimit));
        let elsewhere = error(ImdsError::Forbidden {
            endpoint: endpoint(),
        });
        if !Machine::of(&none).is_ec2() {
            assert_eq!(of_instance(&elsewhere, &none), None);
        }
        let next = without_any_source(&elsewhere, &none).problem.next;
        assert!(next.contains("aws configure"), "{next}");
    }

    #[test]
    fn stray_session_token_and_quoted_secret_are_problems_of_the_key() {
        let credentials = |key: &str, secret: &str, token: Option<&str>| Credentials {
            access_key_id: key.to_owned(),
            secret_access_key: secret.into(),
            session_token: token.map(Into::into),
            expiration: None,
            account_id: None,
        };
        let cause = |credentials: Credentials| key_problem(&credentials).map(|it| it.cause);
        assert_eq!(
            cause(credentials("AKIAIOSFODNN7EXAMPLE", "s", Some("t"))).as_deref(),
            Some(
                "the key …MPLE is a long-term key, but a session token of other credentials is set"
            )
        );
        assert_eq!(
            cause(credentials("AKIAIOSFODNN7EXAMPLE", "\"s\"", None)).as_deref(),
            Some(
                "the secret access key of the key …MPLE is in quotes, which are read as a part of it"
            )
        );
        assert_eq!(
            cause(credentials("ASIAIOSFODNN7EXAMPLE", "s", Some("t"))),
            None
        );
        assert_eq!(cause(credentials("AKIAIOSFODNN7EXAMPLE", "s", None)), None);
    }
}
