//! Where aws-auth comes from and goes to: a manifest file, a pipe, or a live cluster. The same for all from here on.

mod access_entries;
mod aside;
mod atomic;
pub(crate) mod duration;
mod editor;
pub(crate) mod eks;
mod eks_facts;
pub(crate) mod files;
mod fleet;
mod gather;
mod history;
pub(crate) mod identity;
mod keep;
pub(crate) mod kubeconfigs;
mod live;
mod managed_nodes;
mod manifests;
mod service;
mod sign_in;
pub(crate) mod sources;
mod target;
mod version;
mod waiting;

use std::fmt;
use std::path::Path;
use std::time::Duration;

pub(crate) use aside::{keep_aside, keep_private};
pub(crate) use atomic::write_private;
pub(crate) use editor::{Edited, Editor};
pub(crate) use eks::EksCluster;
pub(crate) use eks_facts::{EksFacts, eks_facts};
pub(crate) use gather::{Gathered, known_admins};
pub(crate) use history::{History, KeptRevision};
pub(crate) use keep::Keep;
pub(crate) use live::contexts;
pub(crate) use service::connect_to_stay;
pub(crate) use sign_in::{Came, SignIn};
pub(crate) use target::Target;

use crate::cluster::Live;
use crate::cluster::version::ServerVersion;
use crate::document::SectionName;
use crate::edge::{Failure, Kind, Out};
use crate::facts::auth_mode::AuthenticationMode;
use crate::manifest::{Amiss, Manifest};
use crate::rbac::{Policy, UserInfo};
use crate::snapshot::{Change, Snapshot};
use live::Cluster;
use manifests::ManifestFile;
use target::Chosen;

/// Where aws-auth is.
pub(crate) enum World {
    /// In a manifest.
    Manifest(Box<ManifestFile>),
    /// On an API server.
    Cluster(Box<Cluster>),
}

/// What was read.
pub(crate) struct Reading {
    /// What plans are made of; empty when there is no aws-auth.
    pub(crate) snapshot: Snapshot,
    /// Whether there is an aws-auth.
    pub(crate) exists: bool,
}

/// What a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Landed {
    /// Nothing was to be done, and nothing was written.
    Unchanged,
    /// There was no aws-auth; now there is.
    Created,
    /// It was changed.
    Changed,
}

/// Makes a change of what was read; `None` when nothing is to be done. Called again when somebody else wrote meanwhile.
pub(crate) type Planner<'a> = dyn FnMut(&Snapshot) -> Result<Option<Change>, Failure> + 'a;

impl World {
    /// Opens what the user chose. A manifest is read later; a cluster is connected to now. `signs_in` says whether AWS credentials
    /// are of use beside a kubeconfig.
    pub(crate) fn open(
        target: &Target,
        matches: &clap::ArgMatches,
        signs_in: bool,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        Ok(match target.choose(matches, signs_in)? {
            Chosen::Cluster => Self::Cluster(Box::new(Cluster::open(target, out)?)),
            Chosen::Eks(name) => Self::Cluster(Box::new(Cluster::open_at_eks(&name, target, out)?)),
            Chosen::File(path) => Self::Manifest(Box::new(ManifestFile::at(path, target.timeout))),
            Chosen::Pipe => Self::Manifest(Box::new(ManifestFile::of_stdin())),
        })
    }

    /// The manifest from stdin, which goes to stdout.
    pub(crate) fn of_stdin() -> Self {
        Self::Manifest(Box::new(ManifestFile::of_stdin()))
    }

    /// Takes the manifest as it is after a change, which has gone to stdout.
    pub(crate) fn hold_with(&mut self, change: &Change) -> Result<(), Failure> {
        match self {
            Self::Manifest(file) => file.hold_with(change),
            Self::Cluster(_) => Ok(()),
        }
    }

