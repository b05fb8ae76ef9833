use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use http::Uri;

use super::{Way, in_runtime, trouble};
use crate::cluster::fault::{Fault, RequestError};
use crate::doctor::evidence::{Reached, Trouble, Unreached};

/// Where a connection to the API server goes.
pub(crate) struct Door {
    host: String,
    port: u16,
    is_proxy: bool,
}

/// Which host is connected to: the API server's, or a proxy's.
pub(crate) fn door(way: &Way) -> Result<Door, Trouble> {
    let store = in_runtime(way.nobody()).map_err(|error| of_system(&error))?;
    let store = store.map_err(|error| trouble(&error, error.hint()))?;
    let proxy = store.proxy();
    let url = proxy.unwrap_or(&store.target().server);
    let uri: Uri = url.parse().unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    let default = match uri.scheme_str() {
        Some("http") => 80,
        Some("socks5" | "socks5h") => 1080,
        _ => 443,
    };
    Ok(Door {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: uri.port_u16().unwrap_or(default),
        is_proxy: proxy.is_some(),
    })
}

/// The addresses of that host.
pub(crate) fn addresses(door: &Door) -> Result<Vec<SocketAddr>, Trouble> {
    let found = (door.host.as_str(), door.port).to_socket_addrs();
    found.map(Iterator::collect).map_err(|error| Trouble {
        cause: format!("the name {} is not known: {error}", door.host),
        next: "the cluster may be gone, or this network's DNS does not know it; write the entry again: \
               awsauth kubeconfig --cluster-name NAME"
            .to_owned(),
    })
}

/// Knocks at each address, all at the same time.
pub(crate) fn knock(addresses: &[SocketAddr], is_proxy: bool, limit: Duration) -> Vec<Reached> {
    let knocks: Vec<_> = addresses
        .iter()
        .map(|&address| std::thread::spawn(move || TcpStream::connect_timeout(&address, limit)))
        .collect();
    let answers = addresses.iter().zip(knocks).map(|(address, knock)| {
        let failed = match knock.join() {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(unreached(&error)),
            Err(_) => Some(Unreached::TimedOut),
        };
        Reached {
            address: address.to_string(),
            is_proxy,
            failed,
        }
    });
    answers.collect()
}

/// Asks the API server, as nobody, whether it is alive.
pub(crate) fn alive(way: &Way, limit: Duration) -> Result<String, Trouble> {
    let asked = in_runtime(async {
        let store = way
            .nobody()
            .await
            .map_err(|error| trouble(&error, error.hint()))?;
        store.alive(limit).await.map_err(|error| of_request(&error))
    });
    let status = asked.map_err(|error| of_system(&error))??;
    Ok(match status {
        401 | 403 => format!("{status}, so it is alive"),
        status => status.to_string(),
    })
}

impl Door {
    /// Whether it is a proxy's.
    pub(crate) fn is_proxy(&self) -> bool {
        self.is_proxy
    }
}

fn unreached(error: &io::Error) -> Unreached {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Unreached::TimedOut,
        io::ErrorKind::ConnectionRefused => Unreached::Refused,
        _ => Unreached::Other(error.to_string()),
    }
}

/// A request that failed, with a command that writes the entry anew where the certificate is not trusted.
pub(super) fn of_request(error: &RequestError) -> Trouble {
    let mut trouble = trouble(error, error.hint());
    if let Fault::NotReady(_) | Fault::Server(..) = &error.fault {
        trouble.next = format!(
            "the control plane is in trouble: {}",
            "aws eks describe-cluster --name NAME --query cluster.[status,health]"
        );
    }
    trouble
}

fn of_system(error: &io::Error) -> Trouble {
    trouble(error, "see what limits this process: ulimit -a")
}
