//! Problems of the proxy between this machine and AWS or the API server.

use super::evidence::{Entry, Evidence, Problem, ProxyFault, ProxyProbe};
use crate::shell_quote::quoted;

/// Returns the problem of the proxy for requests to AWS.
pub(super) fn for_aws(evidence: &Evidence) -> Option<Problem> {
    let probe = evidence.aws_proxy.known()?;
    let mut hosts = vec![probe.host.as_str()];
    // The same proxy has the same fault for both.
    if let Some(other) = evidence.proxy.known()
        && other.url == probe.url
        && other.fault.is_some()
    {
        hosts.push(&other.host);
    }
    problem(evidence, probe, &hosts)
}

/// Returns the problem of the proxy for requests to the API server.
pub(super) fn for_the_api_server(evidence: &Evidence) -> Option<Problem> {
    let probe = evidence.proxy.known()?;
    problem(evidence, probe, &[&probe.host])
}

fn problem(evidence: &Evidence, probe: &ProxyProbe, hosts: &[&str]) -> Option<Problem> {
    let ProxyProbe {
        url,
        setting,
        fault,
        ..
    } = probe;
    let listed = hosts.join(",");
    let host = hosts.join(" and ");
    let proxy = format!("the proxy {url} ({setting})");
    let bypass = match setting.as_str() {
        "proxy-url" => String::new(),
        _ => format!("; or, if {host} can be reached without a proxy: export NO_PROXY={listed}"),
    };
    let (cause, next) = match fault.as_ref()? {
        ProxyFault::Unresolved(why) => (
            format!("the name of {proxy} cannot be resolved: {why}"),
            format!(
                "connect to the network or the VPN that has this proxy, or correct its address: {}{bypass}",
                set(evidence, setting, "http://HOST:PORT")
            ),
        ),
        ProxyFault::Unreached(why) => (
            format!("{proxy} cannot be reached: {why}"),
            format!(
                "start the proxy, or correct its address: {}{bypass}",
                set(evidence, setting, "http://HOST:PORT")
            ),
        ),
        ProxyFault::NeedsPassword(status) => (
            format!("{proxy} refuses to connect to {host} without a user and a password: {status}"),
            format!(
                "add them to its URL: {}{bypass}",
                set(evidence, setting, "http://USER:PASSWORD@HOST:PORT")
            ),
        ),
        ProxyFault::Refuses(status) => (
            format!("{proxy} refuses to connect to {host}: {status}"),
            format!("ask the owner of the proxy to allow {host}, port 443{bypass}"),
        ),
        ProxyFault::PlainHttp => (
            format!(
                "{proxy} speaks plain HTTP, but its URL begins with https://, so that clients begin with TLS"
            ),
            format!(
                "write http://, which does not change the encryption between you and {host}: {}",
                set(evidence, setting, &url.replacen("https://", "http://", 1))
            ),
        ),
        ProxyFault::Silent => (
            format!("{proxy} accepts the connection, but does not answer the request for {host}"),
            format!(
                "check that this is the address and the port of a proxy: {}{bypass}",
                set(evidence, setting, "http://HOST:PORT")
            ),
        ),
    };
    Some(Problem { cause, next })
}

/// Returns the command that sets the proxy.
fn set(evidence: &Evidence, setting: &str, url: &str) -> String {
    match (setting, evidence.entry()) {
        ("proxy-url", Ok(entry)) => of_entry(entry, url),
        _ => format!("export {setting}={}", quoted(url)),
    }
}

fn of_entry(entry: &Entry, url: &str) -> String {
    let name = entry.cluster.as_deref().unwrap_or("CLUSTER");
    let url = quoted(&format!("--proxy-url={url}"));
    format!(
        "{} config set-cluster {} {url}",
        entry.kubectl,
        quoted(name)
    )
}
