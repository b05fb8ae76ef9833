//! An access entry of type STANDARD does not make its principal a node.

use crate::authenticator::Override;
use crate::facts::access_entries::STANDARD;
use crate::lint::access_entries::cluster_flags;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};
use crate::shell_quote::quoted;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "E06",
    name: "standard-entry-for-nodes",
    severity: Severity::Error,
    needs: Needs::AccessEntries,
    supersedes: &["D06"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(entries) = &context.facts.access_entries else {
        return;
    };
    for entry in context.effective().filter(|entry| entry.is_of_nodes()) {
        let principal = &entry.mapping.principal;
        let Some(Override::AccessEntry(access_entry)) = entries.override_for_principal(principal)
        else {
            continue;
        };
        if access_entry
            .terms
            .as_ref()
            .is_none_or(|terms| terms.is_for_nodes())
        {
            continue;
        }
        let arn = &access_entry.principal_arn;
        let message = format!(
            "the access entry of {arn} has type {STANDARD} and hides this node entry: nodes with this role are rejected"
        );
        let (flags, arn) = (cluster_flags(context), quoted(arn));
        let help = format!(
            "delete it, so that this entry applies: aws eks delete-access-entry{flags} --principal-arn {arn}; or create it again with the type of the nodes, such as EC2_LINUX"
        );
        findings.entry(entry, Part::Entry, message, help);
    }
}
