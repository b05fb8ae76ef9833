//! Signs EKS tokens for access checks.

use jiff::Timestamp;

use crate::backend::SignIn;
use crate::backend::credential_args::{self, CredentialArgs};
use crate::terminal::{Failure, Out};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::{
    Caller, CallerError, CredentialOptions, ResolvedCredentials, caller,
};
use awsauth_core::token::{HostError, StsHost, Token};
use awsauth_kube::EksName;

/// AWS credentials, and how they were requested.
pub(crate) struct SigningCredentials {
    credential_options: CredentialOptions,
    aws_environment: AwsEnvironment,
    /// The credentials and their source.
    pub(crate) resolved: ResolvedCredentials,
}

/// Signs fresh tokens for one cluster.
pub(crate) struct TokenSigner {
    credentials: SigningCredentials,
    /// The STS endpoint that the authenticator sends the tokens to.
    pub(crate) host: StsHost,
    /// The name of the cluster that the tokens are for.
    pub(crate) cluster: String,
}

impl SigningCredentials {
    /// Gets fresh credentials, never cached ones, so that the check reflects the current state of AWS. Assumes `role` last.
    ///
    /// # Errors
    /// If there are no credentials; the message begins with `what` could not be done.
    pub(crate) fn get(
        identity: &CredentialArgs,
        role: Option<&str>,
        what: &str,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let aws_environment = AwsEnvironment::of_process();
        let mut credential_options = identity.credential_options();
        credential_options.no_cache = true;
        credential_options.roles.extend(role.map(str::to_owned));
        let resolved = credential_args::resolve(what, &credential_options, &aws_environment, out)?;
        Ok(Self {
            credential_options,
            aws_environment,
            resolved,
        })
    }

    /// Asks STS for the identity.
    pub(crate) fn caller(&self) -> Result<Caller, CallerError> {
        caller(
            &self.resolved,
            &self.credential_options,
            &self.aws_environment,
            Timestamp::now(),
        )
    }

    /// Prepares to sign tokens for a cluster of this name.
    pub(crate) fn signer(self, eks: &EksName, cluster: String) -> Result<TokenSigner, HostError> {
        let configured = self.credential_options.region.as_deref();
        let region = configured
            .or(eks.region.as_deref())
            .unwrap_or(&self.resolved.region.name);
        Ok(TokenSigner {
            host: StsHost::of(region, self.resolved.endpoint)?,
            credentials: self,
            cluster,
        })
    }
}

impl TokenSigner {
    /// Prepares to sign tokens for a cluster. Assumes `role` last.
    ///
    /// # Errors
    /// If the cluster's name or credentials are missing; the message begins with `what` could not be done.
    pub(crate) fn get(
        cluster: &SignIn,
        role: Option<&str>,
        what: &str,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let name = cluster.eks().name.clone().ok_or_else(|| {
            Failure::usage(format!(
                "{what}: the kubeconfig does not contain the cluster's name at EKS"
            ))
            .hint("give the name: --cluster-name NAME, or AWSAUTH_CLUSTER_NAME=NAME together with kubeconfig options; list clusters: aws eks list-clusters")
        })?;
        let credentials = SigningCredentials::get(cluster.identity(), role, what, out)?;
        credentials.signer(cluster.eks(), name).map_err(|error| {
            Failure::usage(what)
                .because(&error)
                .hint("give it with --region")
        })
    }

    /// Signs a token with the current time. The API server caches the result for a token, even a rejection, so another attempt needs
    /// another token.
    pub(crate) fn token(&self) -> Token {
        let credentials = &self.credentials.resolved.credentials;
        Token::sign(credentials, &self.host, &self.cluster, Timestamp::now())
    }

    /// Asks STS for the identity behind the tokens.
    pub(crate) fn caller(&self) -> Result<Caller, CallerError> {
        self.credentials.caller()
    }
}
