//! What runs in the cluster: it watches aws-auth and the objects that ask something of it, and writes as one of several replicas.
//!
//! Beside [`cluster`](crate::cluster) the only room that names `kube`. What it decides, it has decided by
//! [`reconcile`](crate::reconcile), which knows nothing of all this.

pub(crate) mod config;
pub(crate) mod crd;
mod health;
mod http;
mod log;
mod metrics;
mod settings;
mod stop;

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::info;

pub(crate) use log::LogFormat;
pub(crate) use settings::Settings;

use crate::cluster::{Store, interrupt};
use crate::edge::Failure;
use crate::reconcile::Config;
use config::Loaded;
use health::Health;
use metrics::Metrics;
use stop::Stop;

/// What all parts of a running controller have.
#[derive(Clone)]
pub(crate) struct Running {
    /// aws-auth, and the connection to the API server.
    pub(crate) store: Arc<Store>,
    /// How it was started.
    pub(crate) settings: Arc<Settings>,
    /// What it may grant, and what it protects. It may change while it runs.
    pub(crate) config: Loaded,
    /// What Prometheus is told.
    pub(crate) metrics: Arc<Metrics>,
    /// What the kubelet is told.
    pub(crate) health: Arc<Health>,
    /// When to end.
    pub(crate) stop: Stop,
}

/// Runs until the process is asked to end, and then gives the lease back.
///
/// # Errors
/// When an address can't be listened on. What goes wrong later is logged and tried again.
pub(crate) fn run(
    settings: Settings,
    config: Config,
    runtime: &Runtime,
    store: Arc<Store>,
) -> Result<(), Failure> {
    log::start(settings.log_format, settings.verbosity);
    runtime.block_on(serve(settings, config, store))
}

async fn serve(settings: Settings, config: Config, store: Arc<Store>) -> Result<(), Failure> {
    let (stopper, stop) = Stop::new();
    let (reload, config) = watch::channel(Arc::new(config));
    let metrics_at = http::listen(settings.metrics_listen, "--metrics-listen").await?;
    let health_at = http::listen(settings.health_listen, "--health-listen").await?;
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
        let stop = running.stop.clone();
        parts.spawn(async move { config::follow(&path, reload, stop).await });
    }
    interrupt::requested().await;
    info!("asked to end");
    stopper.stop();
    while parts.join_next().await.is_some() {}
    info!("ended");
    Ok(())
}

/// A connection without TLS.
async fn plainly(stream: TcpStream) -> std::io::Result<TokioIo<TcpStream>> {
    Ok(TokioIo::new(stream))
}
