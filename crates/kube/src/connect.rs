//! Sets up the one connection of a run.

mod response_limit;
mod trusted_connection;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Uri;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioExecutor;
use kube::client::middleware::AuthLayer;
use kube::client::{Client, ConfigExt};
use kube::{Config, config::ExecConfig};
use secrecy::SecretString;
use tower::{BoxError, Service, ServiceBuilder};

pub use super::connect_error::{ConnectError, CredentialsError};
use response_limit::ResponseLimit;
pub(crate) use response_limit::ResponseTooLong;
pub use trusted_connection::{AnonymousConnection, EksConnection};

use super::api_client::ApiClient;
use super::connection_target::{EksClusterId, Target};
use super::eks_name::EksName;
use super::environment::Environment;
use super::kubeconfig::{self, Access, Flags};
use super::proxy;
use super::token_renewal::Tokens;
use awsauth_core::endpoint_trust::DescribedEndpoint;

/// The time limit for opening a connection. An EKS endpoint that is not reachable from this network drops packets
/// instead of refusing them.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The idle time after which TCP keepalive probes are sent.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The default namespace of a kubeconfig context.
const DEFAULT_NAMESPACE: &str = "default";

/// Selects the cluster, gets credentials (an exec plugin runs once) and prepares the connection. The first request
/// opens it, and all later requests share it. Must be called within a tokio runtime.
///
/// # Errors
/// If the flags, the kubeconfig or the credentials cannot be used. No request is sent.
pub async fn connect(flags: &Flags, environment: &Environment) -> Result<ApiClient, ConnectError> {
    let access = kubeconfig::choose(flags, environment)?;
    open(access, flags, environment).await
}

/// Does the same as [`connect`], with a token that the user's exec plugin printed, so that the plugin does not run again.
///
/// # Errors
/// The same errors as [`connect`].
pub async fn connect_with_plugin_token(
    flags: &Flags,
    environment: &Environment,
    token: SecretString,
) -> Result<ApiClient, ConnectError> {
    let mut access = kubeconfig::choose(flags, environment)?;
    access.config.auth_info.exec = None;
    access.config.auth_info.token = Some(token);
    open(access, flags, environment).await
}

/// The endpoint of a cluster, according to EKS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EksEndpoint {
    pub eks: EksClusterId,
    /// The cluster id in tokens.
    pub token_id: String,
    pub endpoint: String,
    /// The CA certificates of the API server, as base64 of PEM.
    pub certificate_authority_data: String,
}

impl EksEndpoint {
    /// Returns what identifies the endpoint; `None` if it is not a URL with CA certificates.
    pub fn described(&self) -> Option<DescribedEndpoint> {
        described(&self.endpoint, &self.certificate_authority_data)
    }
}

/// Returns what identifies an endpoint: the host of its URL, and its CA certificates, which are base64 of PEM. `None` if
/// one of them cannot be read.
pub fn described(url: &str, certificate_authority_data: &str) -> Option<DescribedEndpoint> {
    let url: Uri = url.parse().ok()?;
    let pem = BASE64_STANDARD.decode(certificate_authority_data.trim());
    Some(DescribedEndpoint {
        host: url.host()?.trim_matches(['[', ']']).to_owned(),
        authorities: kubeconfig::certificates(&pem.ok()?).ok()?,
    })
}

/// Prepares a connection to an EKS cluster without a kubeconfig, with these tokens. Must be called within a tokio
/// runtime.
///
/// # Errors
/// If the flags, the endpoint or a proxy cannot be used. No request is sent.
pub async fn connect_to(
    place: &EksEndpoint,
    tokens: Tokens,
    flags: &Flags,
    environment: &Environment,
) -> Result<ApiClient, ConnectError> {
    let connection = connect_to_anonymously(place, flags, environment).await?;
    Ok(connection.trust(None)?.with_tokens(tokens))
}

/// Prepares an unauthenticated connection to an EKS cluster without a kubeconfig.
///
/// # Errors
/// The same errors as [`connect_to`].
pub async fn connect_to_anonymously(
    place: &EksEndpoint,
    flags: &Flags,
    environment: &Environment,
) -> Result<AnonymousConnection, ConnectError> {
    let access = access_to(place, flags)?;
    let server = access.server();
    Ok(AnonymousConnection {
        eks: EksName {
            name: Some(place.token_id.clone()),
            region: Some(place.eks.region().to_owned()),
            ..EksName::default()
        },
        namespace: DEFAULT_NAMESPACE.to_owned(),
        client: Arc::new(open(access, flags, environment).await?),
        server,
        described: place.described(),
        exceptions: flags.exceptions.clone(),
    })
}

pub(super) fn access_to(place: &EksEndpoint, flags: &Flags) -> Result<Access, ConnectError> {
    let target = Target {
        server: place.endpoint.clone(),
        eks: Some(place.eks.clone()),
        ..Target::default()
    };
    kubeconfig::at(target, place.certificate_authority_data.clone(), flags)
}

