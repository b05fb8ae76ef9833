//! The root user is one user, not everybody in the account.

use super::fault::fault;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R10",
    name: "account-root",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        let is_root = written.parts().is_some_and(|parts| parts.is("iam", "root"));
        if is_root && fault(written).is_none() {
            let message = "this is the account's root user alone, not everybody in the account";
            let help = "map the roles or users that need access";
            found.entry(written, written.principal_span(), message, help);
        }
    }
}
