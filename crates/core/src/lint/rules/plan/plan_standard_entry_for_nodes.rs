//! A plan that gives the role of nodes an access entry for users locks out the nodes: EKS checks access entries before aws-auth.

use std::collections::{HashMap, HashSet};

use crate::arn::fold;
use crate::authenticator::{Store, node_entries};
use crate::facts::access_entries::STANDARD;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::node_access::sign_in_arn;
use crate::lint::rule::{Rule, Severity};
use crate::terraform_show::PlannedNodes;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "P04",
    name: "plan-standard-entry-for-nodes",
    severity: Severity::Error,
    needs: Needs::File,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let access = &context.facts.planned_access;
    let before = context.facts.change.as_ref().map(|change| &change.before);
    let stores = before.into_iter().chain([context.document]).map(Store::new);
    let stores: Vec<Store<'_>> = stores.collect();
    let key = |role: &str| fold(&sign_in_arn(role)).into_owned();
    let node_entries = stores.iter().flat_map(node_entries);
    let node_entries: HashSet<String> = node_entries.map(|(role, _)| key(role)).collect();
    let mut nodes: HashMap<String, Vec<&PlannedNodes>> = HashMap::new();
    for one in &access.nodes {
        nodes.entry(key(&one.role)).or_default().push(one);
    }
    if nodes.is_empty() && node_entries.is_empty() {
        return;
    }
    for entry in access.entries.iter().filter(|entry| entry.kind == STANDARD) {
        let arn = sign_in_arn(&entry.principal_arn);
        let may_be_same =
            |nodes: &&&PlannedNodes| nodes.cluster.is_none() || nodes.cluster == entry.cluster;
        let mut of_role = nodes.get(&*fold(&arn)).into_iter().flatten();
        let of = match of_role.find(may_be_same) {
            Some(nodes) => format!("the role of {}", nodes.address),
            None if node_entries.contains(&*fold(&arn)) => {
                "which has a node entry in aws-auth".to_owned()
            }
            None => continue,
        };
        let message = format!(
            "{} has type STANDARD and takes precedence for {arn}, {of}: its nodes are rejected",
            entry.address
        );
        let help =
            "set `type` to that of the nodes, such as \"EC2_LINUX\", or remove the access entry";
        findings.config_map(message, help).principal = Some(arn.into());
    }
}
