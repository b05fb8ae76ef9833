//! Searches for AWS credentials.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::assume_role::RoleAdvice;
use super::{home_folder, problem};
use awsauth_aws::client_config::{ClientSettings, ca_bundle};
use awsauth_aws::config_file::{ConfigFiles, DEFAULT_PROFILE, Mistake, profile_name};
use awsauth_aws::credentials::{
    self, CredentialOptions, NoCredentials, ResolvedCredentials, Source, SourceError,
};
use awsauth_aws::imds::ImdsError;
use awsauth_aws::{AwsEnvironment, AwsError, Machine};
use awsauth_core::assume_role_advice::{self, Obstacle, State};
use awsauth_core::doctor::evidence::{
    FailedAt, FoundCredentials, PolicySide, Problem, SearchFailed,
};
use awsauth_core::redact::{self, last_four};
use awsauth_core::shell_quote::quoted;
use awsauth_core::token::Credentials;

/// Searches for credentials.
pub(crate) fn search(
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
    kubeconfigs: &[PathBuf],
    now: Timestamp,
) -> Result<(FoundCredentials, ResolvedCredentials), Box<SearchFailed>> {
    let error = match credentials::resolve(credential_options, aws_environment, now) {
        Ok(resolved) => {
            let found = found(&resolved, credential_options, aws_environment);
            return Ok((found, resolved));
        }
        Err(error) => error,
    };
    let failed = error.failed.as_ref().map(|(_, failed)| failed.as_ref());
    let known = match (&error.mistake, failed) {
        (Some(mistake), _) => Some(of_mistake(mistake)),
        (None, failed @ (None | Some(SourceError::NoProfile { .. }))) => {
            let missing = failed.and_then(|failed| missing_file(failed, aws_environment));
            missing.or_else(|| home_folder::problem(aws_environment, kubeconfigs))
        }
        (
            None,
            Some(
                failed @ (SourceError::NoSourceProfile { .. }
                | SourceError::EmptySourceProfile { .. }),
            ),
        ) => missing_file(failed, aws_environment),
        (None, Some(failed)) => of_base_keys(failed, credential_options, aws_environment, now),
    };
    let of_instance = || of_instance(&error, aws_environment).filter(|_| known.is_none());
    let mut none = match failed {
        None => of_instance().unwrap_or_else(|| without_any_source(&error, aws_environment)),
        Some(failed) => none(
            &error,
            super::assume_role::advice(failed, credential_options, aws_environment, now),
        ),
    };
    let untrusted = failed
        .and_then(of_aws)
        .and_then(|error| untrusted(error, credential_options, aws_environment));
    let redirected = failed
        .and_then(of_aws)
        .and_then(|error| redirected(error, credential_options, aws_environment));
    let of_source = credential_source(failed, credential_options, aws_environment);
    let known = known.or(untrusted).or(redirected).or(of_source);
    none.problem = known.unwrap_or(none.problem);
    none.intended = intended(credential_options, aws_environment);
    Err(Box::new(none))
}

/// Returns the problem that the configured file of trusted certificates lacks the authority of AWS's certificate.
pub(super) fn untrusted(
    error: &AwsError,
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
) -> Option<Problem> {
    let AwsError::Unreachable {
        obstacle: awsauth_aws::Obstacle::Tls,
        why,
    } = error
    else {
        return None;
    };
    let files = ConfigFiles::read(aws_environment).unwrap_or_default();
    let profile = profile_name(credential_options.profile.as_deref(), aws_environment);
    let profile = files.profile(profile.unwrap_or(DEFAULT_PROFILE));
    let (path, setting) = ca_bundle(profile, aws_environment)?;
    Some(Problem {
        cause: format!(
            "{setting} names {path}, which replaces the certificate authorities of this machine, and does not have the one that signed AWS's certificate: {why}"
        ),
        next: format!(
            "remove {setting}; or, if a proxy inspects TLS here, add the proxy's CA certificate to {path}"
        ),
    })
}

