//! An `sso` entry with a partition never matches, even if the partition is correct.

use crate::document::Principal;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R14",
    name: "sso-partition-set",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["R13"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.mapped() {
        let Principal::Sso(sso) = &entry.mapping.principal else {
            continue;
        };
        if sso.partition.is_empty() {
            continue;
        }
        let message = "if an sso entry sets partition, the authenticator compares with an empty partition: the entry never matches";
        let help = if sso.partition == "aws" {
            "remove partition, or better write rolearn"
        } else {
            "write rolearn instead of sso, which works only in partition aws"
        };
        findings.entry(entry, Part::Principal, message, help);
    }
}
