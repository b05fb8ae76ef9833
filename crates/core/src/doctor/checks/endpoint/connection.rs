//! E2: whether a TCP connection to the API server can be opened.

use core::net::IpAddr;

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::evidence::{ConnectionAttempt, ConnectionFailure, Entry};
use crate::doctor::{faulty_proxy, remedy};
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "E2",
    title: "connection",
    after: &["K1", "E1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let entry = evidence.entry()?;
    let reached = evidence.connections.seen()?;
    let saw: Vec<String> = reached.iter().map(describe_attempt).collect();
    let saw = saw.join(", ");
    if reached.iter().any(|one| one.failed.is_none()) {
        return Outcome::ok(saw);
    }
    if let Some(problem) = faulty_proxy::for_the_api_server(evidence) {
        return Outcome::from_problem(saw, &problem);
    }
    let describe = remedy::describe_network(entry);
    let describe = match remedy::may_not_describe(evidence) {
        true => format!("ask a user with eks:DescribeCluster to run: {describe}"),
        false => describe,
    };
    let is_proxy = reached.iter().any(|one| one.is_proxy);
    let is_private = reached.iter().all(|one| is_private(&one.address));
    let timed_out = reached
        .iter()
        .all(|one| one.failed == Some(ConnectionFailure::TimedOut));
    let (cause, next) = match (is_proxy, timed_out) {
        (true, _) => unreachable_proxy(entry, &saw),
        _ if entry.is_on_this_machine() => closed_tunnel(evidence, entry),
        (_, true) if is_private => (
            "the endpoint is private, and it cannot be reached from this network, or the cluster's security group blocks it".to_owned(),
            format!("connect from its VPC, a peered network or a VPN, and allow port 443 in its security group: {describe}"),
        ),
        (_, true) => (
            "the endpoint does not respond: this machine's address is probably not in its publicAccessCidrs".to_owned(),
            format!("compare them with this machine's address: {describe}"),
        ),
        (_, false) if remedy::is_endpoint_current(evidence) => (
            format!("connections to {} are refused", entry.server),
            format!("EKS has just reported this endpoint, so a firewall on the way refuses the connections, or this machine has a wrong address for it, in DNS or /etc/hosts: {describe}"),
        ),
        (_, false) => (
            format!("connections to {} are refused", entry.server),
            format!("check that the cluster exists and has this endpoint: {}", remedy::rewrite(evidence, entry)),
        ),
    };
    Outcome::problem(saw, cause, next)
}

/// Returns the message that nothing listens at the address of this machine, and which endpoint needs no tunnel.
fn closed_tunnel(evidence: &Evidence, entry: &Entry) -> (String, String) {
    let endpoint = match evidence.described.known() {
        Some(Ok(described)) => format!(" ({})", described.endpoint),
        _ => String::new(),
    };
    (
        format!(
            "nothing answers at {}, an address of this machine: the kubeconfig needs a tunnel or a port forward to the cluster there",
            entry.server
        ),
        format!(
            "start the tunnel, such as with aws ssm start-session or ssh -L; to connect to the endpoint itself{endpoint} instead: {}",
            remedy::rewrite(evidence, entry)
        ),
    )
}

/// Returns the message that the proxy cannot be reached, and where it is configured.
fn unreachable_proxy(entry: &Entry, saw: &str) -> (String, String) {
    let cause =
        |source| format!("the {source} in front of the API server cannot be reached: {saw}");
    if entry.proxy_url.is_none() {
        let next = "correct HTTPS_PROXY, or bypass the proxy with NO_PROXY";
        return (cause("proxy of HTTPS_PROXY"), next.to_owned());
    }
    let name = entry.cluster.as_deref().unwrap_or("CLUSTER");
    let (kubectl, name) = (&entry.kubectl, quoted(name));
    (
        cause("proxy of the kubeconfig (proxy-url)"),
        format!(
            "start the proxy, or correct its address: {kubectl} config set-cluster {name} --proxy-url=URL; if no proxy is needed, remove proxy-url from the cluster entry {name}"
        ),
    )
}

fn describe_attempt(one: &ConnectionAttempt) -> String {
    let proxy = if one.is_proxy { "proxy " } else { "" };
    let how = match &one.failed {
        None => "open",
        Some(ConnectionFailure::TimedOut) => "no response",
        Some(ConnectionFailure::Refused) => "refused",
        Some(ConnectionFailure::Other(why)) => why,
    };
    format!("{proxy}{} {how}", one.address)
}

fn is_private(address: &str) -> bool {
    let ip = address.rsplit_once(':').map_or(address, |(ip, _)| ip);
    match ip.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => ip.is_private(),
        Ok(IpAddr::V6(ip)) => ip.is_unique_local(),
        Err(_) => false,
    }
}