/// Returns the problem that requests to STS go to another server, which does not answer as AWS does.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
pub(super) fn redirected(
    error: &AwsError,
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
) -> Option<Problem> {
    let why = match error {
        AwsError::Unreachable { why, .. } | AwsError::InvalidResponse { why } => why,
        _ => return None,
    };
    let files = ConfigFiles::read(aws_environment).unwrap_or_default();
    let profile = profile_name(credential_options.profile.as_deref(), aws_environment);
    let settings = ClientSettings {
        environment: aws_environment,
        files: &files,
        profile: files.profile(profile.unwrap_or(DEFAULT_PROFILE)),
    };
    let (url, setting) = settings.custom_endpoint("STS").ok().flatten()?;
    let url = redact::text(&url);
    let remove = match setting.starts_with("AWS_") {
        true => format!("unset {setting}"),
        false => format!("remove {setting}"),
    };
    Some(Problem {
        cause: format!(
            "{setting} sends requests for STS to {url} instead of AWS, and that server does not answer them: {why}"
        ),
        next: format!("{remove}; or, if this server is intended, start it or correct its URL"),
    })
}

/// Returns the problem that a profile takes the credentials for its role from a source that has none here.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html>
fn credential_source(
    failed: Option<&SourceError>,
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
) -> Option<Problem> {
    let failed = failed?;
    if !matches!(
        failed,
        SourceError::Instance(_)
            | SourceError::Container(_)
            | SourceError::EmptyCredentialSource { .. }
            | SourceError::Partial { .. }
    ) {
        return None;
    }
    let files = ConfigFiles::read(aws_environment).ok()?;
    let name = profile_name(credential_options.profile.as_deref(), aws_environment);
    let name = name.unwrap_or(DEFAULT_PROFILE);
    let source = files.profile(name)?.text("credential_source")?;
    let has_keys = |name: &&str| {
        let profile = files.profile(name);
        profile.is_some_and(|profile| profile.text("aws_access_key_id").is_some())
    };
    let other = files.profile_names().find(has_keys).unwrap_or("NAME");
    Some(Problem {
        cause: format!(
            "profile {name} takes the credentials for its role from credential_source = {source}, which has none here: {failed}"
        ),
        next: format!(
            "if this machine should have them, correct that source; otherwise use a profile with credentials: replace credential_source by source_profile = {other} in profile {name} of ~/.aws/config"
        ),
    })
}

/// Returns the role that the credentials should become in the end: that of the options, or of the selected profile, or of a web
/// identity.
fn intended(
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
) -> Option<String> {
    if let Some(role) = credential_options.roles.last() {
        return Some(role.clone());
    }
    let variable = |name| aws_environment.get(name).filter(|value| !value.is_empty());
    let requested = credential_options.profile.as_deref();
    let selected = profile_name(requested, aws_environment);
    let files = ConfigFiles::read(aws_environment).ok()?;
    let profile = files.profile(selected.unwrap_or(DEFAULT_PROFILE));
    if let Some(role) = profile.and_then(|profile| profile.text("role_arn"))
        && (requested.is_some() || variable("AWS_ACCESS_KEY_ID").is_none())
    {
        return Some(role.to_owned());
    }
    let role = variable("AWS_ROLE_ARN")?;
    let is_used = variable("AWS_WEB_IDENTITY_TOKEN_FILE").is_some()
        && variable("AWS_ACCESS_KEY_ID").is_none();
    is_used.then(|| role.to_owned())
}

/// Returns the problem that a variable names an AWS file that does not exist, which is treated as empty.
fn missing_file(failed: &SourceError, aws_environment: &AwsEnvironment) -> Option<Problem> {
    let mut variables = ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"].into_iter();
    let (variable, path) = variables.find_map(|variable| {
        let path = aws_environment
            .get(variable)
            .filter(|path| !path.is_empty())?;
        let is_missing = !path.starts_with('~') && !Path::new(path).exists();
        is_missing.then_some((variable, path))
    })?;
    Some(Problem {
        cause: format!("{variable} names {path}, which does not exist, so {failed}"),
        next: format!("unset {variable}, or correct its path"),
    })
}

