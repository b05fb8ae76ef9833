//! Mapping an account means trusting its IAM administrators.

use crate::facts::accounts::is_account_id;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "A04",
    name: "foreign-account",
    severity: Severity::Warning,
    needs: Needs::Account,
    supersedes: &["A03"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(own) = context.facts.account.as_deref() else {
        return;
    };
    for entry in context.accounts() {
        let account = entry.principal();
        if entry.is_kept() && is_account_id(account) && account != own {
            findings.entry(
                entry,
                Part::Entry,
                format!("{account} is not the cluster's account, {own}: every user and role in it can sign in, without groups"),
                "map only the roles that need access, by ARN, and remove the account",
            );
        }
    }
}
