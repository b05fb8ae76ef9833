use super::evidence::NotDescribed;
use super::{Evidence, Judged, Outcome, Rung, Skipped};

pub(super) const RUNG: Rung = Rung {
    id: "K7",
    title: "cluster entry is current",
    after: &["K1", "K5"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let entry = evidence.entry()?;
    let described = match evidence.described.seen()? {
        Ok(described) => described,
        Err(NotDescribed::NoSuchCluster(trouble)) => {
            return Outcome::trouble("EKS was asked for the cluster of that name", trouble);
        }
        Err(NotDescribed::NotReady(_)) => return Outcome::ok("EKS knows the cluster"),
        Err(NotDescribed::Unknown(why)) => {
            return Err(Skipped::needs(format!("eks:DescribeCluster: {why}")));
        }
    };
    let saw = format!(
        "EKS says that {} is at {}",
        described.name, described.endpoint
    );
    let host = |url: &str| {
        let url = url.trim_end_matches('/').to_ascii_lowercase();
        url.strip_suffix(":443").map(str::to_owned).unwrap_or(url)
    };
    if host(&entry.server) != host(&described.endpoint) {
        return Outcome::problem(
            saw,
            format!(
                "the kubeconfig's endpoint {} is not that of cluster {:?}: it was made anew, or it is another one's",
                entry.server, described.name
            ),
            entry.rewrite(),
        );
    }
    if described.same_authority == Some(false) {
        return Outcome::problem(
            saw,
            "the kubeconfig's certificate authority is not the cluster's: it was made anew",
            entry.rewrite(),
        );
    }
    Outcome::ok(saw)
}
