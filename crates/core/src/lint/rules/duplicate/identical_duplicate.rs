//! If an entry occurs twice, the authenticator uses the last one.

use crate::lint::context::Context;
use crate::lint::entry_comparison::{EffectComparison, replaced_entries};
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "D01",
    name: "identical-duplicate",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut effects = EffectComparison::default();
    for (entry, by) in replaced_entries(context) {
        if effects.is_same(entry, by) {
            let message = "a later entry repeats this one, and the authenticator uses the last";
            let help = "remove this entry and keep the last, which is the one in effect";
            findings
                .entry(entry, Part::Principal, message, help)
                .other_line(by.source.line);
        }
    }
}
