//! The API client: single requests, and reads that are retried.

mod config_map_writes;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::header::{AUTHORIZATION, DATE, HeaderValue};
use http::response::Parts;
use http::{Method, Request};
use hyper::body::Bytes;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use kube::Client;
use kube::config::ExecConfig;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::backoff::Backoff;
use super::connection_target::Target;
use super::live_config_map::Live;
use super::request_error::{self, Fault, RequestError};
use super::token_renewal::Tokens;
use super::{NAME, NAMESPACE};

pub(crate) use config_map_writes::Mode;

/// The default timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a refused connection is treated as a restart of the API server.
const RESTART: Duration = Duration::from_secs(10);

/// The media type of Kubernetes objects.
const JSON: &str = "application/json";
/// The media type of a JSON merge patch, applied to the current object.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply>
const MERGE_PATCH: &str = "application/merge-patch+json";

/// The media type of server-side apply. JSON is valid YAML.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/>
const APPLY_PATCH: &str = "application/apply-patch+yaml";
/// The media type of a JSON patch, a list of operations that are applied together or not at all.
/// <https://www.rfc-editor.org/rfc/rfc6902>
const JSON_PATCH: &str = "application/json-patch+json";

/// The path of the readiness check.
const READYZ: &str = "/readyz";

/// A client for one API server, over one connection.
pub struct ApiClient {
    client: Client,
    target: Arc<Target>,
    proxy: Option<String>,
    exec: Option<ExecConfig>,
    request_timeout: Duration,
    requests: AtomicU32,
    bearer: Option<Bearer>,
    writer: Writer,
}

/// The body of a request.
#[derive(Clone)]
struct Content {
    media_type: &'static str,
    bytes: Bytes,
}

/// The writer of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    /// The command-line program.
    Program,
    /// The controller. It creates missing objects by server-side apply, which RBAC can restrict by name; a POST has no name.
    /// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources>
    Controller,
}

/// The credentials to send when the client does not authenticate itself.
pub(crate) enum Bearer {
    /// A fixed token.
    One(SecretString),
    /// Tokens that are renewed.
    Renewed(Tokens),
}

impl ApiClient {
    pub fn new(
        client: Client,
        target: Target,
        proxy: Option<String>,
        exec: Option<ExecConfig>,
        request_timeout: Option<Duration>,
    ) -> Self {
        Self {
            client,
            target: Arc::new(target),
            proxy,
            exec,
            // In kubectl, zero means no timeout; the run has its own time limit.
            request_timeout: match request_timeout {
                Some(Duration::ZERO) => Duration::MAX,
                given => given.unwrap_or(REQUEST_TIMEOUT),
            },
            requests: AtomicU32::new(0),
            bearer: None,
            writer: Writer::Program,
        }
    }

    /// Returns a client for the same anonymous connection that authenticates with `bearer`. Only `connect` may call this,
    /// after it has checked the server.
    pub(crate) fn authenticated(&self, bearer: Bearer) -> Self {
        Self {
            client: self.client.clone(),
            target: Arc::clone(&self.target),
            proxy: self.proxy.clone(),
            exec: None,
            request_timeout: self.request_timeout,
            requests: AtomicU32::new(0),
            bearer: Some(bearer),
            writer: self.writer,
        }
    }

    /// Returns a client that writes as the controller.
    #[must_use]
    pub fn for_controller(self) -> Self {
        Self {
            writer: Writer::Controller,
            ..self
        }
    }

    /// Returns the underlying client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the cluster that the client is connected to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the proxy, without its password.
    pub fn proxy(&self) -> Option<&str> {
        self.proxy.as_deref()
    }

    /// Sends one liveness check, and returns the status of the response. 401 and 403 also show that the API server is
    /// alive.
    ///
    /// # Errors
    /// If the API server is not alive.
    pub async fn alive(&self, time_limit: Duration) -> Result<u16, RequestError> {
        let deadline = Instant::now() + time_limit;
        let request = self.exchange(Method::GET, "/livez", None, "*/*", deadline);
        match request.await {
            Ok((status, _)) => Ok(status),
            Err(Fault::Unauthorized(_)) => Ok(401),
            Err(Fault::Forbidden(_)) => Ok(403),
            Err(fault) => Err(self.failed("get", fault)),
        }
    }

