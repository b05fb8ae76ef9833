//! Refuses changes to another owner's entries.

use super::{Case, Guard, Verdict};
use crate::owners_annotation::{Conflict, conflicts};

/// Refuses entries that belong to another owner.
pub(super) fn check(case: &Case<'_>, verdict: &mut Verdict) {
    let Some(ownership) = &case.request.owner else {
        return;
    };
    if ownership.take_over {
        return;
    }
    let owner = Some(&ownership.owner);
    for conflict in conflicts(
        case.before.document,
        case.owners,
        owner,
        &ownership.requested,
    ) {
        let Conflict { entry, holder, .. } = conflict;
        let section = entry.section.key();
        verdict.refuse(
            Guard::Owner,
            format!(
                "the entry at line {} of {section} belongs to owner {holder}",
                entry.line
            ),
            "--take-over",
        );
    }
}
