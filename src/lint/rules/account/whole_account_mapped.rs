//! Who maps an account lets everybody in it sign in.

use super::account_plus_wide_binding::wide;
use crate::facts::accounts::is_account_id;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "A03",
    name: "whole-account-mapped",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    // What they get, A05 says.
    if !wide(context).is_empty() {
        return;
    }
    for written in context.accounts() {
        let account = written.principal();
        // Of another account than the cluster's, A04 says more.
        let own = context.facts.account.as_deref();
        let is_ours = own.is_none_or(|own| own == account);
        if written.is_kept() && is_account_id(account) && is_ours {
            found.entry(
                written,
                written.entry.span,
                format!("every user and role of the account {account} may sign in, under its own ARN and with no group of its own"),
                "map the roles that need access by their ARNs, and remove the account",
            );
        }
    }
}
