use super::m6::is_dead;
use super::{Evidence, Judged, Outcome, Rung, remedy};

pub(super) const RUNG: Rung = Rung {
    id: "M7",
    title: "entry is dead",
    after: &["M1", "M4"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let explained = evidence.explanation()?;
    let explanation = &explained.explanation;
    let arn = &explanation.canonical_arn;
    let dead = explanation.near.iter().find(|near| is_dead(&near.why));
    if let (Some(near), true, false) = (dead, explanation.answers.is_empty(), evidence.is_in()) {
        return Outcome::problem(
            format!(
                "{} line {}: {}",
                near.section.key(),
                near.line,
                near.written
            ),
            format!("the entry for {arn} does not count: {}", near.why),
            remedy::map(evidence, Some((&explained.document, near))),
        );
    }
    let Some(answer) = explanation.answers.first() else {
        return Outcome::ok("no entry for it is dead");
    };
    let place = format!("{} line {}", answer.place.section.key(), answer.place.line);
    if let Err(error) = &answer.user {
        let session = evidence.subject().and_then(|subject| subject.session_name);
        let session = session.map_or_else(String::new, |name| {
            format!(", and the session's name is {name:?}")
        });
        return Outcome::problem(
            place,
            format!("the entry for {arn} can't be filled in: {error}{session}"),
            format!(
                "give it a username without that template: {}",
                remedy::map(evidence, None)
            ),
        );
    }
    let section = explained.document.section(answer.place.section);
    let entry = section.entries().get(answer.place.index);
    let fields = entry.map(|entry| &entry.fields);
    let lost_groups =
        fields.is_some_and(|fields| fields.groups.is_some() && !fields.groups_are_list);
    if lost_groups {
        return Outcome::problem(
            place.clone(),
            format!(
                "{place} gives {arn} no groups: what it has as groups is not a list, so the authenticator leaves it out"
            ),
            remedy::map(evidence, None),
        );
    }
    Outcome::ok(match explanation.shadowed.as_slice() {
        [] => format!("{place} counts"),
        shadowed => {
            let lines: Vec<String> = shadowed
                .iter()
                .map(|place| format!("{} line {}", place.section.key(), place.line))
                .collect();
            format!("{place} counts, and replaces {}", lines.join(", "))
        }
    })
}
