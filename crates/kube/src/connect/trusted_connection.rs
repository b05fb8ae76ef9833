//! Adds tokens to connections, after a check of the server that will receive them.

use std::sync::Arc;

use secrecy::SecretString;

use crate::api_client::{ApiClient, Bearer};
use crate::eks_name::EksName;
use crate::token_renewal::Tokens;
use awsauth_core::endpoint_trust::{
    DescribedEndpoint, EndpointExceptions, Server, TokenCluster, TrustedEndpoint, UntrustedEndpoint,
};
use awsauth_core::token::Token;

/// An unauthenticated connection, and what is known about its cluster.
pub struct AnonymousConnection {
    pub client: Arc<ApiClient>,
    pub eks: EksName,
    /// The namespace of the context. In a pod, and if the context has none, `default`.
    pub namespace: String,
    pub(super) server: Server,
    /// The endpoint according to EKS, if EKS provided the server.
    pub(super) described: Option<DescribedEndpoint>,
    pub(super) exceptions: EndpointExceptions,
}

/// A connection to EKS's endpoint of a cluster, or to a server that the user allows. No other connection takes the tokens
/// that awsauth signs.
pub struct EksConnection {
    client: Arc<ApiClient>,
    _checked: TrustedEndpoint,
}

impl AnonymousConnection {
    /// Checks that tokens of the cluster may be sent to the server. `described` is the endpoint according to EKS, if the
    /// caller has asked for it.
    ///
    /// # Errors
    /// If the server is not known to be EKS's endpoint of the cluster.
    pub fn trust(
        &self,
        described: Option<&DescribedEndpoint>,
    ) -> Result<EksConnection, UntrustedEndpoint> {
        let cluster = TokenCluster {
            region: self.eks.region.as_deref(),
            described: described.or(self.described.as_ref()),
        };
        let checked = TrustedEndpoint::check(&self.server, cluster, &self.exceptions)?;
        Ok(EksConnection {
            client: Arc::clone(&self.client),
            _checked: checked,
        })
    }

    /// Returns a client that authenticates with a token of the kubeconfig's user, which kubectl would send to the server,
    /// too.
    ///
    /// # Errors
    /// If the token could be read on the way to the server.
    pub fn with_user_token(&self, token: SecretString) -> Result<ApiClient, UntrustedEndpoint> {
        self.server.check_confidential(&self.exceptions)?;
        Ok(self.client.authenticated(Bearer::One(token)))
    }
}

impl EksConnection {
    /// Returns a client that authenticates with this token.
    #[must_use]
    pub fn with_token(&self, token: &Token) -> ApiClient {
        self.client.authenticated(Bearer::One(token.text.clone()))
    }

    /// Returns a client that authenticates with renewed tokens.
    #[must_use]
    pub(crate) fn with_tokens(&self, tokens: Tokens) -> ApiClient {
        self.client.authenticated(Bearer::Renewed(tokens))
    }
}
