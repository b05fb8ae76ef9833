//! The access entries that earlier runs created.

use super::standard_target::cluster_admin;
use crate::access_entries::{is_changed, tags};
use crate::facts::access_entries::{AccessEntry, AccessTerms, STANDARD};

/// The value of [`tags::FROM`] in access entries that replace an entry of aws-auth.
pub(super) const AWS_AUTH: &str = "aws-auth";

/// Returns whether an access entry replaces an entry of aws-auth, according to its tags.
pub fn is_migrated(terms: &AccessTerms) -> bool {
    let from = terms.tags.get(tags::FROM);
    from.is_some_and(|from| from == AWS_AUTH)
}

/// Returns an access entry with the policy that replaces `system:masters`, if a run created the entry and stopped before it
/// associated the policy: the digest in the tags is that of the entry with the policy.
pub fn finished(entry: &AccessEntry) -> Option<AccessEntry> {
    let mut finished = entry.clone();
    let terms = finished.terms.as_mut()?;
    if !is_migrated(terms) || terms.kind != STANDARD {
        return None;
    }
    let policies = terms.policies.as_mut()?;
    policies.push(cluster_admin(&entry.principal_arn));
    let is_planned = is_changed(entry) == Some(true) && is_changed(&finished) == Some(false);
    is_planned.then_some(finished)
}
