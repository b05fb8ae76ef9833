//! M1: whether the cluster reads aws-auth.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::evidence::{DescribeFailure, SignedIn};
use crate::doctor::remedy;
use crate::facts::authentication_mode::AuthenticationMode;

pub(crate) const CHECK: Check = Check {
    id: "M1",
    title: "authentication mode",
    after: &["K7"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let described = match evidence.described.seen()? {
        Ok(described) => described,
        Err(DescribeFailure::NotReady(problem)) => {
            return Outcome::from_problem("eks:DescribeCluster", problem);
        }
        Err(DescribeFailure::NoSuchCluster(_)) => return Err(Skipped::needs("the cluster (K7)")),
        Err(DescribeFailure::Denied(why) | DescribeFailure::Unknown(why)) => {
            return Err(Skipped::needs(format!("eks:DescribeCluster: {why}")));
        }
    };
    let mode = described.mode.map_or("unknown", AuthenticationMode::name);
    let saw = format!(
        "{}, authentication mode {mode}, {}",
        described.name, described.version
    );
    let is_unauthorized = matches!(evidence.signed_in.known(), Some(SignedIn::Unauthorized))
        || evidence.request.arn.is_some();
    let has_entry = evidence.subject().is_some_and(|subject| {
        let entries = evidence.access_entries.known();
        let entries = entries.and_then(|entries| entries.as_ref().ok());
        entries.is_some_and(|entries| entries.of(&subject.canonical.arn).is_some())
    });
    if described.mode == Some(AuthenticationMode::Api) && is_unauthorized && !has_entry {
        let next = evidence.subject().map_or_else(String::new, |subject| {
            remedy::access_entry(&described.name, &subject)
        });
        return Outcome::problem(
            saw,
            "the cluster does not read aws-auth: authentication mode API uses only access entries",
            next,
        );
    }
    Outcome::ok(saw)
}
