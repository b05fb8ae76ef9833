//! The authenticator looks for instances only in the cluster's account.

use crate::authenticator::Placeholder;
use crate::facts::accounts::is_account_id;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N14",
    name: "cross-account-node-role",
    severity: Severity::Error,
    needs: Needs::Account,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(own) = context.facts.account.as_deref() else {
        return;
    };
    let template = Placeholder::Ec2PrivateDnsName.text();
    for entry in context.effective() {
        let account = entry.account();
        let is_foreign = is_account_id(account) && account != own;
        if is_foreign && entry.username().contains(template) {
            let message = format!(
                "the authenticator looks up {template} in the cluster's account, {own}, which has no instances of account {account}: sign-in is rejected"
            );
            let help = "give the nodes a role of the cluster's account";
            findings
                .entry(entry, Part::Entry, message, help)
                .at(entry.span(Part::Principal));
        }
    }
}