/// Prepares a connection without credentials. Ignores those of the kubeconfig and runs no plugin.
///
/// # Errors
/// The same errors as [`connect`].
pub async fn connect_anonymously(
    flags: &Flags,
    environment: &Environment,
) -> Result<AnonymousConnection, ConnectError> {
    let mut access = kubeconfig::choose(flags, environment)?;
    let user = std::mem::take(&mut access.config.auth_info);
    let server = access.server();
    Ok(AnonymousConnection {
        eks: EksName::of(user.exec.as_ref(), &access.target),
        namespace: access
            .namespace
            .clone()
            .unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
        client: Arc::new(open(access, flags, environment).await?),
        server,
        described: None,
        exceptions: flags.exceptions.clone(),
    })
}

/// Returns the EKS cluster that the selected context of the kubeconfig names; `None` if no context can be selected.
pub fn eks_name(flags: &Flags, environment: &Environment) -> Option<EksName> {
    let access = kubeconfig::choose(flags, environment).ok()?;
    let exec = access.config.auth_info.exec.as_ref();
    Some(EksName::of(exec, &access.target))
}

async fn open(
    access: Access,
    flags: &Flags,
    environment: &Environment,
) -> Result<ApiClient, ConnectError> {
    // kubectl sends no credentials over plain HTTP either: it leaves them out.
    if access.sends_credentials() {
        access.server().check_confidential(&flags.exceptions)?;
    }
    let Access {
        target,
        mut config,
        proxy_url,
        ..
    } = access;
    let proxy = proxy::of(&config.cluster_url, proxy_url.as_deref(), environment)
        .map_err(|proxy| ConnectError::Proxy { proxy })?;
    let auth = authenticate(&config).await?;
    let exec = config.auth_info.exec.clone();
    if auth.is_some() {
        // While it builds the TLS settings, kube would run the plugin again, because the plugin might return a client
        // certificate.
        config.auth_info.exec = None;
    }
    let through = proxy.as_ref().map(|proxy| proxy.uri().to_string());
    let client = build(&config, auth, proxy)?;
    Ok(ApiClient::new(
        client,
        target,
        through,
        exec,
        flags.request_timeout,
    ))
}

async fn authenticate(config: &Config) -> Result<Option<AuthLayer>, ConnectError> {
    let failed = |error: kube::Error, exec: Option<&ExecConfig>| match error {
        kube::Error::Auth(error) => CredentialsError::of(&error, exec).into(),
        other => ConnectError::of_client(other),
    };
    let exec = config.auth_info.exec.as_ref();
    if exec.is_none() && config.auth_info.auth_provider.is_none() {
        return config.auth_layer().map_err(|error| failed(error, exec));
    }
    let owned = config.clone();
    match tokio::task::spawn_blocking(move || owned.auth_layer()).await {
        Ok(layer) => layer.map_err(|error| failed(error, exec)),
        Err(_) => Err(CredentialsError::Unusable.into()),
    }
}

fn build(
    config: &Config,
    auth: Option<AuthLayer>,
    proxy: Option<Intercept>,
) -> Result<Client, ConnectError> {
    // kube's own connector leaves the socket to Nagle's algorithm, which with delayed acknowledgements costs 40 ms.
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    // A watch may receive nothing for minutes. Without keepalive, it would not notice a lost connection.
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_keepalive_interval(Some(KEEPALIVE / 3));
    tcp.set_keepalive_retries(Some(3));
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let Some(proxy) = proxy else {
        return stack(config, auth, tcp);
    };
    match proxy.uri().scheme_str() {
        Some("socks5" | "socks5h") => {
            let mut through = SocksV5::new(with_port(proxy.uri(), 1080), tcp);
            if let Some((user, password)) = proxy.raw_auth() {
                through = through.with_auth(user.to_owned(), password.to_owned());
            }
            stack(config, auth, through)
        }
        Some("https") => {
            // The proxy gets neither the cluster's CA nor the user's client certificate.
            let own = Config::new(proxy.uri().clone());
            let tls = own
                .rustls_https_connector_with_connector(tcp)
                .map_err(ConnectError::of_client)?;
            stack(config, auth, tunnel(&proxy, tls))
        }
        _ => stack(config, auth, tunnel(&proxy, tcp)),
    }
}

fn tunnel<C>(proxy: &Intercept, transport: C) -> Tunnel<C> {
    let through = Tunnel::new(proxy.uri().clone(), transport);
    match proxy.basic_auth() {
        Some(credentials) => through.with_auth(credentials.clone()),
        None => through,
    }
}

fn with_port(proxy: &Uri, default: u16) -> Uri {
    let Some((host, None)) = proxy.host().map(|host| (host, proxy.port())) else {
        return proxy.clone();
    };
    let scheme = proxy.scheme_str().unwrap_or_default();
    format!("{scheme}://{host}:{default}/")
        .parse()
        .unwrap_or_else(|_| proxy.clone())
}

/// kube's layers over our own transport. HTTP/1.1: requests follow one another on one connection, so there is
/// nothing to multiplex.
fn stack<C>(config: &Config, auth: Option<AuthLayer>, transport: C) -> Result<Client, ConnectError>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + Read + Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let tls = config
        .rustls_https_connector_with_connector(transport)
        .map_err(ConnectError::of_client)?;
    let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(tls);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(auth)
        .layer(
            config
                .extra_headers_layer()
                .map_err(ConnectError::of_client)?,
        )
        .map_err(BoxError::from)
        .service(ResponseLimit(http));
    Ok(Client::new(service, "default"))
}
