//! The live cluster.

use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::eks_cluster;
use super::endpoint_check;
use super::failures::{MORE_TIME, NOT_IN_TIME, interrupted, kind};
use super::target_options::Target;
use super::wait_for_cluster::{await_ready, wait_for};
use super::{HistoryOptions, WriteOutcome};
use crate::terminal::{self, Failure, Kind, Out, Refusal};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::eks::{CredentialOrder, EksCluster};
use awsauth_core::arn::Parts;
use awsauth_core::aws_auth_snapshot::{Change, Snapshot};
use awsauth_core::facts::node_inventory::JoinedNode;
use awsauth_core::history::Who;
use awsauth_core::rbac::{Policy, Question, Scope};
use awsauth_kube::access_review::{self, ClusterUser};
use awsauth_kube::connect::ConnectError;
use awsauth_kube::discovery::{self, Resolved};
use awsauth_kube::history::{self, ClusterKey, CopyLocation};
use awsauth_kube::kubeconfig::Loaded as LoadedKubeconfig;
use awsauth_kube::node_classes::{AUTO_MODE, KARPENTER, NodeClass, node_classes};
use awsauth_kube::node_readiness::{NodeReadiness, node_readiness};
use awsauth_kube::nodes::{NodeNames, all_nodes};
use awsauth_kube::other_tools_sync::next_syncs;
use awsauth_kube::rbac::RoleScope;
use awsauth_kube::request_error::{Fault, RequestError};
use awsauth_kube::write::{FinalState, Outcome, WriteError, WriteOptions, Written};
use awsauth_kube::{ApiClient, Environment, Flags, Live, connect, connect_to, interrupt};

/// The delay before the spinner appears.
const SPINNER_DELAY: Duration = Duration::from_millis(300);

/// The pause between two reads of a watched aws-auth.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// A connection to a live cluster, with its own async runtime.
pub(crate) struct Cluster {
    runtime: Runtime,
    client: Arc<ApiClient>,
    options: Target,
    eks: Option<EksCluster>,
    /// The aws-auth that the next write is based on, and its writer.
    begun: Option<(Live, Option<Who>)>,
}

/// The nodes and node classes of a cluster.
pub(super) struct NodeObjects {
    pub(super) karpenter: Result<Vec<NodeClass>, Fault>,
    pub(super) auto_mode: Result<Vec<NodeClass>, Fault>,
    pub(super) nodes: Result<Vec<JoinedNode>, Fault>,
}

fn joined_node(node: NodeNames) -> JoinedNode {
    JoinedNode {
        name: node.name,
        provider_id: node.provider_id,
        labels: node.labels,
    }
}

impl Cluster {
    /// The endpoint comes from EKS, and awsauth signs in with AWS credentials.
    pub(crate) fn open_at_eks(name: &str, target: &Target, out: &mut Out) -> Result<Self, Failure> {
        let begun = Instant::now();
        let aws_environment = AwsEnvironment::of_process();
        let credential_options = target.identity.credential_options();
        let order = CredentialOrder::RolesFirst;
        let eks = eks_cluster::describe(
            name,
            order,
            &credential_options,
            &aws_environment,
            target.wait,
            out,
        )?;
        let tokens = eks_cluster::tokens(&eks, &credential_options, &aws_environment, out)?;
        let runtime = runtime()?;
        let (flags, environment) = (flags(target), Environment::of_process());
        let endpoint = eks_cluster::endpoint(&eks);
        let connecting = connect_to(&endpoint, tokens, &flags, &environment);
        let client = until_interrupted(&runtime, out, "Connecting", connecting)?
            .map_err(|error| not_connected(&error))?;
        let left = target.wait.map(|wait| wait.saturating_sub(begun.elapsed()));
        Self::opened(runtime, client, target, Some(eks), left, out)
    }

    /// Connects to the selected cluster. Refuses it if it is not the expected one, and waits for it with `--wait`.
    pub(crate) fn open(target: &Target, out: &mut Out) -> Result<Self, Failure> {
        let runtime = runtime()?;
        let (flags, environment) = (flags(target), Environment::of_process());
        let connecting = connect(&flags, &environment);
        let client = match until_interrupted(&runtime, out, "Connecting", connecting) {
            Ok(client) => client.map_err(|error| not_connected(&error))?,
            Err(interrupted) => {
                // Dropping the runtime would wait for a credential plugin that does not end.
                runtime.shutdown_background();
                return Err(interrupted);
            }
        };
        Self::opened(runtime, client, target, None, target.wait, out)
    }