    /// Requests the API server's time. It is in whole seconds, and never later than the time of the response. `None` if the response
    /// has no date. A response that denies the request has one, too.
    ///
    /// # Errors
    /// If the API server does not respond.
    pub async fn server_time(&self, time_limit: Duration) -> Result<Option<Timestamp>, Fault> {
        let deadline = Instant::now() + time_limit;
        let (parts, _) = self
            .respond(Method::GET, "/version", None, JSON, deadline)
            .await?;
        let date = parts.headers.get(DATE).and_then(|date| date.to_str().ok());
        let parsed = date.and_then(|date| rfc2822::parse(date).ok());
        Ok(parsed.map(|date| date.timestamp()))
    }

    /// Returns the number of requests sent so far.
    pub fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Reads aws-auth; retries for at most `time_limit` while the API server is throttling, failing or restarting.
    ///
    /// # Errors
    /// If no attempt is answered, or the response is neither the ConfigMap nor 404.
    pub async fn read(&self, time_limit: Duration) -> Result<Live, RequestError> {
        self.read_until(Instant::now() + time_limit).await
    }

    pub(crate) async fn read_until(&self, deadline: Instant) -> Result<Live, RequestError> {
        let read = self.read_named(NAME, deadline).await;
        read.map_err(|fault| self.failed("get", fault))
    }

    /// Reads another ConfigMap of the namespace in the same way.
    pub(crate) async fn read_named(&self, name: &str, deadline: Instant) -> Result<Live, Fault> {
        let path = format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{name}");
        let read = self.repeat(deadline, || self.send(Method::GET, &path, None, deadline));
        match read.await {
            Ok(object) => Ok(Live::stored(object)),
            Err(Fault::NotFound(_)) => Ok(Live::missing()),
            Err(fault) => Err(fault),
        }
    }

    /// Checks once whether the API server is ready.
    pub async fn probe(&self, deadline: Instant) -> Result<(), Fault> {
        self.send(Method::GET, READYZ, None, deadline)
            .await
            .map(drop)
    }

    pub fn failed(&self, verb: &'static str, fault: Fault) -> RequestError {
        RequestError {
            fault,
            target: Arc::clone(&self.target),
            verb,
        }
    }

