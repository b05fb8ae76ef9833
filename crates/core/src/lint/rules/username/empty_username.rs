//! A user with an empty name.

use crate::facts::node_kinds::NodeKind;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U01",
    name: "empty-username",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.effective() {
        if !entry.username().is_empty() {
            continue;
        }
        let message = "there is no username: the caller signs in with an empty name, which no binding can reference and which does not appear in audit logs";
        let name = entry.arn().map(|arn| arn.name);
        let help = match name.filter(|name| !name.is_empty()) {
            _ if entry.has_node_group() && !entry.is_sessionless() => {
                let [linux, fargate] =
                    [NodeKind::Linux, NodeKind::Fargate].map(|kind| kind.username());
                format!(
                    "if nodes use this role, write {linux}, or for Fargate and hybrid nodes {fargate}"
                )
            }
            Some(name) => format!("write a username, such as {name}"),
            None => "write a username".to_owned(),
        };
        let place = if entry.source.fields.username.is_some() {
            Part::Username
        } else {
            Part::Principal
        };
        findings
            .entry(entry, Part::Username, message, help)
            .at(entry.span(place));
    }
}
