use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::eks::{self, Asks, EksCluster};
use super::managed_nodes;
use super::target::Target;
use super::waiting::{came, wait_for};
use super::{Keep, Landed};
use crate::aws::Surroundings;
use crate::cluster::connect::ConnectError;
use crate::cluster::fault::{Fault, RequestError};
use crate::cluster::history::{self, Kept};
use crate::cluster::karpenter::{NodeClass, node_classes};
use crate::cluster::next_sync::next_syncs;
use crate::cluster::write::{Outcome, WriteError, WriteOptions};
use crate::cluster::{self, Environment, Flags, Live, Store, connect, connect_to, interrupt};
use crate::edge::{self, Failure, Kind, Out, Refusal};
use crate::history::Who;
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
    /// What was read for the next write to go on from, and who asked.
    begun: Option<(Live, Who)>,
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
            begun: None,
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
        until_interrupted(&self.runtime, out, "Reading aws-auth", reading)?
            .map_err(|error| self.not_read(&error))
    }

    /// Reads aws-auth and, beside it, what is kept of it.
    pub(super) fn read_history(
        &self,
        out: &Out,
    ) -> Result<(Live, Result<history::Values, RequestError>), Failure> {
        let patience = self.asked.timeout;
        let both = async {
            let history = history::read(&self.store, (Instant::now() + patience).into());
            tokio::join!(self.store.read(patience), history)
        };
        let (live, history) = until_interrupted(&self.runtime, out, "Reading the history", both)?;
        Ok((live.map_err(|error| self.not_read(&error))?, history))
    }

    /// The next write goes on from what was read.
    pub(super) fn begin(&mut self, live: Live, who: Who) {
        self.begun = Some((live, who));
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(super) fn not_written(&self, error: RequestError) -> Failure {
        self.failed(error.into())
    }

    pub(super) fn not_read(&self, error: &RequestError) -> Failure {
        Failure::new(
            kind(error.kind()),
            format!("cannot read aws-auth of {}", self.target()),
        )
        .because(error)
        .hint(error.hint())
    }

    /// Reads aws-auth, and at the same time all of RBAC that is about users and groups.
    pub(crate) fn read_with_rbac(&self, out: &Out) -> Result<(Live, Policy), Failure> {
        let patience = self.asked.timeout;
        let reading = async {
            tokio::join!(
                self.store.read(patience),
                cluster::rbac::whole_policy(&self.store, patience),
            )
        };
        let (live, policy) =
            until_interrupted(&self.runtime, out, "Reading aws-auth and RBAC", reading)?;
        Ok((live.map_err(|error| self.not_read(&error))?, policy))
    }

    /// Reads what RBAC says of these users.
    pub(crate) fn policy(&self, users: &[UserInfo], out: &Out) -> Result<Policy, Failure> {
        let reading = cluster::rbac::policy(&self.store, users, self.asked.timeout);
        until_interrupted(&self.runtime, out, "Reading RBAC", reading)
    }

    /// Reads Karpenter's node classes, while `meanwhile` asks somebody else.
    pub(super) fn node_classes<T>(
        &self,
        meanwhile: impl FnOnce() -> T,
    ) -> (Result<Vec<NodeClass>, Fault>, T) {
        let (runtime, store) = (&self.runtime, &self.store);
        let deadline = tokio::time::Instant::now() + self.asked.timeout;
        thread::scope(|scope| {
            let reading = scope.spawn(|| runtime.block_on(node_classes(store, deadline)));
            let told = meanwhile();
            let read = reading.join();
            (read.unwrap_or_else(|panic| resume_unwind(panic)), told)
        })
    }

    /// Writes what `plan` makes of aws-auth, or without `keep` only asks the API server what would come of it. Notes where
    /// the text before is kept, and what the next sync of another keeper will do to the new one.
    pub(crate) fn write(
        &mut self,
        plan: impl FnMut(&Snapshot) -> Result<Option<Change>, Failure>,
        keep: Option<&Keep>,
        create: bool,
        out: &mut Out,
    ) -> Result<Landed, Failure> {
        let (first, who) = self.begun.take().unzip();
        let options = WriteOptions {
            timeout: self.asked.timeout,
            dry_run: keep.is_none(),
            create,
            keep: keep.map(|keep| keep.keeping(who)),
        };
        let mut plan = plan;
        let mut last = Change::default();
        let mut plan = |snapshot: &Snapshot| {
            let change = plan(snapshot)?;
            last = change.clone().unwrap_or_default();
            Ok(change)
        };
        let first = match create && keep.is_some() {
            true => managed_nodes::read_first(self, first, &mut plan, out)?,
            false => first,
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
        if let Some(kept) = &written.kept {
            say_where_kept(kept, out);
        }
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

    /// The answer to a question.
    pub(crate) fn typed(&self) -> Result<String, Failure> {
        typed(&self.runtime)
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
            cluster::Kind::Refused => Failure::refused(guard(&error), what),
            _ => Failure::new(kind(sort), what),
        };
        let failure = failure.because(&error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// The answer to a question. Since something was interruptible, Ctrl-C no longer ends the process by itself.
pub(super) fn typed(runtime: &Runtime) -> Result<String, Failure> {
    let (tell, told) = oneshot::channel();
    thread::spawn(move || tell.send(edge::typed()));
    runtime.block_on(async {
        tokio::select! {
            typed = told => Ok(typed.unwrap_or_default()),
            () = interrupt::requested() => Err(interrupted()),
        }
    })
}

/// Who refused a write.
fn guard(error: &WriteError<Failure>) -> Refusal {
    let (guard, reason) = match error {
        WriteError::Request(_) => ("WG15", "server-dry-run"),
        WriteError::NoCopy { .. } => ("WG16", "backup-failed"),
        _ => ("WG02", "object-state"),
    };
    Refusal { guard, reason }
}

fn say_where_kept(kept: &Kept, out: &mut Out) {
    match kept {
        Kept::InCluster(number) => out.note(&format!(
            "Kept what was there as revision {number}; to take this back: awsauth undo"
        )),
        Kept::InFolder { path, why } => {
            out.note(&format!(
                "warning: the cluster does not keep what was there: {why}"
            ));
            out.note(&format!(
                "Kept what was there in {}; to take this back: awsauth undo",
                path.display()
            ));
        }
        Kept::Nowhere(why) => out.note(&format!("warning: what was there is kept nowhere: {why}")),
    }
}

/// The contexts of the kubeconfig that the user chose.
pub(crate) fn contexts(target: &Target) -> Result<Vec<String>, Failure> {
    let names = cluster::kubeconfig::contexts(&flags(target), &Environment::of_process());
    names.map_err(|error| {
        Failure::new(kind(error.kind()), "cannot list the contexts")
            .because(&error)
            .hint(error.hint())
    })
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
