//! From what the transport or the server says to a [`Fault`].

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use http::response::Parts;
use kube::client::AuthError;
use kube::config::ExecConfig;
use kube::core::Status;
use kube::core::response::reason;
use rustls::CertificateError;

use super::{Cause, CredentialsError, Fault};

/// Longer than this, a server's words are cut: some answer with a page.
const LONGEST_MESSAGE: usize = 600;

/// The fault of a request that got no answer.
pub fn of_transport(
    error: kube::Error,
    server: &str,
    proxy: Option<&str>,
    exec: Option<&ExecConfig>,
) -> Fault {
    if let Some(error) = find::<AuthError>(&error) {
        return Fault::Credentials(CredentialsError::of(error, exec));
    }
    let server = server.to_owned();
    if let Some(tls) = find::<rustls::Error>(&error) {
        let cause = Cause::from(tls.clone());
        return match tls {
            rustls::Error::InvalidCertificate(certificate) => match certificate {
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => {
                    Fault::CertificateExpired(server, cause)
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => {
                    Fault::CertificateOtherName(server, cause)
                }
                _ => Fault::CertificateNotTrusted(server, cause),
            },
            _ => Fault::Tls(server, cause),
        };
    }
    let hyper = find::<hyper_util::client::legacy::Error>(&error);
    let connecting = hyper.is_some_and(hyper_util::client::legacy::Error::is_connect);
    let cause = root(&error);
    if !connecting {
        return Fault::Lost(server, cause);
    }
    if let Some(proxy) = proxy {
        return Fault::Proxy(proxy.to_owned(), cause);
    }
    if chain(&error).any(|cause| cause.to_string().starts_with("dns error")) {
        return Fault::UnknownHost(server, cause);
    }
    match find::<io::Error>(&error).map(io::Error::kind) {
        Some(io::ErrorKind::TimedOut) => Fault::ConnectTimedOut(server),
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            Fault::NoRoute(server, cause)
        }
        // A server that goes down resets or cuts off connections that are not quite open.
        _ => Fault::Refused(server, cause),
    }
}

/// The fault of an answer with a status other than success.
pub fn of_answer(parts: &Parts, body: &[u8]) -> Fault {
    let code = parts.status.as_u16();
    let status = serde_json::from_slice::<Status>(body)
        .ok()
        .filter(|status| status.is_failure());
    let after = parts
        .headers
        .get(http::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let after = after
        .and_then(|seconds| seconds.trim().parse().ok())
        .map(Duration::from_secs);
    let Some(status) = status else {
        // Before a request reaches the API proper, throttling and failures come as plain text, and from what stands in between.
        let text = String::from_utf8_lossy(body);
        let failed = failed_checks(&text);
        let said = shortened(text.trim());
        return match code {
            401 => Fault::Unauthorized(said),
            429 => Fault::Throttled(said, after),
            500.. if !failed.is_empty() => Fault::NotReady(failed),
            500.. => Fault::Server(code, said, after),
            _ => Fault::NotKubernetes(code),
        };
    };
    let said = shortened(&status.message);
    match (code, status.reason.as_str()) {
        (401, _) => Fault::Unauthorized(said),
        // An admission webhook may answer with any status.
        (400..500, _) if said.starts_with("admission webhook ") => Fault::Rejected(code, said),
        (403, _) => Fault::Forbidden(said),
        (404, _) => Fault::NotFound(said),
        (409, reason::ALREADY_EXISTS) => Fault::AlreadyExists(said),
        (409, _) => Fault::Conflict(said),
        (413, _) => Fault::TooLarge(said),
        (422, _) if said.contains("Too long") => Fault::TooLarge(said),
        (429, _) => Fault::Throttled(said, after),
        (500.., _) if said.contains("request is too large") => Fault::TooLarge(said),
        (500.., _) => Fault::Server(code, said, after),
        _ => Fault::Rejected(code, said),
    }
}

/// The checks that the text of a health endpoint calls failed.
/// <https://kubernetes.io/docs/reference/using-api/health-checks/>
fn failed_checks(text: &str) -> Vec<String> {
    let failed = text.lines().filter_map(|line| line.strip_prefix("[-]"));
    failed
        .filter_map(|check| check.split_whitespace().next())
        .map(|name| name.strip_prefix("poststarthook/").unwrap_or(name))
        .map(str::to_owned)
        .collect()
}

fn shortened(text: &str) -> String {
    let end = text
        .char_indices()
        .nth(LONGEST_MESSAGE)
        .map_or(text.len(), |(at, _)| at);
    text[..end].to_owned()
}

/// The error and its causes, those inside an [`io::Error`] included, which `source` skips.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
        match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    }
    std::iter::successors(Some(error), |error| cause(*error))
}

/// The first cause of type `T`.
pub(super) fn find<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

/// The innermost cause, as text: what stands around it says no more than the fault itself.
fn root(error: &(dyn StdError + 'static)) -> Cause {
    chain(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
        .into()
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    fn said(body: &str) -> String {
        let (parts, ()) = Response::builder()
            .status(500)
            .body(())
            .unwrap()
            .into_parts();
        of_answer(&parts, body.as_bytes()).to_string()
    }

    #[test]
    fn a_server_that_is_not_ready_is_told_of_by_its_failed_checks() {
        let passed = "[+]poststarthook/start-kube-apiserver-admission-initializer ok\n".repeat(30);
        let body = format!(
            "[+]ping ok\n[-]informer-sync failed: reason withheld\n{passed}\
             [-]poststarthook/crd-informer-synced failed: reason withheld\nreadyz check failed\n"
        );
        assert_eq!(said(&body), "not ready: informer-sync, crd-informer-synced");
        assert_eq!(
            said("out of order\n"),
            "the API server failed with 500: out of order"
        );
    }
}
