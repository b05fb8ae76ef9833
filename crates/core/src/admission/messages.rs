//! Messages to the requester.

use super::judge::Refused;
use super::{BREAK_GLASS, Review};
use crate::lint::{Finding, Site};
use crate::plan::Notice;

/// The length in bytes up to which the API server reliably passes on a warning.
const LONGEST: usize = 256;
/// The maximum number of warnings; together they stay below the 4096 bytes that the API server passes on.
const MOST: usize = 10;
/// The maximum number of refusals listed individually.
const TOLD: usize = 10;
/// The maximum number of hints, and of flags in one hint.
const FEW: usize = 3;

/// The message for an edit that would be refused but is allowed.
pub(super) const LET_THROUGH: &str = "let through by awsauth";

/// The warning about an aws-auth that becomes immutable.
pub(super) const IMMUTABLE: &str = "immutable: nobody can edit aws-auth any more but by deleting it, not even EKS, which adds the roles of new node groups";

/// The warning about the break-glass annotation, with which every edit is allowed.
pub(super) const UNGUARDED: &str = "aws-auth is not guarded while it has this annotation: kubectl annotate configmap aws-auth -n kube-system awsauth.dev/break-glass- takes it away";

/// Explains why an edit is refused and how to make it correctly.
pub(super) fn message(refused: &[Refused], hints: &[String], review: &Review) -> String {
    let mut lines = vec![String::from("aws-auth stays as it is")];
    let told = refused.iter().take(TOLD);
    lines.extend(told.map(|refused| format!("refused ({}): {}", refused.reason, refused.message)));
    if let Some(more @ 1..) = refused.len().checked_sub(TOLD) {
        lines.push(format!("and {more} more"));
    }
    lines.extend(hints.iter().take(FEW).map(|hint| format!("hint: {hint}")));
    let mut allowed: Vec<&str> = refused
        .iter()
        .filter_map(|of| of.allow.as_deref())
        .collect();
    allowed.sort_unstable();
    allowed.dedup();
    if review.after.is_none() {
        lines.push("hint: take out one entry: kubectl awsauth unmap role ARN".to_owned());
    } else if !allowed.is_empty() && allowed.len() <= FEW {
        let allowed = allowed.join(" ");
        lines.push(format!(
            "hint: if this is intended: kubectl awsauth edit {allowed}"
        ));
    }
    lines.push(format!(
        "hint: to get through whatever it costs, and on record: kubectl annotate configmap aws-auth -n kube-system --overwrite {BREAK_GLASS}=REASON"
    ));
    plain(&lines.join("\n"))
}

/// The audit record of an edit, on one line.
pub(super) fn on_record(refused: &[Refused]) -> String {
    let each = refused.iter().take(TOLD);
    let each = each.map(|refused| format!("{}: {}", refused.reason, refused.message));
    plain(&each.collect::<Vec<_>>().join("; "))
}

/// The warning to an exempt requester about what would have been refused.
pub(super) fn let_through(refused: &Refused) -> String {
    format!("{LET_THROUGH} ({}): {}", refused.reason, refused.message)
}

/// How to fix an error.
pub(super) fn mending(finding: &Finding) -> String {
    format!("{}: {}", place(finding), finding.help)
}

/// The message of a lint finding.
pub(super) fn found(finding: &Finding) -> String {
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

/// The message of a notice; `None` if the requester does not need it.
pub(super) fn notice(notice: &Notice) -> Option<String> {
    match notice {
        Notice::Granted { arn, what } => Some(format!("{arn} {what}")),
        Notice::NoEffect { principal, why } => Some(format!(
            "what aws-auth says of {} counts for nothing: {why}",
            principal.text()
        )),
        Notice::NotChecked { what, needs } => {
            Some(format!("not checked: {what}, which needs {needs}"))
        }
        Notice::OwnersUnreadable { .. }
        | Notice::NothingToPrune { .. }
        | Notice::NotPruned(_)
        | Notice::Owned(_) => None,
    }
}

/// Limits the number and the length of warnings to what the API server passes on.
pub(super) fn passed_on(warnings: &[String]) -> Vec<String> {
    let more = warnings.len().saturating_sub(MOST);
    let mut cut: Vec<String> = warnings.iter().take(MOST).map(|text| short(text)).collect();
    if more > 0 {
        cut.push(format!("and {more} more: kubectl awsauth lint"));
    }
    cut
}

fn short(text: &str) -> String {
    let text = plain(text);
    if text.len() <= LONGEST {
        return text;
    }
    let end = text.floor_char_boundary(LONGEST - "…".len());
    format!("{}…", &text[..end])
}

/// Removes characters that would move a terminal's cursor or end a header.
pub(super) fn plain(text: &str) -> String {
    let visible = |c: char| match c.is_control() && c != '\n' {
        true => '\u{fffd}',
        false => c,
    };
    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_as_many_and_as_long_as_the_api_server_passes_on() {
        let long = format!("a\u{1b}b{}", "ä".repeat(400));
        let cut = passed_on(&vec![long; 30]);
        assert_eq!(cut.len(), 11);
        assert!(cut.iter().all(|warning| warning.len() <= 256));
        assert!(cut[0].starts_with("a\u{fffd}bä") && cut[0].ends_with("ä…"));
        assert_eq!(cut[10], "and 20 more: kubectl awsauth lint");
        assert_eq!(passed_on(&["short".to_owned()]), ["short"]);
    }
}
