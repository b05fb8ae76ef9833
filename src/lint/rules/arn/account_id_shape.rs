//! An account has twelve digits, leading zeros included.

use super::fault::Fault;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R02",
    name: "account-id-shape",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for (written, fault) in context.faulty() {
        let (Fault::Account, Some(parts)) = (fault, written.parts()) else {
            continue;
        };
        let account = parts.account;
        let message =
            format!("{account} is no account, which has twelve digits: the entry matches nobody");
        let digits = account.replace('-', "");
        let padded = format!("{digits:0>12}");
        let own = context.facts.account.as_deref();
        let help = match digits.len() {
            12 => format!("write {digits}"),
            11 if own.is_none_or(|own| own == padded) => {
                format!("write {padded}, if a leading zero was lost")
            }
            _ => "write the twelve digits".to_owned(),
        };
        found.entry(written, written.principal_span(), message, help);
    }
}
