//! An account without quotes is a number to other tools.

use crate::facts::accounts::is_account_id;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "A02",
    name: "account-unquoted",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.accounts() {
        let (account, span) = (written.principal(), written.entry.span);
        // What stands in quotes, or elsewhere, is not the same as what it says.
        if !written.is_kept() || !is_account_id(account) || written.raw(span) != account {
            continue;
        }
        let message = if account.starts_with('0') {
            "the authenticator takes an account without quotes as it stands; other tools take it for a number, and lose its leading zero"
        } else {
            "the authenticator takes an account without quotes as it stands; other tools take it for a number"
        };
        let help = format!("write \"{account}\"");
        if let Some(finding) = found.entry(written, span, message, help) {
            finding.fix("put it in quotes", written.rewritten(span, account));
        }
    }
}
