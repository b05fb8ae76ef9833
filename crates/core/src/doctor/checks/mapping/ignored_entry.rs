//! M7: whether the identity's entry is ignored or cannot be rendered.

use crate::authenticator::{Answer, Placeholder};
use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::checks::mapping::near_miss::is_ignored;
use crate::doctor::denied_request::{DeniedRequest, denied_question};
use crate::doctor::evidence::{Explained, Problem};
use crate::doctor::lint_causes;
use crate::doctor::remedy;
use crate::document::Mapping;
use crate::facts::groups::BUILT_IN;

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
            format!("write groups as a list: {}", lint_causes::edit(evidence)),
        );
    }
    // What looks like a template but is not one is never intended.
    if let Some(problem) = lint_causes::of_rules(&["U05"], evidence, &explained, answer) {
        return Outcome::from_problem(place, &problem);
    }
    if let Some(problem) = denied_by_the_entry(evidence, &explained, answer) {
        return Outcome::from_problem(place, &problem);
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

/// Returns the first text in braces that is no placeholder of the authenticator.
fn unknown_placeholder(template: &str) -> Option<&str> {
    let mut rest = template;
    while let Some(at) = rest.find("{{") {
        let (_, text) = rest.split_at(at);
        let length = text.find("}}").map_or(text.len(), |end| end + "}}".len());
        let (found, next) = text.split_at(length);
        if !Placeholder::ALL.iter().any(|known| known.text() == found) {
            return Some(found);
        }
        rest = next;
    }
    None
}

/// Returns why the entry gives a user without rights: only if a request is denied.
fn denied_by_the_entry(
    evidence: &Evidence,
    explained: &Explained<'_>,
    answer: &Answer,
) -> Option<Problem> {
    denied_question(evidence)?;
    let user = answer.user.as_ref().ok()?;
    let place = format!("{} line {}", answer.place.section.key(), answer.place.line);
    if let Some(mistake) = lint_causes::of_entry(evidence, explained, answer) {
        return Some(mistake);
    }
    let mapping = remedy::written(explained, answer)?;
    let renamed = |username: String| {
        let mapping = Mapping {
            username,
            ..mapping.clone()
        };
        remedy::map_like(evidence, Some(&mapping))
    };
    if user.username.is_empty() {
        return Some(Problem {
            cause: format!("{place} has no username, so the user's name is empty"),
            next: renamed(String::new()),
        });
    }
    if BUILT_IN.contains(&user.username.as_str()) {
        return Some(Problem {
            cause: format!(
                "{place} has the username {0}, but {0} is a group, and a user of that name is not in it",
                user.username
            ),
            next: format!(
                "list it under groups if that is what you mean: {}",
                lint_causes::edit(evidence)
            ),
        });
    }
    if let Some(unknown) = unknown_placeholder(&mapping.username) {
        return Some(Problem {
            cause: format!(
                "{place} has the username {}, but the authenticator does not replace {unknown}, so the user has this literal name",
                mapping.username
            ),
            next: renamed(
                mapping
                    .username
                    .replace(unknown, Placeholder::SessionName.text()),
            ),
        });
    }
    // The later entry may be the intended one.
    DeniedRequest::of(evidence)?;
    let shadowed = explained.explanation.shadowed.iter().find_map(|place| {
        let section = explained.document.section(place.section);
        let earlier = section.entries().get(place.index)?.mapping()?;
        let lost: Vec<String> = earlier
            .groups()
            .iter()
            .filter(|group| !mapping.groups().contains(group))
            .cloned()
            .collect();
        (!lost.is_empty()).then_some((place, lost, earlier))
    });
    let (earlier, lost, first) = shadowed?;
    Some(Problem {
        cause: format!(
            "{place} replaces the earlier entry of the same identity in {} line {}, which gives {}",
            earlier.section.key(),
            earlier.line,
            remedy::groups(&lost)
        ),
        next: format!(
            "remove the later entry; or write one entry with the groups of the earlier: {}",
            remedy::map_like(evidence, Some(first))
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_that_the_authenticator_does_not_replace_is_an_unknown_placeholder() {
        for (template, expected) in [
            ("dev", None),
            ("pay:{{SessionName}}", None),
            ("{{AccountID}}:{{SessionNameRaw}}", None),
            ("dev:{{Session}}", Some("{{Session}}")),
            (
                "{{SessionName}}-{{ SessionName }}",
                Some("{{ SessionName }}"),
            ),
            ("dev:{{SessionName", Some("{{SessionName")),
        ] {
            assert_eq!(unknown_placeholder(template), expected, "{template}");
        }
    }
}
