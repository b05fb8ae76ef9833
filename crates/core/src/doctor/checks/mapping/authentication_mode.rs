//! M1: whether the cluster reads aws-auth.

use crate::arn::Parts;
use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::evidence::{DescribeFailure, SignedIn, Subject};
use crate::doctor::remedy;
use crate::facts::access_entries::AccessEntry;
use crate::facts::authentication_mode::AuthenticationMode;
use crate::permission_set::permission_set;
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "M1",
    title: "authentication mode",
    after: &["K7"],
    judge,
};

/// Returns the principal of an access entry for an earlier role of the identity's permission set.
fn earlier_role(evidence: &Evidence) -> Option<(String, Subject<'_>)> {
    let subject = evidence.subject()?;
    let set = |arn: &str| permission_set(Parts::of(arn)?.name).map(str::to_owned);
    let own = set(&subject.canonical.arn)?;
    let entries = evidence.access_entries.known()?.as_ref().ok()?.all()?;
    let is_earlier = |entry: &&AccessEntry| {
        set(&entry.principal_arn).as_ref() == Some(&own)
            && is_of_account(&entry.principal_arn, &subject.canonical.arn)
    };
    let found = entries.iter().find(is_earlier)?;
    Some((found.principal_arn.clone(), subject))
}

fn is_of_account(one: &str, other: &str) -> bool {
    let account = |arn: &str| Parts::of(arn).map(|parts| parts.account.to_owned());
    account(one) == account(other)
}

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
        if let Some((earlier, subject)) = earlier_role(evidence) {
            let cluster = quoted(&described.name);
            return Outcome::problem(
                saw,
                format!(
                    "no access entry is for {}; that of {earlier} is for an earlier role of the same permission set, which IAM Identity Center has created again",
                    subject.canonical.arn
                ),
                format!(
                    "see the groups and policies of the earlier entry, and create one for the new role: aws eks describe-access-entry --cluster-name {cluster} --principal-arn {}; {}",
                    quoted(&earlier),
                    remedy::access_entry(&described.name, &subject)
                ),
            );
        }
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
