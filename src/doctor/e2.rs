use core::net::IpAddr;

use super::evidence::{Reached, Unreached};
use super::{Evidence, Judged, Outcome, Rung};
use crate::shell::quoted;

pub(super) const RUNG: Rung = Rung {
    id: "E2",
    title: "connection",
    after: &["K1", "E1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let entry = evidence.entry()?;
    let reached = evidence.reached.seen()?;
    let saw: Vec<String> = reached.iter().map(said).collect();
    let saw = saw.join(", ");
    if reached.iter().any(|one| one.failed.is_none()) {
        return Outcome::ok(saw);
    }
    let name = quoted(entry.eks_name().unwrap_or("NAME"));
    let describe =
        format!("aws eks describe-cluster --name {name} --query cluster.resourcesVpcConfig");
    let is_proxy = reached.iter().any(|one| one.is_proxy);
    let is_private = reached.iter().all(|one| is_private(&one.address));
    let timed_out = reached
        .iter()
        .all(|one| one.failed == Some(Unreached::TimedOut));
    let (cause, next) = match (is_proxy, timed_out) {
        (true, _) => (
            "the proxy in front of the API server can't be reached".to_owned(),
            "see whether HTTPS_PROXY and proxy-url of the kubeconfig are right, or go around it with NO_PROXY".to_owned(),
        ),
        (_, true) if is_private => (
            "the endpoint is private, and this network does not lead to it, or the cluster's security group does not let it in".to_owned(),
            format!("go there by its VPC, a peered network or a VPN, and let its security group allow 443: {describe}"),
        ),
        (_, true) => (
            "the endpoint does not answer: most likely this machine's address is not among its publicAccessCidrs".to_owned(),
            format!("compare them with this machine's address: {describe}"),
        ),
        (_, false) => (
            format!("nothing accepts connections at {}", entry.server),
            format!("see whether the cluster is there and its endpoint is this one: {}", entry.rewrite()),
        ),
    };
    Outcome::problem(saw, cause, next)
}

fn said(one: &Reached) -> String {
    let proxy = if one.is_proxy { "proxy " } else { "" };
    let how = match &one.failed {
        None => "open",
        Some(Unreached::TimedOut) => "no answer",
        Some(Unreached::Refused) => "refused",
        Some(Unreached::Other(why)) => why,
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