    fn opened(
        runtime: Runtime,
        client: ApiClient,
        target: &Target,
        eks: Option<EksCluster>,
        time_limit: Option<Duration>,
        out: &mut Out,
    ) -> Result<Self, Failure> {
        refuse_other(target, client.target())?;
        let client = Arc::new(client);
        if let Some(time_limit) = time_limit {
            wait_for(
                &runtime,
                &client,
                time_limit,
                target.wait_for_configmap,
                out,
            )?;
        }
        Ok(Self {
            runtime,
            client,
            options: target.clone(),
            eks,
            begun: None,
        })
    }

    /// Returns the description by EKS, if EKS was asked.
    pub(crate) fn eks(&self) -> Option<&EksCluster> {
        self.eks.as_ref()
    }

    /// Asks EKS for the cluster that the kubeconfig names; `None` if it names none, or EKS describes a cluster with another endpoint.
    pub(super) fn described_by_kubeconfig(
        &self,
        out: &mut Out,
    ) -> Result<Option<EksCluster>, Failure> {
        let (flags, environment) = (flags(&self.options), Environment::of_process());
        let named = awsauth_kube::connect::eks_name(&flags, &environment);
        let Some(name) = named.as_ref().and_then(|named| named.name.as_deref()) else {
            return Ok(None);
        };
        let region = named.as_ref().and_then(|named| named.region.as_deref());
        let mut options = self.options.identity.credential_options();
        options.region = options.region.or_else(|| region.map(str::to_owned));
        let order = CredentialOrder::RolesFirst;
        let aws = AwsEnvironment::of_process();
        let eks = eks_cluster::describe(name, order, &options, &aws, None, out)?;
        let host = |url: &str| Some(url.parse::<http::Uri>().ok()?.host()?.to_lowercase());
        if host(&eks.facts.endpoint) == host(&self.target().server) {
            return Ok(Some(eks));
        }
        out.note(&format!(
            "warning: EKS describes {}, whose endpoint is not that of {}",
            eks.facts.arn,
            self.target()
        ));
        Ok(None)
    }

    /// Asks EKS for the cluster that the kubeconfig names, and remembers it.
    pub(super) fn find_at_eks(&mut self, out: &mut Out) -> Result<(), Failure> {
        if self.eks.is_none() {
            self.eks = self.described_by_kubeconfig(out)?;
        }
        Ok(())
    }

    /// Asks EKS for the description again.
    pub(super) fn describe_again(&mut self, out: &Out) -> Result<(), Failure> {
        let Some(eks) = &mut self.eks else {
            return Ok(());
        };
        let _spinner = out.spinner("Asking EKS", SPINNER_DELAY);
        eks.describe_again().map_err(|error| {
            Failure::new(Kind::Unreachable, "cannot describe the EKS cluster")
                .because(&error)
                .hint(error.hint())
        })
    }

    /// Returns the options that select the cluster.
    pub(super) fn options(&self) -> &Target {
        &self.options
    }

    /// Returns the cluster, for messages.
    pub(crate) fn target(&self) -> &awsauth_kube::Target {
        self.client.target()
    }

    /// Reads aws-auth.
    pub(crate) fn read(&self, out: &Out) -> Result<Live, Failure> {
        let reading = self.client.read(self.options.timeout());
        until_interrupted(&self.runtime, out, "Reading aws-auth", reading)?
            .map_err(|error| self.not_read(&error))
    }

    /// Returns the time of the API server.
    pub(super) fn server_time(&self, out: &Out) -> Result<Timestamp, Failure> {
        let time = self.client.server_time(self.options.timeout());
        let time = until_interrupted(&self.runtime, out, "Asking for the time", time)?;
        let failed = || {
            let what = format!("cannot read the time of {}", self.target());
            Failure::new(Kind::Unreachable, what)
                .hint("access is removed only if the API server's clock agrees with this machine's")
        };
        match time {
            Ok(Some(time)) => Ok(time),
            Ok(None) => Err(failed().note("its response has no valid header Date")),
            Err(fault) => Err(failed().because(&fault)),
        }
    }

