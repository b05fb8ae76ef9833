//! The controller: watches aws-auth and the objects that request entries, and writes as the leader among several replicas.
//!
//! Besides [`cluster`](awsauth_kube), this is the only crate that names `kube`. Decisions are made by
//! [`reconcile`](awsauth_core::reconcile), which does not depend on Kubernetes clients.

mod cache;
pub mod config;
mod connection_limit;
mod convert;
mod count;
pub mod crd;
mod debounce;
mod eks_cache;
mod error;
mod fault;
mod health;
mod http;
mod lease;
mod log;
mod metrics;
mod reconciler;
mod settings;
mod shutdown;
mod status_writer;
mod watch;
mod webhook;

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::sync::watch::channel;
use tokio::task::JoinSet;
use tracing::info;

pub use error::StartError;
pub use log::{LogFormat, LogLevel};
pub use settings::Settings;

use awsauth_core::reconcile::Config;
use awsauth_core::reconcile::{Memory, ObjectKind};
use awsauth_kube::{ApiClient, interrupt};
use cache::Cache;
use config::Loaded;
use count::Counted;
use eks_cache::EksState;
use health::Health;
use metrics::Metrics;
use reconciler::Looker;
use shutdown::Stop;
use status_writer::Recorder;

/// State shared by all parts of a running controller.
#[derive(Clone)]
pub(crate) struct Running {
    /// The client for aws-auth and the API server.
    pub(crate) store: Arc<ApiClient>,
    /// The command-line settings.
    pub(crate) settings: Arc<Settings>,
    /// What may be granted and what is protected. Can change while the controller runs.
    pub(crate) config: Loaded,
    /// The Prometheus metrics.
    pub(crate) metrics: Arc<Metrics>,
    /// The readiness of the parts.
    pub(crate) health: Arc<Health>,
    /// The shutdown signal.
    pub(crate) stop: Stop,
}

/// Runs until the process is asked to stop, then releases the lease.
///
/// # Errors
/// If an address cannot be listened on. Later errors are logged and retried.
pub fn run(
    settings: Settings,
    level: LogLevel,
    config: Config,
    runtime: &Runtime,
    store: Arc<ApiClient>,
) -> Result<(), StartError> {
    log::start(settings.log_format, level);
    runtime.block_on(serve(settings, config, store))
}

async fn serve(
    settings: Settings,
    config: Config,
    store: Arc<ApiClient>,
) -> Result<(), StartError> {
    let (stopper, stop) = Stop::new();
    let (reload, config) = channel(Arc::new(config));
    let metrics_at = http::listen(settings.metrics_listen, "--metrics-listen").await?;
    let health_at = http::listen(settings.health_listen, "--health-listen").await?;
    let webhook_at = match settings.webhook {
        true => Some(http::listen(settings.webhook_listen, "--webhook-listen").await?),
        false => None,
    };
    let running = Running {
        store,
        metrics: Arc::new(Metrics::new(settings.webhook)),
        settings: Arc::new(settings),
        config,
        health: Arc::default(),
        stop,
    };
    let mut parts = JoinSet::new();
    let (health, metrics) = (Arc::clone(&running.health), Arc::clone(&running.metrics));
    let health = move |request| std::future::ready(health.answer(&request));
    let metrics = move |request| std::future::ready(health::metrics(&metrics, &request));
    parts.spawn(http::serve(
        health_at,
        plainly,
        health,
        running.stop.clone(),
    ));
    parts.spawn(http::serve(
        metrics_at,
        plainly,
        metrics,
        running.stop.clone(),
    ));
    info!(
        version = env!("CARGO_PKG_VERSION"),
        cluster = %running.store.target(),
        metrics = %running.settings.metrics_listen,
        health = %running.settings.health_listen,
        "started"
    );
    config::warn_of_none(&running.config.borrow());
    if let Some(path) = running.settings.config.clone() {
        let running = running.clone();
        parts.spawn(async move { config::follow(&path, reload, running).await });
    }
    let identity = lease::identity();
    let cache = Arc::new(Cache::default());
    let mut kinds = vec![ObjectKind::AwsAuthMapping];
    if running.settings.iam_identity_mappings {
        kinds.push(ObjectKind::IamIdentityMapping);
    }
    parts.spawn(watch::aws_auth(running.clone(), Arc::clone(&cache)));
    for kind in &kinds {
        parts.spawn(watch::objects(running.clone(), Arc::clone(&cache), *kind));
    }
    let (leads, is_leader) = channel(false);
    // The lease is given back last, so that nobody else begins while this replica ends.
    let (last, at_last) = Stop::new();
    let lease = tokio::spawn(lease::hold(
        running.clone(),
        identity.clone(),
        leads,
        at_last,
    ));
    let ask = Arc::new(Notify::new());
    let (tell, told) = channel(Arc::new(EksState::default()));
    parts.spawn(eks_cache::ask(running.clone(), tell, Arc::clone(&ask)));
    if let Some(listener) = webhook_at {
        parts.spawn(webhook::run(listener, running.clone(), told.clone()));
    }
    let looker = Looker {
        recorder: Recorder::new(
            running.store.client().clone(),
            Arc::clone(&cache),
            &identity,
        ),
        aws_auth: cache.aws_auth(),
        cache,
        kinds,
        leads: is_leader,
        told,
        ask,
        memory: Memory::default(),
        counted: Counted::default(),
        who: None,
        idle: None,
        failing: None,
        running,
    };
    parts.spawn(looker.run());
    interrupt::requested().await;
    info!("asked to end");
    stopper.stop();
    while parts.join_next().await.is_some() {}
    last.stop();
    let _ = lease.await;
    info!("ended");
    Ok(())
}

/// A connection without TLS.
async fn plainly(stream: TcpStream) -> std::io::Result<TokioIo<TcpStream>> {
    Ok(TokioIo::new(stream))
}
