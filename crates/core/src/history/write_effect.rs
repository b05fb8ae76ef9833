//! Whether the write of a revision is still in effect.

use super::{Contents, Revision};

/// What happened to a revision's write later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevisionState {
    /// The next write found what this one wrote, or it is the current state.
    Preserved,
    /// The write did not happen, another run wrote instead, or another client undid it: the next write found the state before this
    /// one, or that is the current state.
    Void,
    /// The next write found a different state, or the current state is different: another client has written in between.
    Overwritten,
}

/// Returns the state of each revision. The revisions are in the order of their numbers; `live` is the current aws-auth.
///
/// Runs that found the same aws-auth have the same number. At most one of them wrote; the others lost the race.
pub fn revision_states(revisions: &[&Revision], live: &Contents) -> Vec<RevisionState> {
    let groups: Vec<&[&Revision]> = revisions
        .chunk_by(|one, other| one.number == other.number)
        .collect();
    let found = groups.iter().skip(1).filter_map(|next| next.first());
    let found = found.map(|next| &next.before).chain([live]);
    let mut revision_states = Vec::new();
    for (group, found) in groups.iter().zip(found) {
        let winner = group.iter().rposition(|revision| revision.after == *found);
        revision_states.extend(group.iter().enumerate().map(|(at, revision)| match winner {
            Some(winner) if winner == at => RevisionState::Preserved,
            Some(_) => RevisionState::Void,
            None if revision.before == *found => RevisionState::Void,
            None => RevisionState::Overwritten,
        }));
    }
    revision_states
}

#[cfg(test)]
mod tests {
    use super::super::revision::tests::{contents, revision};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// In a complete chain every write is preserved, and the revision before a missing one is overwritten. Runs that lost a race do
        /// not change that.
        #[test]
        fn missing_revision_is_reported_at_its_position(texts in prop::collection::vec(contents(), 3..8), one in revision(), at in any::<prop::sample::Index>(), loser in contents()) {
            let mut texts = texts;
            texts.dedup();
            prop_assume!(texts.len() > 2 && !texts.contains(&loser));
            let writes = texts.windows(2).zip(0..).map(|(pair, number)| Revision { number, before: pair[0].clone(), after: pair[1].clone(), ..one.clone() });
            let mut writes: Vec<_> = writes.collect();
            let live = texts.last().unwrap();
            let all: Vec<_> = writes.iter().collect();
            prop_assert!(revision_states(&all, live).iter().all(|state| *state == RevisionState::Preserved));
            let at = at.index(writes.len());
            let lost_race = Revision { after: loser, ..writes[at].clone() };
            for behind in [0, 1] {
                let mut all: Vec<_> = writes.iter().collect();
                all.insert(at + behind, &lost_race);
                for (nth, state) in revision_states(&all, live).into_iter().enumerate() {
                    let expected = if nth == at + behind { RevisionState::Void } else { RevisionState::Preserved };
                    prop_assert_eq!(state, expected);
                }
            }
            let at = at.max(1).min(writes.len() - 1);
            let lost = writes.remove(at);
            let found = writes.get(at).map_or(live, |next| &next.before);
            let expected = if *found == writes[at - 1].before { RevisionState::Void } else { RevisionState::Overwritten };
            prop_assert!(lost.before == writes[at - 1].after);
            let all: Vec<_> = writes.iter().collect();
            for (nth, state) in revision_states(&all, live).into_iter().enumerate() {
                prop_assert_eq!(state, if nth == at - 1 { expected } else { RevisionState::Preserved });
            }
        }
    }
}
