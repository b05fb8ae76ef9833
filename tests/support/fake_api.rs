//! A pretend API server that misbehaves in one named way, for faults that a real one shows too rarely to test.
//!
//! It keeps one ConfigMap and treats resourceVersions as the real one does. It listens on a loopback port of its own
//! and ends with the value.

#[path = "fake_api/state.rs"]
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

/// The one way in which the server misbehaves.
#[derive(Clone, Debug)]
pub(crate) enum Scenario {
    /// It doesn't.
    Calm,
    /// Before each of the first `times` real writes arrives, somebody else has written.
    Conflicts { times: u32, by: &'static str },
    /// The first `times` requests are answered with 429 and `Retry-After: 1`.
    Throttled { times: u32 },
    /// The first `times` requests of this method (dry runs left out) are answered with this status.
    Failing {
        method: Method,
        status: u16,
        times: u32,
    },
    /// The first `times` requests break off without an answer.
    Resets { times: u32 },
    /// The first real write is stored, and its answer is lost.
    AnswerLost,
    /// The first real write is stored, its answer is lost, and somebody else writes at once.
    AnswerLostAndOvertaken,
    /// The first real write is lost before it is stored.
    RequestLost,
    /// Every real write is lost before it is stored, and reads fail from then on.
    GoneAfterWrite,
    /// Somebody else creates the ConfigMap just before our creation arrives.
    CreateRace,
    /// Somebody deletes the ConfigMap just before our first write arrives.
    Deleted,
    /// Every answer to this method (dry runs left out) comes this late.
    Slow { method: Method, delay: Duration },
    /// Everything is answered with this status and this body.
    Always { status: u16, body: &'static str },
    /// Real and dry writes are answered with this status, reason and message.
    RefusesWrites {
        status: u16,
        reason: &'static str,
        message: &'static str,
    },
    /// `/readyz` fails `times` times, then the ConfigMap is missing for as many reads.
    Starting { times: u32 },
}

/// The running server.
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

/// An aws-auth with one entry, as eksctl leaves it behind.
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
    /// Starts it over plain HTTP.
    pub(crate) async fn start(scenario: Scenario, object: Option<Value>) -> Self {
        Self::start_with(scenario, object, None).await
    }

    /// Starts it, over TLS if an acceptor is given.
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

    /// A folder that ends with the server.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a kubeconfig with one context `fake`. `cluster` and `user` are the rest of these entries, as YAML lines.
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

    /// The stored object.
    pub(crate) fn object(&self) -> Value {
        self.state
            .lock()
            .unwrap()
            .object
            .clone()
            .expect("a stored object")
    }

    /// What was asked, in order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    /// How many connections were opened.
    pub(crate) fn connections(&self) -> u32 {
        self.state.lock().unwrap().connections
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, state: Arc<Mutex<State>>) {
    let service = service_fn(|request| answer(request, Arc::clone(&state)));
    // An error is a connection that a scenario breaks off.
    let _ = hyper::server::conn::http1::Builder::new()
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
        (
            state.reply(&parts.method, parts.uri.path(), value, dry),
            delay,
        )
    };
    tokio::time::sleep(delay).await;
    reply.ok_or_else(|| "broken off".to_owned())
}

/// Never used as an error, but what a plan that can't fail fails with.
pub(crate) type Never = Infallible;
