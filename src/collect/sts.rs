//! Asks STS and EKS.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::problem;
use awsauth_aws::credentials::{
    self, CallerError, CredentialOptions, ResolvedCredentials, SourceError,
};
use awsauth_aws::eks::{Eks, EksError};
use awsauth_aws::sts_verify::verify_token as verify;
use awsauth_aws::{AwsEnvironment, AwsError};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::doctor::evidence::{
    Caller, ClusterDescription, DescribeFailure, Problem, Signer, StsProblem, Token, VerifiedCaller,
};
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::partitions::Partition;
use awsauth_core::token::{Authenticator, PresignedRequest};
use awsauth_kube::connect::described;
use awsauth_kube::selected_context::SelectedContext;
use awsauth_kube::{EksClusterId, EksEndpoint};

/// Asks STS for the identity of the credentials.
pub(crate) fn caller(
    resolved: &ResolvedCredentials,
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
    now: Timestamp,
) -> Result<Caller, StsProblem> {
    let asked = credentials::caller(resolved, credential_options, aws_environment, now);
    asked
        .map(|caller| Caller {
            arn: caller.arn,
            account: caller.account,
        })
        .map_err(|error| match error {
            CallerError::NotSent(error) => of_machine(&error),
            CallerError::Sts(error) => of_aws(&error),
        })
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
    let named =
        verify(ready, cluster, profile, aws_environment).map_err(|error| of_machine(&error))?;
    let named = named.map_err(|error| of_aws(&error))?;
    Ok(VerifiedCaller {
        arn: named.identity.canonical_arn,
        session_name: named.identity.session_name,
        clock_ahead: named.clock_ahead,
    })
}

/// Asks EKS about the cluster.
pub(crate) fn describe(
    resolved: &ResolvedCredentials,
    profile: Option<&str>,
    aws_environment: &AwsEnvironment,
    name: &str,
    selected: &SelectedContext,
) -> Result<ClusterDescription, DescribeFailure> {
    let asked = Eks::new(resolved, profile, aws_environment).and_then(|mut eks| eks.describe(name));
    let facts = asked.map_err(|error| match &error {
        EksError::NoSuchCluster { .. } => {
            DescribeFailure::NoSuchCluster(problem(&error, error.hint()))
        }
        EksError::NotReady { .. } => DescribeFailure::NotReady(problem(&error, error.hint())),
        EksError::Denied { statement, .. } => {
            DescribeFailure::Unknown(format!("AWS denies it; a policy needs {statement}"))
        }
        _ => DescribeFailure::Unknown(super::error_text(&error)),
    })?;
    let versions = [facts.version, facts.platform_version];
    let versions: Vec<String> = versions.into_iter().flatten().collect();
    let identity = described(&facts.endpoint, &facts.certificate_authority_data);
    Ok(ClusterDescription {
        is_proven: identity
            .as_ref()
            .is_some_and(|identity| selected.server.is_endpoint(identity)),
        identity,
        same_authority: selected.trusts(&facts.certificate_authority_data),
        name: facts.name,
        arn: facts.arn,
        endpoint: facts.endpoint,
        mode: facts.authentication_mode,
        version: versions.join(" "),
        logs_authenticator: facts.logs_authenticator,
    })
}

/// Asks EKS for the cluster's endpoint.
pub(crate) fn endpoint(
    resolved: &ResolvedCredentials,
    profile: Option<&str>,
    aws_environment: &AwsEnvironment,
    name: &str,
) -> Result<EksEndpoint, Problem> {
    let asked = Eks::new(resolved, profile, aws_environment).and_then(|mut eks| eks.describe(name));
    let facts = asked.map_err(|error| Problem {
        cause: format!(
            "there is no kubeconfig, and EKS did not provide the endpoint of {name}: {}",
            super::error_text(&error)
        ),
        next: error.hint(),
    })?;
    Ok(EksEndpoint {
        eks: EksClusterId {
            name: facts.name,
            arn: facts.arn,
        },
        token_id: facts.token_id,
        endpoint: facts.endpoint,
        certificate_authority_data: facts.certificate_authority_data,
    })
}

/// Asks EKS for the access entries that apply to this ARN.
pub(crate) fn access_entries(
    resolved: &ResolvedCredentials,
    profile: Option<&str>,
    aws_environment: &AwsEnvironment,
    name: &str,
    mode: AuthenticationMode,
    arn: &str,
) -> Result<AccessEntries, String> {
    let mut eks =
        Eks::new(resolved, profile, aws_environment).map_err(|error| super::error_text(&error))?;
    let signs_in = |principal: &str| {
        let one = [AccessEntry {
            principal_arn: principal.to_owned(),
            terms: None,
        }];
        AccessEntries::new(AuthenticationMode::Api, Some(one.into()))
            .of(arn)
            .is_some()
    };
    match eks.access_entries(name, &signs_in) {
        Ok(list) => Ok(AccessEntries::new(mode, Some(list.entries))),
        Err(unavailable) => Err(format!("{}: {}", unavailable.action, unavailable.hint())),
    }
}

fn of_machine(error: &SourceError) -> StsProblem {
    StsProblem {
        code: None,
        problem: problem(error, error.hint()),
        clock_ahead: None,
    }
}

fn of_aws(error: &AwsError) -> StsProblem {
    StsProblem {
        code: error.code().map(str::to_owned),
        problem: problem(error, error.hint()),
        clock_ahead: error.refused().and_then(|refused| refused.clock_ahead),
    }
}
