//! The endpoints `/healthz`, `/readyz` and `/metrics`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{Method, Request, Response, StatusCode};
use hyper::body::Bytes;

use super::http::HttpResponse;
use super::metrics::Metrics;

/// The readiness of the controller's parts, and informational lines.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<BTreeMap<&'static str, State>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Ready,
    NotReady(String),
    Info(String),
}

impl Health {
    /// Marks a part as not ready, so that the process is not ready.
    pub(crate) fn set_not_ready(&self, part: &'static str, why: impl Into<String>) {
        self.parts().insert(part, State::NotReady(why.into()));
    }

    pub(crate) fn set_ready(&self, part: &'static str) {
        self.parts().insert(part, State::Ready);
    }

    /// Sets an informational line, which does not affect readiness.
    pub(crate) fn set_info(&self, part: &'static str, what: impl Into<String>) {
        self.parts().insert(part, State::Info(what.into()));
    }

    fn parts(&self) -> MutexGuard<'_, BTreeMap<&'static str, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether all parts are ready, and a line for each part. Informational lines are marked `[i]`.
    fn report(&self) -> (bool, String) {
        let mut text = String::new();
        let mut ready = true;
        for (part, state) in self.parts().iter() {
            let _ = match state {
                State::Ready => writeln!(text, "[+] {part}: ready"),
                State::Info(what) => writeln!(text, "[i] {part}: {what}"),
                State::NotReady(why) => {
                    ready = false;
                    writeln!(text, "[-] {part}: {why}")
                }
            };
        }
        (ready, text)
    }

    /// Responds to `/healthz` and `/readyz`. Any response shows that the process is alive, because one thread serves everything.
    pub(crate) fn respond<B>(&self, request: &Request<B>) -> HttpResponse {
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/healthz") => {
                plain_text(StatusCode::OK, "ok\n".to_owned())
            }
            (&Method::GET | &Method::HEAD, "/readyz") => match self.report() {
                (true, text) => plain_text(StatusCode::OK, text),
                (false, text) => plain_text(StatusCode::SERVICE_UNAVAILABLE, text),
            },
            (_, path) => not_served(path),
        }
    }
}

/// Responds to `/metrics`.
pub(crate) fn metrics<B>(metrics: &Metrics, request: &Request<B>) -> HttpResponse {
    match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => metrics.respond(),
        (_, path) => not_served(path),
    }
}

fn not_served(path: &str) -> HttpResponse {
    match path {
        "/healthz" | "/readyz" | "/metrics" => {
            plain_text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned())
        }
        _ => plain_text(StatusCode::NOT_FOUND, "not found\n".to_owned()),
    }
}

/// Returns a response in plain text.
pub(crate) fn plain_text(status: StatusCode, text: String) -> HttpResponse {
    let mut response = Response::new(Bytes::from(text).into());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn informational_lines_do_not_affect_readiness() {
        let health = Health::default();
        health.set_not_ready("objects", "not listed yet");
        health.set_info("EKS", "not asked");
        let (ready, text) = health.report();
        assert!(!ready);
        assert_eq!(text, "[i] EKS: not asked\n[-] objects: not listed yet\n");
        health.set_ready("objects");
        let (ready, text) = health.report();
        assert!(ready);
        assert!(text.ends_with("[+] objects: ready\n"), "{text}");
    }

    #[test]
    fn other_paths_and_methods_are_rejected() {
        let status = |method: Method, path: &str| {
            let request = Request::builder().method(method).uri(path).body(());
            Health::default().respond(&request.unwrap()).status()
        };
        assert_eq!(status(Method::GET, "/healthz"), StatusCode::OK);
        assert_eq!(status(Method::GET, "/readyz"), StatusCode::OK);
        assert_eq!(
            status(Method::POST, "/readyz"),
            StatusCode::METHOD_NOT_ALLOWED
        );
        assert_eq!(status(Method::GET, "/"), StatusCode::NOT_FOUND);
    }
}
