//! What lint finds in aws-auth, as causes of rejected and denied requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::denied_request::as_administrator;
use super::evidence::{Evidence, Explained, Problem};
use super::remedy;
use crate::arn::{Parts, is_same_principal};
use crate::authenticator::{Answer, Mismatch, NearMatch};
use crate::document::{DecodeWarning, Document, Section};
use crate::lint::{Facts, Finding, Selection, Severity, Site, lint};

/// The rules that explain why an entry gives a user other permissions than intended. The first one that applies is the cause.
const OF_RIGHTS: [&str; 7] = ["S12", "S13", "S11", "S15", "S16", "S17", "G04"];

/// Returns the mistake that causes the user of an entry to have no permissions.
pub(super) fn of_entry(
    evidence: &Evidence,
    explained: &Explained<'_>,
    answer: &Answer,
) -> Option<Problem> {
    of_rules(&OF_RIGHTS, evidence, explained, answer)
}

/// Returns the first mistake in an entry that one of these rules finds.
pub(super) fn of_rules(
    rules: &[&str],
    evidence: &Evidence,
    explained: &Explained<'_>,
    answer: &Answer,
) -> Option<Problem> {
    let place = Some((answer.place.section, answer.place.index));
    let errors = errors(&explained.aws_auth.snapshot.data, &explained.document);
    let errors: Vec<Finding> = errors.filter(|error| error.place() == place).collect();
    let mut rules = rules.iter();
    let error = rules.find_map(|rule| errors.iter().find(|error| error.rule.id == *rule))?;
    let line = error
        .site
        .text()
        .map_or(answer.place.line, |text| text.start.line);
    Some(Problem {
        cause: format!(
            "{} line {line}: {}",
            answer.place.section.key(),
            error.message
        ),
        next: format!("{}: {}", error.help, edit(evidence)),
    })
}

/// Returns the entry that begins with the identity's ARN and replaces it with another one, because the dash before the next
/// entry is missing.
pub(super) fn of_replaced_principal(
    evidence: &Evidence,
    explained: &Explained<'_>,
) -> Option<Problem> {
    let arn = &explained.explanation.canonical_arn;
    explained.document.sections().find_map(|section| {
        let text = section.text()?;
        let (entry, earlier, later) = section.entries().iter().find_map(|entry| {
            let mut warnings = entry.decode_warnings.iter();
            warnings.find_map(|warning| {
                let DecodeWarning::Repeated { earlier, later } = warning else {
                    return None;
                };
                let value = text.get(earlier.value.range())?.trim_matches(['"', '\'']);
                is_same_principal(value, arn).then_some((entry, earlier, later))
            })
        })?;
        let key = text.get(earlier.key.range())?;
        let line = text.get(..later.key.range().start)?.lines().count();
        Some(Problem {
            cause: format!(
                "{} line {} maps {arn}, but has a second {key} in line {line}, and the authenticator uses only the last one",
                section.name().key(),
                entry.line
            ),
            next: format!(
                "begin a new entry in line {line} with a dash, - {key}: {}",
                edit(evidence)
            ),
        })
    })
}

/// Returns why the authenticator ignores a key of `data` that mentions the identity, or that is the only one with
/// entries.
pub(super) fn of_ignored_key(evidence: &Evidence, explained: &Explained<'_>) -> Option<Problem> {
    let arn = &explained.explanation.canonical_arn;
    let name = Parts::of(arn)
        .map(|parts| parts.name)
        .filter(|name| !name.is_empty())?;
    let is_empty = explained
        .document
        .sections()
        .all(|section| section.entries().is_empty());
    let data = &explained.aws_auth.snapshot.data;
    let error = errors(data, &explained.document).find(|error| match &error.site {
        Site::Key(key) => data
            .get(key)
            .is_some_and(|text| is_empty || text.contains(name)),
        _ => false,
    })?;
    Some(Problem {
        cause: error.message.into_owned(),
        next: format!("{}: {}", error.help, edit(evidence)),
    })
}

/// Returns why the authenticator cannot read a section.
pub(super) fn of_section(
    evidence: &Evidence,
    data: &BTreeMap<String, Arc<str>>,
    document: &Document,
    section: &Section,
) -> Problem {
    let is_here = |error: &Finding| {
        let text = error.site.text();
        text.is_some_and(|text| text.section == section.name()) && error.place().is_none()
    };
    let first = section.problems().first();
    let (mut line, mut why) = first.map_or((1, ""), |it| (it.line, it.message.as_str()));
    let mut help = format!("correct line {line}");
    let found = errors(data, document).find(is_here);
    if let Some(error) = &found {
        line = error.site.text().map_or(line, |text| text.start.line);
        why = &error.message;
        help = format!("{} (line {line})", error.help);
    }
    Problem {
        cause: format!(
            "the authenticator ignores all of {}, so no identity in it is mapped: line {line}: {why}",
            section.name().key()
        ),
        next: format!("{help}: {}", edit(evidence)),
    }
}

/// Returns the command that corrects an entry for the identity, if lint has a safe fix for it.
pub(super) fn correction(
    evidence: &Evidence,
    explained: &Explained<'_>,
    near: &NearMatch,
) -> Option<String> {
    if !matches!(near.why, Mismatch::RolePath | Mismatch::Session) {
        return None;
    }
    let mut entries = explained.document.section(near.section).entries().iter();
    let index = entries.position(|entry| entry.line == near.line)?;
    let place = Some((near.section, index));
    let mut errors = errors(&explained.aws_auth.snapshot.data, &explained.document);
    let of_arn = |error: &Finding| error.fix.is_some() && error.rule.id.starts_with('R');
    let error = errors.find(|error| error.place() == place && of_arn(error))?;
    Some(format!(
        "awsauth lint --select {} --fix{}",
        error.rule.id,
        remedy::cluster_flags(evidence)
    ))
}

fn errors(data: &BTreeMap<String, Arc<str>>, document: &Document) -> impl Iterator<Item = Finding> {
    let report = lint(data, document, &Facts::default(), &Selection::default());
    let found = report.findings.into_iter();
    found.filter(|finding| finding.severity == Severity::Error)
}

/// Returns the command that edits aws-auth.
pub(super) fn edit(evidence: &Evidence) -> String {
    as_administrator(
        evidence,
        &["edit configmap aws-auth -n kube-system".to_owned()],
    )
}
