//! M6: whether a similar entry does not match the identity.

use crate::arn::{Kind, Parts};
use crate::authenticator::Mismatch;
use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::evidence::{Explained, Problem};
use crate::doctor::{lint_causes, remedy, similar_access_entry};
use crate::document::{Mapping, SectionName};
use crate::lint::unfilled_placeholder;

pub(crate) const CHECK: Check = Check {
    id: "M6",
    title: "near misses",
    after: &["M1", "M4"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let explained = evidence.explanation()?;
    let explanation = &explained.explanation;
    if explanation.allowed() || !explanation.answers.is_empty() || evidence.is_signed_in() {
        return Err(Skipped::needs("an identity that is not mapped"));
    }
    if let Some(problem) = lint_causes::of_replaced_principal(evidence, &explained) {
        return Outcome::from_problem("an entry with two principals", &problem);
    }
    let mut near = explanation.near.iter();
    let Some(near) = near.find(|near| !is_ignored(&near.why)) else {
        if let Some((saw, problem)) = unusable_entry(evidence, &explained) {
            return Outcome::from_problem(saw, &problem);
        }
        let (Some(similar), Some(subject)) =
            (similar_access_entry::find(evidence), evidence.subject())
        else {
            return Outcome::ok("no similar entry");
        };
        let principal = &similar.entry.principal_arn;
        let terms = similar.entry.terms.as_ref();
        let groups = terms.map_or(&[][..], |terms| &terms.groups);
        let cluster = evidence.described.known().and_then(|it| it.as_ref().ok());
        let cluster = cluster.map_or("NAME", |described| &described.name);
        return Outcome::problem(
            format!("an access entry for {principal}"),
            format!(
                "a similar access entry, for {principal}, does not match {}: {}",
                explanation.canonical_arn, similar.why
            ),
            remedy::access_entry(cluster, &subject, groups),
        );
    };
    let saw = format!(
        "{} line {}: {}",
        near.section.key(),
        near.line,
        near.written
    );
    let arn = &explanation.canonical_arn;
    let cause = format!("a similar entry does not match {arn}: {}", near.why);
    if let Some(correction) = lint_causes::correction(evidence, &explained, near) {
        return Outcome::problem(saw, cause, correction);
    }
    // The username of the account's root user is not that of another user.
    let similar = (near.why != Mismatch::Root).then_some((&explained.document, near));
    let map = remedy::map(evidence, similar);
    Outcome::problem(
        saw,
        cause,
        match &near.why {
            Mismatch::Part {
                part: "account", ..
            } => remedy::after_selection(evidence, map),
            _ => map,
        },
    )
}

/// Finds an entry that may be intended for the identity but names no identity: an IAM group, or a placeholder of a
/// template that was not filled in.
fn unusable_entry(evidence: &Evidence, explained: &Explained<'_>) -> Option<(String, Problem)> {
    let subject = evidence.subject()?;
    let name = match subject.canonical.kind {
        Kind::User => SectionName::Users,
        _ => SectionName::Roles,
    };
    let section = explained.document.section(name);
    section.entries().iter().find_map(|entry| {
        let mapping = entry.written_mapping();
        let text = mapping.principal.text();
        let is_group = Parts::of(text).is_some_and(|parts| parts.is("iam", "group"));
        let place = format!("{} line {}", name.key(), entry.line);
        let cause = if is_group && subject.canonical.kind == Kind::User {
            format!(
                "{text} in {place} is an IAM group, which aws-auth cannot map: map each user, or a role"
            )
        } else {
            let placeholder = unfilled_placeholder(text, true)?;
            if is_for_another(text, placeholder, &subject.canonical.arn) {
                return None;
            }
            format!("{place} names no identity: the placeholder {placeholder} was not filled in")
        };
        // A group's username is not that of its users.
        let mapping = Mapping {
            username: match is_group {
                true => String::new(),
                false => mapping.username.clone(),
            },
            ..mapping.clone()
        };
        let problem = Problem {
            cause,
            next: remedy::map_like(evidence, Some(&mapping)),
        };
        Some((format!("{place}: {text}"), problem))
    })
}

/// Returns whether an ARN with a placeholder, such as that of its account, has the name of another identity.
fn is_for_another(text: &str, placeholder: &str, arn: &str) -> bool {
    let name = Parts::of(text).map(|parts| parts.name);
    let own = Parts::of(arn).map(|parts| parts.name);
    name.is_some_and(|name| !name.contains(placeholder) && own != Some(name))
}

/// Returns whether the entry is for the identity but is ignored, which M7 reports.
pub(crate) fn is_ignored(why: &Mismatch) -> bool {
    matches!(
        why,
        Mismatch::Ignored(_) | Mismatch::Unreadable(_) | Mismatch::NotRead
    )
}
