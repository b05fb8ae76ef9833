//! The authenticator looks for instances in the cluster's account alone.

use crate::effect::Placeholder;
use crate::facts::accounts::is_account_id;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::rules::shape::placeholder_left_in::is_documentation;
use crate::lint::rules::username::template_needs_a_session::is_refused;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N14",
    name: "cross-account-node-role",
    severity: Severity::Error,
    needs: Needs::Account,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let Some(own) = context.facts.account.as_deref() else {
        return;
    };
    for written in context.in_force() {
        let template = Placeholder::Ec2PrivateDnsName.text();
        let account = written.parts().map_or("", |parts| parts.account);
        let is_foreign =
            is_account_id(account) && account != own && !is_documentation(account, own);
        if is_foreign && written.mapping.username.contains(template) && !is_refused(written) {
            let message = format!(
                "{template} is looked up in the cluster's account, {own}, where no instance of {account} is found: the login is refused"
            );
            let help = "give the nodes a role of the cluster's account";
            found.entry(written, written.principal_span(), message, help);
        }
    }
}