    /// Reads the object at `path`, as [`read`](Self::read) reads aws-auth.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        deadline: Instant,
    ) -> Result<T, Fault> {
        self.get_as(path, JSON, deadline).await
    }

    /// Reads the object at `path` in one of the media types of `accept`.
    pub(crate) async fn get_as<T: DeserializeOwned>(
        &self,
        path: &str,
        accept: &str,
        deadline: Instant,
    ) -> Result<T, Fault> {
        let send = async || {
            let answer = self.exchange(Method::GET, path, None, accept, deadline);
            read(answer.await?)
        };
        self.repeat(deadline, send).await
    }

    /// Sends an object that is not stored, such as an access review, and reads the response, like [`get`](Self::get).
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        object: &Value,
        deadline: Instant,
    ) -> Result<T, Fault> {
        let content = Content {
            media_type: JSON,
            bytes: Bytes::from(object.to_string()),
        };
        let send = async || {
            let content = Some(content.clone());
            let answer = self.exchange(Method::POST, path, content, JSON, deadline);
            read(answer.await?)
        };
        self.repeat(deadline, send).await
    }

    /// Deletes the object at `path`.
    pub(crate) async fn delete(&self, path: &str, deadline: Instant) -> Result<(), Fault> {
        let send = || self.exchange(Method::DELETE, path, None, JSON, deadline);
        self.repeat(deadline, send).await.map(drop)
    }

    async fn repeat<T, S: Future<Output = Result<T, Fault>>>(
        &self,
        deadline: Instant,
        send: impl Fn() -> S,
    ) -> Result<T, Fault> {
        self.repeat_if(Fault::is_transient, deadline, send).await
    }

    async fn repeat_if<T, S: Future<Output = Result<T, Fault>>>(
        &self,
        worth_it: impl Fn(&Fault) -> bool,
        deadline: Instant,
        send: impl Fn() -> S,
    ) -> Result<T, Fault> {
        let mut backoff = Backoff::default();
        let restarted = Instant::now() + RESTART;
        loop {
            let fault = match send().await {
                Err(fault) if worth_it(&fault) => fault,
                settled => return settled,
            };
            let wait = backoff
                .next_wait()
                .max(fault.retry_after().unwrap_or_default());
            let give_up = match fault {
                Fault::Refused(..) => deadline.min(restarted),
                _ => deadline,
            };
            if Instant::now() + wait >= give_up {
                return Err(fault);
            }
            sleep(wait).await;
        }
    }

    /// Sends one request and decodes a ConfigMap.
    async fn send(
        &self,
        method: Method,
        path: &str,
        content: Option<Content>,
        deadline: Instant,
    ) -> Result<Value, Fault> {
        let answer = self.exchange(method, path, content, JSON, deadline);
        let (status, body) = answer.await?;
        let configmap = |value: &Value| value["kind"] == "ConfigMap";
        match serde_json::from_slice::<Value>(&body)
            .ok()
            .filter(configmap)
        {
            Some(value) => Ok(value),
            // The health endpoints answer in plain text; a login page of a proxy does not.
            None if path == READYZ && body.trim_ascii() == b"ok" => Ok(Value::Null),
            None => Err(Fault::NotKubernetes(status)),
        }
    }

    /// Sends one request and returns the status and body of a successful response.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        content: Option<Content>,
        accept: &str,
        deadline: Instant,
    ) -> Result<(u16, Bytes), Fault> {
        let answer = self.respond(method, path, content, accept, deadline);
        let (parts, body) = answer.await?;
        if !parts.status.is_success() {
            return Err(request_error::of_answer(&parts, &body));
        }
        Ok((parts.status.as_u16(), body))
    }

    /// Sends one request and returns the response.
    async fn respond(
        &self,
        method: Method,
        path: &str,
        content: Option<Content>,
        accept: &str,
        deadline: Instant,
    ) -> Result<(Parts, Bytes), Fault> {
        let server = &self.target.server;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", accept)
            .header("user-agent", concat!("awsauth/", env!("CARGO_PKG_VERSION")));
        let unsent = |error: kube::Error| {
            request_error::of_transport(error, server, self.proxy.as_deref(), self.exec.as_ref())
        };
        let token = match &self.bearer {
            Some(Bearer::One(token)) => Some(token.clone()),
            Some(Bearer::Renewed(tokens)) => Some(tokens.token().await.map_err(Fault::NoToken)?),
            None => None,
        };
        let request = match token {
            Some(token) => {
                let value =
                    bearer(&token).map_err(|error| unsent(kube::Error::HttpError(error)))?;
                request.header(AUTHORIZATION, value)
            }
            None => request,
        };
        let request = match content {
            Some(Content { media_type, bytes }) => request
                .header("content-type", media_type)
                .body(bytes.into()),
            None => request.body(kube::client::Body::empty()),
        };
        let request = request.map_err(|error| unsent(kube::Error::HttpError(error)))?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answered = async {
            let (parts, body) = self.client.send(request).await?.into_parts();
            Ok((parts, body.collect_bytes().await?))
        };
        let limit = self
            .request_timeout
            .min(deadline.saturating_duration_since(Instant::now()));
        match timeout(limit, answered).await {
            Err(_) => Err(Fault::TimedOut(server.clone(), limit)),
            Ok(answer) => answer.map_err(unsent),
        }
    }
}

/// Decodes a response's JSON.
fn read<T: DeserializeOwned>((status, body): (u16, Bytes)) -> Result<T, Fault> {
    serde_json::from_slice(&body).map_err(|_| Fault::NotKubernetes(status))
}

/// Returns the value of the header that carries a token. `Debug` does not show it.
fn bearer(token: &SecretString) -> Result<HeaderValue, http::Error> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))?;
    value.set_sensitive(true);
    Ok(value)
}
