use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::Landed;
use super::eks::{self, Asks, EksCluster};
use super::managed_nodes;
use super::target::Target;
use super::waiting::{came, wait_for};
use crate::aws::Surroundings;
use crate::cluster::connect::ConnectError;
use crate::cluster::next_sync::next_syncs;
use crate::cluster::write::{Outcome, WriteError, WriteOptions};
use crate::cluster::{self, Environment, Flags, Live, Store, connect, connect_to, interrupt};
use crate::edge::{self, Failure, Kind, Out, Refusal};
use crate::rbac::{Policy, UserInfo};
use crate::snapshot::{Change, Snapshot};

/// How long a connection of a live cluster may say nothing before a spinner shows that we wait.
const PATIENCE: Duration = Duration::from_millis(300);

/// A cluster that is connected to. The only thing here that needs a runtime, which only it builds.
pub(crate) struct Cluster {
    runtime: Runtime,
    store: Arc<Store>,
    asked: Target,
    eks: Option<EksCluster>,
}

impl Cluster {
    /// Has EKS say where the cluster is, and signs in with AWS credentials.
    pub(crate) fn open_at_eks(name: &str, target: &Target, out: &mut Out) -> Result<Self, Failure> {
        let begun = Instant::now();
        let surroundings = Surroundings::of_process();
        let wish = target.identity.wish();
        let asks = Asks::RolesFirst;
        let eks = eks::ask(name, asks, &wish, &surroundings, target.wait, out)?;
        let tokens = eks.tokens(&wish, &surroundings, out)?;
        let runtime = runtime()?;
        let (flags, environment) = (flags(target), Environment::of_process());
        let place = eks.place();
        let connecting = connect_to(&place, tokens, &flags, &environment);
        let store = until_interrupted(&runtime, out, "Connecting", connecting)?
            .map_err(|error| not_connected(&error))?;
        let left = target.wait.map(|wait| wait.saturating_sub(begun.elapsed()));
        Self::opened(runtime, store, target, Some(eks), left, out)
    }

    /// Chooses the cluster, refuses another one than expected, and waits for it if asked to.
    pub(crate) fn open(target: &Target, out: &mut Out) -> Result<Self, Failure> {
        let runtime = runtime()?;
        let (flags, environment) = (flags(target), Environment::of_process());
        let store = until_interrupted(&runtime, out, "Connecting", connect(&flags, &environment))?
            .map_err(|error| not_connected(&error))?;
        Self::opened(runtime, store, target, None, target.wait, out)
    }

    fn opened(
        runtime: Runtime,
        store: Store,
        target: &Target,
        eks: Option<EksCluster>,
        patience: Option<Duration>,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        refuse_other(target, store.target())?;
        let store = Arc::new(store);
        if let Some(patience) = patience {
            wait_for(&runtime, &store, patience, target.wait_for_configmap, out)?;
        }
        Ok(Self {
            runtime,
            store,
            asked: target.clone(),
            eks,
        })
    }

    /// What EKS says of it, where EKS was asked.
    pub(crate) fn eks(&self) -> Option<&EksCluster> {
        self.eks.as_ref()
    }

    /// How the user chose it.
    pub(super) fn asked(&self) -> &Target {
        &self.asked
    }

    /// Which cluster it is.
    pub(crate) fn target(&self) -> &cluster::Target {
        self.store.target()
    }

    /// Reads aws-auth.
    pub(crate) fn read(&self, out: &Out) -> Result<Live, Failure> {
        let reading = self.store.read(self.asked.timeout);
        until_interrupted(&self.runtime, out, "Reading aws-auth", reading)?.map_err(|error| {
            Failure::new(
                kind(error.kind()),
                format!("cannot read aws-auth of {}", self.target()),
            )
            .because(&error)
            .hint(error.hint())
        })
    }

    /// Reads what RBAC says of these users.
    pub(crate) fn policy(&self, users: &[UserInfo], out: &Out) -> Result<Policy, Failure> {
        let reading = cluster::rbac::policy(&self.store, users, self.asked.timeout);
        until_interrupted(&self.runtime, out, "Reading RBAC", reading)
    }

