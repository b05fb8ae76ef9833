//! A waiver that names no rule, or a rule that does not exist, has no effect.

use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::{Findings, shortened};
use crate::lint::rule::closest;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "L02",
    name: "waiver-of-unknown-rule",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

/// The maximum number of unknown names that are reported for one waiver.
const MAX_NAMES: usize = 10;

/// The maximum number of unknown names that are compared with the names of all rules.
const MAX_SEARCHES: usize = 100;

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut searches = 0;
    for waiver in context.waivers() {
        if waiver.names.is_empty() {
            findings.section(
                waiver.section,
                waiver.span,
                "this waiver names no rule and has no effect",
                "write # awsauth: ignore[ID] and a reason",
            );
        }
        let is_unknown = |name: &&&str| !context.rules.iter().any(|rule| rule.is_called(name));
        for name in waiver.names.iter().filter(is_unknown).take(MAX_NAMES) {
            let message = format!(
                "there is no rule {}: the waiver has no effect for it",
                shortened(name)
            );
            searches += 1;
            let closest = (searches <= MAX_SEARCHES).then(|| closest(context.rules, name));
            let help = closest.flatten().map_or_else(
                || "write the ID of a rule, or remove it".to_owned(),
                |closest| format!("write {closest} if that is what you mean"),
            );
            findings.section(waiver.section, waiver.span, message, help);
        }
    }
}
