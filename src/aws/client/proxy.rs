use aws_smithy_http_client::proxy::ProxyConfig;

use super::ClientError;
use crate::aws::Surroundings;

/// Hosts that no proxy can reach for us.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The proxy of `HTTPS_PROXY`, or of `HTTP_PROXY` for a plain endpoint, unless `NO_PROXY` lists the host. Lower-case names count
/// first, as in Python.
pub(super) fn of(
    surroundings: &Surroundings,
    plain: bool,
) -> Result<Option<ProxyConfig>, ClientError> {
    let names = if plain {
        ["http_proxy", "HTTP_PROXY"]
    } else {
        ["https_proxy", "HTTPS_PROXY"]
    };
    let named = |name| Some((name, surroundings.get(name)?));
    let Some((setting, url)) = names.into_iter().find_map(named) else {
        return Ok(None);
    };
    // As for curl and botocore, a proxy is asked over HTTP when it says nothing else.
    let whole = if url.contains("://") {
        url.to_owned()
    } else {
        format!("http://{url}")
    };
    let proxy = ProxyConfig::all(whole).map_err(|_| ClientError::Proxy {
        shown: url.rsplit('@').next().unwrap_or_default().to_owned(),
        setting,
    })?;
    let listed = surroundings
        .get("no_proxy")
        .or_else(|| surroundings.get("NO_PROXY"));
    let none = listed.map_or_else(
        || LOOPBACK.to_owned(),
        |listed| format!("{listed},{LOOPBACK}"),
    );
    Ok(Some(proxy.no_proxy(none)))
}
