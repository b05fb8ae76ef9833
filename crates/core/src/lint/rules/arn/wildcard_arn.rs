//! The authenticator compares ARNs literally, without wildcards.

use crate::lint::arn_fault::ArnFault;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R05",
    name: "wildcard-arn",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for (entry, fault) in context.unmatchable() {
        if *fault == ArnFault::Wildcard {
            let message =
                "wildcards are not supported, ARNs are compared literally: the entry never matches";
            let help = "write one entry for each role or user";
            findings.entry(entry, Part::Principal, message, help);
        }
    }
}