fn of_mistake(mistake: &Mistake) -> Problem {
    Problem {
        cause: mistake.found.clone(),
        next: mistake.fix.clone(),
    }
}

fn found(
    resolved: &ResolvedCredentials,
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
) -> FoundCredentials {
    let profile = profile_name(credential_options.profile.as_deref(), aws_environment);
    let files = ConfigFiles::read(aws_environment).unwrap_or_default();
    let ignored = files.misnamed_section(profile.unwrap_or(DEFAULT_PROFILE));
    FoundCredentials {
        source: resolved.source.to_string(),
        source_name: resolved.source.name(),
        key: last_four(&resolved.credentials.access_key_id),
        expiration: resolved.credentials.expiration,
        is_temporary: resolved.credentials.session_token.is_some(),
        key_problem: key_problem(&resolved.credentials, resolved.source),
        ignored_section: ignored.as_ref().map(of_mistake),
        role_profiles: role_profiles(&files),
        roles: resolved.roles.clone(),
        tried: resolved.tried.iter().map(ToString::to_string).collect(),
        notes: resolved.notes.clone(),
        region: resolved.region.name.clone(),
        region_from: resolved.region.from.to_string(),
    }
}

/// Whether a session token is set beside a long-term key, which never has one.
pub(super) fn has_stray_token(credentials: &Credentials) -> bool {
    credentials.session_token.is_some() && credentials.access_key_id.starts_with("AKIA")
}

/// Returns what is certainly wrong with keys. Long-term keys begin with AKIA and have no session token; temporary keys begin
/// with ASIA and have one:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>
fn key_problem(credentials: &Credentials, source: Source) -> Option<Problem> {
    let [id, secret, token] = match source {
        Source::Environment => [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        ],
        _ => [
            "aws_access_key_id",
            "aws_secret_access_key",
            "aws_session_token",
        ],
    };
    let key = last_four(&credentials.access_key_id);
    let key_id = &credentials.access_key_id;
    let secret_key = credentials.secret_access_key.expose_secret();
    let has_token = credentials.session_token.is_some();
    let is_id = |text: &str| {
        let mut bytes = text.bytes();
        bytes.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let (cause, next) = if !is_id(key_id) && secret_key.starts_with('A') && is_id(secret_key) {
        (
            "the access key ID and the secret access key are exchanged".to_owned(),
            format!("exchange {id} and {secret}"),
        )
    } else if key_id.starts_with(['"', '\'']) {
        (
            format!("{id} is in quotes, which are read as a part of it"),
            format!("remove the quotes from {id}, and from {secret} and {token}, if they have any"),
        )
    } else if !is_id(key_id) {
        (
            format!(
                "{id} is no access key ID: it has other characters than capital letters and digits"
            ),
            format!("correct {id}"),
        )
    } else if secret_key.starts_with(['"', '\'']) {
        (
            format!(
                "the secret access key of the key …{key} is in quotes, which are read as a part of it"
            ),
            format!("remove the quotes from {secret}"),
        )
    } else if secret_key.contains(char::is_whitespace) {
        (
            format!("the secret access key of the key …{key} contains a space or a line break"),
            format!("remove it from {secret}"),
        )
    } else if has_stray_token(credentials) {
        (
            format!(
                "the key …{key} is a long-term key, but a session token of other credentials is set"
            ),
            match source {
                Source::Environment => format!("unset {token} AWS_SECURITY_TOKEN"),
                _ => format!("remove {token} from the profile"),
            },
        )
    } else if !has_token && key_id.starts_with("ASIA") {
        (
            format!("the key …{key} is a temporary key, but its session token is not set"),
            format!("set {token} to the session token that was issued with the key"),
        )
    } else {
        return None;
    };
    Some(Problem { cause, next })
}

/// Returns what is wrong with the keys that assume a role, if AWS rejects them.
fn of_base_keys(
    failed: &SourceError,
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
    now: Timestamp,
) -> Option<Problem> {
    let code = of_aws(failed)?.code()?;
    if ![
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
    ]
    .contains(&code)
    {
        return None;
    }
    let requested = credential_options.profile.as_deref();
    let source_profile = || {
        let files = ConfigFiles::read(aws_environment).ok()?;
        let profile = profile_name(requested, aws_environment).unwrap_or(DEFAULT_PROFILE);
        Some(files.profile(profile)?.text("source_profile")?.to_owned())
    };
    let profile = match credential_options.roles.is_empty() {
        true => Some(source_profile()?),
        false => requested.map(str::to_owned),
    };
    let base = CredentialOptions {
        profile,
        roles: Vec::new(),
        session_name: None,
        external_id: None,
        duration: None,
        ..credential_options.clone()
    };
    let resolved = credentials::resolve(&base, aws_environment, now).ok()?;
    key_problem(&resolved.credentials, resolved.source)
}

/// Returns the profiles that assume a role.
fn role_profiles(files: &ConfigFiles) -> Vec<(String, String)> {
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
        obstacle: None,
        role: None,
        caller: None,
        intended: None,
        has_external_id: false,
        clock_ahead: None,
    })
}