    /// Reads aws-auth and, concurrently, its history.
    pub(super) fn read_history(
        &self,
        out: &Out,
    ) -> Result<(Live, Result<history::Values, RequestError>), Failure> {
        let time_limit = self.options.timeout();
        let both = async {
            let history = history::read(&self.client, (Instant::now() + time_limit).into());
            tokio::join!(self.client.read(time_limit), history)
        };
        let (live, history) = until_interrupted(&self.runtime, out, "Reading the history", both)?;
        Ok((live.map_err(|error| self.not_read(&error))?, history))
    }

    /// Returns what distinguishes this cluster from others at its address.
    pub(super) fn keys(&self, out: &Out) -> Result<Vec<ClusterKey>, Failure> {
        let reading = ClusterKey::all(&self.client);
        until_interrupted(&self.runtime, out, "Reading the history", reading)
    }

    /// Bases the next write on this read.
    pub(super) fn begin(&mut self, live: Live, who: Option<Who>) {
        self.begun = Some((live, who));
    }

    /// Returns the aws-auth that the next write is based on, and its writer.
    pub(super) fn take_begun(&mut self) -> Option<(Live, Option<Who>)> {
        self.begun.take()
    }

    pub(super) fn client(&self) -> &ApiClient {
        &self.client
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

    /// Reads aws-auth and, concurrently, all RBAC bindings of users and groups.
    pub(crate) fn read_with_rbac(
        &self,
        roles: RoleScope,
        out: &Out,
    ) -> Result<(Live, Policy), Failure> {
        let time_limit = self.options.timeout();
        let policy = awsauth_kube::rbac::full_policy(&self.client, roles, time_limit);
        self.read_with(policy, out)
    }

    /// Returns the username that the API server authenticates, if it reports one.
    pub(super) fn current_user(&self, out: &Out) -> Result<Option<String>, Failure> {
        let asking = access_review::current_user(&self.client, self.options.timeout());
        let user = until_interrupted(&self.runtime, out, "Reading your username", asking)?;
        Ok(user.ok().map(|user| user.username))
    }

    /// Returns the user that the API server authenticates.
    pub(super) fn signed_in_user(
        &self,
        time_limit: Duration,
        out: &Out,
    ) -> Result<Result<ClusterUser, RequestError>, Failure> {
        let asking = access_review::current_user(&self.client, time_limit);
        until_interrupted(&self.runtime, out, "Signing in", asking)
    }

    /// Reads aws-auth and, concurrently, all RBAC bindings.
    pub(crate) fn read_with_bindings(&self, out: &Out) -> Result<(Live, Policy), Failure> {
        let bindings = awsauth_kube::rbac::bindings(&self.client, self.options.timeout());
        self.read_with(bindings, out)
    }

    fn read_with(
        &self,
        policy: impl Future<Output = Policy>,
        out: &Out,
    ) -> Result<(Live, Policy), Failure> {
        let reading = async { tokio::join!(self.client.read(self.options.timeout()), policy) };
        let (live, policy) =
            until_interrupted(&self.runtime, out, "Reading aws-auth and RBAC", reading)?;
        Ok((live.map_err(|error| self.not_read(&error))?, policy))
    }

    /// Reads all RBAC bindings.
    pub(crate) fn bindings(&self, out: &Out) -> Result<Policy, Failure> {
        let reading = awsauth_kube::rbac::bindings(&self.client, self.options.timeout());
        until_interrupted(&self.runtime, out, "Reading RBAC", reading)
    }

    /// Reads the roles of the bindings in `policy`.
    pub(crate) fn read_roles(&self, policy: &mut Policy, out: &Out) -> Result<(), Failure> {
        let reading = awsauth_kube::rbac::read_roles(&self.client, policy, self.options.timeout());
        until_interrupted(&self.runtime, out, "Reading RBAC", reading)
    }

    /// Reads aws-auth every [`WATCH_INTERVAL`] until its version is not `known`; `None` if the user interrupts.
    pub(super) fn next_change(
        &self,
        known: Option<&str>,
        out: &mut Out,
    ) -> Result<Option<Live>, Failure> {
        out.detail(|| format!("Watching aws-auth of {}", self.target()));
        let change = async {
            loop {
                tokio::time::sleep(WATCH_INTERVAL).await;
                let live = self.client.read(self.options.timeout()).await?;
                if live.snapshot().resource_version.as_deref() != known {
                    return Ok(live);
                }
            }
        };
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = interrupt::requested() => Ok(None),
                live = change => live.map(Some).map_err(|error| self.not_read(&error)),
            }
        })
    }

    /// Reads the bindings and roles that may allow an action in this scope.
    pub(super) fn policy_in(&self, scope: &Scope, out: &Out) -> Result<Policy, Failure> {
        let reading = awsauth_kube::rbac::policy_in(&self.client, scope, self.options.timeout());
        until_interrupted(&self.runtime, out, "Reading RBAC", reading)
    }

    /// Resolves the resource of a question.
    pub(super) fn resolve(&self, question: &Question, out: &Out) -> Result<Resolved, Failure> {
        let reading = discovery::resolve(&self.client, question, self.options.timeout());
        until_interrupted(&self.runtime, out, "Reading the API's resources", reading)
    }

    /// Reads the nodes and node classes.
    pub(super) fn node_objects(&self, out: &Out) -> Result<NodeObjects, Failure> {
        let client = &self.client;
        let deadline = tokio::time::Instant::now() + self.options.timeout();
        let reading = async {
            let (karpenter, auto_mode, nodes) = tokio::join!(
                node_classes(KARPENTER, client, deadline),
                node_classes(AUTO_MODE, client, deadline),
                all_nodes(client, deadline),
            );
            NodeObjects {
                karpenter,
                auto_mode,
                nodes: nodes.map(|nodes| nodes.into_iter().map(joined_node).collect()),
            }
        };
        until_interrupted(&self.runtime, out, "Reading the nodes", reading)
    }

    /// Reads Karpenter's node classes, and runs `meanwhile` concurrently.
    pub(super) fn node_classes<T>(
        &self,
        meanwhile: impl FnOnce() -> T,
    ) -> (Result<Vec<NodeClass>, Fault>, T) {
        let (runtime, client) = (&self.runtime, &self.client);
        let deadline = tokio::time::Instant::now() + self.options.timeout();
        thread::scope(|scope| {
            let reading =
                scope.spawn(|| runtime.block_on(node_classes(KARPENTER, client, deadline)));
            let result = meanwhile();
            let read = reading.join();
            (read.unwrap_or_else(|panic| resume_unwind(panic)), result)
        })
    }

    /// Reads which nodes are ready.
    pub(super) fn node_readiness(&self, out: &Out) -> Result<NodeReadiness, Failure> {
        let deadline = tokio::time::Instant::now() + self.options.timeout();
        let reading = node_readiness(&self.client, deadline);
        let read = until_interrupted(&self.runtime, out, "Reading nodes", reading)?;
        read.map_err(|fault| {
            Failure::new(
                Kind::Unreachable,
                format!("cannot list the nodes of {}: {fault}", self.target()),
            )
        })
    }

    /// Writes the change of `plan`, or sends it as a dry run if `backup` is `None`. Prints where the previous aws-auth is stored,
    /// and whether the next sync of another management tool will overwrite the change.
    pub(crate) fn write(
        &mut self,
        plan: impl FnMut(&Snapshot) -> Result<Option<Change>, Failure>,
        backup: Option<&HistoryOptions>,
        create: bool,
        out: &mut Out,
    ) -> Result<WriteOutcome, Failure> {
        let (written, change) = self.send(plan, backup, create, out)?;
        if let Some(copy) = &written.copy {
            let is_new = written.outcome == Outcome::Created;
            print_copy(copy, "aws-auth", is_new, out);
        }
        if written.outcome != Outcome::Unchanged {
            for sync in next_syncs(&written.before, &change) {
                out.note(&format!("warning: {sync}"));
                out.note(&format!("hint: {}", sync.hint()));
            }
        }
        Ok(match written.outcome {
            Outcome::Unchanged => WriteOutcome::Unchanged,
            Outcome::Created => WriteOutcome::Created,
            Outcome::Updated => WriteOutcome::Changed,
        })
    }

    /// Writes the change of `plan`, or sends it as a dry run if `backup` is `None`. Returns the change that was sent last.
    pub(super) fn send(
        &mut self,
        plan: impl FnMut(&Snapshot) -> Result<Option<Change>, Failure>,
        backup: Option<&HistoryOptions>,
        create: bool,
        out: &mut Out,
    ) -> Result<(Written, Change), Failure> {
        let (first, who) = self.begun.take().unzip();
        let options = WriteOptions {
            timeout: self.options.timeout(),
            conflict_timeout: self.options.conflict_timeout(),
            dry_run: backup.is_none(),
            create,
            record: backup.map(|backup| backup.record_options(who.flatten())),
            ..WriteOptions::default()
        };
        let mut plan = plan;
        let mut last = Change::default();
        let mut plan = |snapshot: &Snapshot| {
            let change = plan(snapshot)?;
            last = change.clone().unwrap_or_default();
            Ok(change)
        };
        let first = match create && backup.is_some() {
            true => self.read_before_creation(first, &mut plan, out)?,
            false => first,
        };
        let spinner = out.spinner("Writing aws-auth", SPINNER_DELAY);
        // The write handles interrupts itself, so that its outcome is always known.
        let written = self.runtime.block_on(awsauth_kube::write(
            &self.client,
            first,
            |live| plan(&live.snapshot()),
            &options,
            interrupt::requested(),
        ));
        drop(spinner);
        let written = written.map_err(|error| self.failed(error))?;
        Ok((written, last))
    }

    /// Waits until aws-auth exists. Returns whether it did in time.
    pub(super) fn await_aws_auth(
        &self,
        time_limit: Duration,
        out: &mut Out,
    ) -> Result<bool, Failure> {
        await_ready(&self.runtime, &self.client, time_limit, true, out)
    }

    /// Reads the answer to a question.
    pub(crate) fn read_answer(&self) -> Result<String, Failure> {
        read_answer(&self.runtime)
    }

    fn failed(&self, error: WriteError<Failure>) -> Failure {
        let (sort, hint) = (error.kind(), error.hint());
        let may_be_written = error.may_be_written();
        if let WriteError::Interrupted { state } = error
            && interrupt::is_past_deadline()
        {
            return out_of_time(state);
        }
        let Some(sort) = sort else {
            return match error {
                WriteError::Plan(failure) => failure,
                other => Failure::bug(&other),
            };
        };
        let what = format!("cannot write aws-auth of {}", self.target());
        let failure = match sort {
            awsauth_kube::ErrorKind::Refused => Failure::refused(guard(&error), what),
            _ => Failure::new(kind(sort), what),
        };
        let mut failure = failure.because(&error);
        if may_be_written {
            failure = failure.after_change();
        }
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Returns the failure of a write that ran into the deadline.
fn out_of_time(state: FinalState) -> Failure {
    let (kind, what) = match state {
        FinalState::NotWritten => (Kind::Unreachable, NOT_IN_TIME),
        FinalState::Written => (
            Kind::NotRolledBack,
            "not done in time; aws-auth was written and not verified",
        ),
        FinalState::Unknown => (
            Kind::NotRolledBack,
            "not done in time; it is unknown whether aws-auth was written",
        ),
    };
    Failure::new(kind, what).hint(MORE_TIME)
}

/// Reads the answer to a question. Handles Ctrl-C, which no longer ends the process once a signal handler is installed.
pub(super) fn read_answer(runtime: &Runtime) -> Result<String, Failure> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || sender.send(terminal::read_line()));
    runtime.block_on(async {
        tokio::select! {
            typed = receiver => Ok(typed.unwrap_or_default()),
            () = interrupt::requested() => Err(interrupted()),
        }
    })
}

