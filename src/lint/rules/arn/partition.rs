//! An ARN of a partition that there is not.

use super::fault::Fault;
use crate::facts::partitions::PARTITIONS;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R09",
    name: "partition",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for (written, fault) in context.faulty() {
        let (Fault::Partition, Some(parts)) = (fault, written.parts()) else {
            continue;
        };
        let known = PARTITIONS.map(|partition| partition.id).join(", ");
        let message = if parts.partition.is_empty() {
            "the ARN has no partition: the entry matches nobody".to_owned()
        } else {
            let partition = parts.partition;
            format!("the authenticator knows no partition {partition}: the entry matches nobody")
        };
        let help = format!("the partitions are {known}");
        found.entry(written, written.principal_span(), message, help);
    }
}
