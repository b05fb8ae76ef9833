//! M7: whether the identity's entry is ignored or cannot be rendered.

use crate::authenticator::{Answer, Placeholder};
use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::checks::mapping::near_miss::is_ignored;
use crate::doctor::denied_request::{DeniedRequest, denied_question};
use crate::doctor::evidence::{Explained, Problem};
use crate::doctor::lint_causes;
use crate::doctor::remedy;
use crate::doctor::unknown_placeholder::unknown_placeholder;
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

/// Returns the placeholder that text in braces resembles most.
fn intended_placeholder(unknown: &str) -> Placeholder {
    let letters = |text: &str| -> String {
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        letters.collect::<String>().to_ascii_lowercase()
    };
    let unknown = letters(unknown);
    let distance = |known: &Placeholder| {
        let known = letters(known.text());
        strsim::damerau_levenshtein(&known, &unknown)
    };
    let mut placeholders = Placeholder::ALL;
    placeholders.sort_by_key(distance);
    let nearest = placeholders[0];
    match distance(&nearest) <= 3 {
        true => nearest,
        false => Placeholder::SessionName,
    }
}

/// Returns the problem that the groups or the username of the entry are in an item of their own, because of a dash too many.
fn of_split_entry(
    evidence: &Evidence,
    explained: &Explained<'_>,
    answer: &Answer,
) -> Option<Problem> {
    let section = explained.document.section(answer.place.section);
    let entries = section.entries();
    let mapping = remedy::written(explained, answer)?;
    let before = answer.place.index.checked_sub(1);
    let beside = [Some(answer.place.index + 1), before];
    let other = beside.into_iter().flatten().find_map(|index| {
        let other = entries.get(index)?;
        let part = other.written_mapping();
        let has_principal = !part.principal.text().is_empty();
        let adds_groups = mapping.groups().is_empty() && !part.groups().is_empty();
        let adds_username = mapping.username.is_empty() && !part.username.is_empty();
        let is_clash = !mapping.username.is_empty() && !part.username.is_empty()
            || !mapping.groups().is_empty() && !part.groups().is_empty();
        let is_part = !has_principal && !is_clash && (adds_groups || adds_username);
        is_part.then_some(other)
    })?;
    let part = other.written_mapping();
    let whole = Mapping {
        username: match mapping.username.as_str() {
            "" => part.username.clone(),
            own => own.to_owned(),
        },
        groups: match mapping.groups() {
            [] => part.groups.clone(),
            _ => mapping.groups.clone(),
        },
        ..mapping.clone()
    };
    let what = match (part.username.as_str(), part.groups()) {
        ("", groups) => remedy::groups(groups),
        (username, []) => format!("username {username}"),
        (username, groups) => format!("username {username} and {}", remedy::groups(groups)),
    };
    let key = section.name().key();
    Some(Problem {
        cause: format!(
            "{key} line {} has {what} but no ARN, and was probably meant for the entry of line {}: the dash of line {} begins another item",
            other.line,
            answer.place.line,
            other.line.max(answer.place.line)
        ),
        next: remedy::map_like(evidence, Some(&whole)),
    })
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
    if let Some(split) = of_split_entry(evidence, explained, answer) {
        return Some(split);
    }
    let mapping = remedy::written(explained, answer)?;
    // Without --group, the entry keeps its groups, or has none.
    let renamed = |username: String| {
        let mapping = Mapping {
            username,
            ..mapping.clone()
        };
        let map = remedy::map_like(evidence, Some(&mapping));
        map.replacen(" --group GROUP", "", 1)
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
                    .replace(unknown, intended_placeholder(unknown).text()),
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
