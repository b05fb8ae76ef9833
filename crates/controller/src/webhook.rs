//! The validating webhook: judges edits of aws-auth for the API server, and checks that it is being called.

mod certificate;
mod configuration;
mod enforcement_check;
mod facts;
mod files;
mod handler;
mod judge;
mod rotation;
mod served_certificate;
mod tls_secret;

use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::eks_cache::EksState;
use super::shutdown::Stop;
use super::{Running, http};
use judge::Judge;
use served_certificate::Served;

/// The name of the webhook's configuration.
const CONFIGURATION: &str = "awsauth-controller";
/// The name of this part in readiness output.
const PART: &str = "webhook";

/// For how long a connection is kept without a request. The API server closes its side after 90 s; were we first, a review that is just
/// being sent would be lost.
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apimachinery/pkg/util/net/http.go>
const IDLE: Duration = Duration::from_secs(120);

/// How long reviews are accepted after shutdown begins, until the API server knows that this replica is leaving.
const LAME: Duration = Duration::from_secs(3);

/// Serves reviews until shutdown.
pub(crate) async fn run(
    listener: TcpListener,
    running: Running,
    told: watch::Receiver<Arc<EksState>>,
) {
    let served = Arc::new(Served::default());
    running.health.needs(PART, "there is no certificate yet");
    let (known, facts) = watch::channel(Arc::default());
    let (seen, configuration) = watch::channel(configuration::Seen::default());
    let judge = Judge::new(&running, facts, told);
    let mut parts = JoinSet::new();
    parts.spawn(serve(
        listener,
        Arc::clone(&served),
        judge.clone(),
        running.stop.clone(),
    ));
    parts.spawn(facts::follow(running.clone(), known));
    parts.spawn(configuration::follow(running.clone(), seen));
    match running.settings.webhook_cert_dir.clone() {
        Some(folder) => parts.spawn(files::follow(folder, Arc::clone(&served), running.clone())),
        None => parts.spawn(tls_secret::keep(
            running.clone(),
            Arc::clone(&served),
            configuration.clone(),
        )),
    };
    parts.spawn(enforcement_check::repeat(
        running,
        served,
        configuration,
        judge,
    ));
    while parts.join_next().await.is_some() {}
}

async fn serve(listener: TcpListener, served: Arc<Served>, judge: Judge, stop: Stop) {
    let acceptor = TlsAcceptor::from(served_certificate::settings(served));
    let open = move |stream: TcpStream| {
        let acceptor = acceptor.clone();
        async move {
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(acceptor.accept(stream).await?))
        }
    };
    let answer = move |request| {
        let judge = judge.clone();
        async move { handler::answer(request, &judge).await }
    };
    let (stopper, lame) = Stop::new();
    let serving = http::serve_idle(listener, IDLE, open, answer, lame);
    let ending = async {
        stop.asked().await;
        sleep(LAME).await;
        stopper.stop();
    };
    tokio::join!(serving, ending);
}