    /// Writes what `plan` makes of aws-auth, or only asks the API server what would come of it, and notes what the next
    /// sync of another keeper will do to it.
    pub(crate) fn write(
        &self,
        plan: impl FnMut(&Snapshot) -> Result<Option<Change>, Failure>,
        dry_run: bool,
        create: bool,
        out: &mut Out,
    ) -> Result<Landed, Failure> {
        let options = WriteOptions {
            timeout: self.asked.timeout,
            dry_run,
            create,
        };
        let mut plan = plan;
        let mut last = Change::default();
        let mut plan = |snapshot: &Snapshot| {
            let change = plan(snapshot)?;
            last = change.clone().unwrap_or_default();
            Ok(change)
        };
        let first = match create && !dry_run {
            true => managed_nodes::read_first(self, &mut plan, out)?,
            false => None,
        };
        let spinner = out.spinner("Writing aws-auth", PATIENCE);
        // The write listens for an interrupt itself, so as to end with a whole answer.
        let written = self.runtime.block_on(cluster::write(
            &self.store,
            first,
            plan,
            &options,
            interrupt::requested(),
        ));
        drop(spinner);
        let written = written.map_err(|error| self.failed(error))?;
        if written.outcome != Outcome::Unchanged {
            for sync in next_syncs(&written.before, &last) {
                out.note(&format!("warning: {sync}"));
                out.note(&format!("hint: {}", sync.hint()));
            }
        }
        Ok(match written.outcome {
            Outcome::Unchanged => Landed::Unchanged,
            Outcome::Created => Landed::Created,
            Outcome::Updated => Landed::Changed,
        })
    }

    /// Waits for aws-auth to exist. Returns whether it came to be in time.
    pub(super) fn await_aws_auth(
        &self,
        patience: Duration,
        out: &mut Out,
    ) -> Result<bool, Failure> {
        came(&self.runtime, &self.store, patience, true, out)
    }

    /// The answer to a question. Since a request was interruptible, Ctrl-C no longer ends the process by itself.
    pub(crate) fn answer(&self) -> Result<bool, Failure> {
        let (tell, told) = oneshot::channel();
        thread::spawn(move || tell.send(edge::answer()));
        self.runtime.block_on(async {
            tokio::select! {
                answer = told => Ok(answer.unwrap_or(false)),
                () = interrupt::requested() => Err(interrupted()),
            }
        })
    }

    fn failed(&self, error: WriteError<Failure>) -> Failure {
        let (sort, hint) = (error.kind(), error.hint());
        let Some(sort) = sort else {
            return match error {
                WriteError::Plan(failure) => failure,
                other => Failure::bug(&other),
            };
        };
        let what = format!("cannot write aws-auth of {}", self.target());
        let failure = match sort {
            cluster::Kind::Refused => Failure::refused(
                Refusal {
                    guard: "WG02",
                    reason: "object-state",
                },
                what,
            ),
            _ => Failure::new(kind(sort), what),
        };
        let failure = failure.because(&error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// The runtime of a run.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::bug(&error))
}

/// The user's choice, as kubectl's flags.
pub(super) fn flags(target: &Target) -> Flags {
    Flags {
        kubeconfig: target.kubeconfig.clone(),
        context: target.context.clone(),
        cluster: target.cluster.clone(),
        user: target.user.clone(),
        impersonate: target.impersonate.clone(),
        impersonate_groups: target.impersonate_groups.clone(),
        // kubectl's 0 is no limit.
        request_timeout: target.request_timeout.filter(|timeout| !timeout.is_zero()),
        ..Flags::default()
    }
}

pub(super) fn not_connected(error: &ConnectError) -> Failure {
    Failure::new(kind(error.kind()), "cannot connect to the cluster")
        .because(error)
        .hint(error.hint())
}

/// Refuses another cluster than the expected one.
pub(super) fn refuse_other(target: &Target, chosen: &cluster::Target) -> Result<(), Failure> {
    let expected = target.expect_cluster.as_deref();
    let Some(expected) = expected.filter(|expected| !chosen.is(expected)) else {
        return Ok(());
    };
    Err(Failure::refused(
        Refusal {
            guard: "WG01",
            reason: "wrong-cluster",
        },
        format!("this is {chosen}, not {expected}"),
    )
    .hint("choose the cluster with --context NAME, or expect this one with --expect-cluster NAME"))
}

/// Runs a future that may be dropped at any time.
pub(super) fn until_interrupted<T>(
    runtime: &Runtime,
    out: &Out,
    doing: &'static str,
    future: impl Future<Output = T>,
) -> Result<T, Failure> {
    let _spinner = out.spinner(doing, PATIENCE);
    runtime.block_on(async {
        tokio::select! {
            biased;
            done = future => Ok(done),
            () = interrupt::requested() => Err(interrupted()),
        }
    })
}

pub(super) fn interrupted() -> Failure {
    Failure::new(Kind::Interrupted, "interrupted; nothing was written")
}

pub(super) fn kind(kind: cluster::Kind) -> Kind {
    match kind {
        cluster::Kind::Input => Kind::Usage,
        cluster::Kind::Unreachable | cluster::Kind::Denied => Kind::Unreachable,
        cluster::Kind::Refused => Kind::Refused,
        cluster::Kind::Conflict => Kind::Conflict,
        cluster::Kind::Interrupted => Kind::Interrupted,
    }
}
