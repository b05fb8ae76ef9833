/// What one cluster's access takes: an entry in each of the three lists of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries {
    /// Where the cluster is.
    pub cluster: Cluster,
    /// Who signs in.
    pub user: User,
    /// The name of the context that joins them.
    pub context: String,
}

/// Where a cluster is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The entry's name.
    pub name: String,
    /// The URL of its API server.
    pub server: String,
    /// The certificates that its API server's is checked with, as base64 of PEM; `None` leaves what is there.
    pub certificate_authority_data: Option<String>,
}

/// Who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The entry's name.
    pub name: String,
    /// The command that makes tokens.
    pub exec: Exec,
}

/// A credential plugin.
/// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The command, by its path.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// `AWS_PROFILE` in its environment; `None` takes that variable out.
    pub profile: Option<String>,
}