/// Returns the problem that no source has credentials, and which profiles can be selected.
fn without_any_source(error: &NoCredentials, aws_environment: &AwsEnvironment) -> SearchFailed {
    let files = ConfigFiles::read(aws_environment).ok();
    let names = files.iter().flat_map(ConfigFiles::profile_names);
    let names: Vec<&str> = names.filter(|name| *name != DEFAULT_PROFILE).collect();
    let select = match names.as_slice() {
        [] => "set up credentials: aws configure, or aws configure sso; or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned(),
        names => format!("select a profile: export AWS_PROFILE=NAME, one of {}", names.join(", ")),
    };
    let mut failed = none(error, None);
    let is_off = matches!(error.instance.as_deref(), Some(ImdsError::Disabled));
    let is_instance = aws_environment
        .get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        .is_some()
        || Machine::of(aws_environment).is_ec2();
    failed.problem = match (is_off, is_instance) {
        (true, true) => Problem {
            cause: "AWS_EC2_METADATA_DISABLED=true turns off the credentials of this instance's role, and no other source has any".to_owned(),
            next: format!("unset AWS_EC2_METADATA_DISABLED; or {select}"),
        },
        (true, false) => Problem {
            cause: format!(
                "{}, and AWS_EC2_METADATA_DISABLED=true turns off those of an EC2 instance",
                failed.problem.cause
            ),
            next: format!("on an EC2 instance, unset AWS_EC2_METADATA_DISABLED; elsewhere, {select}"),
        },
        (false, _) => Problem {
            next: select,
            ..failed.problem
        },
    };
    failed
}

/// Returns the problem that IAM has no such role. STS reports that as a denial.
fn absent(role: &str, profile: Option<&str>) -> Problem {
    Problem {
        cause: format!("IAM has no role {role}"),
        next: match profile {
            Some(profile) => format!("correct role_arn of profile {profile}"),
            None => {
                "correct the role's ARN in the arguments of the exec plugin, or create the role"
                    .to_owned()
            }
        },
    }
}

/// Returns an obstacle that no statement removes. `profile` is the one that assumes the role.
fn obstacle_of(obstacle: &Obstacle, profile: Option<&str>) -> Option<Problem> {
    let step = obstacle.step()?;
    let next = match (obstacle, profile) {
        (Obstacle::ExternalId { required, .. }, Some(profile)) => {
            let id = match required.as_slice() {
                [one] => quoted(one),
                _ => "ID".to_owned(),
            };
            format!(
                "set it in the profile: aws configure set external_id {id} --profile {}",
                quoted(profile)
            )
        }
        _ => step,
    };
    Some(Problem {
        cause: obstacle.to_string(),
        next,
    })
}

