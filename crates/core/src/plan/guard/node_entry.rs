//! Refuses to remove or reduce node entries.

use super::{Case, Guard, Verdict};
use crate::arn::equal_fold;
use crate::authenticator::{Loss, LostNodes, lost_nodes};
use crate::facts::access_entries::AccessTerms;

/// Refuses to remove a node entry, or to change its username or remove groups from it, unless that is allowed or its nodes sign in
/// with an access entry.
pub(super) fn check(case: &Case<'_>, verdict: &mut Verdict) {
    let request = case.request;
    let entries = request.access_entries.as_deref();
    let is_allowed = |arn: &str| {
        let mut allowed = request.allow.node_entries.iter();
        allowed.any(|allowed| equal_fold(allowed, arn))
    };
    let has_access_entry = |arn: &str| {
        let entry = entries.and_then(|entries| entries.of(arn));
        let terms = entry.and_then(|entry| entry.terms.as_ref());
        terms.is_some_and(AccessTerms::is_for_nodes)
    };
    let lost = lost_nodes(&case.before.store, &case.after.store);
    for LostNodes { arn, loss, .. } in lost {
        if is_allowed(&arn) || has_access_entry(&arn) {
            continue;
        }
        let how = match loss {
            Loss::Entry => "without its entry",
            Loss::Terms => "with another username or fewer groups",
        };
        verdict.refuse_one(
            &arn,
            Guard::NodeEntry,
            format!("nodes sign in with {arn}; {how}, they would become NotReady"),
            format!("--allow-node-entry {arn}"),
        );
    }
}
