//! The options that select a file or a cluster.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;

use super::credential_args::{self, CredentialArgs};
use super::duration;
use crate::terminal::Failure;
use awsauth_core::endpoint_trust::{AllowedEndpoint, EndpointExceptions};
use awsauth_core::shell_quote;
use awsauth_kube::Flags;
use awsauth_kube::kubeconfig::Loaded as LoadedKubeconfig;
use awsauth_kube::write::WriteOptions;

/// The cluster or file that the user selects. Options that kubectl also has have the same names and meanings.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Options for a cluster")]
pub(crate) struct Target {
    /// Work on this manifest instead of a cluster; - reads stdin and writes the result to stdout
    #[arg(
        long,
        global = true,
        env = "AWSAUTH_FILE",
        value_name = "PATH",
        help_heading = "Options for a manifest file"
    )]
    pub(crate) file: Option<PathBuf>,

    /// The name of the EKS cluster; connects with your AWS credentials instead of a kubeconfig
    #[arg(long, global = true, env = "AWSAUTH_CLUSTER_NAME", value_name = "NAME")]
    pub(crate) cluster_name: Option<String>,

    /// The kubeconfig file to use instead of KUBECONFIG and ~/.kube/config
    #[arg(long, global = true, env = "AWSAUTH_KUBECONFIG", value_name = "PATH")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The kubeconfig context to use
    #[arg(long, global = true, env = "AWSAUTH_CONTEXT", value_name = "NAME")]
    pub(crate) context: Option<String>,

    /// The kubeconfig cluster to use
    #[arg(long, global = true, env = "AWSAUTH_CLUSTER", value_name = "NAME")]
    pub(crate) cluster: Option<String>,

    /// The kubeconfig user to use
    #[arg(long, global = true, env = "AWSAUTH_USER", value_name = "NAME")]
    pub(crate) user: Option<String>,

    /// The user to impersonate
    #[arg(long = "as", global = true, value_name = "USER")]
    pub(crate) impersonate: Option<String>,

    /// A group to impersonate; may be repeated
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    pub(crate) impersonate_groups: Vec<String>,

    /// How long to wait for each response of the API server, such as 10s; 0 is no limit
    #[arg(long, global = true, env = "AWSAUTH_REQUEST_TIMEOUT", value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) request_timeout: Option<Duration>,

    /// Refuse to run on any cluster but this one, given as a context, kubeconfig cluster, EKS name or ARN, or server URL
    #[arg(
        long,
        global = true,
        env = "AWSAUTH_EXPECT_CLUSTER",
        value_name = "NAME|ARN|URL"
    )]
    pub(crate) expect_cluster: Option<String>,

    /// How long to wait for a change to take effect (default 30s), and to retry conflicting writes (default 2m)
    #[arg(long, global = true, env = "AWSAUTH_TIMEOUT", value_name = "DURATION", value_parser = duration::parse, help_heading = "Options for every command")]
    pub(crate) timeout: Option<Duration>,

    /// Wait up to this long for the API server of a new cluster to respond
    #[arg(long, global = true, env = "AWSAUTH_WAIT", value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) wait: Option<Duration>,

    /// With --wait, also wait for the aws-auth ConfigMap to exist
    #[arg(long, global = true, env = "AWSAUTH_WAIT_FOR_CONFIGMAP", value_parser = FalseyValueParser::new())]
    pub(crate) wait_for_configmap: bool,

    /// Send EKS tokens to this server even if it is not known to be the cluster's EKS endpoint; may be repeated
    #[arg(long = "allow-endpoint", global = true, value_name = "HOST[:PORT]")]
    pub(crate) allow_endpoint: Vec<AllowedEndpoint>,

    /// Send credentials over plain HTTP if the server is on this machine
    #[arg(long, global = true)]
    pub(crate) allow_http_loopback: bool,

    #[command(flatten)]
    pub(crate) identity: CredentialArgs,

    /// The kubeconfig, if it has already been read.
    #[arg(skip)]
    pub(crate) loaded_kubeconfig: Option<LoadedKubeconfig>,

    /// The account that the EKS cluster must be in.
    #[arg(skip)]
    pub(crate) expect_account: Option<String>,
}

