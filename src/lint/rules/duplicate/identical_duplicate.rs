//! The same entry twice: the last one counts, and says the same.

use super::{replaced, says_the_same};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "D01",
    name: "identical-duplicate",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for (written, by) in replaced(context) {
        if says_the_same(written.mapping, by.mapping) {
            let finding = found.entry(
                written,
                written.principal_span(),
                "a later entry says the same, and the authenticator keeps the last",
                "remove this entry, not the last, which is the one in force",
            );
            if let Some(finding) = finding {
                finding.other(by.entry.line);
            }
        }
    }
}
