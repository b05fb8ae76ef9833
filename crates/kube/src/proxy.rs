//! Selects the proxy for the API server.

use std::net::IpAddr;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::environment::Environment;

/// Returns the proxy for `server`: the kubeconfig's `proxy-url`, which is final, or else the environment's. As in Go's
/// `http.ProxyFromEnvironment`, the environment's proxy is not used for loopback servers and those in `NO_PROXY`.
///
/// <https://pkg.go.dev/net/http#ProxyFromEnvironment>
///
/// `Err` has a proxy URL that is not supported, without user and password.
pub(crate) fn of(
    server: &Uri,
    proxy_url: Option<&str>,
    environment: &Environment,
) -> Result<Option<Intercept>, String> {
    if let Some(named) = proxy_url.filter(|url| !url.is_empty()) {
        let proxy = Matcher::builder()
            .all(named.to_owned())
            .build()
            .intercept(server);
        return usable(proxy, named).map(Some);
    }
    let suggested = match server.scheme_str() {
        Some("http") => &environment.http_proxy,
        _ => &environment.https_proxy,
    };
    let Some(suggested) = suggested.as_deref().filter(|url| !url.is_empty()) else {
        return Ok(None);
    };
    if is_loopback(server.host().unwrap_or_default()) {
        return Ok(None);
    }
    // If the proxy itself is not usable, that is an error even if NO_PROXY lists the server.
    let anywhere = Matcher::builder()
        .all(suggested.to_owned())
        .build()
        .intercept(server);
    usable(anywhere, suggested)?;
    let no_proxy = environment.no_proxy.clone().unwrap_or_default();
    Ok(Matcher::builder()
        .all(suggested.to_owned())
        .no(no_proxy)
        .build()
        .intercept(server))
}

/// Returns the environment's proxy for a URL as it is written, with user and password; `None` if there is none, or it is not usable.
pub fn of_environment(url: &str, environment: &Environment) -> Option<String> {
    let server = url.parse().ok()?;
    of(&server, None, environment).ok()??;
    match server.scheme_str() {
        Some("http") => environment.http_proxy.clone(),
        _ => environment.https_proxy.clone(),
    }
}

fn usable(proxy: Option<Intercept>, url: &str) -> Result<Intercept, String> {
    let known = |proxy: &Intercept| {
        matches!(
            proxy.uri().scheme_str(),
            Some("http" | "https" | "socks5" | "socks5h")
        )
    };
    proxy.filter(known).ok_or_else(|| without_user_info(url))
}

/// Returns a URL without user and password.
pub(crate) fn without_user_info(url: &str) -> String {
    let scheme = url.find("://").map_or(0, |at| at + 3);
    let rest = &url[scheme..];
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host = authority.rfind('@').map_or(0, |at| at + 1);
    format!("{}{}", &url[..scheme], &rest[host..])
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(server: &str, proxy_url: Option<&str>, no_proxy: &str) -> Option<String> {
        let environment = Environment {
            https_proxy: Some("http://outer:3128".into()),
            no_proxy: Some(no_proxy.into()),
            ..Environment::default()
        };
        of(&server.parse().unwrap(), proxy_url, &environment)
            .unwrap()
            .map(|proxy| proxy.uri().to_string())
    }

    #[test]
    fn proxy_url_of_the_kubeconfig_has_precedence_over_the_environment() {
        let eks = "https://abcd.eks.amazonaws.com";
        let outer = Some("http://outer:3128/".to_owned());
        assert_eq!(check(eks, None, ""), outer);
        // NO_PROXY lists servers, never the proxy.
        assert_eq!(check(eks, None, "outer"), outer);
        assert_eq!(check(eks, None, "localhost,.amazonaws.com"), None);
        assert_eq!(check(eks, None, "*"), None);
        assert_eq!(check("https://10.1.2.3", None, "10.0.0.0/8"), None);
        assert_eq!(check("https://127.0.0.1:6443", None, ""), None);
        assert_eq!(check("https://localhost:6443", None, ""), None);
        let named = Some("socks5://bastion:1080");
        assert_eq!(
            check(eks, named, "*"),
            Some("socks5://bastion:1080/".to_owned())
        );
        assert_eq!(
            check("https://127.0.0.1", named, "*"),
            Some("socks5://bastion:1080/".to_owned())
        );
    }

    #[test]
    fn an_unusable_proxy_is_named_without_its_password() {
        let server = "https://abcd.eks.amazonaws.com".parse().unwrap();
        let refused = of(
            &server,
            Some("ftp://me:secret@outer:21"),
            &Environment::default(),
        );
        assert_eq!(refused.err().as_deref(), Some("ftp://outer:21"));
    }
}