/// Ids of the arguments that select a cluster.
const NAMES_CLUSTER: [&str; 4] = ["kubeconfig", "context", "cluster", "user"];

/// Ids of the other arguments that only apply to a cluster.
const CLUSTER_ONLY: [&str; 8] = [
    "impersonate",
    "impersonate_groups",
    "request_timeout",
    "expect_cluster",
    "wait",
    "wait_for_configmap",
    "allow_endpoint",
    "allow_http_loopback",
];

/// Ids of the arguments that must not be empty.
const TEXTS: [&str; 14] = [
    "cluster_name",
    "profile",
    "region",
    "roles",
    "role_session_name",
    "external_id",
    "file",
    "kubeconfig",
    "context",
    "cluster",
    "user",
    "impersonate",
    "impersonate_groups",
    "expect_cluster",
];

/// The selected file or cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// A manifest at this path.
    File(PathBuf),
    /// A manifest from stdin, with the result on stdout.
    Pipe,
    /// The live ConfigMap of the kubeconfig's cluster.
    Cluster,
    /// The live ConfigMap of the EKS cluster with this name.
    Eks(String),
}

impl Target {
    /// Returns how long to wait for a response or for a change to take effect.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(WriteOptions::TIMEOUT)
    }

    /// Returns how long to retry a write while other clients win races.
    pub(crate) fn conflict_timeout(&self) -> Duration {
        self.timeout.unwrap_or(WriteOptions::CONFLICT_TIMEOUT)
    }

    /// Returns the target with a context of the kubeconfig, or the current one, instead of the one that the options select.
    /// Ignores environment variables, because they select one cluster.
    pub(crate) fn at_context(&self, context: Option<&str>) -> Self {
        Self {
            context: context.map(str::to_owned),
            file: None,
            cluster_name: None,
            cluster: None,
            user: None,
            ..self.clone()
        }
    }

    /// Returns the target with an EKS cluster instead of the one that the options select.
    pub(crate) fn at_eks(&self, name: &str, identity: CredentialArgs) -> Self {
        Self {
            cluster_name: Some(name.to_owned()),
            identity,
            file: None,
            kubeconfig: None,
            context: None,
            cluster: None,
            user: None,
            loaded_kubeconfig: None,
            ..self.clone()
        }
    }

    /// Returns the typed options that select the file or cluster and its user, with a space before each, so that a message can suggest a
    /// command on the same one.
    pub(crate) fn typed_selection(matches: &clap::ArgMatches) -> String {
        let typed = |id: &&str| is_typed(matches, id);
        // With a kubeconfig, only some commands accept the cluster's name and AWS credentials.
        let has_kubeconfig = NAMES_CLUSTER.iter().any(typed);
        let eks = ["cluster_name"]
            .into_iter()
            .chain(credential_args::OPTIONS)
            .filter(|_| !has_kubeconfig);
        let ids = ["file", "impersonate", "impersonate_groups"]
            .into_iter()
            .chain(NAMES_CLUSTER)
            .chain(eks);
        let mut options = String::new();
        for id in ids.filter(typed) {
            let values = matches.get_raw(id).into_iter().flatten();
            // stdin cannot be read a second time.
            for value in values.filter(|value| *value != "-") {
                let value = value.to_string_lossy();
                options += &format!(" {} {}", flag(id), shell_quote::quoted(&value));
            }
        }
        options
    }

    /// Returns the options that select the cluster in another command, each with a space before it.
    pub(crate) fn cluster_selection(&self) -> String {
        if let Some(name) = &self.cluster_name {
            let name = shell_quote::quoted(name);
            return format!(" --cluster-name {name}{}", self.identity.selection());
        }
        let kubeconfig = self.kubeconfig.as_ref().map(|path| path.to_string_lossy());
        let context = self.context.as_deref().map(Into::into);
        [("kubeconfig", kubeconfig), ("context", context)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .map(|(name, value)| format!(" --{name} {}", shell_quote::quoted(&value)))
            .collect()
    }

    /// Returns whether an option selects a cluster.
    pub(crate) fn names_cluster(&self) -> bool {
        let names = [&self.cluster_name, &self.context, &self.cluster];
        self.kubeconfig.is_some() || names.iter().any(|name| name.is_some())
    }

    /// Chooses between file, kubeconfig and EKS. The command line takes precedence over the environment. These are usage
    /// errors: two of them together, arguments for clusters with a file, AWS credentials that would not be used, and
    /// empty values. `signs_in` is whether the command uses AWS credentials together with a kubeconfig.
    pub(crate) fn choose(
        &self,
        matches: &clap::ArgMatches,
        signs_in: bool,
    ) -> Result<Chosen, Failure> {
        let chosen = self.choose_to_sign_in(matches)?;
        let typed = |id: &str| is_typed(matches, id);
        if let Some(id) = NAMES_CLUSTER.into_iter().find(|id| typed(id))
            && typed("cluster_name")
        {
            return Err(Failure::usage(format!(
                "cannot use --cluster-name together with {}: one connects through EKS, the other through a kubeconfig",
                flag(id)
            ))
            .hint("leave one of them out"));
        }
        let unused = credential_args::OPTIONS.into_iter().find(|id| typed(id));
        match (&chosen, unused) {
            (Chosen::File(_) | Chosen::Pipe, Some(id)) => Err(Failure::usage(format!(
                "cannot use {} with a manifest file: a file needs no credentials",
                flag(id)
            ))
            .hint(format!(
                "leave out {}, or name the cluster with --cluster-name instead of the file",
                flag(id)
            ))),
            (Chosen::Cluster, Some(id)) if !signs_in => Err(unused_credentials(id)),
            _ => Ok(chosen),
        }
    }

    /// Chooses like [`Self::choose`], for a command that always signs in with AWS credentials. With a kubeconfig, `--cluster-name` is then only
    /// the name that tokens are signed for.
    pub(super) fn choose_to_sign_in(&self, matches: &clap::ArgMatches) -> Result<Chosen, Failure> {
        let typed = |id: &str| is_typed(matches, id);
        let empty = |id: &str| {
            let mut values = matches.get_raw(id).into_iter().flatten();
            values.any(OsStr::is_empty)
        };
        if let Some(id) = TEXTS.into_iter().find(|id| empty(id)) {
            return Err(Failure::usage(format!(
                "{} is empty: is the shell variable in its value set?",
                flag(id)
            )));
        }
        if typed("wait_for_configmap") && self.wait.is_none() {
            return Err(Failure::usage("--wait-for-configmap needs --wait")
                .hint("set how long to wait, such as --wait 5m"));
        }
        let of_kubeconfig = NAMES_CLUSTER.into_iter().find(|id| typed(id));
        let names_cluster = of_kubeconfig.or(Some("cluster_name").filter(|id| typed(id)));
        let path = match (&self.file, &self.cluster_name) {
            (Some(path), _) if typed("file") || names_cluster.is_none() => path,
            (_, Some(name)) if of_kubeconfig.is_none() => return Ok(Chosen::Eks(name.clone())),
            _ => return Ok(Chosen::Cluster),
        };
        let for_cluster = names_cluster.or_else(|| CLUSTER_ONLY.into_iter().find(|id| typed(id)));
        match for_cluster {
            Some(id) if typed("file") => Err(Failure::usage(format!(
                "cannot use {} together with --file: a file has no cluster",
                flag(id)
            ))),
            Some(id) => Err(Failure::usage(format!(
                "cannot use {} while AWSAUTH_FILE names a file: a file has no cluster",
                flag(id)
            ))
            .hint("name the cluster, such as --context NAME, or unset AWSAUTH_FILE")),
            None if path.as_os_str() == "-" => Ok(Chosen::Pipe),
            None => Ok(Chosen::File(path.clone())),
        }
    }
}

