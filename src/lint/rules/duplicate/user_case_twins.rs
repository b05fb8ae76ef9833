//! Two users that differ in letter case are the same caller's, and either may answer.

use crate::arn::fold;
use crate::document::SectionName;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};
use std::collections::HashMap;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "D03",
    name: "user-case-twins",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let mut seen = HashMap::new();
    for written in context.in_force() {
        if written.section != SectionName::Users {
            continue;
        }
        let line = written.entry.line;
        let first = *seen.entry(fold(written.principal())).or_insert(line);
        if first == line {
            continue;
        }
        let message = "another entry differs from this one in letter case only: the authenticator takes either of them, another from login to login";
        let finding = found.entry(
            written,
            written.principal_span(),
            message,
            "make one entry of the two",
        );
        if let Some(finding) = finding {
            finding.other(first);
        }
    }
}
