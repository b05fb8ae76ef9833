//! Who maps an account trusts whoever administers its IAM.

use crate::facts::accounts::is_account_id;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "A04",
    name: "foreign-account",
    severity: Severity::Warning,
    needs: Needs::Account,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let Some(own) = context.facts.account.as_deref() else {
        return;
    };
    for written in context.accounts() {
        let account = written.principal();
        if written.is_kept() && is_account_id(account) && account != own {
            found.entry(
                written,
                written.entry.span,
                format!("{account} is not the cluster's account, {own}: every user and role of it may sign in, with no group of their own"),
                "map the roles that need access by their ARNs, and remove the account",
            );
        }
    }
}
