//! Asks STS who signed a request or a token.

use std::error::Error;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::credentials::{has_stray_token, redirected, untrusted};
use super::{endpoint_probe, problem};
use awsauth_aws::credentials::{self, CallerError, CredentialOptions, ResolvedCredentials};
use awsauth_aws::sts_verify::{VerifyError, verify_token as verify};
use awsauth_aws::{AwsEnvironment, AwsError};
use awsauth_core::doctor::evidence::{
    Caller, ConnectionAttempt, Signer, StsProblem, Token, VerifiedCaller,
};
use awsauth_core::facts::partitions::Partition;
use awsauth_core::token::{Authenticator, Endpoint, PresignedRequest, StsHost};

/// Asks STS for the identity of the credentials.
pub(crate) fn caller(
    resolved: &ResolvedCredentials,
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
    now: Timestamp,
) -> Result<Caller, StsProblem> {
    let ask = |resolved: &ResolvedCredentials| {
        credentials::caller(resolved, credential_options, aws_environment, now)
    };
    let error = match ask(resolved) {
        Ok(caller) => {
            return Ok(Caller {
                arn: caller.arn,
                account: caller.account,
            });
        }
        Err(CallerError::NotSent(error)) => return Err(of_machine(&*error, error.hint())),
        Err(CallerError::Sts(error)) => error,
    };
    let may_be_stray = error.refused().is_some() && has_stray_token(&resolved.credentials);
    let key_owner = may_be_stray.then(|| {
        let mut without_token = resolved.clone();
        without_token.credentials.session_token = None;
        Some(ask(&without_token).ok()?.arn)
    });
    let mut problem = StsProblem {
        key_owner: key_owner.flatten(),
        ..of_aws(&error)
    };
    let known = untrusted(&error, credential_options, aws_environment)
        .or_else(|| redirected(&error, credential_options, aws_environment));
    if let Some(known) = known {
        problem.problem = known;
    }
    Err(problem)
}

/// Connects to STS in a region. Returns `None` if requests to STS are sent to a proxy or to another endpoint.
pub(crate) fn connect(
    region: &str,
    aws_environment: &AwsEnvironment,
    limit: Duration,
) -> Option<ConnectionAttempt> {
    let redirects = [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_STS",
        "HTTPS_PROXY",
        "https_proxy",
    ];
    let is_redirected = redirects
        .iter()
        .any(|name| aws_environment.get(name).is_some());
    let host = StsHost::of(region, Endpoint::default()).ok()?;
    (!is_redirected).then(|| endpoint_probe::connect_to(&host.name, limit))
}

/// Reads a token as the authenticator does before it asks STS. The second value is for [`verify_token`].
pub(crate) fn read(
    token: &SecretString,
    signer: Signer,
    cluster: &str,
    region: &str,
    keys_end: Option<Timestamp>,
    now: Timestamp,
) -> (Token, Option<PresignedRequest>) {
    let authenticator = Authenticator {
        partition: Partition::of_region(region).id,
        region,
    };
    let text = token.expose_secret();
    let read = authenticator.read(text, now);
    let seen = Token {
        signer,
        bytes: text.len(),
        cluster: cluster.to_owned(),
        read: read
            .as_ref()
            .map(|presigned| (presigned.host.clone(), presigned.signed))
            .map_err(Clone::clone),
        keys_end,
    };
    (seen, read.ok())
}

/// Asks STS about a token as the authenticator does.
pub(crate) fn verify_token(
    ready: &PresignedRequest,
    cluster: &str,
    profile: Option<&str>,
    aws_environment: &AwsEnvironment,
) -> Result<VerifiedCaller, StsProblem> {
    let named = verify(ready, cluster, profile, aws_environment);
    let named = named.map_err(|error| match &error {
        VerifyError::Sts(error) => of_aws(error),
        error => of_machine(error, error.hint()),
    })?;
    Ok(VerifiedCaller {
        arn: named.identity.canonical_arn,
        session_name: named.identity.session_name,
        clock_ahead: named.clock_ahead,
    })
}

fn of_machine(error: &dyn Error, hint: String) -> StsProblem {
    StsProblem {
        code: None,
        problem: problem(error, hint),
        key_owner: None,
        clock_ahead: None,
    }
}

fn of_aws(error: &AwsError) -> StsProblem {
    StsProblem {
        code: error.code().map(str::to_owned),
        problem: problem(error, error.hint()),
        key_owner: None,
        clock_ahead: error.refused().and_then(|refused| refused.clock_ahead),
    }
}
