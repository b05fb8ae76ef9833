//! Asks IAM which policy denies AssumeRole.

use std::time::Instant;

use jiff::Timestamp;

use super::{LIMIT, spawn};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::config_file::{ConfigFiles, DEFAULT_PROFILE, profile_name};
use awsauth_aws::credentials::{self, CredentialOptions, IamEvidence, SourceError};
use awsauth_aws::iam::Iam;
use awsauth_core::arn::Parts;
use awsauth_core::assume_role_advice::Advice;

/// Why AWS denies AssumeRole.
pub(super) struct RoleAdvice {
    pub(super) advice: Advice,
    /// The profile that assumes the role, if it is not one of the options.
    pub(super) profile: Option<String>,
    /// Whether IAM has no such role.
    pub(super) is_absent: bool,
}

/// Returns why AWS denies AssumeRole: from both policies if the caller can read them in IAM, or else from the denial.
pub(super) fn advice(
    error: &SourceError,
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
    now: Timestamp,
) -> Option<RoleAdvice> {
    let plain = |advice, profile| RoleAdvice {
        advice,
        profile,
        is_absent: false,
    };
    let own = error.advice()?;
    let SourceError::AssumeRole { role, source, .. } = error else {
        return Some(plain(own, None));
    };
    let caller = source.refused().and_then(|refused| refused.caller());
    // Uses the credentials that were denied.
    let mut requested = credential_options.roles.iter();
    let at = requested.position(|requested| requested == role);
    let (base, profile) = match at {
        Some(at) => {
            let base = CredentialOptions {
                roles: credential_options.roles[..at].to_vec(),
                session_name: credential_options.session_name.clone().filter(|_| at > 0),
                external_id: None,
                duration: None,
                ..credential_options.clone()
            };
            (Some(base), None)
        }
        None => match source_profile(role, credential_options, aws_environment) {
            Some((source, profile)) => (Some(source), Some(profile)),
            None => (None, None),
        },
    };
    let (Some(caller), Some(base)) = (caller, base) else {
        return Some(plain(own, profile));
    };
    let (caller, role) = (caller.to_owned(), role.clone());
    let aws_environment = aws_environment.clone();
    let asked = spawn(LIMIT, Instant::now() + LIMIT, move || {
        let resolved = credentials::resolve(&base, &aws_environment, now).ok()?;
        let iam = Iam::new(&resolved, base.profile.as_deref(), &aws_environment);
        Some(known(&mut iam.ok()?, &caller, &role))
    });
    let (known, is_absent) = asked.wait().into_known().flatten().unwrap_or_default();
    Some(RoleAdvice {
        advice: error.advice_knowing(&known).unwrap_or(own),
        profile,
        is_absent,
    })
}

/// Returns the options of the credentials with which a profile assumes a role, and that profile: the selected one, or one
/// that it refers to with `source_profile`.
fn source_profile(
    role: &str,
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
) -> Option<(CredentialOptions, String)> {
    let files = ConfigFiles::read(aws_environment).ok()?;
    let selected = profile_name(credential_options.profile.as_deref(), aws_environment);
    let mut name = selected.unwrap_or(DEFAULT_PROFILE).to_owned();
    let mut seen = Vec::new();
    while !seen.contains(&name) {
        let profile = files.profile(&name)?;
        let source = profile.text("source_profile")?.to_owned();
        if profile.text("role_arn") == Some(role) {
            let base = CredentialOptions {
                profile: Some(source),
                roles: Vec::new(),
                session_name: None,
                external_id: None,
                duration: None,
                ..credential_options.clone()
            };
            return Some((base, name));
        }
        seen.push(name);
        name = source;
    }
    None
}

/// Reads the policies from IAM, which only answers for its own account. Also returns whether the role does not exist.
fn known(iam: &mut Iam, caller: &str, role: &str) -> (IamEvidence, bool) {
    let mut known = IamEvidence::default();
    let mut is_absent = false;
    let (Some(asking), Some(asked)) = (Parts::of(caller), Parts::of(role)) else {
        return (known, false);
    };
    if asking.account == asked.account {
        let found = iam.role(asked.name);
        is_absent = matches!(found, Ok(None));
        known.trust_policy = found.ok().flatten().and_then(|role| role.trust);
    }
    let policies_of = if asking.is("iam", "user") {
        Some(caller.to_owned())
    } else if asking.is("sts", "assumed-role") {
        // A session's ARN lacks its role's IAM path.
        let name = asking.path.trim_matches('/');
        let found = iam.role(name).ok().flatten();
        found.map(|role| role.arn)
    } else {
        None
    };
    let simulated = policies_of.and_then(|arn| iam.simulate(&arn, "sts:AssumeRole", role).ok());
    if let Some((own, boundary)) = simulated {
        known.own_policies = own;
        known.boundary = boundary;
    }
    (known, is_absent)
}
