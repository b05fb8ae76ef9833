//! A fake API server with one fault, for faults that are too rare on a real one.
//!
//! It stores one ConfigMap and handles resourceVersions as the real one does. It listens on a loopback port until it
//! is dropped.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod state;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use state::State;

/// The fault of the server.
#[derive(Clone, Debug)]
pub(crate) enum Scenario {
    /// No fault.
    Calm,
    /// Another client writes just before each of the first `times` writes. Dry runs do not count.
    Conflicts { times: u32, by: &'static str },
    /// The first `times` requests are answered with 429 and `Retry-After: 1`.
    Throttled { times: u32 },
    /// The first `times` requests with this method, except dry runs, fail with this status.
    Failing {
        method: Method,
        status: u16,
        times: u32,
    },
    /// The first `times` connections are closed without a response.
    Resets { times: u32 },
    /// The first write is stored, but its response is lost.
    AnswerLost,
    /// The first write is stored, its response is lost, and another client writes immediately.
    AnswerLostAndOvertaken,
    /// The first write is lost before it is stored.
    RequestLost,
    /// Every write is lost before it is stored, and later reads fail.
    GoneAfterWrite,
    /// Another client replaces mapRoles just before the first write. The user may access aws-auth and nothing else.
    Replaced { roles: &'static str },
    /// Another client creates the ConfigMap just before the create request.
    CreateRace,
    /// Another client deletes the ConfigMap just before the first write.
    Deleted,
    /// The first write is lost before it is stored, and another client deletes the ConfigMap.
    RequestLostAndDeleted,
    /// The history may be neither read nor written.
    HistoryRefused,
    /// Every response to this method, except to dry runs, is delayed.
    Slow { method: Method, delay: Duration },
    /// Every response has this header `Date`, or none. The user may access aws-auth and nothing else.
    Dated { date: Option<&'static str> },
    /// Every response has this status and body.
    Always { status: u16, body: &'static str },
    /// Writes and dry runs fail with this status, reason and message.
    RefusesWrites {
        status: u16,
        reason: &'static str,
        message: &'static str,
    },
    /// `/readyz` fails `times` times; then the ConfigMap is missing for as many reads.
    Starting { times: u32 },
}

/// A running fake API server.
pub(crate) struct FakeApi {
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) url: String,
    folder: tempfile::TempDir,
    accepting: JoinHandle<()>,
}

impl Drop for FakeApi {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// An aws-auth with one entry, as eksctl creates it.
pub(crate) fn eksctl_made() -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": "aws-auth", "namespace": "kube-system", "uid": "11111111-2222-3333-4444-555555555555",
            "labels": {"team": "platform"}, "annotations": {"note": "keep"},
            "managedFields": [{"manager": "eksctl", "operation": "Update", "time": "2026-01-01T00:00:00Z",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}, "f:mapRoles": {}}}}],
        },
        "data": {"mapRoles": "- rolearn: arn:aws:iam::111122223333:role/node\n", "other": "kept"},
        "binaryData": {"blob": "AAEC"},
    })
}

impl FakeApi {
    /// Starts a server with plain HTTP.
    pub(crate) async fn start(scenario: Scenario, object: Option<Value>) -> Self {
        Self::start_with(scenario, object, None).await
    }

    /// Starts a server, with TLS if an acceptor is given.
    pub(crate) async fn start_with(
        scenario: Scenario,
        object: Option<Value>,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let mut state = State {
            scenario,
            shown: 0,
            version: 100,
            object: None,
            requests: Vec::new(),
            headers: Vec::new(),
            connections: 0,
            conflicts: 0,
        };
        if let Some(object) = object {
            state.store(object);
        }
        let state = Arc::new(Mutex::new(state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let (state, tls) = (Arc::clone(&shared), tls.clone());
                state.lock().unwrap().connections += 1;
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, state).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, state).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            state,
            url,
            folder: tempfile::tempdir().unwrap(),
            accepting,
        }
    }

    /// A folder that is removed with the server.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a kubeconfig with the context `fake`. `cluster` and `user` are more YAML lines of these entries.
    pub(crate) fn kubeconfig(&self, cluster: &str, user: &str) -> PathBuf {
        let entry = |text: &str| {
            text.lines()
                .map(|line| format!("\n    {line}"))
                .collect::<String>()
        };
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: fake\n\
             clusters:\n- name: fake-cluster\n  cluster:\n    server: {}{}\n\
             users:\n- name: me\n  user:\n    as-user-extra: {{}}{}\n\
             contexts:\n- name: fake\n  context: {{cluster: fake-cluster, user: me}}\n",
            self.url,
            entry(cluster),
            entry(user)
        );
        let path = self.folder.path().join("config");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Returns the stored object.
    pub(crate) fn object(&self) -> Value {
        self.state
            .lock()
            .unwrap()
            .object
            .clone()
            .expect("a stored object")
    }

    /// Returns the requests in order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Returns the number of connections.
    pub(crate) fn connections(&self) -> u32 {
        self.state.lock().unwrap().connections
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, state: Arc<Mutex<State>>) {
    let is_dated = !matches!(state.lock().unwrap().scenario, Scenario::Dated { .. });
    let service = service_fn(|request| answer(request, Arc::clone(&state)));
    // An error is a connection that the scenario closes.
    let _ = hyper::server::conn::http1::Builder::new()
        .auto_date_header(is_dated)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, String> {
    let (parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|error| error.to_string())?
        .to_bytes();
    let (reply, delay) = {
        let mut state = state.lock().unwrap();
        let dry = parts
            .uri
            .query()
            .is_some_and(|query| query.contains("dryRun=All"));
        let name = match (parts.uri.path(), dry) {
            ("/readyz", _) => "GET /readyz".to_owned(),
            (_, true) => format!("{} dry", parts.method),
            (_, false) => parts.method.to_string(),
        };
        state.requests.push(name);
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        let headers = headers.collect();
        state.headers.push(headers);
        let delay = match &state.scenario {
            Scenario::Slow { method, delay } if *method == parts.method && !dry => *delay,
            _ => Duration::ZERO,
        };
        let value = serde_json::from_slice(&body).ok();
        let mut reply = state.reply(&parts.method, parts.uri.path(), value, dry);
        if let (Scenario::Dated { date: Some(date) }, Some(reply)) = (&state.scenario, &mut reply) {
            reply.headers_mut().insert("date", date.parse().unwrap());
        }
        (reply, delay)
    };
    tokio::time::sleep(delay).await;
    reply.ok_or_else(|| "broken off".to_owned())
}

/// The error type of plans that cannot fail.
pub(crate) type Never = Infallible;
