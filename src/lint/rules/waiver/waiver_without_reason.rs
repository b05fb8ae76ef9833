//! A waiver without a reason waives nothing.

use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "L01",
    name: "waiver-without-reason",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for waiver in context.waivers() {
        if waiver.reason.is_empty() && !waiver.names.is_empty() {
            found.section(
                waiver.section,
                waiver.span,
                "this waiver has no reason, and waives nothing",
                "say why behind it, as in # awsauth: ignore[G05] break-glass role, see the runbook",
            );
        }
    }
}
