//! What runs in the cluster: it watches aws-auth and the objects that ask something of it, and writes as one of several replicas.
//!
//! Beside [`cluster`](crate::cluster) the only room that names `kube`. What it decides, it has decided by
//! [`reconcile`](crate::reconcile), which knows nothing of all this.

mod cache;
pub(crate) mod config;
mod convert;
mod count;
pub(crate) mod crd;
mod fault;
mod health;
mod http;
mod lease;
mod log;
mod look;
mod metrics;
mod pace;
mod record;
mod seats;
mod settings;
mod stop;
mod told;
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

pub(crate) use log::LogFormat;
pub(crate) use settings::Settings;

use crate::cluster::{Store, interrupt};
use crate::edge::{Failure, Verbosity};
use crate::reconcile::Config;
use crate::reconcile::{Memory, ObjectKind};
use cache::Cache;
use config::Loaded;
use count::Counted;
use health::Health;
use look::Looker;
use metrics::Metrics;
use record::Recorder;
use stop::Stop;
use told::Told;

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
    verbosity: Verbosity,
    config: Config,
    runtime: &Runtime,
    store: Arc<Store>,
) -> Result<(), Failure> {
    log::start(settings.log_format, verbosity);
    runtime.block_on(serve(settings, config, store))
}

async fn serve(settings: Settings, config: Config, store: Arc<Store>) -> Result<(), Failure> {
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
    let (tell, told) = channel(Arc::new(Told::default()));
    parts.spawn(told::ask(running.clone(), tell, Arc::clone(&ask)));
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
