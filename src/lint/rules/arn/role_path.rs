//! STS never reports a role's path, so an entry with one matches nobody.

use super::fault::Fault;
use crate::arn::{Mended, mend};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R03",
    name: "role-path",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for (written, fault) in context.faulty() {
        let (Fault::Path, Some(parts)) = (fault, written.parts()) else {
            continue;
        };
        let path = parts.path;
        let span = written.principal_span();
        let message = format!(
            "the role's path {path} is never part of a caller's ARN: the entry matches nobody"
        );
        let Mended::PathDropped { arn, .. } = mend(written.principal()) else {
            found.entry(written, span, message, "write the role's ARN as role/NAME");
            continue;
        };
        // Where the mended ARN has an entry already, D05 has more to say.
        if context.role(&arn).is_some() {
            continue;
        }
        let help = format!("leave the path out: {arn}");
        if let Some(finding) = found.entry(written, span, message, help) {
            let change = written.replaced(
                span,
                &format!("{path}{}", parts.name),
                &format!("/{}", parts.name),
            );
            finding.fix(format!("leave out the path {path}"), change);
        }
    }
}
