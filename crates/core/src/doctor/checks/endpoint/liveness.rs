//! E3: whether the API server answers over TLS.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::evidence::{Entry, LivenessFailure, Problem};
use crate::doctor::{faulty_proxy, remedy};
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "E3",
    title: "TLS and liveness",
    after: &["K1", "E1", "E2"],
    judge,
};

/// The seconds that doctor waits for the response.
const LIMIT: i64 = 2;

fn judge(evidence: &Evidence) -> CheckResult {
    let entry = evidence.entry()?;
    let is_silent =
        evidence.livez.timed_out().is_some() || matches!(evidence.livez.known(), Some(Err(_)));
    if let (true, Some(problem)) = (is_silent, faulty_proxy::for_the_api_server(evidence)) {
        return Outcome::from_problem("anonymous GET /livez", &problem);
    }
    if let Some(limit) = evidence.livez.timed_out() {
        return Outcome::from_problem("anonymous GET /livez", &silent(entry, limit.as_secs()));
    }
    match evidence.livez.seen()? {
        Ok(status) => Outcome::ok(format!("anonymous GET /livez: {status}")),
        Err(failure) => {
            let known = match (&entry.tls_server_name, failure.is_for_another_host) {
                (Some(name), true) => Some(wrong_server_name(entry, name, failure)),
                _ if failure.is_reset => Some(reset(entry)),
                _ if let Some(problem) = of_another_server(entry, failure) => Some(problem),
                _ if entry.lacks_authority && failure.is_untrusted => {
                    Some(without_authority(evidence, entry))
                }
                _ => intercepted(evidence, failure),
            };
            let known = known.or_else(|| failure.is_silent.then(|| silent(entry, LIMIT)));
            let mut problem = known.unwrap_or_else(|| failure.problem.clone());
            if entry.eks_name().is_some() {
                let rewrite = "awsauth kubeconfig --cluster-name CLUSTER";
                problem.next = problem
                    .next
                    .replace(rewrite, &remedy::rewrite(evidence, entry));
            }
            Outcome::from_problem("anonymous GET /livez", &problem)
        }
    }
}

/// Returns the problem that a connection opens, but nothing follows.
fn silent(entry: &Entry, seconds: i64) -> Problem {
    Problem {
        cause: format!(
            "{} accepts the connection but does not respond within {seconds} s",
            entry.server
        ),
        next: format!(
            "a firewall or a proxy on the way lets only the TCP connection pass, or another program has this address; see whether TLS or only HTTP gets no response: curl -vk -m 5 {}",
            quoted(&format!("{}/livez", entry.server))
        ),
    }
}

/// Returns the problem that the certificate is not for the name that the kubeconfig requires.
fn wrong_server_name(entry: &Entry, name: &str, failure: &LivenessFailure) -> Problem {
    Problem {
        cause: format!(
            "the kubeconfig's tls-server-name {name} is not in the server's certificate: {}",
            failure.problem.cause
        ),
        next: entry.change_cluster(
            "--tls-server-name=''",
            &format!("remove tls-server-name {name} from the cluster entry"),
        ),
    }
}

/// Returns the problem that the connection opens, but ends when TLS begins.
fn reset(entry: &Entry) -> Problem {
    Problem {
        cause: format!(
            "the connection to {} opens, but is closed at the beginning of TLS",
            entry.server
        ),
        next: format!(
            "a firewall or a proxy on the way does not let TLS to this host pass: ask the owner of the network to allow it, or use another network or a VPN; compare: curl -vk -m 5 {}",
            quoted(&format!("{}/livez", entry.server))
        ),
    }
}

/// Returns the problem that the certificate is for other hosts, so that another server answers.
fn of_another_server(entry: &Entry, failure: &LivenessFailure) -> Option<Problem> {
    let names = &failure.certificate_names;
    if !failure.is_untrusted || names.is_empty() || entry.tls_server_name.is_some() {
        return None;
    }
    let host = entry.server.split_once("://")?.1;
    let host = host.split(['/', ':']).next()?.to_ascii_lowercase();
    let is_for_it = |name: &String| {
        let name = name.to_ascii_lowercase();
        let behind = host.split_once('.').map(|(_, rest)| rest);
        name == host || (behind.is_some() && name.strip_prefix("*.") == behind)
    };
    // A server that is named by its IP address may be at the other end of a tunnel.
    let is_address = host.parse::<std::net::IpAddr>().is_ok() || entry.is_on_this_machine();
    if is_address || names.iter().any(is_for_it) {
        return None;
    }
    let shown = names[..names.len().min(3)].join(", ");
    Some(Problem {
        cause: format!(
            "another server answers for {host}: its certificate is for {shown}, and is not signed by the cluster's certificate authority"
        ),
        next: "if this network has a sign-in page, such as that of a hotel or a guest network, open it in a browser and sign in; otherwise correct the address of the host in DNS, /etc/hosts or the proxy, or use another network".to_owned(),
    })
}

/// Returns the problem that the kubeconfig does not have the authority that signed the certificate.
fn without_authority(evidence: &Evidence, entry: &Entry) -> Problem {
    Problem {
        cause: "the cluster entry of the kubeconfig has no certificate-authority-data, so the certificate is verified with the certificate authorities of this machine, and EKS has its own for each cluster".to_owned(),
        next: remedy::rewrite(evidence, entry),
    }
}

/// Returns the problem that another server answers, if the kubeconfig certainly has the cluster's certificate authority.
fn intercepted(evidence: &Evidence, failure: &LivenessFailure) -> Option<Problem> {
    let described = evidence.described.known()?.as_ref().ok()?;
    if !failure.is_untrusted || described.same_authority != Some(true) {
        return None;
    }
    let server = &evidence.entry().ok()?.server;
    let host = server.split_once("://").map_or(&**server, |(_, host)| host);
    let host = host.split('/').next().unwrap_or(host);
    let address = match host.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => host.to_owned(),
        _ => format!("{host}:443"),
    };
    let address = quoted(&address);
    Some(Problem {
        cause: format!(
            "another server answers for {host}, probably a proxy that intercepts TLS: the kubeconfig has the cluster's certificate authority, which did not sign this certificate"
        ),
        next: format!(
            "see who issued the certificate, and ask the owner of that proxy to exempt {host}: openssl s_client -connect {address} </dev/null | openssl x509 -noout -issuer"
        ),
    })
}
