//! Identity Center ends the names of its roles with a number of its own.

use super::fault::{Fault, fault};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

/// What the names of its roles begin with.
const PREFIX: &str = "awsreservedsso_";

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R04",
    name: "sso-suffix-missing",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        let Some(parts) = written.parts else {
            continue;
        };
        let name = parts.name.to_ascii_lowercase();
        let is_ours = parts.is("iam", "role") && name.starts_with(PREFIX) && !has_suffix(&name);
        if !is_ours || !matches!(fault(written), None | Some(Fault::Path)) {
            continue;
        }
        let message = format!(
            "{} lacks the 16 hexadecimal digits that Identity Center ends its roles with: the entry matches nobody",
            parts.name
        );
        let help = "copy the role's whole name; aws iam list-roles tells it";
        found.entry(written, written.principal_span(), message, help);
    }
}

/// Whether a name ends as Identity Center ends it.
fn has_suffix(name: &str) -> bool {
    name.rsplit_once('_').is_some_and(|(_, suffix)| {
        suffix.len() == 16 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
