//! What the kubelet is told, and whoever asks why.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{Method, Request, Response, StatusCode};
use hyper::body::Bytes;

use super::http::Answer;
use super::metrics::Metrics;

/// Whether the parts of the controller are ready, and what is not known without being missed.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<BTreeMap<&'static str, State>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Ready,
    NotReady(String),
    Remark(String),
}

impl Health {
    /// A part that the process is not ready without.
    pub(crate) fn needs(&self, part: &'static str, why: impl Into<String>) {
        self.parts().insert(part, State::NotReady(why.into()));
    }

    /// The part is ready.
    pub(crate) fn is_ready(&self, part: &'static str) {
        self.parts().insert(part, State::Ready);
    }

    /// Something to be known, which makes nothing less ready.
    pub(crate) fn remarks(&self, part: &'static str, what: impl Into<String>) {
        self.parts().insert(part, State::Remark(what.into()));
    }

    fn parts(&self) -> MutexGuard<'_, BTreeMap<&'static str, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all parts are ready, and each part on a line. What is only to be known has a mark of its own: nothing was checked.
    fn report(&self) -> (bool, String) {
        let mut text = String::new();
        let mut ready = true;
        for (part, state) in self.parts().iter() {
            let _ = match state {
                State::Ready => writeln!(text, "[+] {part}: ready"),
                State::Remark(what) => writeln!(text, "[i] {part}: {what}"),
                State::NotReady(why) => {
                    ready = false;
                    writeln!(text, "[-] {part}: {why}")
                }
            };
        }
        (ready, text)
    }

    /// The answer to `/healthz` and `/readyz`. That it comes says that the process is alive: one thread does all.
    pub(crate) fn answer<B>(&self, request: &Request<B>) -> Answer {
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/healthz") => plain(StatusCode::OK, "ok\n".to_owned()),
            (&Method::GET | &Method::HEAD, "/readyz") => match self.report() {
                (true, text) => plain(StatusCode::OK, text),
                (false, text) => plain(StatusCode::SERVICE_UNAVAILABLE, text),
            },
            (_, path) => lost(path),
        }
    }
}

/// The answer on the port of metrics.
pub(crate) fn metrics<B>(metrics: &Metrics, request: &Request<B>) -> Answer {
    match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => metrics.answer(),
        (_, path) => lost(path),
    }
}

fn lost(path: &str) -> Answer {
    match path {
        "/healthz" | "/readyz" | "/metrics" => {
            plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned())
        }
        _ => plain(StatusCode::NOT_FOUND, "not found\n".to_owned()),
    }
}

/// An answer in plain text.
pub(crate) fn plain(status: StatusCode, text: String) -> Answer {
    let mut answer = Response::new(Bytes::from(text).into());
    *answer.status_mut() = status;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_makes_it_unready() {
        let health = Health::default();
        health.needs("objects", "not listed yet");
        health.remarks("EKS", "not asked");
        let (ready, text) = health.report();
        assert!(!ready);
        assert_eq!(text, "[i] EKS: not asked\n[-] objects: not listed yet\n");
        health.is_ready("objects");
        let (ready, text) = health.report();
        assert!(ready);
        assert!(text.ends_with("[+] objects: ready\n"), "{text}");
    }

    #[test]
    fn other_paths_and_methods_are_refused() {
        let ask = |method: Method, path: &str| {
            let request = Request::builder().method(method).uri(path).body(());
            Health::default().answer(&request.unwrap()).status()
        };
        assert_eq!(ask(Method::GET, "/healthz"), StatusCode::OK);
        assert_eq!(ask(Method::GET, "/readyz"), StatusCode::OK);
        assert_eq!(ask(Method::POST, "/readyz"), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(ask(Method::GET, "/"), StatusCode::NOT_FOUND);
    }
}
