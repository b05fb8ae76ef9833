//! W1: whether the node roles are mapped.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::arn::is_same_principal;
use crate::authenticator::{AccessEntries, NodeRoles};
use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::evidence::Problem;
use crate::document::Document;
use crate::facts::authentication_mode::AuthenticationMode;
use crate::lint::{Cluster, Facts, Finding, Selection, lint};

/// The lint rules about node roles.
const RULES: [&str; 5] = ["N02", "N06", "N07", "N08", "N09"];

pub(crate) const CHECK: Check = Check {
    id: "W1",
    title: "node roles",
    after: &["K7"],
    judge,
};

/// Returns what is wrong with the entry of the identity if it is the role of nodes.
pub(crate) fn problem_of_subject(evidence: &Evidence) -> Option<Problem> {
    let arn = evidence.subject()?.canonical.arn;
    let node_inventory = evidence.node_inventory().ok()?;
    let roles = NodeRoles::of(&node_inventory);
    judge_roles(evidence, Some(roles.get(&arn)?.arn))
        .ok()?
        .problem
}

/// Returns whether a finding is about the role, whose ARN may have an IAM path.
fn is_about(finding: &Finding, role: &str) -> bool {
    let principal = finding.principal.as_deref();
    principal.is_some_and(|principal| is_same_principal(principal, role))
        || finding.message.contains(role)
}

fn judge(evidence: &Evidence) -> CheckResult {
    // With --for, the access entries of other roles are not read.
    if evidence.request.arn.is_none() {
        return judge_roles(evidence, None);
    }
    let node_inventory = evidence.node_inventory()?;
    let roles = NodeRoles::of(&node_inventory);
    let subject = evidence.subject();
    let role = subject.and_then(|subject| roles.get(&subject.canonical.arn));
    let role =
        role.ok_or_else(|| Skipped::needs("a run without --for, or with the role of nodes"))?;
    judge_roles(evidence, Some(role.arn))
}

/// Judges the entries of all node roles, or of one.
fn judge_roles(evidence: &Evidence, only: Option<&str>) -> CheckResult {
    let described = evidence.described.seen()?.as_ref();
    let described = described.map_err(|_| Skipped::needs("eks:DescribeCluster (M1)"))?;
    let node_inventory = evidence.node_inventory()?;
    let roles = NodeRoles::of(&node_inventory);
    if roles.all().is_empty() {
        return Outcome::ok("no managed node groups, Fargate profiles or Karpenter node classes");
    }
    let data = match described.mode {
        Some(AuthenticationMode::Api) => BTreeMap::new(),
        _ => {
            let read = evidence.aws_auth.seen()?.as_ref();
            let aws_auth = read.map_err(|_| Skipped::needs("aws-auth (M4)"))?;
            aws_auth.snapshot.data.clone()
        }
    };
    let entries = match described.mode {
        None | Some(AuthenticationMode::ConfigMap) => {
            AccessEntries::new(AuthenticationMode::ConfigMap, None)
        }
        Some(_) => {
            let entries = evidence.access_entries.seen()?.as_ref();
            entries.map_err(Skipped::needs)?.clone()
        }
    };
    let saw = roles
        .all()
        .iter()
        .map(|role| format!("{} is {role}", role.arn));
    let saw: Vec<String> = saw.collect();
    let facts = Facts {
        access_entries: Some(Arc::new(entries)),
        cluster: Some(Cluster {
            name: described.name.clone(),
            region: described
                .arn
                .split(':')
                .nth(3)
                .unwrap_or_default()
                .to_owned(),
            node_inventory: node_inventory.clone(),
            principals: None,
            unavailable_principals: Vec::new(),
        }),
        ..Facts::default()
    };
    let selected = RULES.map(str::to_owned);
    let selection = Selection::new(&selected, &[]).unwrap_or_default();
    let report = lint(&data, &Document::read(&data), &facts, &selection);
    let saw = saw.join("; ");
    let mut findings = report.findings.iter();
    let finding = findings.find(|finding| only.is_none_or(|role| is_about(finding, role)));
    match finding {
        None => Outcome::ok(saw),
        Some(finding) => Outcome::problem(saw, finding.message.clone(), finding.help.clone()),
    }
}
