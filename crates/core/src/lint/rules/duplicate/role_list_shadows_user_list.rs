//! The authenticator checks mapRoles before mapUsers, for users too.

use crate::authenticator::EntryState;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "D04",
    name: "role-list-shadows-user-list",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.mapped() {
        if let EntryState::Shadowed { by } = entry.state
            && by.section != entry.section
        {
            let message = format!(
                "{} has an entry with the same ARN and is checked first, so this entry has no effect",
                by.section.key()
            );
            let help = "keep one of the two entries";
            findings.entry(entry, Part::Principal, message, help);
        }
    }
}
