//! An account is exactly twelve digits and is compared as text.

use crate::document::Status;
use crate::facts::accounts::is_account_id;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "A01",
    name: "malformed-account",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.accounts() {
        let account = entry.principal();
        let help = "write all 12 digits of the account ID in quotes, as in \"111122223333\"";
        if matches!(entry.source.status, Status::Dropped { .. }) {
            let message =
                "an account must be text, not a list or a mapping: the authenticator drops it";
            findings.entry(entry, Part::Entry, message, help);
            continue;
        }
        if is_account_id(account) {
            continue;
        }
        let digits: String = account.chars().filter(|c| *c != '-' && *c != ' ').collect();
        let fixed = is_account_id(&digits).then(|| format!("\"{digits}\""));
        let message = if account.is_empty() {
            "an empty account never matches".to_owned()
        } else {
            format!("{account} is not a 12-digit account ID: it never matches")
        };
        findings.entry(entry, Part::Entry, message, help).fix(
            "write the account as twelve digits",
            fixed.map(|text| (entry.source.span, text)),
        );
    }
}
