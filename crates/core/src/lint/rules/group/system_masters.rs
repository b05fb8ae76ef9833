//! RBAC cannot restrict members of system:masters.

use crate::document::SectionName;
use crate::facts::groups::MASTERS;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

/// The number of entries that may have the group without a warning.
const FEW: usize = 3;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G05",
    name: "system-masters",
    severity: Severity::Note,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let masters = || {
        context.effective().filter_map(|entry| {
            let (part, _) = entry.groups().find(|(_, group)| *group == MASTERS)?;
            Some((entry, part))
        })
    };
    let are_many = masters().count() > FEW;
    for (entry, part) in masters() {
        let message = "members of system:masters have full access that RBAC cannot restrict";
        let help = "write a group of your own, and bind it to cluster-admin";
        let finding = findings.entry(entry, part, message, help);
        if are_many || entry.section == SectionName::Users {
            finding.severity(Severity::Warning);
        }
    }
}