fn none(error: &NoCredentials, advice: Option<RoleAdvice>) -> SearchFailed {
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
            obstacle: None,
            role: None,
            caller: None,
            intended: None,
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
    let obstacle = advice.as_ref().and_then(|of_role| {
        if of_role.is_absent {
            return Some(absent(role.as_deref()?, of_role.profile.as_deref()));
        }
        let mut known = of_role.advice.obstacles.iter();
        known.find_map(|obstacle| obstacle_of(obstacle, of_role.profile.as_deref()))
    });
    let policies = advice.map(|RoleAdvice { advice, .. }| {
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
        obstacle,
        role,
        caller: refused.and_then(|refused| refused.caller().map(str::to_owned)),
        intended: None,
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
            mistake: None,
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
    fn disabled_instance_metadata_is_a_part_of_the_cause() {
        let error = NoCredentials {
            tried: Vec::new(),
            failed: None,
            instance: Some(Box::new(ImdsError::Disabled)),
            mistake: None,
        };
        let endpoint = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
        let instance = AwsEnvironment::default().with(endpoint, "http://169.254.169.254");
        let found = without_any_source(&error, &instance).problem;
        assert!(
            found
                .cause
                .starts_with("AWS_EC2_METADATA_DISABLED=true turns off")
        );
        assert!(
            found
                .next
                .starts_with("unset AWS_EC2_METADATA_DISABLED; or set up")
        );
        let elsewhere = AwsEnvironment::default();
        if !Machine::of(&elsewhere).is_ec2() {
            let found = without_any_source(&error, &elsewhere).problem;
            assert!(
                found
                    .cause
                    .starts_with("no AWS credentials were found, and AWS_EC2")
            );
            assert!(found.next.starts_with("on an EC2 instance, unset"));
        }
    }

    #[test]
    fn credentials_file_that_does_not_exist_is_the_cause() {
        let failed = SourceError::EmptySourceProfile {
            profile: "default".to_owned(),
        };
        let file = |path: &str| {
            let here = AwsEnvironment::default().with("AWS_SHARED_CREDENTIALS_FILE", path);
            missing_file(&failed, &here).map(|problem| problem.cause)
        };
        assert_eq!(
            file("/no/such/file").as_deref(),
            Some(
                "AWS_SHARED_CREDENTIALS_FILE names /no/such/file, which does not exist, so the source_profile default has no credentials"
            )
        );
        assert_eq!(file("/dev/null"), None);
        assert_eq!(missing_file(&failed, &AwsEnvironment::default()), None);
    }

    #[test]
    fn keys_that_cannot_be_valid_are_problems() {
        let (long_term, temporary) = ("AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE");
        for (id, secret, token, expected) in [
            (
                long_term,
                "s",
                Some("t"),
                Some(
                    "the key …MPLE is a long-term key, but a session token of other credentials is set",
                ),
            ),
            (
                temporary,
                "s",
                None,
                Some("the key …MPLE is a temporary key, but its session token is not set"),
            ),
            (
                long_term,
                "\"s\"",
                None,
                Some(
                    "the secret access key of the key …MPLE is in quotes, which are read as a part of it",
                ),
            ),
            (
                long_term,
                "s\ns",
                None,
                Some("the secret access key of the key …MPLE contains a space or a line break"),
            ),
            (
                "\"AKIAIOSFODNN7EXAMPLE\"",
                "s",
                None,
                Some("AWS_ACCESS_KEY_ID is in quotes, which are read as a part of it"),
            ),
            (
                "AKIA-IOSFODNN7EXAMPL",
                "s",
                None,
                Some(
                    "AWS_ACCESS_KEY_ID is no access key ID: it has other characters than capital letters and digits",
                ),
            ),
            (
                "s/ecret+",
                long_term,
                None,
                Some("the access key ID and the secret access key are exchanged"),
            ),
            (temporary, "s", Some("t"), None),
            (long_term, "s/e+c", None, None),
        ] {
            let credentials = Credentials {
                access_key_id: id.to_owned(),
                secret_access_key: secret.into(),
                session_token: token.map(Into::into),
                expiration: None,
                account_id: None,
            };
            let found = key_problem(&credentials, Source::Environment).map(|it| it.cause);
            assert_eq!(found.as_deref(), expected, "{id}");
        }
    }
}
