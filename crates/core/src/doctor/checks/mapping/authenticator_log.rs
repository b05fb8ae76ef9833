//! M9: where the authenticator logs the reason for a rejected token.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::evidence::SignedIn;
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "M9",
    title: "authenticator log",
    after: &["K7"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let described = evidence.described.seen()?.as_ref();
    let described = described.map_err(|_| Skipped::needs("eks:DescribeCluster (M1)"))?;
    if evidence.signed_in.known() != Some(&SignedIn::Unauthorized) {
        return Err(Skipped::needs("a rejected token (M2)"));
    }
    let region = described.region().unwrap_or_default();
    let (name, region) = (quoted(&described.name), quoted(region));
    let group = quoted(&format!("/aws/eks/{}/cluster", described.name));
    if described.logs_authenticator {
        return Outcome::ok(format!(
            "the authenticator's log has the reason: aws logs filter-log-events --region {region} --log-group-name {group} --log-stream-name-prefix authenticator --filter-pattern '\"access denied\"'"
        ));
    }
    Outcome::ok(format!(
        "the authenticator's log is off; to turn it on: aws eks update-cluster-config --region {region} --name {name} --logging '{{\"clusterLogging\":[{{\"types\":[\"authenticator\"],\"enabled\":true}}]}}'"
    ))
}
