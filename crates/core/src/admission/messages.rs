//! The messages and warnings of a review.

use super::denial::Denial;
use super::{BREAK_GLASS, Review};
use crate::escape::one_line;
use crate::lint::{Finding, Site};
use crate::plan::Notice;

/// The length in bytes up to which the API server reliably passes on a warning.
const MAX_WARNING: usize = 256;
/// The maximum length in bytes of any other string in a result. Anyone who can edit aws-auth can make a name in it longer.
const MAX_TEXT: usize = 4096;
/// The maximum number of warnings; together they stay below the 4096 bytes that the API server passes on.
const MAX_WARNINGS: usize = 10;
/// The maximum number of denials listed individually.
const MAX_DENIALS: usize = 10;
/// The maximum number of hints, and of flags in one hint.
pub(super) const MAX_HINTS: usize = 3;

/// The start of the warning about an edit that is allowed only because of an exemption.
pub(super) const EXEMPTED: &str = "allowed by an awsauth exemption";

/// The warning about an aws-auth that becomes immutable.
pub(super) const IMMUTABLE: &str = "immutable: aws-auth can no longer be edited, only deleted, and EKS can no longer add the roles of new node groups";

/// The warning about the break-glass annotation, with which every edit is allowed.
pub(super) const UNGUARDED: &str = "every edit is allowed while aws-auth has this annotation; remove it: kubectl annotate configmap aws-auth -n kube-system awsauth.dev/break-glass-";

/// Returns why an edit is denied, and how to make it correctly.
pub(super) fn message(denials: &[Denial], hints: &[String], review: &Review) -> String {
    let mut lines = vec![String::from("aws-auth was not changed")];
    let listed = denials.iter().take(MAX_DENIALS);
    lines.extend(listed.map(|denial| format!("refused ({}): {}", denial.reason, denial.message)));
    if let Some(more @ 1..) = denials.len().checked_sub(MAX_DENIALS) {
        lines.push(format!("and {more} more"));
    }
    let hints = hints.iter().take(MAX_HINTS);
    lines.extend(hints.map(|hint| format!("hint: {hint}")));
    let mut flags: Vec<&str> = denials
        .iter()
        .filter_map(|denial| denial.allow.as_deref())
        .collect();
    flags.sort_unstable();
    flags.dedup();
    if review.after.is_none() {
        lines.push("hint: to remove one entry: kubectl awsauth unmap role ARN".to_owned());
    } else if !flags.is_empty() && flags.len() <= MAX_HINTS {
        let flags = flags.join(" ");
        lines.push(format!(
            "hint: if this is intended: kubectl awsauth edit {flags}"
        ));
    }
    let last = format!(
        "\nhint: in an emergency, allow every edit: kubectl annotate configmap aws-auth -n kube-system --overwrite {BREAK_GLASS}=REASON"
    );
    let lines: Vec<_> = lines.iter().map(|line| escaped(line)).collect();
    shortened(lines.join("\n"), MAX_TEXT - last.len()) + &last
}

/// Returns the audit annotation of an edit, on one line.
pub(super) fn audit_annotation(denials: &[Denial]) -> String {
    let listed = denials.iter().take(MAX_DENIALS);
    let listed = listed.map(|denial| format!("{}: {}", denial.reason, escaped(&denial.message)));
    shortened(listed.collect::<Vec<_>>().join("; "), MAX_TEXT)
}

/// Returns a string from the user for a message, on one line and without the end of a long one.
pub(super) fn escaped(text: &str) -> String {
    escaped_up_to(text, MAX_TEXT)
}

/// Returns a message without the end of a long one.
pub(super) fn limited(message: String) -> String {
    shortened(message, MAX_TEXT)
}

/// Returns the warning to an exempt user about a denial.
pub(super) fn exempted(denial: &Denial) -> String {
    format!("{EXEMPTED} ({}): {}", denial.reason, denial.message)
}

/// Returns how to fix an error.
pub(super) fn fix(finding: &Finding) -> String {
    format!("{}: {}", place(finding), finding.help)
}

/// Returns the message of a lint finding.
pub(super) fn finding(finding: &Finding) -> String {
    let rule = finding.rule;
    format!(
        "{} {} at {}: {}",
        rule.id,
        rule.name,
        place(finding),
        finding.message
    )
}

fn place(finding: &Finding) -> String {
    match &finding.site {
        Site::Text(text) => format!("line {} of {}", text.start.line, text.section.key()),
        Site::Key(key) => format!("key {key}"),
        Site::File(_) | Site::ConfigMap => "aws-auth".to_owned(),
    }
}

/// Returns the message of a notice; `None` if the user does not need it.
pub(super) fn notice(notice: &Notice) -> Option<String> {
    match notice {
        Notice::Granted { arn, what } => Some(format!("{arn} {what}")),
        Notice::NoEffect { principal, why } => Some(format!(
            "the entry of {} has no effect: {why}",
            principal.text()
        )),
        Notice::NotChecked { what, needs } => {
            Some(format!("not checked: {what}, which needs {needs}"))
        }
        Notice::OwnersUnreadable { .. }
        | Notice::NothingToPrune { .. }
        | Notice::NotPruned(_)
        | Notice::EntryNotPruned { .. }
        | Notice::TypeChange { .. }
        | Notice::Expires { .. }
        | Notice::Owned(_) => None,
    }
}

/// Limits the number and the length of warnings to what the API server passes on.
pub(super) fn truncated(warnings: &[String]) -> Vec<String> {
    let more = warnings.len().saturating_sub(MAX_WARNINGS);
    let listed = warnings.iter().take(MAX_WARNINGS);
    let mut listed: Vec<String> = listed
        .map(|text| escaped_up_to(text, MAX_WARNING))
        .collect();
    if more > 0 {
        listed.push(format!("and {more} more: kubectl awsauth lint"));
    }
    listed
}

/// Escapes only what is kept: an escape takes up to ten bytes for each character.
fn escaped_up_to(text: &str, max: usize) -> String {
    // One byte more, so that a longer string is recognized.
    let start = &text[..text.ceil_char_boundary(max + 1)];
    shortened(one_line(start).into_owned(), max)
}

fn shortened(mut text: String, max: usize) -> String {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max - "…".len()));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_limited_in_number_and_length() {
        let long = format!("a\u{1b}b{}", "ä".repeat(400));
        let cut = truncated(&vec![long; 30]);
        assert_eq!(cut.len(), 11);
        assert!(cut.iter().all(|warning| warning.len() <= 256));
        assert!(cut[0].starts_with("a\\u{1b}bä") && cut[0].ends_with("ä…"));
        assert_eq!(cut[10], "and 20 more: kubectl awsauth lint");
        assert_eq!(truncated(&["short".to_owned()]), ["short"]);
    }
}
