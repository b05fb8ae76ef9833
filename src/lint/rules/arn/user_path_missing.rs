//! A user's ARN has its IAM path, unlike a role's.

use crate::facts::principals::Named;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::principals::known;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R12",
    name: "user-path-missing",
    severity: Severity::Error,
    needs: Needs::Principals,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for known in known(context).filter(|known| known.parts.is("iam", "user")) {
        let Named::Here(user) = known.named else {
            continue;
        };
        let written = known.written;
        let arn = written.principal();
        if user.arn.eq_ignore_ascii_case(arn) {
            continue;
        }
        let message = format!(
            "the user is {}, and STS reports a user with its IAM path: the entry matches nobody",
            user.arn
        );
        let help = format!("write {}", user.arn);
        let span = written.principal_span();
        let fix = written.replaced(span, arn, &user.arn);
        if let Some(finding) = found.entry(written, span, message, help) {
            finding.fix(format!("write {} in place of {arn}", user.arn), fix);
        }
    }
}
