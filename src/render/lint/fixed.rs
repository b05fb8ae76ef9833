use crate::lint::{Finding, Site};

/// A finding that was mended, with its place before that.
#[derive(Debug)]
pub(crate) struct Fixed {
    pub(crate) finding: Finding,
    /// How messages call its file; `None` of the live ConfigMap.
    pub(crate) file: Option<String>,
    pub(crate) file_line: Option<usize>,
}

impl Fixed {
    /// What was done, or would be.
    pub(crate) fn told(&self, is_dry: bool) -> String {
        let rule = self.finding.rule;
        let place = match (&self.file, self.file_line, &self.finding.site) {
            (Some(file), Some(line), _) => format!("{file}:{line}"),
            (_, _, Site::Text(text)) => format!("{}:{}", text.section.key(), text.start.line),
            (file, _, _) => file.clone().unwrap_or_else(|| "aws-auth".to_owned()),
        };
        let done = if is_dry { "Would mend" } else { "Mended" };
        format!("{done} {place}: {} {}: {}", rule.id, rule.name, self.what())
    }

    /// What its fix does.
    pub(super) fn what(&self) -> &str {
        self.finding.fix.as_ref().map_or("", |fix| &fix.what)
    }
}
