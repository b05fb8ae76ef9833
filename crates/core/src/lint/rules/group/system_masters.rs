//! RBAC cannot restrict members of system:masters.

use crate::document::SectionName;
use crate::facts::groups::MASTERS;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::{Part, ResolvedEntry};
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G05",
    name: "system-masters",
    severity: Severity::Note,
    needs: Needs::Nothing,
    supersedes: &[],
};

/// Reports the entries of a section once, at the first one without a waiver. Entries with a waiver are reported one by one.
pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let masters = context.effective().filter(|entry| !entry.is_of_nodes());
    let masters = masters.filter_map(|entry| {
        let (part, _) = entry.groups().find(|(_, group)| *group == MASTERS)?;
        Some((entry, part))
    });
    let (waived, others): (Vec<_>, Vec<_>) =
        masters.partition(|(entry, part)| context.waives(&RULE, entry, *part));
    for (entry, part) in waived {
        report(findings, entry, part, 1);
    }
    for section in SectionName::ALL {
        let mut here = others.iter().filter(|(entry, _)| entry.section == section);
        let count = here.clone().count();
        if let Some((entry, part)) = here.next() {
            report(findings, entry, *part, count);
        }
    }
}

fn report(findings: &mut Findings, entry: &ResolvedEntry<'_>, part: Part, count: usize) {
    const MESSAGE: &str = "members of system:masters have full access that RBAC cannot restrict";
    let message = match count {
        1 => MESSAGE.to_owned(),
        count => format!(
            "{MESSAGE}; {count} entries of {} have this group",
            entry.section.key()
        ),
    };
    let help = "use a group of your own, and bind it to cluster-admin";
    findings.entry(entry, part, message, help);
}
