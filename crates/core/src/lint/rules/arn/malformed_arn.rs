//! A value without the form of an IAM ARN never matches.

use crate::lint::arn_fault::ArnFault;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R01",
    name: "malformed-arn",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for (entry, fault) in context.unmatchable() {
        let (reason, help) = match fault {
            ArnFault::Malformed(reason) => (
                reason.as_str(),
                "write arn:PARTITION:iam::ACCOUNT:role/NAME or user/NAME",
            ),
            ArnFault::SeveralArns => (
                "there are several ARNs in one value",
                "write one entry for each ARN",
            ),
            _ => continue,
        };
        let message = format!("{reason}: the entry never matches");
        findings.entry(entry, Part::Principal, message, help);
    }
}
