//! Where aws-auth is stored: a manifest file, a pipe or a live cluster, behind one interface.

mod access_entries;
mod access_entry_history;
mod atomic_write;
pub(crate) mod bounded_read;
mod cluster;
mod cluster_nodes;
mod controller_connection;
pub(crate) mod credential_args;
pub(crate) mod duration;
mod editor;
pub(crate) mod eks_cluster;
mod endpoint_check;
mod execute_operations;
mod failures;
pub(crate) mod files;
mod first_read;
mod history;
mod history_options;
pub(crate) mod input_files;
mod inventory;
pub(crate) mod kubeconfig_file;
mod manifest_file;
mod server_version;
mod sign_in;
mod state_dir;
mod target_options;
mod temp_file;
mod wait_for_aws_auth;
mod wait_for_cluster;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

pub(crate) use cluster::read_kubeconfig;
pub(crate) use cluster_nodes::{ClusterNodes, Unread};
pub(crate) use controller_connection::connect_for_controller;
pub(crate) use editor::{Edited, Editor};
pub(crate) use first_read::FirstRead;
pub(crate) use history::{History, HistoryEntry, Name};
pub(crate) use history_options::HistoryOptions;
pub(crate) use inventory::Inventory;
pub(crate) use sign_in::{KubeconfigUser, SignIn, SignInResult};
pub(crate) use state_dir::state_folder;
pub(crate) use target_options::{Target, is_typed};
pub(crate) use temp_file::{replace_private, write_temporary};

use crate::terminal::{Failure, Kind, Out};
use awsauth_aws::eks::EksCluster;
use awsauth_core::aws_auth_snapshot::{Change, Snapshot};
use awsauth_core::document::SectionName;
use awsauth_core::expiry::Clocks;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::manifest::{Manifest, ManifestFaults};
use awsauth_core::plan::{Admins, Known};
use awsauth_core::rbac::{Policy, Question, Scope, UserInfo};
use awsauth_kube::Live;
use awsauth_kube::discovery::Resolved;
use awsauth_kube::field_managers::FieldManager;
use awsauth_kube::node_readiness::NodeReadiness;
use awsauth_kube::rbac::RoleScope;
use awsauth_kube::server_version::ServerVersion;
use cluster::Cluster;
use manifest_file::ManifestFile;
use target_options::Chosen;

/// The place where aws-auth is stored.
pub(crate) enum Backend {
    /// A manifest.
    Manifest(Box<ManifestFile>),
    /// A live cluster.
    Cluster(Box<Cluster>),
}

/// The aws-auth that was read.
pub(crate) struct Reading {
    /// The input of plans; empty if there is no aws-auth.
    pub(crate) snapshot: Snapshot,
    /// Whether aws-auth exists.
    pub(crate) exists: bool,
    /// The clients that own fields of aws-auth; empty for a manifest.
    pub(crate) managers: Vec<FieldManager>,
}

impl Reading {
    pub(crate) fn of(live: &Live) -> Self {
        Self {
            snapshot: live.snapshot(),
            exists: live.exists(),
            managers: live.managers(),
        }
    }

    /// Returns the field manager that last wrote a section, and when.
    pub(crate) fn last_writer(&self, section: SectionName) -> Option<String> {
        let writers = self.managers.iter();
        let writers = writers.filter(|manager| manager.owns(section.key()));
        let last = writers.max_by(|a, b| a.time.cmp(&b.time))?;
        let time = last.time.as_deref().unwrap_or("an unknown time");
        Some(format!(
            "{} is the last writer of {}, at {time}",
            last.name,
            section.key()
        ))
    }
}

/// The outcome of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteOutcome {
    /// No change was needed, and awsauth wrote nothing.
    Unchanged,

    Created,

    Changed,
}

/// Computes a change from the current aws-auth; `None` if none is needed. Called again after a conflicting write.
pub(crate) type Planner<'a> = dyn FnMut(&Snapshot) -> Result<Option<Change>, Failure> + 'a;

