//! Finds a cluster through EKS, and signs in to it with AWS credentials.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::credential_args;
use crate::terminal::{Failure, Kind, Out, Spinner};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::{self, CredentialOptions, ResolvedCredentials};
use awsauth_aws::eks::{self, CredentialOrder, DescribeError, EksCluster, EksError};
use awsauth_core::token::{HostError, StsHost, Token};
use awsauth_kube::request_error::TokenRenewalError;
use awsauth_kube::{EksClusterId, EksEndpoint, Tokens};

/// The delay before the spinner appears.
const SPINNER_DELAY: Duration = Duration::from_millis(300);

/// Returns how to connect to the cluster.
pub(super) fn endpoint(cluster: &EksCluster) -> EksEndpoint {
    let facts = &cluster.facts;
    EksEndpoint {
        eks: EksClusterId {
            name: facts.name.clone(),
            arn: facts.arn.clone(),
        },
        token_id: facts.token_id.clone(),
        endpoint: facts.endpoint.clone(),
        certificate_authority_data: facts.certificate_authority_data.clone(),
    }
}

/// Returns a source of tokens signed with the requested credentials. Credentials are resolved again for each token
/// except the first, because they expire as tokens do.
pub(super) fn tokens(
    cluster: &EksCluster,
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
    out: &mut Out,
) -> Result<Tokens, Failure> {
    let facts = &cluster.facts;
    let what = format!("cannot sign in to the cluster {}", facts.name);
    let resolved = match cluster.preferred_credentials() {
        Some(resolved) => resolved.clone(),
        None => credential_args::resolve(&what, credential_options, aws_environment, out)?,
    };
    let signer = Signer {
        region: facts.region().to_owned(),
        token_id: facts.token_id.clone(),
    };
    let first = signer.sign(&resolved).map_err(|error| {
        Failure::usage(&what)
            .because(&error)
            .hint(host_hint(&error))
    })?;
    let (credential_options, aws_environment) =
        (credential_options.clone(), aws_environment.clone());
    Ok(Tokens::new(Some(first), move || {
        let resolved =
            credentials::resolve(&credential_options, &aws_environment, Timestamp::now());
        let resolved = resolved.map_err(|error| TokenRenewalError {
            hint: error.hint(),
            cause: error.into(),
        })?;
        signer.sign(&resolved).map_err(|error| TokenRenewalError {
            hint: host_hint(&error).to_owned(),
            cause: error.into(),
        })
    }))
}

/// Signs tokens for one cluster.
struct Signer {
    region: String,
    token_id: String,
}

impl Signer {
    fn sign(&self, resolved: &ResolvedCredentials) -> Result<Token, HostError> {
        let host = StsHost::of(&self.region, resolved.endpoint)?;
        let credentials = &resolved.credentials;
        Ok(Token::sign(
            credentials,
            &host,
            &self.token_id,
            Timestamp::now(),
        ))
    }
}

fn host_hint(error: &HostError) -> &'static str {
    match error {
        HostError::Region(_) => "pass the cluster's region, for example --region eu-west-1",
        HostError::DualStack(_) => {
            "unset AWS_USE_DUALSTACK_ENDPOINT, and remove use_dualstack_endpoint from the profile"
        }
    }
}

/// Describes a cluster. Waits up to `time_limit` for one that is being created.
pub(crate) fn describe(
    name: &str,
    order: CredentialOrder,
    credential_options: &CredentialOptions,
    aws_environment: &AwsEnvironment,
    time_limit: Option<Duration>,
    out: &mut Out,
) -> Result<EksCluster, Failure> {
    let mut progress = ProgressOutput {
        out,
        name,
        deadline: time_limit.map(|time_limit| Instant::now() + time_limit),
        has_reported_wait: false,
    };
    eks::describe(
        name,
        order,
        credential_options,
        aws_environment,
        &mut progress,
    )
    .map_err(|error| failure(name, &error))
}

/// Shows progress on stderr.
struct ProgressOutput<'a> {
    out: &'a mut Out,
    name: &'a str,
    deadline: Option<Instant>,
    has_reported_wait: bool,
}

impl eks::Progress for ProgressOutput<'_> {
    type Guard = Spinner;

    fn resolved(&mut self, resolved: &ResolvedCredentials) {
        credential_args::show(resolved, self.out);
    }

    fn requesting(&mut self) -> Spinner {
        self.out.spinner("Asking EKS", SPINNER_DELAY)
    }

    fn should_wait(&mut self, error: &EksError) -> bool {
        let waits = self
            .deadline
            .is_some_and(|deadline| Instant::now() < deadline);
        if waits && !self.has_reported_wait {
            self.out.note(&format!("Waiting for EKS: {error}"));
            self.has_reported_wait = true;
        }
        waits
    }

    fn used_own(&mut self, cluster: &EksCluster) {
        self.out.note(&format!(
            "The role cannot describe {} at EKS; {} can, and gets {}",
            self.name,
            cluster.credentials().source,
            cluster.facts.arn
        ));
    }
}

fn failure(name: &str, error: &DescribeError) -> Failure {
    let what = format!("cannot describe EKS cluster {name:?}");
    match error {
        DescribeError::Credentials(error) => credential_args::failure(&what, error),
        DescribeError::Eks(error) => {
            let kind = if error.is_input() {
                Kind::Usage
            } else {
                Kind::Unreachable
            };
            Failure::new(kind, what).because(error).hint(error.hint())
        }
        // `NoRegion`, and variants of later versions.
        error => Failure::usage(what)
            .because(error)
            .hint("set the region: --region eu-west-1"),
    }
}