/// Returns the guard for a refused write.
fn guard(error: &WriteError<Failure>) -> Refusal {
    let (guard, reason) = match error {
        WriteError::Request(_) => ("WG15", "server-dry-run"),
        WriteError::NoCopy { .. } => ("WG16", "backup-failed"),
        _ => ("WG02", "object-state"),
    };
    Refusal { guard, reason }
}

/// Prints where the copy of what a write replaces is stored. `what` names what is replaced; `is_new` is whether the write created
/// it.
pub(super) fn print_copy(copy: &CopyLocation, what: &str, is_new: bool, out: &mut Out) {
    match copy {
        // If aws-auth was deleted before, undo without these arguments refuses to delete it again.
        CopyLocation::InCluster(number) if is_new => out.note(&format!(
            "Stored the previous {what} as revision {number}; to undo this change: awsauth undo {number} --whole"
        )),
        CopyLocation::InCluster(number) => out.note(&format!(
            "Stored the previous {what} as revision {number}; to undo this change: awsauth undo"
        )),
        CopyLocation::InFolder { path, why } => {
            out.note(&format!(
                "warning: cannot store the previous {what} in the cluster: {why}"
            ));
            out.note(&format!(
                "Stored the previous {what} in {}; to undo this change: awsauth undo",
                path.display()
            ));
        }
        CopyLocation::Nowhere(why) => out.note(&format!(
            "warning: the previous {what} is not stored anywhere: {why}"
        )),
    }
}

