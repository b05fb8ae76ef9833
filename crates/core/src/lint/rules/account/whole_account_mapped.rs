//! An account in mapAccounts lets all of its principals sign in.

use crate::facts::accounts::is_account_id;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "A03",
    name: "whole-account-mapped",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.accounts() {
        let account = entry.principal();
        if entry.is_kept() && is_account_id(account) {
            findings.entry(
                entry,
                Part::Entry,
                format!("every user and role in account {account} can sign in, with its own ARN as username and without groups"),
                "map only the roles that need access, by ARN, and remove the account",
            );
        }
    }
}
