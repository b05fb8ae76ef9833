//! An ARN without a partition, or with one that the authenticator does not know.

use crate::facts::partitions::PARTITIONS;
use crate::lint::arn_fault::ArnFault;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R09",
    name: "unknown-partition",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for (entry, fault) in context.unmatchable() {
        let (ArnFault::Partition, Some(arn)) = (fault, entry.arn()) else {
            continue;
        };
        let message = if arn.partition.is_empty() {
            "the ARN has no partition: the entry never matches".to_owned()
        } else {
            format!(
                "the authenticator does not know partition {}: the entry never matches",
                arn.partition
            )
        };
        let known = PARTITIONS.map(|partition| partition.id).join(", ");
        let help = format!("the partitions are {known}");
        findings.entry(entry, Part::Principal, message, help);
    }
}
