//! Whether the write of a revision is still in effect.

use std::collections::HashMap;

use super::{Contents, EntryWrite, Revision};
use crate::access_entries::difference_between;
use crate::authenticator::AccessEntries;
use crate::facts::access_entries::{AccessEntry, AccessTerms};
use crate::facts::authentication_mode::AuthenticationMode;

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

/// Returns the state of each revision, in [their order](Revision::order). `live` is the current aws-auth, `live_entries` are the current
/// access entries, if they are known.
///
/// Runs that found the same aws-auth have the same number. At most one of them wrote aws-auth; the others lost the race.
pub fn revision_states(
    revisions: &[&Revision],
    live: &Contents,
    live_entries: Option<&AccessEntries>,
) -> Vec<RevisionState> {
    let is_of_aws_auth = |revision: &&&Revision| revision.entries.is_none();
    let of_aws_auth: Vec<&Revision> = revisions.iter().filter(is_of_aws_auth).copied().collect();
    let mut aws_auth_states = aws_auth_states(&of_aws_auth, live).into_iter();
    let live = live_entries.and_then(AccessEntries::all);
    let mut found = Found {
        other: live.map(|_| None),
        contents: live.unwrap_or_default().iter().map(of_entry).collect(),
        mode: live_entries.map(AccessEntries::mode),
    };
    let newest_first = revisions.iter().rev();
    let newest_first = newest_first.map(|revision| match &revision.entries {
        None => aws_auth_states
            .next_back()
            .unwrap_or(RevisionState::Overwritten),
        Some(write) => {
            let state = entries_state(write, &found);
            let changes = write.changes.iter();
            let before =
                changes.map(|change| (change.principal_arn.as_str(), Some(change.before.as_ref())));
            found.contents.extend(before);
            state
        }
    });
    let mut states: Vec<_> = newest_first.collect();
    states.reverse();
    states
}

/// What the next write found, or else EKS has now. Contents are `None` if they are unknown, and `Some(None)` if there was no entry.
struct Found<'a> {
    contents: HashMap<&'a str, Option<Option<&'a AccessTerms>>>,
    /// The contents of all other entries.
    other: Option<Option<&'a AccessTerms>>,
    /// The authentication mode now.
    mode: Option<AuthenticationMode>,
}

fn of_entry(entry: &AccessEntry) -> (&str, Option<Option<&AccessTerms>>) {
    (entry.principal_arn.as_str(), entry.terms.as_ref().map(Some))
}

fn aws_auth_states(revisions: &[&Revision], live: &Contents) -> Vec<RevisionState> {
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

/// Returns the state of a write to access entries. An entry that no later write found, and whose current contents are unknown, is
/// treated as preserved.
fn entries_state(write: &EntryWrite, found: &Found<'_>) -> RevisionState {
    // EKS cannot reverse it, so it was not made if the mode is the one before.
    if let Some(before) = write.mode_before {
        return match found.mode == Some(before) {
            true => RevisionState::Void,
            false => RevisionState::Preserved,
        };
    }
    let mut states = write.changes.iter().map(|change| {
        let arn = &change.principal_arn;
        let is = |found: Option<&AccessTerms>, terms: &Option<AccessTerms>| {
            difference_between(arn, found, terms.as_ref()).is_none()
        };
        let known = found.contents.get(arn.as_str()).copied();
        let Some(found) = known.unwrap_or(found.other) else {
            return RevisionState::Preserved;
        };
        if is(found, &change.after) {
            RevisionState::Preserved
        } else if is(found, &change.before) {
            RevisionState::Void
        } else {
            RevisionState::Overwritten
        }
    });
    let first = states.next().unwrap_or(RevisionState::Void);
    match states.all(|state| state == first) {
        true => first,
        false => RevisionState::Overwritten,
    }
}

#[cfg(test)]
mod tests {
    use super::super::revision::tests::{contents, entry_revision, revision};
    use super::*;
    use crate::facts::authentication_mode::AuthenticationMode;
    use proptest::prelude::*;

    #[test]
    fn later_writes_and_live_entries_decide_about_a_write_to_access_entries() {
        use RevisionState::{Overwritten, Preserved, Void};
        let states = |writes: &[(Option<&str>, Option<&str>)], live: Option<Option<&str>>| {
            let writes = writes.iter().zip(1..);
            let writes: Vec<_> = writes
                .map(|((before, after), sequence)| entry_revision(sequence, *before, *after))
                .collect();
            let live = live.map(|live| {
                let entries = entry_revision(9, live, None).entries.unwrap();
                AccessEntries::new(AuthenticationMode::Api, Some(entries.entries_before()))
            });
            let all: Vec<_> = writes.iter().collect();
            revision_states(&all, &Contents::default(), live.as_ref())
        };
        let created = (None, Some("a"));
        let changed = (Some("a"), Some("b"));
        for (writes, live, expected) in [
            (&[created][..], None, vec![Preserved]),
            (&[created], Some(Some("a")), vec![Preserved]),
            (&[created], Some(Some("x")), vec![Overwritten]),
            (&[created], Some(None), vec![Void]),
            (&[created, changed], None, vec![Preserved, Preserved]),
            (
                &[created, (Some("x"), None)],
                None,
                vec![Overwritten, Preserved],
            ),
            (&[changed, changed], Some(Some("b")), vec![Void, Preserved]),
        ] {
            assert_eq!(states(writes, live), expected, "{writes:?} {live:?}");
        }
    }

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
            prop_assert!(revision_states(&all, live, None).iter().all(|state| *state == RevisionState::Preserved));
            let at = at.index(writes.len());
            let lost_race = Revision { after: loser, ..writes[at].clone() };
            for behind in [0, 1] {
                let mut all: Vec<_> = writes.iter().collect();
                all.insert(at + behind, &lost_race);
                for (nth, state) in revision_states(&all, live, None).into_iter().enumerate() {
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
            for (nth, state) in revision_states(&all, live, None).into_iter().enumerate() {
                prop_assert_eq!(state, if nth == at - 1 { expected } else { RevisionState::Preserved });
            }
        }
    }
}
