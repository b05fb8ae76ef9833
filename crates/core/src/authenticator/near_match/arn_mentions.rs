//! Finds an identity's ARN in text that the authenticator does not use.

use super::{MAX_MATCHES, Mismatch, NearMatch, Subject};
use crate::document::{Entry, Section, Status};

/// Finds the lines of a section that contain the identity's ARN but give no mapping.
pub(super) fn mentions(section: &Section, subject: &Subject<'_>) -> Vec<NearMatch> {
    let Some(text) = section.text().filter(|_| subject.lower.is_ascii()) else {
        return Vec::new();
    };
    // ASCII lower case keeps all byte offsets.
    let lower = text.to_ascii_lowercase();
    let found = lower.match_indices(subject.lower.as_str());
    let whole = found.filter(|(at, arn)| !continues(&lower[at + arn.len()..]));
    whole
        .filter_map(|(at, arn)| {
            let (line, why) = match entry_at(section, at) {
                Some(entry) => match &entry.status {
                    Status::Dropped { reason, .. } => {
                        (entry.line, Mismatch::Ignored(reason.clone()))
                    }
                    Status::Kept(_) => return None,
                },
                None => (line_at(text, at), outside(section)),
            };
            let written = text[at..at + arn.len()].to_owned();
            Some(NearMatch {
                section: section.name(),
                line,
                written,
                why,
            })
        })
        .take(MAX_MATCHES)
        .collect()
}

/// Returns whether the name continues here, so that the text before is only a part of it.
fn continues(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_alphanumeric() || "_+=,.@-/*?".contains(c))
}

fn entry_at(section: &Section, at: usize) -> Option<&Entry> {
    let entries = section.entries();
    let next = entries.partition_point(|entry| entry.span.start() <= at);
    entries[..next].last().filter(|entry| at < entry.span.end())
}

fn outside(section: &Section) -> Mismatch {
    match section.problems() {
        [problem, ..] if section.entries().is_empty() => {
            Mismatch::Unreadable(problem.message.clone())
        }
        _ => Mismatch::NotRead,
    }
}

fn line_at(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}
