//! A waiver that names no rule, or a rule that does not exist, has no effect.

use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::closest;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "L02",
    name: "waiver-of-unknown-rule",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for waiver in context.waivers() {
        if waiver.names.is_empty() {
            findings.section(
                waiver.section,
                waiver.span,
                "this waiver names no rule and has no effect",
                "write # awsauth: ignore[ID] and a reason",
            );
        }
        for name in &waiver.names {
            if !context.rules.iter().any(|rule| rule.is_called(name)) {
                let message = format!("there is no rule {name}: the waiver has no effect for it");
                let help = closest(context.rules, name).map_or_else(
                    || "write the ID of a rule, or remove it".to_owned(),
                    |closest| format!("write {closest} if that is what you mean"),
                );
                findings.section(waiver.section, waiver.span, message, help);
            }
        }
    }
}
