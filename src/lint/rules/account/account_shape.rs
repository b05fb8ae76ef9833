//! An account is twelve digits, and compared as text.

use crate::document::Status;
use crate::facts::accounts::is_account_id;
use crate::lint::context::Context;
use crate::lint::explained;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "A01",
    name: "account-shape",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.accounts() {
        let account = written.principal();
        let span = written.entry.span;
        let help = "write the twelve digits in quotes, as in \"111122223333\"";
        if matches!(written.entry.status, Status::Dropped { .. }) {
            let message = "an account is text, not a list or mapping: the authenticator drops it";
            found.entry(written, span, message, help);
            continue;
        }
        if is_account_id(account) || explained::left_in(account, true).is_some() {
            continue;
        }
        let plain: String = account.chars().filter(|c| *c != '-' && *c != ' ').collect();
        let fixed = is_account_id(&plain).then(|| format!("\"{plain}\""));
        let message = if account.is_empty() {
            "an empty account matches nobody".to_owned()
        } else {
            format!("{account} is no account, which has twelve digits: it matches nobody")
        };
        if let Some(finding) = found.entry(written, span, message, help) {
            finding.fix(
                "write the account as twelve digits",
                fixed.map(|text| (span, text)),
            );
        }
    }
}
