//! Findings that `lint --fix` fixed.

use awsauth_core::lint::{Finding, Site};

/// A finding that was fixed, or whose fix was not applied, with its place before the fix.
#[derive(Debug)]
pub(crate) struct FixedFinding {
    pub(crate) finding: Finding,
    /// The file's name in messages; `None` for the live ConfigMap.
    pub(crate) file: Option<String>,
    pub(crate) file_line: Option<usize>,
}

impl FixedFinding {
    /// Returns the message that it was fixed, or would be.
    pub(crate) fn message(&self, is_dry: bool) -> String {
        let action = if is_dry { "Would fix" } else { "Fixed" };
        format!("{action} {}: {}", self.subject(), self.what())
    }

    /// Returns the message that its fix was not applied.
    pub(crate) fn unfixed_message(&self, why: &str) -> String {
        format!("Not fixed {}: {}: {why}", self.subject(), self.what())
    }

    /// Returns the place and the rule.
    fn subject(&self) -> String {
        let rule = self.finding.rule;
        let place = match (&self.file, self.file_line, &self.finding.site) {
            (Some(file), Some(line), _) => format!("{file}:{line}"),
            (_, _, Site::Text(text)) => format!("{}:{}", text.section.key(), text.start.line),
            (file, _, _) => file.clone().unwrap_or_else(|| "aws-auth".to_owned()),
        };
        format!("{place}: {} {}", rule.id, rule.name)
    }

    /// Returns what the fix does.
    pub(super) fn what(&self) -> &str {
        self.finding.fix.as_ref().map_or("", |fix| &fix.what)
    }
}
