//! A cluster is in one partition, and so are the principals that can sign in to it.

use crate::facts::partitions::Partition;
use crate::lint::arn_fault::arn_fault;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R17",
    name: "mixed-partitions",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    // Credentials are valid in one partition only:
    // <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
    let valid = || {
        let all = context
            .effective()
            .filter(|entry| arn_fault(entry).is_none());
        all.filter_map(|entry| Some((entry, entry.arn()?.partition)))
    };
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for (_, partition) in valid() {
        match counts
            .iter_mut()
            .find(|(known, _)| known.eq_ignore_ascii_case(partition))
        {
            Some((_, count)) => *count += 1,
            None => counts.push((partition, 1)),
        }
    }
    let cluster = context.facts.cluster.as_ref();
    let own = cluster.map(|cluster| Partition::of_region(&cluster.region).id);
    let most = || {
        // Of equally frequent ones, the first.
        let most = counts.iter().rev().max_by_key(|(_, count)| *count);
        most.filter(|_| counts.len() > 1)
            .map(|(partition, _)| *partition)
    };
    let (Some(expected), whose) = (match own {
        Some(own) => (Some(own), "the cluster's"),
        None => (most(), "that of most entries"),
    }) else {
        return;
    };
    for (entry, partition) in valid() {
        if !partition.eq_ignore_ascii_case(expected) {
            let message = format!(
                "partition {partition} is not {whose}, {expected}: credentials of one partition are not valid in another, so one of them never matches"
            );
            let help = format!(
                "write arn:{expected}:… if the principal is in that partition, or remove the entry"
            );
            findings.entry(entry, Part::Principal, message, help);
        }
    }
}
