//! The entries of one cluster.

/// The entries of one cluster, one in each of the three lists of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries {
    pub cluster: Cluster,
    pub user: User,
    /// The name of the context that combines them.
    pub context: String,
}

/// An entry of `clusters`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    pub name: String,
    /// The URL of its API server.
    pub server: String,
    /// The CA certificates of its API server, PEM in base64. `None` keeps the current ones.
    pub certificate_authority_data: Option<String>,
    /// The URL of the proxy for requests to the API server. `None` keeps the current one.
    pub proxy_url: Option<String>,
}

/// An entry of `users`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    /// The command that prints tokens.
    pub exec: Exec,
}

/// A credential plugin.
/// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The path of the command.
    pub command: String,
    pub args: Vec<String>,
    /// `AWS_PROFILE` in its environment; `None` removes that variable.
    pub profile: Option<String>,
}
