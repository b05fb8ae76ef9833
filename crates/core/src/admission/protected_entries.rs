//! Finds protected entries that an edit removes or changes.

use std::collections::HashMap;

use crate::arn::{can_match, fold};
use crate::authenticator::Store;
use crate::document::Mapping;
use crate::reconcile::Pattern;

/// Returns the protected ARNs whose entries `after` removes or changes in any way other than adding groups.
pub(super) fn lost<'d>(
    before: &Store<'d>,
    after: &Store<'_>,
    protected: &[Pattern],
) -> Vec<&'d str> {
    if protected.is_empty() {
        return Vec::new();
    }
    let protected: Vec<_> = protected
        .iter()
        .map(|pattern| Pattern::new(fold(pattern.text())))
        .collect();
    let mut left: HashMap<_, Vec<&Mapping>> = HashMap::new();
    for (arn, slot) in after.in_force() {
        left.entry(fold(arn)).or_default().push(slot.mapping);
    }
    let is_protected = |arn: &str| {
        let folded = fold(arn);
        let mut patterns = protected.iter();
        can_match(arn) && patterns.any(|pattern| pattern.matches(&folded))
    };
    let lost = before.in_force().filter(|(arn, slot)| {
        let left = left.get(&fold(arn));
        let stays = left.is_some_and(|left| left.iter().all(|after| keeps(slot.mapping, after)));
        !stays && is_protected(arn)
    });
    lost.map(|(arn, _)| arn).collect()
}

fn keeps(before: &Mapping, after: &Mapping) -> bool {
    let mut groups = before.groups().iter();
    before.username == after.username && groups.all(|group| after.groups().contains(group))
}