impl Target {
    /// For a command with file arguments: refuses options that select another file or a cluster, because they would be ignored.
    pub(crate) fn only_files(&self, matches: &clap::ArgMatches) -> Result<(), Failure> {
        let typed = |id: &str| is_typed(matches, id);
        let others = ["file", "cluster_name"]
            .into_iter()
            .chain(NAMES_CLUSTER)
            .chain(CLUSTER_ONLY)
            .chain(credential_args::OPTIONS);
        match others.into_iter().find(|id| typed(id)) {
            Some(id) => Err(Failure::usage(format!(
                "cannot use {} together with FILE: only the files are read",
                flag(id)
            ))),
            None => Ok(()),
        }
    }

    /// For a command on several clusters: refuses options that select one cluster. `with` is the option or command.
    pub(crate) fn refuse_single_cluster(
        &self,
        matches: &clap::ArgMatches,
        with: &str,
    ) -> Result<(), Failure> {
        let one = ["file", "cluster_name", "context", "cluster", "user"];
        match one.into_iter().find(|id| is_typed(matches, id)) {
            Some(id) => Err(Failure::usage(format!(
                "cannot use {} together with {with}: each context names its own cluster",
                flag(id)
            ))),
            None => Ok(()),
        }
    }

    /// Refuses options of AWS credentials, because those of the kubeconfig sign in.
    pub(crate) fn refuse_credentials(&self, matches: &clap::ArgMatches) -> Result<(), Failure> {
        match credential_args::OPTIONS
            .into_iter()
            .find(|id| is_typed(matches, id))
        {
            Some(id) => Err(unused_credentials(id)),
            None => Ok(()),
        }
    }

