//! An `sso` entry that the authenticator drops.

use crate::document::{Oddity, Principal, Status};
use crate::facts::accounts::is_account_id;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R15",
    name: "sso-block-invalid",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.entries() {
        let Status::Dropped { reason, .. } = &written.entry.status else {
            continue;
        };
        if !matches!(written.mapping.principal, Principal::Sso(_)) {
            continue;
        }
        let mistyped = written
            .entry
            .oddities
            .iter()
            .find_map(|oddity| match *oddity {
                Oddity::Mistyped {
                    field, found, span, ..
                } if field.starts_with("sso") => Some((field, found, span)),
                _ => None,
            });
        let Some((field, shape, span)) = mistyped else {
            let message = format!("{reason}: the authenticator drops the entry");
            let help = "write permissionSetName and accountID, or better rolearn";
            found.entry(written, written.principal_span(), message, help);
            continue;
        };
        let wanted = if field == "sso" { "a mapping" } else { "text" };
        let message = format!(
            "{field} is {}, not {wanted}: the authenticator drops the entry",
            shape.name()
        );
        let raw = written.raw(span);
        let is_account = is_account_id(raw);
        let help = if is_account {
            format!("write \"{raw}\"")
        } else {
            format!("make it {wanted}")
        };
        if let Some(finding) = found.entry(written, span, message, help) {
            let change = is_account.then(|| written.rewritten(span, raw)).flatten();
            finding.fix("put it in quotes", change);
        }
    }
}
