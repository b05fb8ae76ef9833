//! STS never reports a role's path, so an entry with one matches nobody.

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
    for written in context.mapped() {
        let Some(parts) = written.parts else {
            continue;
        };
        if !parts.is("iam", "role") || !parts.has_path() {
            continue;
        }
        let path = parts.path;
        let span = written.principal_span();
        let message = format!(
            "the role's path {path} is never part of a caller's ARN: the entry matches nobody"
        );
        let Mended::PathDropped { arn, .. } = mend(written.principal()) else {
            found.entry(written, span, message, "write the role's ARN as role/NAME");
            continue;
        };
        let help = format!("leave the path out: {arn}");
        if let Some(finding) = found.entry(written, span, message, help) {
            // Where the mended ARN has an entry already, that one would be replaced.
            if !context.has_role(&arn) {
                let change = written.replaced(
                    span,
                    &format!("{path}{}", parts.name),
                    &format!("/{}", parts.name),
                );
                finding.fix(format!("leave out the path {path}"), change);
            }
        }
    }
}
