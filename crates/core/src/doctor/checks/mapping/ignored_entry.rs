//! M7: whether the identity's entry is ignored or cannot be rendered.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::checks::mapping::near_miss::is_ignored;
use crate::doctor::remedy;

pub(crate) const CHECK: Check = Check {
    id: "M7",
    title: "ignored entry",
    after: &["M1", "M4"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let explained = evidence.explanation()?;
    let explanation = &explained.explanation;
    let arn = &explanation.canonical_arn;
    let ignored = explanation.near.iter().find(|near| is_ignored(&near.why));
    if let (Some(near), true, false) = (
        ignored,
        explanation.answers.is_empty(),
        evidence.is_signed_in(),
    ) {
        return Outcome::problem(
            format!(
                "{} line {}: {}",
                near.section.key(),
                near.line,
                near.written
            ),
            format!("the entry for {arn} is ignored: {}", near.why),
            remedy::map(evidence, Some((&explained.document, near))),
        );
    }
    let Some(answer) = explanation.answers.first() else {
        return Outcome::ok("no entry for it is ignored");
    };
    let place = format!("{} line {}", answer.place.section.key(), answer.place.line);
    if let Err(error) = &answer.user {
        let session = evidence.subject().and_then(|subject| subject.session_name);
        let session = session.map_or_else(String::new, |name| {
            format!(", and the session name is {name:?}")
        });
        return Outcome::problem(
            place,
            format!("the username of the entry for {arn} cannot be rendered: {error}{session}"),
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
                "{place} gives {arn} no groups: its groups value is not a list, so the authenticator ignores it"
            ),
            remedy::map(evidence, None),
        );
    }
    Outcome::ok(match explanation.shadowed.as_slice() {
        [] => format!("{place} applies"),
        shadowed => {
            let lines: Vec<String> = shadowed
                .iter()
                .map(|place| format!("{} line {}", place.section.key(), place.line))
                .collect();
            format!("{place} applies, and replaces {}", lines.join(", "))
        }
    })
}
