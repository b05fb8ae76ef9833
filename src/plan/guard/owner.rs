use super::{Case, Guard, Said};
use crate::owners::{Conflict, conflicts};

/// Refuses entries that belong to another owner.
pub(super) fn check(case: &Case<'_>, said: &mut Said) {
    let Some(ownership) = &case.request.owner else {
        return;
    };
    if ownership.take_over {
        return;
    }
    let owner = Some(&ownership.owner);
    for conflict in conflicts(case.before, case.owners, owner, &ownership.wanted) {
        let Conflict { entry, holder, .. } = conflict;
        let section = entry.section.key();
        said.refuse(
            Guard::Owner,
            format!(
                "the entry at line {} of {section} belongs to owner {holder}",
                entry.line
            ),
            "--take-over",
        );
    }
}
