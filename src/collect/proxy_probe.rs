//! Asks a proxy to connect to a host.

use std::env;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Uri;

use awsauth_core::doctor::evidence::{ProxyFault, ProxyProbe};
use awsauth_kube::{Environment, proxy_of_environment};

/// The setting of a proxy in the kubeconfig.
pub(crate) const PROXY_URL: &str = "proxy-url";

/// A proxy as it is configured.
pub(crate) struct Proxy {
    /// The URL, perhaps with user and password.
    url: String,
    setting: String,
}

impl Proxy {
    /// Returns the environment's proxy for a URL, if there is one.
    pub(crate) fn of_environment(url: &str, environment: &Environment) -> Option<Self> {
        let names = match url.starts_with("http://") {
            true => ["HTTP_PROXY", "http_proxy"],
            false => ["HTTPS_PROXY", "https_proxy"],
        };
        let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let setting = names.into_iter().find(is_set).unwrap_or(names[0]);
        Some(Self {
            url: proxy_of_environment(url, environment)?,
            setting: setting.to_owned(),
        })
    }

    /// Returns the proxy of a kubeconfig's cluster.
    pub(crate) fn of_kubeconfig(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            setting: PROXY_URL.to_owned(),
        }
    }

    /// Asks the proxy to connect to a host's port. `None` if it is no HTTP proxy.
    pub(crate) fn probe(&self, host: &str, port: u16, limit: Duration) -> Option<ProxyProbe> {
        let url = match self.url.contains("://") {
            true => self.url.clone(),
            false => format!("http://{}", self.url),
        };
        let parsed: Uri = url.parse().ok()?;
        let scheme = parsed.scheme_str()?;
        if !["http", "https"].contains(&scheme) {
            return None;
        }
        let authority = parsed.authority()?.as_str();
        let (user, address) = match authority.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, authority),
        };
        let default = if scheme == "https" { 443 } else { 80 };
        let name = parsed.host()?.trim_matches(['[', ']']);
        let fault = ask(
            (name, parsed.port_u16().unwrap_or(default)),
            &request(host, port, user),
            scheme == "https",
            limit,
        );
        // The password of a kubeconfig's proxy is not kept.
        let is_unknown =
            matches!(fault, Some(ProxyFault::NeedsPassword(_))) && self.setting == PROXY_URL;
        Some(ProxyProbe {
            url: format!("{scheme}://{address}"),
            setting: self.setting.clone(),
            host: host.to_owned(),
            fault: fault.filter(|_| !is_unknown),
        })
    }
}

/// Returns a request to connect to a host.
/// <https://www.rfc-editor.org/rfc/rfc9110#name-connect>
fn request(host: &str, port: u16, user: Option<&str>) -> String {
    let authorization = user.map_or_else(String::new, |user| {
        let user = BASE64_STANDARD.encode(percent_decoded(user));
        format!("Proxy-Authorization: Basic {user}\r\n")
    });
    format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{authorization}\r\n")
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let code = || {
            let mut rest = bytes.clone();
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?.to_owned();
            u8::from_str_radix(&digits, 16).ok()
        };
        match (byte, code()) {
            (b'%', Some(code)) => {
                decoded.push(code);
                bytes.nth(1);
            }
            _ => decoded.push(byte),
        }
    }
    decoded
}

/// Sends the request in plain text, and returns what the response shows to be wrong.
fn ask(
    address: (&str, u16),
    request: &str,
    needs_tls: bool,
    limit: Duration,
) -> Option<ProxyFault> {
    let addresses = match address.to_socket_addrs() {
        Ok(addresses) => addresses,
        Err(error) => return Some(ProxyFault::Unresolved(error.to_string())),
    };
    let mut failed = "it has no address".to_owned();
    let opened = addresses.into_iter().find_map(|address| {
        let opened = TcpStream::connect_timeout(&address, limit);
        opened
            .map_err(|error| failed = format!("{address}: {error}"))
            .ok()
    });
    let Some(mut stream) = opened else {
        return Some(ProxyFault::Unreached(failed));
    };
    let mut response = [0; 256];
    let read = stream
        .set_read_timeout(Some(limit))
        .and_then(|()| stream.write_all(request.as_bytes()))
        .and_then(|()| stream.read(&mut response));
    let text = String::from_utf8_lossy(&response[..read.unwrap_or_default()]).into_owned();
    let status = text.lines().next().unwrap_or_default();
    let is_http = status.starts_with("HTTP/");
    let status = status.split_once(' ').map_or("", |(_, status)| status);
    let code: Option<u16> = status.split(' ').next().and_then(|code| code.parse().ok());
    match (needs_tls, is_http, code) {
        // A server that needs TLS may answer plain text with 400.
        (true, true, Some(code)) if code != 400 => Some(ProxyFault::PlainHttp),
        (true, ..) | (false, true, Some(200..300)) => None,
        (false, true, Some(407)) => Some(ProxyFault::NeedsPassword(status.to_owned())),
        (false, true, Some(_)) => Some(ProxyFault::Refuses(status.to_owned())),
        (false, ..) if text.is_empty() => Some(ProxyFault::Silent),
        (false, ..) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Answers one request.
    fn proxy(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        });
        address.to_string()
    }

    fn fault(url: String) -> Option<ProxyFault> {
        let proxy = Proxy {
            url,
            setting: "HTTPS_PROXY".to_owned(),
        };
        let probe = proxy.probe("sts.eu-west-1.amazonaws.com", 443, Duration::from_secs(1));
        probe.unwrap().fault
    }

    #[test]
    fn answer_of_the_proxy_shows_what_is_wrong() {
        let http = |answer| fault(format!("http://{}", proxy(answer)));
        assert_eq!(http("HTTP/1.1 200 OK\r\n\r\n"), None);
        assert_eq!(
            http("HTTP/1.1 403 Forbidden\r\n\r\n"),
            Some(ProxyFault::Refuses("403 Forbidden".to_owned()))
        );
        assert_eq!(
            http("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
            Some(ProxyFault::NeedsPassword(
                "407 Proxy Authentication Required".to_owned()
            ))
        );
        assert_eq!(http(""), Some(ProxyFault::Silent));
        let https = |answer| fault(format!("https://{}", proxy(answer)));
        assert_eq!(
            https("HTTP/1.1 403 Forbidden\r\n\r\n"),
            Some(ProxyFault::PlainHttp)
        );
        assert_eq!(https("HTTP/1.1 400 Bad Request\r\n\r\n"), None);
        assert_eq!(https("\x15\x03\x01\0\x02\x02\x16"), None);
        let nobody = fault("http://127.0.0.1:1".to_owned());
        assert!(matches!(nobody, Some(ProxyFault::Unreached(_))));
        let unknown = fault("http://proxy.invalid:3128".to_owned());
        assert!(matches!(unknown, Some(ProxyFault::Unresolved(_))));
    }

    #[test]
    fn user_and_password_are_sent_but_not_shown() {
        let request = request("h", 443, Some("me:p%40ss"));
        assert!(request.contains("Basic bWU6cEBzcw=="), "{request}");
        let proxy = Proxy {
            url: "http://me:secret@127.0.0.1:1".to_owned(),
            setting: "HTTPS_PROXY".to_owned(),
        };
        let probe = proxy.probe("h", 443, Duration::from_secs(1)).unwrap();
        assert_eq!(probe.url, "http://127.0.0.1:1");
    }
}