impl Backend {
    /// Opens the selected file or cluster. Connects to a cluster immediately; reads a manifest later. `signs_in` is whether the command
    /// uses AWS credentials together with a kubeconfig.
    pub(crate) fn open(
        target: &Target,
        matches: &clap::ArgMatches,
        signs_in: bool,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        Ok(match target.choose(matches, signs_in)? {
            Chosen::Cluster => Self::Cluster(Box::new(Cluster::open(target, out)?)),
            Chosen::Eks(name) => Self::Cluster(Box::new(Cluster::open_at_eks(&name, target, out)?)),
            Chosen::File(path) => {
                Self::Manifest(Box::new(ManifestFile::at(path, target.timeout())))
            }
            Chosen::Pipe => Self::Manifest(Box::new(ManifestFile::of_stdin())),
        })
    }

    /// Opens the cluster that `target` names, for a command that names clusters in its own way.
    pub(crate) fn open_cluster(target: &Target, out: &mut Out) -> Result<Self, Failure> {
        let cluster = match &target.cluster_name {
            Some(name) => Cluster::open_at_eks(name, target, out),
            None => Cluster::open(target, out),
        };
        Ok(Self::Cluster(Box::new(cluster?)))
    }

    /// Opens the selected cluster and, if `--file` names one, a manifest whose aws-auth is read instead of the cluster's.
    pub(crate) fn open_with_cluster(
        target: &Target,
        matches: &clap::ArgMatches,
        out: &mut Out,
    ) -> Result<(Option<Self>, Self), Failure> {
        let manifest = target.file.as_ref().map(|path| match path.as_os_str() {
            name if name == "-" => Self::of_stdin(),
            _ => Self::Manifest(Box::new(ManifestFile::at(path.clone(), target.timeout()))),
        });
        let target = Target {
            file: None,
            ..target.clone()
        };
        Ok((manifest, Self::open(&target, matches, false, out)?))
    }

    /// Returns a manifest that is read from stdin and written to stdout.
    pub(crate) fn of_stdin() -> Self {
        Self::Manifest(Box::new(ManifestFile::of_stdin()))
    }

    /// Applies a change that was written to stdout to the manifest in memory.
    pub(crate) fn apply_in_memory(&mut self, change: &Change) -> Result<(), Failure> {
        match self {
            Self::Manifest(file) => file.apply_in_memory(change),
            Self::Cluster(_) => Ok(()),
        }
    }