    /// The path of the manifest, - for stdin; `None` of a cluster.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Manifest(file) => Some(file.path().unwrap_or(Path::new("-"))),
            Self::Cluster(_) => None,
        }
    }

    /// The name and the text of the manifest that was read last; `None` of a cluster.
    pub(crate) fn manifest(&self) -> Option<(String, &Manifest)> {
        match self {
            Self::Manifest(file) => Some((file.to_string(), file.manifest()?)),
            Self::Cluster(_) => None,
        }
    }

    /// What is amiss with the manifest that was read last; nothing of a cluster.
    pub(crate) fn amiss(&self) -> Amiss {
        match self {
            Self::Manifest(file) => file.amiss().clone(),
            Self::Cluster(_) => Amiss::default(),
        }
    }

    /// From here on, makes text of what is none as the manifest is read, so that it is written as text.
    pub(crate) fn add_bars(&mut self) {
        if let Self::Manifest(file) = self {
            file.add_bars();
        }
    }

    /// Whether what was read is held with bars that it has not.
    pub(crate) fn has_bars(&self) -> bool {
        matches!(self, Self::Manifest(file) if file.has_bars())
    }

    /// Whether the manifest comes from stdin, and goes to stdout.
    pub(crate) fn is_pipe(&self) -> bool {
        matches!(self, Self::Manifest(file) if file.is_pipe())
    }

    /// Whether an API server can be asked.
    pub(crate) fn has_server(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// The URL of that server.
    pub(crate) fn server(&self) -> Option<&str> {
        match self {
            Self::Cluster(cluster) => Some(&cluster.target().server),
            Self::Manifest(_) => None,
        }
    }

    /// Whether this is the URL of that server, however it is spelt.
    pub(crate) fn is_at(&self, server: &str) -> bool {
        match self {
            Self::Cluster(cluster) => cluster.target().is(server),
            Self::Manifest(_) => false,
        }
    }

    /// Refuses a manifest, for commands that know clusters alone.
    pub(crate) fn must_be_cluster(&self) -> Result<(), Failure> {
        match self {
            Self::Manifest(_) => Err(Failure::usage(
                "cannot do this to a file: version control keeps what it was",
            )
            .hint("leave out --file, or see what changed in it: git log -p FILE")),
            Self::Cluster(_) => Ok(()),
        }
    }

    /// Reads aws-auth.
    pub(crate) fn read(&mut self, out: &mut Out) -> Result<Reading, Failure> {
        match self {
            Self::Manifest(file) => Ok(Reading {
                snapshot: file.read()?,
                exists: true,
            }),
            Self::Cluster(cluster) => {
                out.detail(|| format!("Reading aws-auth of {}", cluster.target()));
                let live = cluster.read(out)?;
                Ok(Reading {
                    snapshot: live.snapshot(),
                    exists: live.exists(),
                })
            }
        }
    }

    /// Reads aws-auth of a cluster whole, and at the same time all of RBAC that is about users and groups; `None` of a manifest, which
    /// is to be [`read`](Self::read).
    pub(crate) fn read_with_rbac(&self, out: &mut Out) -> Result<Option<(Live, Policy)>, Failure> {
        match self {
            Self::Manifest(_) => Ok(None),
            Self::Cluster(cluster) => {
                out.detail(|| format!("Reading aws-auth and RBAC of {}", cluster.target()));
                cluster.read_with_rbac(out).map(Some)
            }
        }
    }

    /// Reads what RBAC says of these users; `None` of a manifest, where nobody knows.
    ///
    /// # Errors
    /// When the user interrupts. What can't be read is on record in the answer.
    pub(crate) fn policy(&self, users: &[UserInfo], out: &Out) -> Result<Option<Policy>, Failure> {
        match self {
            Self::Manifest(_) => Ok(None),
            Self::Cluster(cluster) => cluster.policy(users, out).map(Some),
        }
    }

    /// The version of the API server; `None` of a manifest, which has none.
    pub(crate) fn server_version(&self, out: &Out) -> Option<Result<ServerVersion, Failure>> {
        match self {
            Self::Manifest(_) => None,
            Self::Cluster(cluster) => Some(cluster.version(out)),
        }
    }

    /// What should be known of an aws-auth that says nothing, because there is none or nobody reads it.
    pub(crate) fn who_else_decides(&self, reading: &Reading) -> Option<String> {
        let mode = self.eks().and_then(|eks| eks.facts.authentication_mode);
        Some(match (mode, reading.exists) {
            (Some(AuthenticationMode::Api), _) => format!(
                "Nobody reads aws-auth of {self}: access entries alone say who may enter (authentication mode API)."
            ),
            (_, true) => return None,
            (Some(AuthenticationMode::ApiAndConfigMap), false) => {
                format!("There is no aws-auth in {self}: access entries say who may enter.")
            }
            (Some(AuthenticationMode::ConfigMap) | None, false) => {
                format!("There is no aws-auth in {self}: nobody is mapped.")
            }
        })
    }

    /// A connection to the same cluster, for signing in with tokens.
    ///
    /// # Errors
    /// When it is a manifest, which nobody signs in to.
    pub(crate) fn sign_in(&self, out: &mut Out) -> Result<SignIn, Failure> {
        match self {
            Self::Manifest(_) => Err(Failure::usage("cannot sign in to a file")
                .hint("leave out --verify and --verify-as, or name a cluster with --context NAME")),
            Self::Cluster(cluster) => SignIn::beside(cluster, out),
        }
    }

    /// What EKS says of the cluster; `None` of a manifest and of a kubeconfig's cluster.
    pub(crate) fn eks(&self) -> Option<&EksCluster> {
        match self {
            Self::Manifest(_) => None,
            Self::Cluster(cluster) => cluster.eks(),
        }
    }

    /// How long to keep trying.
    pub(crate) fn patience(&self) -> Duration {
        match self {
            Self::Manifest(_) => Duration::ZERO,
            Self::Cluster(cluster) => cluster.asked().timeout,
        }
    }

    /// The start of a kubectl command on the cluster; of a manifest, on whichever is current.
    pub(crate) fn kubectl(&self) -> String {
        match self {
            Self::Manifest(_) => "kubectl".to_owned(),
            Self::Cluster(cluster) => cluster.target().kubectl(),
        }
    }

    /// The line of the manifest where a line of a section stands, as it was read last; `None` of a cluster.
    pub(crate) fn file_line(&self, section: SectionName, line: usize) -> Option<usize> {
        match self {
            Self::Manifest(file) => file.file_line(section, line),
            Self::Cluster(_) => None,
        }
    }

    /// The line of the manifest on which a key of `data` stands, as it was read last; `None` of a cluster.
    pub(crate) fn key_line(&self, key: &str) -> Option<usize> {
        self.manifest()?.1.key_line(key)
    }

    /// Where a write goes, as messages say it.
    pub(crate) fn destination(&self) -> String {
        if self.is_pipe() {
            "stdout".to_owned()
        } else {
            self.to_string()
        }
    }

    /// Asks the user, who may also interrupt; anything but y or yes is a no.
    pub(crate) fn ask(&self, question: &str, out: &mut Out) -> Result<bool, Failure> {
        out.ask(&format!("{question} [y/N]"));
        let typed = match self {
            Self::Manifest(_) => live::typed(&live::runtime()?)?,
            Self::Cluster(cluster) => cluster.typed()?,
        };
        Ok(matches!(typed.as_str(), "y" | "Y" | "yes"))
    }

    /// Has the user type what the cluster is called; a manifest is called nothing.
    pub(crate) fn ask_for_name(&self, question: &str, out: &mut Out) -> Result<bool, Failure> {
        match self {
            Self::Manifest(_) => Ok(true),
            Self::Cluster(cluster) => {
                out.ask(question);
                Ok(cluster.target().is(&cluster.typed()?))
            }
        }
    }

    /// Writes what `plan` makes of aws-auth, all of it or nothing. On a cluster, what is there is kept first.
    ///
    /// # Errors
    /// When the plan fails, or the write is refused, loses against others until the time is over, or can't be made.
    pub(crate) fn write(
        &mut self,
        plan: &mut Planner<'_>,
        create: bool,
        keep: &Keep,
        out: &mut Out,
    ) -> Result<Landed, Failure> {
        match self {
            Self::Manifest(file) => file.write(plan, out),
            Self::Cluster(cluster) => cluster.write(plan, Some(keep), create, out),
        }
    }

    /// Has the API server check what `plan` makes of aws-auth; nothing is stored.
    ///
    /// # Errors
    /// As [`write`](Self::write), and when there is no server to ask.
    pub(crate) fn try_on_server(
        &mut self,
        plan: &mut Planner<'_>,
        create: bool,
        out: &mut Out,
    ) -> Result<Landed, Failure> {
        match self {
            Self::Manifest(_) => Err(Failure::new(
                Kind::Usage,
                "cannot use --dry-run=server with --file: a file has no server to ask",
            )
            .hint("--dry-run=client shows what would change")),
            Self::Cluster(cluster) => cluster.write(plan, None, create, out),
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest(file) => write!(f, "{file}"),
            Self::Cluster(cluster) => write!(f, "{}", cluster.target()),
        }
    }
}
