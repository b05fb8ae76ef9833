//! W1: whether the node roles are mapped.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::authenticator::{AccessEntries, NodeRoles};
use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::document::Document;
use crate::facts::authentication_mode::AuthenticationMode;
use crate::lint::{Cluster, Facts, Selection, lint};

/// The lint rules about node roles.
const RULES: [&str; 5] = ["N02", "N06", "N07", "N08", "N09"];

pub(crate) const CHECK: Check = Check {
    id: "W1",
    title: "node roles",
    after: &["K7"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let described = evidence.described.seen()?.as_ref();
    let described = described.map_err(|_| Skipped::needs("eks:DescribeCluster (M1)"))?;
    let node_inventory = evidence.node_inventory()?;
    let roles = NodeRoles::of(&node_inventory);
    if roles.all().is_empty() {
        return Outcome::ok("no managed node groups, Fargate profiles or Karpenter node classes");
    }
    let read = evidence.aws_auth.seen()?.as_ref();
    let aws_auth = read.map_err(|_| Skipped::needs("aws-auth (M4)"))?;
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
    let data: BTreeMap<_, _> = aws_auth.snapshot.data.clone();
    let report = lint(&data, &Document::read(&data), &facts, &selection);
    let saw = saw.join("; ");
    match report.findings.first() {
        None => Outcome::ok(saw),
        Some(finding) => Outcome::problem(saw, finding.message.clone(), finding.help.clone()),
    }
}
