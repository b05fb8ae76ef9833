use super::{Contents, Revision};

/// What came after a revision's write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// What it wrote is what the next write found, or what is there now.
    Followed,
    /// It was not carried out, or somebody else has taken it back: what was there before it is what the next write found, or
    /// what is there now; or another run wrote in its place.
    Void,
    /// The next write found something else, or something else is there now: somebody else has written in between.
    Foreign,
}

/// What came after each of these, which are in the order of their numbers; `live` is what is there now.
///
/// Runs that found the same aws-auth have the same number. One of them wrote at most; the others ended, or are about to find
/// that they lost the race.
pub fn standings(revisions: &[&Revision], live: &Contents) -> Vec<Standing> {
    let groups: Vec<&[&Revision]> = revisions
        .chunk_by(|one, other| one.number == other.number)
        .collect();
    let found = groups.iter().skip(1).filter_map(|next| next.first());
    let found = found.map(|next| &next.before).chain([live]);
    let mut standings = Vec::new();
    for (group, found) in groups.iter().zip(found) {
        let winner = group.iter().rposition(|revision| revision.after == *found);
        standings.extend(group.iter().enumerate().map(|(at, revision)| match winner {
            Some(winner) if winner == at => Standing::Followed,
            Some(_) => Standing::Void,
            None if revision.before == *found => Standing::Void,
            None => Standing::Foreign,
        }));
    }
    standings
}

#[cfg(test)]
mod tests {
    use super::super::revision::tests::{contents, revision};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However many writes follow one another, none looks like somebody else's; one that was not kept does. Runs that lost
        /// a race change nothing about it.
        #[test]
        fn a_gap_shows_where_it_is(texts in prop::collection::vec(contents(), 3..8), one in revision(), at in any::<prop::sample::Index>(), loser in contents()) {
            let mut texts = texts;
            texts.dedup();
            prop_assume!(texts.len() > 2 && !texts.contains(&loser));
            let writes = texts.windows(2).zip(0..).map(|(pair, number)| Revision { number, before: pair[0].clone(), after: pair[1].clone(), ..one.clone() });
            let mut writes: Vec<_> = writes.collect();
            let live = texts.last().unwrap();
            let all: Vec<_> = writes.iter().collect();
            prop_assert!(standings(&all, live).iter().all(|standing| *standing == Standing::Followed));
            let at = at.index(writes.len());
            let lost_race = Revision { after: loser, ..writes[at].clone() };
            for behind in [0, 1] {
                let mut all: Vec<_> = writes.iter().collect();
                all.insert(at + behind, &lost_race);
                for (nth, standing) in standings(&all, live).into_iter().enumerate() {
                    let expected = if nth == at + behind { Standing::Void } else { Standing::Followed };
                    prop_assert_eq!(standing, expected);
                }
            }
            let at = at.max(1).min(writes.len() - 1);
            let lost = writes.remove(at);
            let found = writes.get(at).map_or(live, |next| &next.before);
            let expected = if *found == writes[at - 1].before { Standing::Void } else { Standing::Foreign };
            prop_assert!(lost.before == writes[at - 1].after);
            let all: Vec<_> = writes.iter().collect();
            for (nth, standing) in standings(&all, live).into_iter().enumerate() {
                prop_assert_eq!(standing, if nth == at - 1 { expected } else { Standing::Followed });
            }
        }
    }
}