/// Reads the selected kubeconfig, for connections to several of its contexts.
pub(crate) fn read_kubeconfig(target: &Target) -> Result<LoadedKubeconfig, Failure> {
    let read = awsauth_kube::kubeconfig::read_once(&flags(target), &Environment::of_process());
    read.map_err(|error| {
        Failure::new(kind(error.kind()), "cannot list the contexts")
            .because(&error)
            .hint(error.hint())
    })
}

/// Creates the async runtime.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::bug(&error))
}

/// Returns the options as kubectl's flags.
pub(super) fn flags(target: &Target) -> Flags {
    Flags {
        kubeconfig: target.kubeconfig.clone(),
        loaded: target.loaded_kubeconfig.clone(),
        context: target.context.clone(),
        cluster: target.cluster.clone(),
        user: target.user.clone(),
        impersonate: target.impersonate.clone(),
        impersonate_groups: target.impersonate_groups.clone(),
        // 0 means no limit, as in kubectl.
        request_timeout: target.request_timeout.filter(|timeout| !timeout.is_zero()),
        exceptions: target.exceptions(),
        ..Flags::default()
    }
}

pub(super) fn not_connected(error: &ConnectError) -> Failure {
    let what = "cannot connect to the cluster";
    if let ConnectError::Untrusted(error) = error {
        return endpoint_check::refusal(what, error, None);
    }
    Failure::new(kind(error.kind()), what)
        .because(error)
        .hint(error.hint())
}

