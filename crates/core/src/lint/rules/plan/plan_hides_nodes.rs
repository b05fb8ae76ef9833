//! A plan that gives the role of nodes an access entry for users locks out the nodes: EKS checks access entries before aws-auth.

use crate::arn::equal_fold;
use crate::authenticator::{Store, node_entries};
use crate::facts::access_entries::STANDARD;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::node_access::sign_in_arn;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "P04",
    name: "plan-hides-nodes",
    severity: Severity::Error,
    needs: Needs::File,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let access = &context.facts.planned_access;
    let before = context.facts.change.as_ref().map(|change| &change.before);
    let stores = before.into_iter().chain([context.document]).map(Store::new);
    let stores: Vec<Store<'_>> = stores.collect();
    for entry in access.entries.iter().filter(|entry| entry.kind == STANDARD) {
        let arn = sign_in_arn(&entry.principal_arn);
        let is_role = |role: &str| equal_fold(&sign_in_arn(role), &arn);
        let nodes = access.nodes.iter().find(|nodes| {
            let may_be_same = nodes.cluster.is_none() || nodes.cluster == entry.cluster;
            is_role(&nodes.role) && may_be_same
        });
        let has_node_entry = || {
            stores
                .iter()
                .flat_map(node_entries)
                .any(|(role, _)| is_role(role))
        };
        let of = match nodes {
            Some(nodes) => format!("the role of {}", nodes.address),
            None if has_node_entry() => "which has a node entry in aws-auth".to_owned(),
            None => continue,
        };
        let message = format!(
            "{} has type STANDARD and takes precedence for {arn}, {of}: its nodes are rejected",
            entry.address
        );
        let help =
            "set `type` to that of the nodes, such as \"EC2_LINUX\", or remove the access entry";
        findings.config_map(message, help).principal = Some(arn);
    }
}
