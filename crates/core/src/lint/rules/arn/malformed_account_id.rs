//! An account ID in an ARN has 12 digits, including leading zeros.

use crate::lint::arn_fault::ArnFault;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R02",
    name: "malformed-account-id",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for (entry, fault) in context.unmatchable() {
        if *fault != ArnFault::Account {
            continue;
        }
        let account = entry.account();
        let message = format!("{account} is not a 12-digit account ID: the entry never matches");
        let digits = account.replace('-', "");
        let padded = format!("{digits:0>12}");
        let own = context.facts.account.as_deref();
        let help = match digits.len() {
            _ if !digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                "write the 12 digits of the account ID".to_owned()
            }
            12 => format!("write {digits}"),
            11 if own.is_none_or(|own| own == padded) => {
                format!("write {padded} if a leading zero was lost")
            }
            _ => "write all 12 digits of the account ID".to_owned(),
        };
        findings.entry(entry, Part::Principal, message, help);
    }
}
