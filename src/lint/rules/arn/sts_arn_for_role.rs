//! A session is compared as its role.

use super::fault::Fault;
use crate::arn::{Mended, can_match, mend};
use crate::facts::accounts::is_account_id;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R06",
    name: "sts-arn-for-role",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for (written, fault) in context.faulty() {
        let (Fault::Session, Some(parts)) = (fault, written.parts()) else {
            continue;
        };
        let role = match mend(written.principal()) {
            Mended::Session { role } => role,
            _ => format!(
                "arn:{}:iam::{}:role/{}",
                parts.partition, parts.account, parts.name
            ),
        };
        let span = written.principal_span();
        let message = "the authenticator compares a session as its role, never by this ARN: the entry matches nobody";
        if !can_match(&role) {
            found.entry(written, span, message, "write the role's ARN");
            continue;
        }
        let help = format!("write {role}, which maps all sessions of the role");
        if let Some(finding) = found.entry(written, span, message, help) {
            // Where the role has an entry already, that one would be replaced.
            let is_free = context.role(&role).is_none() && is_account_id(parts.account);
            let change = is_free.then(|| written.rewritten(span, &role)).flatten();
            finding.fix("write the role's ARN", change);
        }
    }
}
