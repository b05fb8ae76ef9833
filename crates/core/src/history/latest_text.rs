//! Which text a restore without an argument offers.

use super::{Contents, Revision, RevisionState};

/// The side of a revision's write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

impl Side {
    /// Returns aws-auth on this side of a revision's write.
    pub fn of(self, revision: &Revision) -> &Contents {
        match self {
            Self::Before => &revision.before,
            Self::After => &revision.after,
        }
    }
}

/// The text before or after the write of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatestText {
    /// The index of the revision.
    pub at: usize,
    pub side: Side,
}

/// Returns the text that a restore without an argument offers. The revisions are in the order of their numbers; `exists` is whether
/// aws-auth exists now.
///
/// If aws-auth was deleted, this is the last state before that, even if the controller has created aws-auth again from its objects
/// alone. Otherwise it is what the newest write of awsauth left.
pub fn latest_text(revisions: &[(&Revision, RevisionState)], exists: bool) -> Option<LatestText> {
    let in_effect = |at: &usize| revisions[*at].1 != RevisionState::Void;
    let newest_first: Vec<usize> = (0..revisions.len()).rev().filter(in_effect).collect();
    let after = |at| LatestText {
        at,
        side: Side::After,
    };
    let last = |at: usize| match revisions[at].0.is_deletion() {
        true => LatestText {
            at,
            side: Side::Before,
        },
        false => after(at),
    };
    if !exists && let Some(newest) = newest_first.first() {
        return Some(last(*newest));
    }
    for (nth, &at) in newest_first.iter().enumerate() {
        let revision = revisions[at].0;
        if revision.is_deletion() {
            return Some(last(at));
        }
        if revision.is_creation() {
            let earlier = newest_first.get(nth + 1).map(|&at| last(at));
            let is_other_text =
                |of: &LatestText| !has_text(&revision.after, revisions[of.at].0, of.side);
            match earlier.filter(is_other_text) {
                Some(earlier) if revision.is_by_controller() => return Some(earlier),
                _ => break,
            }
        }
        if !revision.is_foreign && !revision.is_by_controller() {
            break;
        }
    }
    let own = |at: &&usize| !revisions[**at].0.is_foreign;
    newest_first.iter().find(own).map(|&at| after(at))
}

fn has_text(contents: &Contents, revision: &Revision, side: Side) -> bool {
    *contents == side.of(revision).existing()
}

#[cfg(test)]
mod tests {
    use super::super::revision_states;
    use super::*;
    use crate::history::{CONTROLLER, Who};
    use jiff::Timestamp;

    /// Returns contents with this text; missing if it is empty.
    fn contents(text: &str) -> Contents {
        Contents {
            exists: !text.is_empty(),
            data: (!text.is_empty())
                .then(|| ("mapRoles".to_owned(), text.into()))
                .into_iter()
                .collect(),
            ..Contents::default()
        }
    }

    /// Returns the text that is offered after these writes: the writer (user, controller or foreign) and the text that each left.
    fn offered(writes: &[(&str, &str)], live: &str) -> Option<String> {
        let mut before = contents("start");
        let mut revisions = Vec::new();
        for ((writer, text), number) in writes.iter().zip(1..) {
            let after = contents(text);
            let command: &[&str] = match *writer {
                "controller" => &CONTROLLER,
                "user" => &["awsauth", "map"],
                _ => &[],
            };
            revisions.push(Revision {
                number,
                run: "0".repeat(16),
                before: std::mem::replace(&mut before, after.clone()),
                after,
                who: Who::default(),
                when: Timestamp::UNIX_EPOCH,
                command: command.iter().map(|word| (*word).to_owned()).collect(),
                version: String::new(),
                reason: None,
                undoes: None,
                is_foreign: *writer == "foreign",
                transaction: None,
                entries: None,
            });
        }
        offered_of(&revisions, live)
    }

    fn offered_of(revisions: &[Revision], live: &str) -> Option<String> {
        let all: Vec<&Revision> = revisions.iter().collect();
        let live = contents(live);
        let states = revision_states(&all, &live, None);
        let all: Vec<_> = all.into_iter().zip(states).collect();
        let LatestText { at, side } = latest_text(&all, live.exists)?;
        let contents = side.of(&revisions[at]);
        Some(contents.data["mapRoles"].to_string())
    }

    #[test]
    fn newest_write_of_awsauth_is_offered() {
        let writes = [("user", "a"), ("controller", "b"), ("foreign", "c")];
        assert_eq!(offered(&writes, "c").as_deref(), Some("b"));
        assert_eq!(offered(&writes, "d").as_deref(), Some("b"));
        assert_eq!(offered(&[], "d"), None);
        assert_eq!(offered(&[("foreign", "c")], "c"), None);
    }

    #[test]
    fn last_text_before_a_deletion_is_offered() {
        for (writes, live, expected) in [
            // The deletion was observed or not, and a foreign edit came before it.
            (&[("user", "a"), ("foreign", "")][..], "", "a"),
            (&[("user", "a"), ("foreign", "b"), ("foreign", "")], "", "b"),
            (&[("user", "a"), ("foreign", "b")], "", "b"),
            // The controller created aws-auth from its objects alone.
            (
                &[("user", "a"), ("foreign", ""), ("controller", "x")],
                "x",
                "a",
            ),
            (
                &[
                    ("user", "a"),
                    ("foreign", ""),
                    ("controller", "x"),
                    ("controller", "y"),
                    ("foreign", "z"),
                ],
                "z",
                "a",
            ),
            // The controller restored it.
            (
                &[
                    ("user", "a"),
                    ("foreign", ""),
                    ("controller", "a"),
                    ("controller", "b"),
                ],
                "b",
                "b",
            ),
            // A user has written since.
            (
                &[
                    ("user", "a"),
                    ("foreign", ""),
                    ("controller", "x"),
                    ("user", "y"),
                ],
                "y",
                "y",
            ),
        ] {
            assert_eq!(
                offered(writes, live).as_deref(),
                Some(expected),
                "{writes:?}"
            );
        }
    }

    #[test]
    fn text_before_an_unobserved_deletion_is_offered() {
        let write = |number, before: &str, after: &str, command: &[&str]| Revision {
            number,
            run: "0".repeat(16),
            before: contents(before),
            after: contents(after),
            who: Who::default(),
            when: Timestamp::UNIX_EPOCH,
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            version: String::new(),
            reason: None,
            undoes: None,
            is_foreign: false,
            transaction: None,
            entries: None,
        };
        let user = ["awsauth", "map"];
        let mut writes = vec![
            write(1, "start", "a", &user),
            write(2, "", "x", &CONTROLLER),
        ];
        assert_eq!(offered_of(&writes, "x").as_deref(), Some("a"));
        writes[1].command = user.map(str::to_owned).into();
        assert_eq!(offered_of(&writes, "x").as_deref(), Some("x"));
        // The first write of all created it.
        assert_eq!(
            offered_of(&[write(1, "", "x", &CONTROLLER)], "x").as_deref(),
            Some("x")
        );
    }
}
