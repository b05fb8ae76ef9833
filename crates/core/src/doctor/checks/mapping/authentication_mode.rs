//! M1: whether the cluster reads aws-auth.

use crate::arn::{Parts, is_same_principal};
use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::checks::nodes::node_roles::problem_of_subject;
use crate::doctor::evidence::{DescribeFailure, SignedIn, Subject};
use crate::doctor::{remedy, similar_access_entry};
use crate::facts::access_entries::{AccessEntry, AccessScope, AccessTerms};
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

/// The maximum number of access entries to name.
const MAX_NAMED: usize = 3;

/// Returns the message that the cluster uses only access entries, and which exist instead of one for the identity.
fn without_entry(evidence: &Evidence, subject: &Subject<'_>) -> String {
    let arn = &subject.canonical.arn;
    let is_mapped = evidence.explanation().is_ok_and(|explained| {
        let mut entries = explained
            .document
            .sections()
            .flat_map(|section| section.entries());
        entries.any(|entry| {
            let mapping = entry.mapping();
            mapping.is_some_and(|mapping| is_same_principal(mapping.principal.text(), arn))
        })
    });
    let aws_auth = match is_mapped {
        true => ", which ignores the entry of aws-auth",
        false => "",
    };
    let mode = format!("authentication mode API uses only access entries{aws_auth}");
    let known = evidence.access_entries.known();
    let Some(entries) = known.and_then(|entries| entries.as_ref().ok()?.all()) else {
        return format!("the cluster does not read aws-auth: {mode}");
    };
    if let Some(similar) = similar_access_entry::find(evidence) {
        return format!(
            "no access entry is for {arn}, and {mode}; a similar one, for {}, does not match: {}",
            similar.entry.principal_arn, similar.why
        );
    }
    let names = entries.iter().map(|entry| entry.principal_arn.as_str());
    let mut names: Vec<&str> = names.filter(|name| !is_of_service(name)).collect();
    let more = names.len().saturating_sub(MAX_NAMED);
    names.truncate(MAX_NAMED);
    let others = match (names.is_empty(), more) {
        (true, _) => "there are none for other identities".to_owned(),
        (false, 0) => format!("there are some for {}", names.join(", ")),
        (false, more) => format!("there are some for {} and {more} more", names.join(", ")),
    };
    format!("no access entry is for {arn}, and {mode}; {others}")
}

/// Returns the step that creates an access entry with the groups and policies of the similar one, as far as they are known.
fn like_the_similar(evidence: &Evidence, cluster: &str, subject: &Subject<'_>) -> String {
    let similar = similar_access_entry::find(evidence);
    let terms = similar.as_ref().and_then(|it| it.entry.terms.as_ref());
    let groups = terms.map_or(&[][..], |terms| &terms.groups);
    let policies = terms.map_or(&[][..], AccessTerms::policies);
    if groups.is_empty()
        && let Some(policy) = policies.first()
    {
        let (cluster, arn) = (quoted(cluster), quoted(&subject.canonical.arn));
        let scope = match &policy.scope {
            AccessScope::Cluster => "type=cluster".to_owned(),
            AccessScope::Namespaces(names) => {
                format!("type=namespace,namespaces={}", quoted(&names.join(",")))
            }
        };
        return format!(
            "ask a user with eks:CreateAccessEntry and eks:AssociateAccessPolicy to run: aws eks create-access-entry --cluster-name {cluster} --principal-arn {arn} && aws eks associate-access-policy --cluster-name {cluster} --principal-arn {arn} --policy-arn {} --access-scope {scope}",
            policy.arn
        );
    }
    remedy::access_entry(cluster, subject, groups)
}

/// Returns whether a principal is a role of an AWS service.
fn is_of_service(arn: &str) -> bool {
    Parts::of(arn).is_some_and(|parts| parts.name.starts_with("AWSServiceRoleFor"))
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
                    remedy::access_entry(&described.name, &subject, &[])
                ),
            );
        }
        let Some(subject) = evidence.subject() else {
            return Outcome::problem(
                saw,
                "the cluster does not read aws-auth: authentication mode API uses only access entries",
                "see the identity: awsauth whoami",
            );
        };
        let next = match problem_of_subject(evidence) {
            Some(of_node) => of_node.next,
            None => like_the_similar(evidence, &described.name, &subject),
        };
        return Outcome::problem(saw, without_entry(evidence, &subject), next);
    }
    Outcome::ok(saw)
}
