//! URLs of local credential endpoints.

use std::fmt;
use std::net::IpAddr;

use http::header::HeaderValue;
use http::uri::PathAndQuery;
use http::{Uri, uri};

/// An `http` or `https` URL without user information.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Url {
    uri: Uri,
    https: bool,
}

impl Url {
    /// Parses a URL; `None` if it cannot be requested. User information is refused, because it can make the URL look
    /// like one of another host.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let https = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = uri.authority()?.as_str();
        let usable =
            !authority.contains('@') && !uri.host()?.is_empty() && uri.port_u16() != Some(0);
        // `Uri` ignores a port that is not a number.
        let port_read = uri.port().is_some() || !text_after_host(authority).contains(':');
        HeaderValue::from_str(authority).ok()?;
        (usable && port_read).then_some(Self { uri, https })
    }

    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// Returns the host without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        let host = self.uri.host().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Returns the host as an IP address, if it is one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host().parse().ok()
    }

    pub(crate) fn port(&self) -> u16 {
        self.uri
            .port_u16()
            .unwrap_or(if self.https { 443 } else { 80 })
    }

    /// Returns scheme, host and port for messages. The path is secret: with it, any process can read the credentials of
    /// an ECS task.
    pub(crate) fn origin(&self) -> String {
        let authority = self.uri.authority().map(uri::Authority::as_str);
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}", authority.unwrap_or_default())
    }

    /// Returns the value of the `Host` header.
    pub(super) fn authority(&self) -> HeaderValue {
        let authority = self.uri.authority().map(uri::Authority::as_str);
        HeaderValue::from_str(authority.unwrap_or_default()).unwrap_or(HeaderValue::from_static(""))
    }

    /// Returns the request target: this URL's own path and query if `more` is empty, else `more` appended to the path.
    pub(super) fn target(&self, more: &str) -> Uri {
        let own = self.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let whole = match more {
            "" => own.to_owned(),
            more => format!("{}{more}", self.uri.path().trim_end_matches('/')),
        };
        whole.parse().unwrap_or_default()
    }
}

fn text_after_host(authority: &str) -> &str {
    authority.rsplit(']').next().unwrap_or_default()
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Url").field(&self.origin()).finish()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_asked_is_taken_apart() {
        for (text, host, port, target) in [
            ("http://169.254.169.254", "169.254.169.254", 80, "/latest"),
            ("http://169.254.169.254/", "169.254.169.254", 80, "/latest"),
            ("http://[fd00:ec2::254]/", "fd00:ec2::254", 80, "/latest"),
            ("http://[::1]:1338/pre/", "::1", 1338, "/pre/latest"),
            ("https://agent.local/x", "agent.local", 443, "/x/latest"),
        ] {
            let url = Url::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((url.host(), url.port()), (host, port), "{text}");
            assert_eq!(url.target("/latest"), target, "{text}");
        }
        let url = Url::parse("http://127.0.0.1:80/v1?id=a%20b").expect("a URL");
        assert_eq!(url.target(""), "/v1?id=a%20b");
    }

    #[test]
    fn what_cannot_be_asked_is_no_url() {
        for text in [
            "",
            "169.254.169.254",
            "/latest",
            "ftp://host/",
            "http://",
            "http:///x",
            "http://169.254.170.2@evil.example/",
            "http://host:0/",
            "http://host:none/",
            "http://host name/",
            "http://host/\r\nX: y",
        ] {
            assert_eq!(Url::parse(text), None, "{text:?}");
        }
    }
}
