//! The proxy of a kubeconfig's cluster.

use http::Uri;

/// Checks that kubectl accepts the URL.
/// <https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/#Cluster>
pub(super) fn parse(text: &str) -> Result<String, &'static str> {
    let uri: Option<Uri> = text.parse().ok();
    let is_proxy = uri.is_some_and(|uri| {
        uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https" | "socks5"))
    });
    match is_proxy {
        true => Ok(text.to_owned()),
        false => Err(
            "kubectl accepts URLs such as http://HOST:PORT, https://HOST:PORT and socks5://HOST:PORT",
        ),
    }
}
