//! Signs EKS tokens for access checks.

use jiff::Timestamp;

use crate::backend::SignIn;
use crate::backend::credential_args::{self, CredentialArgs};
use crate::terminal::{Failure, Out};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::{
    Caller, CallerError, CredentialOptions, ResolvedCredentials, caller,
};
use awsauth_core::token::{StsHost, Token};
use awsauth_kube::ApiClient;
use awsauth_kube::connect::EksConnection;

/// Resolved AWS credentials, with the options and the environment that they were resolved from.
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
    connection: EksConnection,
}

impl SigningCredentials {
    /// Resolves fresh credentials, never cached ones, so that the check reflects the current state of AWS. If `role` is given,
    /// assumes it after the roles in the options.
    ///
    /// # Errors
    /// If no credentials can be resolved. The message begins with `what`, which states what could not be done.
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

    /// Asks STS for the identity of these credentials.
    pub(crate) fn caller(&self) -> Result<Caller, CallerError> {
        caller(
            &self.resolved,
            &self.credential_options,
            &self.aws_environment,
            Timestamp::now(),
        )
    }

    /// Creates a signer of tokens for the cluster called `name`, and checks that its API server is allowed to receive them.
    ///
    /// # Errors
    /// If the region is invalid, or if the server is not known to be the cluster's EKS endpoint. The message begins with `what`,
    /// which states what could not be done.
    pub(crate) fn signer(
        self,
        cluster: &SignIn,
        name: String,
        what: &str,
        out: &Out,
    ) -> Result<TokenSigner, Failure> {
        let configured = self.credential_options.region.as_deref();
        let region = configured
            .or(cluster.eks().region.as_deref())
            .unwrap_or(&self.resolved.region.name);
        let host = StsHost::of(region, self.resolved.endpoint).map_err(|error| {
            Failure::usage(what)
                .because(&error)
                .hint("set the region: --region REGION")
        })?;
        let (options, environment) = (&self.credential_options, &self.aws_environment);
        Ok(TokenSigner {
            connection: cluster.trusted(&name, options, environment, what, out)?,
            host,
            credentials: self,
            cluster: name,
        })
    }
}

impl TokenSigner {
    /// Creates a signer of tokens for a cluster. If `role` is given, assumes it after the roles in the options.
    ///
    /// # Errors
    /// If the cluster's name is unknown, no credentials can be resolved, or the server must not receive tokens. The message begins
    /// with `what`, which states what could not be done.
    pub(crate) fn get(
        cluster: &SignIn,
        role: Option<&str>,
        what: &str,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        let name = cluster.eks().name.clone().ok_or_else(|| {
            Failure::usage(format!(
                "{what}: the kubeconfig does not contain the name of the EKS cluster"
            ))
            .hint("name the cluster: --cluster-name NAME, or, to connect through the kubeconfig, AWSAUTH_CLUSTER_NAME=NAME with an option such as --context; list the clusters: aws eks list-clusters")
        })?;
        let credentials = SigningCredentials::get(cluster.identity(), role, what, out)?;
        credentials.signer(cluster, name, what, out)
    }

    /// Signs a token with the current time. The API server caches the result for a token, even a rejection, so another attempt needs
    /// another token.
    pub(crate) fn token(&self) -> Token {
        let credentials = &self.credentials.resolved.credentials;
        Token::sign(credentials, &self.host, &self.cluster, Timestamp::now())
    }

    /// Returns a client for the cluster that authenticates with this token.
    pub(crate) fn authenticated(&self, token: &Token) -> ApiClient {
        self.connection.with_token(token)
    }

    /// Asks STS for the identity behind the tokens.
    pub(crate) fn caller(&self) -> Result<Caller, CallerError> {
        self.credentials.caller()
    }
}