/// Refuses a cluster that is not the expected one, or is in another account.
pub(super) fn refuse_other(target: &Target, chosen: &awsauth_kube::Target) -> Result<(), Failure> {
    const WRONG_CLUSTER: Refusal = Refusal {
        guard: "WG01",
        reason: "wrong-cluster",
    };
    let expected = target.expect_cluster.as_deref();
    if let Some(expected) = expected.filter(|expected| !chosen.is(expected)) {
        let what = format!("this is {chosen}, not {expected}");
        return Err(Failure::refused(WRONG_CLUSTER, what).hint(
            "choose another cluster with --context NAME, or expect this one with --expect-cluster NAME",
        ));
    }
    let arn = chosen.eks.as_ref().map(|eks| eks.arn.as_str());
    let account = arn.and_then(Parts::of).map(|parts| parts.account);
    let expected = target.expect_account.as_deref();
    match expected.filter(|expected| account != Some(*expected)) {
        None => Ok(()),
        Some(expected) => Err(Failure::refused(
            WRONG_CLUSTER,
            format!(
                "{chosen} is in account {}, not in {expected}",
                account.unwrap_or_default()
            ),
        )
        .hint("use credentials of that account, such as with roleArn in the file of clusters")),
    }
}

/// Runs a future that is safe to drop at any time.
pub(super) fn until_interrupted<T>(
    runtime: &Runtime,
    out: &Out,
    doing: &'static str,
    future: impl Future<Output = T>,
) -> Result<T, Failure> {
    let _spinner = out.spinner(doing, SPINNER_DELAY);
    runtime.block_on(async {
        tokio::select! {
            biased;
            done = future => Ok(done),
            () = interrupt::requested() => Err(interrupted()),
        }
    })
}
