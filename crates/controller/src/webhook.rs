//! The validating admission webhook: checks edits to aws-auth, and verifies that the API server calls it.

mod certificate;
mod certificate_files;
mod cluster_facts;
mod enforcement_check;
mod generated_certificate;
mod handler;
mod mapping_review;
mod peer_share;
mod request_body;
mod rotation_step;
mod served_certificate;
mod validating_webhook_configuration;
mod validator;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::eks_state::EksState;
use super::http::IdleTimer;
use super::shutdown::Shutdown;
use super::{Context, http};
use handler::Handler;
use served_certificate::ServedCertificate;
use validator::Validator;

/// The name of the ValidatingWebhookConfiguration.
const CONFIGURATION: &str = "awsauth-controller";
/// The name of this part in [`Health`](super::health::Health).
const PART: &str = "webhook";

/// The maximum number of concurrent connections.
const MAX_CONNECTIONS: usize = 256;

/// The idle timeout of connections. It is longer than the API server's 90 s, so that no connection is closed while a review is being
/// sent.
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apimachinery/pkg/util/net/http.go>
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// How long reviews are still accepted after shutdown begins, until the Service no longer selects this replica.
const DRAIN: Duration = Duration::from_secs(3);

/// Serves reviews until shutdown.
pub(crate) async fn run(
    listener: TcpListener,
    context: Context,
    eks: watch::Receiver<Arc<EksState>>,
) {
    let served = Arc::new(ServedCertificate::default());
    context
        .health
        .set_not_ready(PART, "there is no certificate yet");
    let (facts_sender, facts) = watch::channel(Arc::default());
    let (configuration_sender, configuration) =
        watch::channel(validating_webhook_configuration::ConfigurationState::default());
    let validator = Validator::new(&context, facts, eks);
    let mut parts = JoinSet::new();
    parts.spawn(serve(
        listener,
        Arc::clone(&served),
        validator.clone(),
        context.shutdown.clone(),
    ));
    parts.spawn(cluster_facts::refresh(context.clone(), facts_sender));
    parts.spawn(validating_webhook_configuration::watch(
        context.clone(),
        configuration_sender,
    ));
    match context.settings.webhook_cert_dir.clone() {
        Some(folder) => parts.spawn(certificate_files::serve(
            folder,
            Arc::clone(&served),
            context.clone(),
        )),
        None => parts.spawn(generated_certificate::serve(
            context.clone(),
            Arc::clone(&served),
            configuration.clone(),
        )),
    };
    parts.spawn(enforcement_check::repeat(
        context,
        served,
        configuration,
        validator,
    ));
    while parts.join_next().await.is_some() {}
}

async fn serve(
    listener: TcpListener,
    served: Arc<ServedCertificate>,
    validator: Validator,
    shutdown: Shutdown,
) {
    let acceptor = TlsAcceptor::from(served_certificate::tls_config(served));
    let open = move |stream: TcpStream| {
        let acceptor = acceptor.clone();
        async move {
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(acceptor.accept(stream).await?))
        }
    };
    let handler = Handler::new(validator);
    let respond = move |request, peer: IpAddr, timer: IdleTimer| {
        let handler = handler.clone();
        async move {
            let start_request = || timer.start_request();
            handler.respond(request, peer, start_request).await
        }
    };
    let limits = http::Limits {
        connections: MAX_CONNECTIONS,
        idle_timeout: IDLE_TIMEOUT,
        write_timeout: http::WRITE_TIMEOUT,
    };
    let (trigger, drained) = Shutdown::new();
    let serve = http::serve_with(limits, listener, open, respond, drained);
    let drain = async {
        shutdown.requested().await;
        sleep(DRAIN).await;
        trigger.shut_down();
    };
    tokio::join!(serve, drain);
}
