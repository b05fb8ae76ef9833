//! The group that may do everything, whatever RBAC says.

use super::is_master_and_node;
use crate::document::SectionName;
use crate::facts::groups::MASTERS;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

/// As many entries as this a cluster may have without a warning.
const FEW: usize = 3;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G05",
    name: "system-masters",
    severity: Severity::Note,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let masters = || {
        context.in_force().filter_map(|written| {
            Some((
                written,
                written.groups().find(|(group, _)| *group == MASTERS)?.1,
            ))
        })
    };
    let are_many = masters().count() > FEW;
    // What is worse is G06's to say.
    for (written, span) in masters().filter(|(written, _)| !is_master_and_node(written)) {
        let message =
            "RBAC does not apply to system:masters: nothing can narrow what the caller may do";
        let help = "write a group of your own, and bind it to cluster-admin";
        let is_user = written.section == SectionName::Users;
        if let Some(finding) = found.entry(written, span, message, help)
            && (are_many || is_user)
        {
            finding.severity(Severity::Warning);
        }
    }
}
