use jiff::SignedDuration;

/// What a kubeconfig says of the chosen cluster and of who goes there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The files that were read.
    pub files: String,
    /// The context's name.
    pub context: Option<String>,
    /// The name of the cluster's entry.
    pub cluster: Option<String>,
    /// The API server's URL.
    pub server: String,
    /// Who goes there.
    pub user: User,
    /// The cluster's name at EKS, as its entries tell it without the plugin.
    pub named: Option<String>,
    /// The same, as the plugin's arguments tell it.
    pub plugin_named: Option<String>,
    /// The cluster's region, as far as something tells it.
    pub region: Option<String>,
    /// `kubectl` with the context.
    pub kubectl: String,
}

impl Entry {
    /// The name that a token has to be signed for, as far as the kubeconfig tells it.
    pub fn eks_name(&self) -> Option<&str> {
        self.plugin_named.as_deref().or(self.named.as_deref())
    }

    /// The flags that name the cluster at EKS, as far as its name is known.
    pub(in crate::doctor) fn flags(&self) -> String {
        let Some(name) = self.eks_name() else {
            return String::new();
        };
        let region = self.region.as_deref();
        let region = region.map_or_else(String::new, |region| format!(" --region {region}"));
        format!(" --cluster-name {}{region}", crate::shell::quoted(name))
    }

    /// The command that writes the entries anew.
    pub(in crate::doctor) fn rewrite(&self) -> String {
        let name = self.named.as_deref().or(self.plugin_named.as_deref());
        let name = crate::shell::quoted(name.unwrap_or("NAME"));
        let region = self.region.as_deref();
        let region = region.map_or_else(String::new, |region| format!(" --region {region}"));
        format!("awsauth kubeconfig --cluster-name {name}{region}")
    }
}

/// How a kubeconfig signs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum User {
    /// It says nothing.
    #[default]
    Nobody,
    /// With a plugin.
    Exec(Exec),
    /// With a token that stands in it.
    Token {
        /// When it was signed, if it is one of EKS that can be read.
        signed: Option<jiff::Timestamp>,
        /// Whether it is one of EKS.
        is_eks: bool,
        /// Whether there is a plugin beside it, which then does not run.
        hides_plugin: bool,
    },
    /// With a certificate, a password, the token in a file, or a pod's service account.
    Other(String),
}

/// An exec plugin as it is written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exec {
    /// `apiVersion`.
    pub api_version: Option<String>,
    /// `command`.
    pub command: String,
    /// `args`.
    pub args: Vec<String>,
    /// The names of its `env`, and the values of those that hold no secret.
    pub env: Vec<(String, String)>,
    /// Whether `interactiveMode` is set.
    pub has_interactive_mode: bool,
    /// Where the command was found; `None` when it was not.
    pub path: Option<String>,
    /// What is wrong with what was found.
    pub fault: Option<String>,
    /// Names of variables of this process that credentials stand in.
    pub keys_in_environment: bool,
}

/// A run of the plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// As a shell takes it.
    pub command: String,
    /// How long it took.
    pub took: SignedDuration,
    /// Its exit status in words; `None` for success.
    pub failed: Option<String>,
    /// What it wrote to stderr, without secrets.
    pub stderr: String,
    /// The version of what it printed.
    pub api_version: Option<String>,
    /// The length of the token; 0 when there is none.
    pub token_bytes: usize,
    /// When it says that the token ends.
    pub expiration: Option<String>,
    /// What keeps its answer from being read.
    pub unreadable: Option<String>,
}