    /// Returns the servers that the user allows credentials to be sent to.
    pub(super) fn exceptions(&self) -> EndpointExceptions {
        EndpointExceptions {
            endpoints: self.allow_endpoint.clone(),
            http_loopback: self.allow_http_loopback,
        }
    }

    /// Returns the options as kubectl's flags.
    pub(crate) fn flags(&self) -> Flags {
        super::cluster::flags(self)
    }

    /// For a command that writes a kubeconfig: refuses options that select another file or cluster, because they would be ignored.
    pub(crate) fn only_kubeconfig(&self, matches: &clap::ArgMatches) -> Result<(), Failure> {
        let typed = |id: &str| is_typed(matches, id);
        let accepted = ["kubeconfig", "wait"];
        let others = ["file"]
            .into_iter()
            .chain(NAMES_CLUSTER)
            .chain(CLUSTER_ONLY);
        match others
            .into_iter()
            .find(|id| typed(id) && !accepted.contains(id))
        {
            Some("file") => Err(Failure::usage(
                "cannot use --file here: this command writes a kubeconfig",
            )
            .hint("name it with --kubeconfig FILE")),
            Some(id) => Err(Failure::usage(format!(
                "cannot use {} here: name the cluster with --cluster-name",
                flag(id)
            ))
            .hint("name the context with --alias NAME, the user with --user-alias NAME")),
            None => Ok(()),
        }
    }
}

fn unused_credentials(id: &str) -> Failure {
    Failure::usage(format!(
        "cannot use {}: the kubeconfig's own credentials sign in",
        flag(id)
    ))
    .hint("connect without a kubeconfig: --cluster-name NAME")
}

/// Returns whether the argument is on the command line, not only in the environment.
pub(crate) fn is_typed(matches: &clap::ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

fn flag(id: &str) -> String {
    match id {
        "roles" => "--role-arn".to_owned(),
        "impersonate" => "--as".to_owned(),
        "impersonate_groups" => "--as-group".to_owned(),
        id => format!("--{}", id.replace('_', "-")),
    }
}
