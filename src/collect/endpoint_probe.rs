//! Resolves and connects to the API server's endpoint.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use http::Uri;

use super::{ConnectOptions, in_runtime, problem};
use awsauth_core::doctor::evidence::{
    ConnectionAttempt, ConnectionFailure, LivenessFailure, Problem,
};
use awsauth_kube::request_error::{Fault, RequestError};
use awsauth_kube::server_certificate;

/// The host to connect to: the API server or a proxy.
pub(crate) struct Host {
    host: String,
    port: u16,
    is_proxy: bool,
}

/// Returns the host to connect to.
pub(crate) fn host(options: &ConnectOptions) -> Result<Host, Problem> {
    let client = in_runtime(options.anonymous()).map_err(|error| of_system(&error))?;
    let client = client
        .map_err(|error| problem(&error, error.hint()))?
        .client;
    let proxy = client.proxy();
    let url = proxy.unwrap_or(&client.target().server);
    let uri: Uri = url.parse().unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    let default = match uri.scheme_str() {
        Some("http") => 80,
        Some("socks5" | "socks5h") => 1080,
        _ => 443,
    };
    Ok(Host {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: uri.port_u16().unwrap_or(default),
        is_proxy: proxy.is_some(),
    })
}

/// Resolves the addresses of the host.
pub(crate) fn addresses(host: &Host) -> Result<Vec<SocketAddr>, Problem> {
    let found = (host.host.as_str(), host.port).to_socket_addrs();
    found.map(Iterator::collect).map_err(|error| Problem {
        cause: format!("the name {} cannot be resolved: {error}", host.host),
        next:
            "check that the cluster still exists and that this network's DNS resolves its endpoint"
                .to_owned(),
    })
}

/// Connects to all addresses concurrently.
pub(crate) fn connect_all(
    addresses: &[SocketAddr],
    is_proxy: bool,
    limit: Duration,
) -> Vec<ConnectionAttempt> {
    let attempts: Vec<_> = addresses
        .iter()
        .map(|&address| std::thread::spawn(move || TcpStream::connect_timeout(&address, limit)))
        .collect();
    let answers = addresses.iter().zip(attempts).map(|(address, attempt)| {
        let failed = match attempt.join() {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(unreached(&error)),
            Err(_) => Some(ConnectionFailure::TimedOut),
        };
        ConnectionAttempt {
            address: address.to_string(),
            is_proxy,
            failed,
        }
    });
    answers.collect()
}

/// Connects directly to a host's port for HTTPS.
pub(crate) fn connect_to(host: &str, limit: Duration) -> ConnectionAttempt {
    let host = Host {
        host: host.to_owned(),
        port: 443,
        is_proxy: false,
    };
    let failed = match addresses(&host) {
        Err(problem) => Some(ConnectionFailure::Other(problem.cause)),
        Ok(found) => {
            let attempts = connect_all(&found, false, limit);
            let is_open = attempts.iter().any(|attempt| attempt.failed.is_none());
            let first = attempts.into_iter().next();
            first
                .and_then(|attempt| attempt.failed)
                .filter(|_| !is_open)
        }
    };
    ConnectionAttempt {
        address: host.host,
        is_proxy: false,
        failed,
    }
}

/// Asks the API server without credentials whether it is alive.
pub(crate) fn alive(options: &ConnectOptions, limit: Duration) -> Result<String, LivenessFailure> {
    let failed = |problem| LivenessFailure {
        problem,
        is_untrusted: false,
        is_for_another_host: false,
        is_silent: false,
        is_reset: false,
        certificate_names: Vec::new(),
    };
    let asked = in_runtime(async {
        let connection = options
            .anonymous()
            .await
            .map_err(|error| failed(problem(&error, error.hint())))?;
        let client = connection.client;
        client.alive(limit).await.map_err(|error| LivenessFailure {
            problem: of_request(&error),
            is_untrusted: matches!(error.fault, Fault::CertificateNotTrusted(..)),
            is_for_another_host: matches!(error.fault, Fault::CertificateOtherName(..)),
            is_silent: matches!(error.fault, Fault::TimedOut(..)),
            // A connection was opened before.
            is_reset: client.proxy().is_none() && matches!(error.fault, Fault::Refused(..)),
            certificate_names: match error.fault {
                Fault::CertificateNotTrusted(..) if client.proxy().is_none() => {
                    certificate_names(&client.target().server, limit)
                }
                _ => Vec::new(),
            },
        })
    });
    let status = asked.map_err(|error| failed(of_system(&error)))??;
    Ok(match status {
        401 | 403 => format!("{status}, so the API server is alive"),
        status => status.to_string(),
    })
}

fn certificate_names(server: &str, limit: Duration) -> Vec<String> {
    let url: Uri = server.parse().unwrap_or_default();
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    server_certificate::host_names(host, url.port_u16().unwrap_or(443), limit)
}

impl Host {
    /// Whether the host is a proxy.
    pub(crate) fn is_proxy(&self) -> bool {
        self.is_proxy
    }
}

fn unreached(error: &io::Error) -> ConnectionFailure {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => ConnectionFailure::TimedOut,
        io::ErrorKind::ConnectionRefused => ConnectionFailure::Refused,
        _ => ConnectionFailure::Other(error.to_string()),
    }
}

/// Converts a failed request to a problem. If the control plane fails, the next step is its status in EKS.
pub(super) fn of_request(error: &RequestError) -> Problem {
    let mut problem = problem(error, error.hint());
    if let Fault::NotReady(_) | Fault::Server(..) = &error.fault {
        problem.next = format!(
            "check the control plane: {}",
            "aws eks describe-cluster --name NAME --query cluster.[status,health]"
        );
    }
    problem
}

fn of_system(error: &io::Error) -> Problem {
    problem(error, "check the limits of this process: ulimit -a")
}
