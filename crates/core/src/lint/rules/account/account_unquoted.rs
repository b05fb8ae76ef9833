//! Other tools read an account without quotes as a number.

use crate::facts::accounts::is_account_id;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "A02",
    name: "account-unquoted",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.accounts() {
        let (account, span) = (entry.principal(), entry.source.span);
        // The raw text differs if the value is quoted or written elsewhere.
        if !entry.is_kept() || !is_account_id(account) || entry.raw(span) != account {
            continue;
        }
        let message = if account.starts_with('0') {
            "the authenticator reads an account without quotes as text, but other tools read it as a number and drop its leading zero"
        } else {
            "the authenticator reads an account without quotes as text, but other tools read it as a number"
        };
        findings
            .entry(entry, Part::Entry, message, format!("write \"{account}\""))
            .fix("put the account in quotes", entry.requote(span, account));
    }
}
