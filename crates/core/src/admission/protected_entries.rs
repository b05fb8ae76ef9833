//! Finds protected entries that an edit removes or changes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::arn::{can_match, fold};
use crate::authenticator::{CommonFields, Store};
use crate::wildcard_pattern::Pattern;

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
    let mut left: HashMap<_, CommonFields<'_>> = HashMap::new();
    for (arn, slot) in after.in_force() {
        match left.entry(fold(arn)) {
            Entry::Occupied(mut terms) => terms.get_mut().add(slot.mapping),
            Entry::Vacant(free) => {
                free.insert(CommonFields::of(slot.mapping));
            }
        }
    }
    let is_protected = |arn: &str| {
        let folded = fold(arn);
        let mut patterns = protected.iter();
        can_match(arn) && patterns.any(|pattern| pattern.matches(&folded))
    };
    let lost = before.in_force().filter(|(arn, slot)| {
        let left = left.get(&fold(arn));
        !left.is_some_and(|left| left.include(slot.mapping)) && is_protected(arn)
    });
    lost.map(|(arn, _)| arn).collect()
}
