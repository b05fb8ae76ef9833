//! An `sso` entry that the authenticator drops.

use crate::document::{DecodeWarning, Principal, Status};
use crate::facts::accounts::is_account_id;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R15",
    name: "sso-block-invalid",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["S08"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.entries() {
        let Status::Dropped { reason, .. } = &entry.source.status else {
            continue;
        };
        if !matches!(entry.mapping.principal, Principal::Sso(_)) {
            continue;
        }
        let mut decode_warnings = entry.source.decode_warnings.iter();
        let mistyped = decode_warnings.find_map(|warning| match *warning {
            DecodeWarning::Mistyped {
                field, found, span, ..
            } if field.starts_with("sso") => Some((field, found, span)),
            _ => None,
        });
        let Some((field, shape, span)) = mistyped else {
            let message = format!("{reason}: the authenticator drops the entry");
            let help = "write permissionSetName and accountID, or better rolearn";
            findings.entry(entry, Part::Principal, message, help);
            continue;
        };
        let expected = if field == "sso" { "a mapping" } else { "text" };
        let message = format!(
            "{field} is {}, not {expected}: the authenticator drops the entry",
            shape.name()
        );
        let raw = entry.raw(span);
        let is_account = is_account_id(raw);
        let help = if is_account {
            format!("write \"{raw}\"")
        } else {
            format!("write {expected}")
        };
        let change = is_account.then(|| entry.requote(span, raw)).flatten();
        findings
            .entry(entry, Part::Principal, message, help)
            .at(span)
            .fix("put it in quotes", change);
    }
}
