//! Converts transport errors and error responses to a [`Fault`].

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
use crate::connect::ResponseTooLong;

/// The maximum length of a server's message. Some servers answer with an HTML page.
const LONGEST_MESSAGE: usize = 600;

/// Returns the fault of a request without a response.
pub(crate) fn of_transport(
    error: kube::Error,
    server: &str,
    proxy: Option<&str>,
    exec: Option<&ExecConfig>,
) -> Fault {
    if let Some(error) = find::<AuthError>(&error) {
        return Fault::Credentials(CredentialsError::of(error, exec));
    }
    let server = server.to_owned();
    if let Some(too_long) = find::<ResponseTooLong>(&error) {
        return Fault::ResponseTooLong(server, too_long.bytes);
    }
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
        // A server that is shutting down resets connections that are not fully open.
        _ => Fault::Refused(server, cause),
    }
}

/// Returns the fault of an error response.
pub(crate) fn of_answer(parts: &Parts, body: &[u8]) -> Fault {
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
        // Throttling and early failures of the API server, and responses of proxies, are plain text.
        let text = String::from_utf8_lossy(body);
        let failed = failed_checks(&text);
        let message = shortened(text.trim());
        return match code {
            401 => Fault::Unauthorized(message),
            429 => Fault::Throttled(message, after),
            500.. if !failed.is_empty() => Fault::NotReady(failed),
            500.. => Fault::Server(code, message, after),
            _ => Fault::NotKubernetes(code),
        };
    };
    let message = shortened(&status.message);
    match (code, status.reason.as_str()) {
        (401, _) => Fault::Unauthorized(message),
        // An admission webhook may answer with any status.
        (400..500, _) if message.starts_with("admission webhook ") => {
            Fault::Rejected(code, message)
        }
        (403, _) => Fault::Forbidden(message),
        (404, _) => Fault::NotFound(message),
        (409, reason::ALREADY_EXISTS) => Fault::AlreadyExists(message),
        (409, _) => Fault::Conflict(message),
        (413, _) => Fault::TooLarge(message),
        (422, _) if message.contains("Too long") => Fault::TooLarge(message),
        (429, _) => Fault::Throttled(message, after),
        (500.., _) if message.contains("request is too large") => Fault::TooLarge(message),
        (500.., _) => Fault::Server(code, message, after),
        _ => Fault::Rejected(code, message),
    }
}

/// Returns the failed checks in the response of a health endpoint.
///
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

/// Returns the error and its causes, including those inside an [`io::Error`], which `source` skips.
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

/// Returns the first cause of type `T`.
pub(super) fn find<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

/// Returns the innermost cause as text. The outer ones only repeat the fault.
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

    fn message(body: &str) -> String {
        let (parts, ()) = Response::builder()
            .status(500)
            .body(())
            .unwrap()
            .into_parts();
        of_answer(&parts, body.as_bytes()).to_string()
    }

    #[test]
    fn not_ready_response_lists_the_failed_checks() {
        let passed = "[+]poststarthook/start-kube-apiserver-admission-initializer ok\n".repeat(30);
        let body = format!(
            "[+]ping ok\n[-]informer-sync failed: reason withheld\n{passed}\
             [-]poststarthook/crd-informer-synced failed: reason withheld\nreadyz check failed\n"
        );
        assert_eq!(
            message(&body),
            "not ready: informer-sync, crd-informer-synced"
        );
        assert_eq!(
            message("out of order\n"),
            "the API server failed with 500: out of order"
        );
    }
}
