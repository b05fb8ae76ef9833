//! The controller: watches aws-auth and the objects that request entries, and writes while it holds the lease.
//!
//! [`reconcile`](awsauth_core::reconcile) makes the decisions; it does not depend on Kubernetes clients.

mod cache;
pub mod config;
mod convert;
pub mod crd;
mod debounce;
mod describe_error;
mod eks_state;
mod file_reload;
mod flags;
mod health;
mod http;
mod lease;
mod log;
mod metrics;
mod object_writer;
mod ownership_store;
mod reconcile_metrics;
mod reconciler;
mod shutdown;
mod start_error;
mod unparsed_mapping;
mod watch;
mod webhook;

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::Notify;
use tokio::sync::watch::channel;
use tokio::task::JoinSet;
use tracing::info;

pub use flags::{OnDeletion, Settings};
pub use log::{LogFormat, LogLevel};
pub use start_error::StartError;

use awsauth_core::reconcile::Config;
use awsauth_core::reconcile::{AwsQuery, Memory, ObjectKind, OwnershipRecord};
use awsauth_kube::{ApiClient, interrupt};
use cache::Cache;
use config::ConfigReceiver;
use eks_state::EksState;
use health::Health;
use metrics::Metrics;
use object_writer::ObjectWriter;
use ownership_store::OwnershipStore;
use reconcile_metrics::ReconcileMetrics;
use reconciler::{ExternalWriteRecorder, Reconciler};
use shutdown::Shutdown;

/// State that all parts of the controller share.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) client: Arc<ApiClient>,
    pub(crate) settings: Arc<Settings>,
    /// The current configuration, which can change while the controller runs.
    pub(crate) config: ConfigReceiver,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
    pub(crate) shutdown: Shutdown,
}

/// Runs until SIGTERM or SIGINT, then releases the lease.
///
/// # Errors
/// If the process cannot listen on an address. Later errors are logged and retried.
pub fn run(
    settings: Settings,
    level: LogLevel,
    config: Config,
    runtime: &Runtime,
    client: Arc<ApiClient>,
) -> Result<(), StartError> {
    log::start(settings.log_format, level);
    runtime.block_on(serve(settings, config, client))
}

async fn serve(
    settings: Settings,
    config: Config,
    client: Arc<ApiClient>,
) -> Result<(), StartError> {
    let (trigger, shutdown) = Shutdown::new();
    let (reload, config) = channel(Arc::new(config));
    let metrics_listener = http::bind(settings.metrics_listen, "--metrics-listen").await?;
    let health_listener = http::bind(settings.health_listen, "--health-listen").await?;
    let webhook_listener = match settings.webhook {
        true => Some(http::bind(settings.webhook_listen, "--webhook-listen").await?),
        false => None,
    };
    let context = Context {
        client,
        metrics: Arc::new(Metrics::new(settings.webhook)),
        settings: Arc::new(settings),
        config,
        health: Arc::default(),
        shutdown,
    };
    let mut parts = JoinSet::new();
    let (health, metrics) = (Arc::clone(&context.health), Arc::clone(&context.metrics));
    let health = move |request| std::future::ready(health.respond(&request));
    let metrics = move |request| std::future::ready(health::metrics(&metrics, &request));
    parts.spawn(http::serve(
        health_listener,
        without_tls,
        health,
        context.shutdown.clone(),
    ));
    parts.spawn(http::serve(
        metrics_listener,
        without_tls,
        metrics,
        context.shutdown.clone(),
    ));
    info!(
        version = env!("CARGO_PKG_VERSION"),
        cluster = %context.client.target(),
        metrics = %context.settings.metrics_listen,
        health = %context.settings.health_listen,
        "started"
    );
    config::warn_if_nothing_granted(&context.config.borrow());
    if let Some(path) = context.settings.config.clone() {
        let context = context.clone();
        parts.spawn(async move { config::reload_on_change(&path, reload, context).await });
    }
    let identity = lease::identity();
    let cache = Arc::new(Cache::default());
    let mut kinds = vec![ObjectKind::AwsAuthMapping];
    if context.settings.iam_identity_mappings {
        kinds.push(ObjectKind::IamIdentityMapping);
    }
    parts.spawn(watch::aws_auth(context.clone(), Arc::clone(&cache)));
    for kind in &kinds {
        parts.spawn(watch::objects(context.clone(), Arc::clone(&cache), *kind));
    }
    let (leader_sender, is_leader) = channel(false);
    // Releases the lease after all other parts have ended, so that no other replica starts to write before.
    let (lease_trigger, lease_shutdown) = Shutdown::new();
    let lease = tokio::spawn(lease::hold(
        context.clone(),
        identity.clone(),
        leader_sender,
        lease_shutdown,
    ));
    let refresh_eks = Arc::new(Notify::new());
    let (eks_sender, eks) = channel(Arc::new(EksState::default()));
    let eks_sender = Arc::new(eks_sender);
    let (aws_query, query) = channel(AwsQuery::default());
    parts.spawn(eks_state::poll(
        context.clone(),
        Arc::clone(&eks_sender),
        query,
        Arc::clone(&refresh_eks),
    ));
    if let Some(listener) = webhook_listener {
        parts.spawn(webhook::run(listener, context.clone(), eks.clone()));
    }
    let reconciler = Reconciler {
        object_writer: ObjectWriter::new(
            context.client.client().clone(),
            Arc::clone(&cache),
            &identity,
        ),
        ownership: OwnershipStore::new(context.client.client().clone()),
        record: OwnershipRecord::default(),
        awaited: std::collections::HashSet::new(),
        aws_auth: cache.aws_auth(),
        cache,
        kinds,
        is_leader,
        eks,
        eks_sender,
        aws_query,
        refresh_eks,
        memory: Memory::default(),
        standby_memory: Memory::default(),
        reconcile_metrics: ReconcileMetrics::default(),
        identity: None,
        external_writes: ExternalWriteRecorder::default(),
        idle_reason: None,
        write_error: None,
        record_error: None,
        running_changes: None,
        running_deletions: None,
        awaited_nodes_after: None,
        server_time: None,
        time_error: None,
        context,
    };
    // In its own thread: however long a decision takes, health checks, the webhook and the lease do not wait for it.
    let runtime = Handle::current();
    parts.spawn_blocking(move || runtime.block_on(reconciler.run()));
    interrupt::requested().await;
    info!("shutting down");
    trigger.shut_down();
    while parts.join_next().await.is_some() {}
    lease_trigger.shut_down();
    let _ = lease.await;
    info!("stopped");
    Ok(())
}

/// Serves a connection without TLS.
async fn without_tls(stream: TcpStream) -> std::io::Result<TokioIo<TcpStream>> {
    Ok(TokioIo::new(stream))
}