    /// Returns the path of the manifest, - for stdin; `None` for a cluster.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Manifest(file) => Some(file.path().unwrap_or(Path::new("-"))),
            Self::Cluster(_) => None,
        }
    }

    /// Returns the name and the content of the manifest that was read last; `None` for a cluster.
    pub(crate) fn manifest(&self) -> Option<(String, &Manifest)> {
        match self {
            Self::Manifest(file) => Some((file.to_string(), file.manifest()?)),
            Self::Cluster(_) => None,
        }
    }

    /// Returns the faults of the manifest that was read last; none for a cluster.
    pub(crate) fn manifest_faults(&self) -> ManifestFaults {
        match self {
            Self::Manifest(file) => file.manifest_faults().clone(),
            Self::Cluster(_) => ManifestFaults::default(),
        }
    }

    /// Lets later reads of the manifest convert non-text values to literal blocks.
    pub(crate) fn add_literal_blocks(&mut self) {
        if let Self::Manifest(file) = self {
            file.add_literal_blocks();
        }
    }

    /// Returns whether literal blocks were added to the manifest in memory.
    pub(crate) fn has_new_literal_blocks(&self) -> bool {
        matches!(self, Self::Manifest(file) if file.has_new_literal_blocks())
    }

    /// Returns whether the manifest is read from stdin and written to stdout.
    pub(crate) fn is_pipe(&self) -> bool {
        matches!(self, Self::Manifest(file) if file.is_pipe())
    }

    /// Returns whether there is an API server.
    pub(crate) fn has_server(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// Returns the URL of the API server.
    pub(crate) fn server(&self) -> Option<&str> {
        match self {
            Self::Cluster(cluster) => Some(&cluster.target().server),
            Self::Manifest(_) => None,
        }
    }

    /// Returns whether a URL, in any spelling, is that of the API server.
    pub(crate) fn is_at(&self, server: &str) -> bool {
        match self {
            Self::Cluster(cluster) => cluster.target().is(server),
            Self::Manifest(_) => false,
        }
    }

    /// Refuses a manifest, for commands that only work on clusters.
    pub(crate) fn must_be_cluster(&self) -> Result<(), Failure> {
        match self {
            Self::Manifest(_) => Err(Failure::usage(
                "cannot do this for a file: version control has its history",
            )
            .hint("leave out --file, or list its changes: git log -p FILE")),
            Self::Cluster(_) => Ok(()),
        }
    }

    /// Reads aws-auth.
    pub(crate) fn read(&mut self, out: &mut Out) -> Result<Reading, Failure> {
        match self {
            Self::Manifest(file) => Ok(Reading {
                snapshot: file.read()?,
                exists: true,
                managers: Vec::new(),
            }),
            Self::Cluster(cluster) => {
                out.detail(|| format!("Reading aws-auth of {}", cluster.target()));
                let live = cluster.read(out)?;
                Ok(Reading::of(&live))
            }
        }
    }

    /// Returns the time of this machine and of the API server; for a manifest, the time of this machine twice.
    ///
    /// # Errors
    /// If the API server's time is unknown.
    pub(crate) fn clocks(&self, out: &Out) -> Result<Clocks, Failure> {
        let server = match self {
            Self::Manifest(_) => None,
            Self::Cluster(cluster) => Some(cluster.server_time(out)?),
        };
        let local = Timestamp::now();
        Ok(Clocks {
            local,
            server: Some(server.unwrap_or(local)),
        })
    }

    /// Waits until aws-auth differs from what was read, and reads it; `None` for a manifest, or if the user interrupts.
    ///
    /// # Errors
    /// If the API server does not respond.
    pub(crate) fn next_change(
        &self,
        known: &Reading,
        out: &mut Out,
    ) -> Result<Option<Reading>, Failure> {
        match self {
            Self::Manifest(_) => Ok(None),
            Self::Cluster(cluster) => {
                let version = known.snapshot.resource_version.as_deref();
                let live = cluster.next_change(version, out)?;
                Ok(live.as_ref().map(Reading::of))
            }
        }
    }

    /// Reads aws-auth of a cluster and, concurrently, all RBAC bindings of users and groups; `None` for a manifest,
    /// which [`read`](Self::read) reads.
    pub(crate) fn read_with_rbac(
        &self,
        roles: RoleScope,
        out: &mut Out,
    ) -> Result<Option<(Live, Policy)>, Failure> {
        match self {
            Self::Manifest(_) => Ok(None),
            Self::Cluster(cluster) => {
                out.detail(|| format!("Reading aws-auth and RBAC of {}", cluster.target()));
                cluster.read_with_rbac(roles, out).map(Some)
            }
        }
    }

    /// Reads aws-auth and, concurrently, all RBAC bindings; for a manifest, only aws-auth.
    ///
    /// # Errors
    /// If aws-auth cannot be read, or the user interrupts. The policy lists what could not be read.
    pub(crate) fn read_with_bindings(
        &mut self,
        out: &mut Out,
    ) -> Result<(Reading, Option<Policy>), Failure> {
        match self {
            Self::Manifest(_) => Ok((self.read(out)?, None)),
            Self::Cluster(cluster) => {
                out.detail(|| format!("Reading aws-auth of {}", cluster.target()));
                let (live, policy) = cluster.read_with_bindings(out)?;
                Ok((Reading::of(&live), Some(policy)))
            }
        }
    }

    /// Reads all RBAC bindings; `None` for a manifest.
    ///
    /// # Errors
    /// If the user interrupts. The result lists what could not be read.
    pub(crate) fn bindings(&self, out: &Out) -> Result<Option<Policy>, Failure> {
        match self {
            Self::Manifest(_) => Ok(None),
            Self::Cluster(cluster) => cluster.bindings(out).map(Some),
        }
    }

    /// Keeps the bindings of these users, and reads their roles; does nothing for a manifest.
    ///
    /// # Errors
    /// If the user interrupts. The policy lists what could not be read.
    pub(crate) fn complete_policy(
        &self,
        policy: &mut Policy,
        users: &[UserInfo],
        out: &Out,
    ) -> Result<(), Failure> {
        policy.keep_bindings_of(users);
        match self {
            Self::Manifest(_) => Ok(()),
            Self::Cluster(cluster) => cluster.read_roles(policy, out),
        }
    }

    /// Returns the username that the API server authenticates; `None` if it does not report one, and for a manifest.
    ///
    /// # Errors
    /// If the user interrupts.
    pub(crate) fn current_user(&self, out: &Out) -> Result<Option<String>, Failure> {
        match self {
            Self::Manifest(_) => Ok(None),
            Self::Cluster(cluster) => cluster.current_user(out),
        }
    }

    /// Reads which users and groups are bound to `cluster-admin`; does nothing for a manifest.
    pub(crate) fn admins(&self, out: &Out) -> Result<Known<Admins>, Failure> {
        match self {
            Self::Manifest(_) => Ok(Known::NotRequested),
            Self::Cluster(cluster) => cluster.admins(out),
        }
    }

    /// Reads the bindings and roles that may allow an action in this scope. A manifest has none.
    ///
    /// # Errors
    /// If the user interrupts. The result lists what could not be read.
    pub(crate) fn policy_in(&self, scope: &Scope, out: &Out) -> Result<Policy, Failure> {
        match self {
            Self::Manifest(_) => Ok(Policy::default()),
            Self::Cluster(cluster) => cluster.policy_in(scope, out),
        }
    }

    /// Resolves the resource of a question with the API server.
    ///
    /// # Errors
    /// If the backend is a manifest, or the user interrupts.
    pub(crate) fn resolve(&self, question: &Question, out: &Out) -> Result<Resolved, Failure> {
        match self {
            Self::Manifest(_) => Err(Failure::usage("a file has no API server")),
            Self::Cluster(cluster) => cluster.resolve(question, out),
        }
    }

    /// Returns whether this is an EKS cluster according to the kubeconfig, so that EKS was not asked about it.
    pub(crate) fn is_eks_by_kubeconfig(&self) -> bool {
        match self {
            Self::Manifest(_) => false,
            Self::Cluster(cluster) => cluster.eks().is_none() && cluster.target().eks.is_some(),
        }
    }

    /// Returns which nodes are ready; none for a manifest.
    ///
    /// # Errors
    /// If they cannot be read, or the user interrupts.
    pub(crate) fn node_readiness(&self, out: &Out) -> Result<NodeReadiness, Failure> {
        match self {
            Self::Manifest(_) => Ok(NodeReadiness::default()),
            Self::Cluster(cluster) => cluster.node_readiness(out),
        }
    }

    /// Returns the version of the API server; `None` for a manifest.
    pub(crate) fn server_version(&self, out: &Out) -> Option<Result<ServerVersion, Failure>> {
        match self {
            Self::Manifest(_) => None,
            Self::Cluster(cluster) => Some(cluster.version(out)),
        }
    }

    /// Returns a note about which principals have access if aws-auth does not exist or is not read.
    pub(crate) fn access_note(&self, reading: &Reading) -> Option<String> {
        let mode = self.eks().and_then(|eks| eks.facts.authentication_mode);
        Some(match (mode, reading.exists) {
            (Some(AuthenticationMode::Api), _) => format!(
                "{self} does not read aws-auth: only access entries grant access (authentication mode API)."
            ),
            (_, true) => return None,
            (Some(AuthenticationMode::ApiAndConfigMap), false) => {
                format!("There is no aws-auth in {self}: only access entries grant access.")
            }
            (Some(AuthenticationMode::ConfigMap) | None, false) => {
                format!("There is no aws-auth in {self}: no principal is mapped.")
            }
        })
    }

    /// Opens a connection to the same cluster that signs in with tokens.
    ///
    /// # Errors
    /// If the backend is a manifest.
    pub(crate) fn sign_in(&self, out: &mut Out) -> Result<SignIn, Failure> {
        match self {
            Self::Manifest(_) => Err(Failure::usage("cannot sign in to a file")
                .hint("leave out --verify and --verify-as, or name a cluster with --context NAME")),
            Self::Cluster(cluster) => SignIn::second_connection(cluster, out),
        }
    }

    /// Returns EKS's description of the cluster; `None` for a manifest and for a cluster of a kubeconfig.
    pub(crate) fn eks(&self) -> Option<&EksCluster> {
        match self {
            Self::Manifest(_) => None,
            Self::Cluster(cluster) => cluster.eks(),
        }
    }

    /// Asks EKS for the cluster that the kubeconfig names; `None` if it names none, or EKS describes another cluster of that name.
    ///
    /// # Errors
    /// If EKS does not describe it.
    pub(crate) fn described_by_kubeconfig(
        &self,
        out: &mut Out,
    ) -> Result<Option<EksCluster>, Failure> {
        match self {
            Self::Manifest(_) => Ok(None),
            Self::Cluster(cluster) => cluster.described_by_kubeconfig(out),
        }
    }

    /// Asks EKS for the cluster that the kubeconfig names, as [`described_by_kubeconfig`](Self::described_by_kubeconfig) does, so
    /// that later reads include what EKS returns. Does nothing if EKS was already asked.
    ///
    /// # Errors
    /// If EKS does not describe it.
    pub(crate) fn find_at_eks(&mut self, out: &mut Out) -> Result<(), Failure> {
        match self {
            Self::Manifest(_) => Ok(()),
            Self::Cluster(cluster) => cluster.find_at_eks(out),
        }
    }

    /// Returns the names of the cluster; `None` for a manifest.
    pub(crate) fn target(&self) -> Option<&awsauth_kube::Target> {
        match self {
            Self::Manifest(_) => None,
            Self::Cluster(cluster) => Some(cluster.target()),
        }
    }

    /// Returns the name of the cluster at EKS; `None` for a manifest and for a cluster of a kubeconfig.
    pub(crate) fn eks_name(&self) -> Option<&str> {
        self.eks().map(|eks| eks.facts.name.as_str())
    }

    /// Asks EKS for the cluster's description again, such as after a change of its authentication mode.
    ///
    /// # Errors
    /// If EKS does not return it.
    pub(crate) fn describe_again(&mut self, out: &Out) -> Result<(), Failure> {
        match self {
            Self::Manifest(_) => Ok(()),
            Self::Cluster(cluster) => cluster.describe_again(out),
        }
    }

    /// Returns the time limit of retries.
    pub(crate) fn timeout(&self) -> Duration {
        match self {
            Self::Manifest(_) => Duration::ZERO,
            Self::Cluster(cluster) => cluster.options().timeout(),
        }
    }

    /// Returns the start of a kubectl command for the cluster; for a manifest, `kubectl`.
    pub(crate) fn kubectl(&self) -> String {
        match self {
            Self::Manifest(_) => "kubectl".to_owned(),
            Self::Cluster(cluster) => cluster.target().kubectl(),
        }
    }

    /// Like [`kubectl`](Self::kubectl), but without a kubeconfig of its own for a cluster that EKS described.
    pub(crate) fn kubectl_of_context(&self) -> String {
        match self {
            Self::Cluster(cluster) if cluster.target().context.is_some() => self.kubectl(),
            _ => "kubectl".to_owned(),
        }
    }

    /// Like [`kubectl`](Self::kubectl), but as the user that `--as` names.
    pub(crate) fn kubectl_as_user(&self) -> String {
        match self {
            Self::Manifest(_) => self.kubectl(),
            Self::Cluster(cluster) => cluster.target().kubectl_as_user(),
        }
    }

    /// Returns the user that `--as` names.
    pub(crate) fn impersonated_user(&self) -> Option<&str> {
        match self {
            Self::Manifest(_) => None,
            Self::Cluster(cluster) => {
                let user = cluster.target().impersonated.as_ref();
                user.map(|user| user.username.as_str())
            }
        }
    }

    /// Converts a line of a section to a line of the manifest that was read last; `None` for a cluster.
    pub(crate) fn file_line(&self, section: SectionName, line: usize) -> Option<usize> {
        match self {
            Self::Manifest(file) => file.file_line(section, line),
            Self::Cluster(_) => None,
        }
    }

    /// Returns the line of a key of `data` in the manifest that was read last; `None` for a cluster.
    pub(crate) fn key_line(&self, key: &str) -> Option<usize> {
        self.manifest()?.1.key_line(key)
    }

    /// Returns the target of a write, for messages.
    pub(crate) fn destination(&self) -> String {
        if self.is_pipe() {
            "stdout".to_owned()
        } else {
            self.to_string()
        }
    }

    /// Asks the user for confirmation; anything but y or yes is a no.
    pub(crate) fn ask(&self, question: &str, out: &mut Out) -> Result<bool, Failure> {
        ask(question, out)
    }

    /// Asks the user to type the cluster's name; always true for a manifest.
    pub(crate) fn ask_for_name(&self, question: &str, out: &mut Out) -> Result<bool, Failure> {
        match self {
            Self::Manifest(_) => Ok(true),
            Self::Cluster(cluster) => {
                out.ask(question);
                Ok(cluster.target().is(&cluster.read_answer()?))
            }
        }
    }

    /// Writes the change of `plan` atomically. On a cluster, stores the current aws-auth in the history first.
    ///
    /// # Errors
    /// If the plan fails, or the write is refused, still conflicts at the timeout, or fails.
    pub(crate) fn write(
        &mut self,
        plan: &mut Planner<'_>,
        create: bool,
        backup: &HistoryOptions,
        out: &mut Out,
    ) -> Result<WriteOutcome, Failure> {
        match self {
            Self::Manifest(file) => file.write(plan, out),
            Self::Cluster(cluster) => cluster.write(plan, Some(backup), create, out),
        }
    }

    /// Sends the change of `plan` to the API server as a dry run before changes to access entries, and prints nothing.
    ///
    /// # Errors
    /// For the same reasons as [`write`](Self::write).
    pub(crate) fn check_on_server(
        &mut self,
        plan: &mut Planner<'_>,
        create: bool,
        out: &mut Out,
    ) -> Result<(), Failure> {
        match self {
            Self::Manifest(_) => Ok(()),
            Self::Cluster(cluster) => cluster.send(plan, None, create, out).map(drop),
        }
    }

    /// Sends the change of `plan` to the API server as a dry run.
    ///
    /// # Errors
    /// If the backend is a manifest, or for the same reasons as [`write`](Self::write).
    pub(crate) fn try_on_server(
        &mut self,
        plan: &mut Planner<'_>,
        create: bool,
        out: &mut Out,
    ) -> Result<WriteOutcome, Failure> {
        match self {
            Self::Manifest(_) => Err(Failure::new(
                Kind::Usage,
                "cannot use --dry-run=server with --file: a file has no API server",
            )
            .hint("--dry-run=client shows what would change")),
            Self::Cluster(cluster) => cluster.write(plan, None, create, out),
        }
    }
}

/// Asks the user for confirmation; anything but y or yes is a no.
pub(crate) fn ask(question: &str, out: &mut Out) -> Result<bool, Failure> {
    out.ask(&format!("{question} [y/N]"));
    let typed = cluster::read_answer(&cluster::runtime()?)?;
    Ok(matches!(typed.as_str(), "y" | "Y" | "yes"))
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest(file) => write!(f, "{file}"),
            Self::Cluster(cluster) => write!(f, "{}", cluster.target()),
        }
    }
}
