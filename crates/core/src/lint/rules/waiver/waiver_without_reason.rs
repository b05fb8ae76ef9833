//! A waiver without a reason has no effect.

use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "L01",
    name: "waiver-without-reason",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for waiver in context.waivers() {
        if waiver.reason.is_empty() && !waiver.names.is_empty() {
            findings.section(
                waiver.section,
                waiver.span,
                "this waiver gives no reason and has no effect",
                "add the reason, as in # awsauth: ignore[G05] break-glass role, see the runbook",
            );
        }
    }
}
