mod data;
mod shown;
mod snippet;

use std::fmt::Write;

use super::plain::plain;
use super::style::{FAINT, LOSS, NOTICE, PLACE, paint};
use crate::document::{Document, SectionName};
use crate::lint::{Finding, Report, Severity, Site};
use crate::manifest::Manifest;
use shown::{Shown, places};

pub(crate) use data::lint_json;

/// What the rules say of one aws-auth, and where that is.
#[derive(Debug)]
pub(crate) struct Linted<'a> {
    /// The file; `None` is the live ConfigMap.
    file: Option<String>,
    manifest: Option<&'a Manifest>,
    report: &'a Report,
    /// The places of the findings, in their order.
    places: Vec<Option<Shown<'a>>>,
}

impl<'a> Linted<'a> {
    /// A report on a document, which was read from the manifest, if from any.
    pub(crate) fn new(
        manifest: Option<(String, &'a Manifest)>,
        document: &'a Document,
        report: &'a Report,
    ) -> Self {
        let (file, manifest) = manifest.unzip();
        Self {
            file,
            manifest,
            places: places(report, document, manifest),
            report,
        }
    }

    /// What a line of a section is called where people look.
    fn line(&self, section: SectionName, line: usize) -> (String, usize) {
        let file = self.file.clone().zip(self.file_line(section, line));
        file.unwrap_or_else(|| (section.key().to_owned(), line))
    }

    fn file_line(&self, section: SectionName, line: usize) -> Option<usize> {
        self.manifest?.file_line(section, line)
    }

    fn findings(&self) -> impl Iterator<Item = (&'a Finding, Option<&Shown<'a>>)> {
        let places = self.places.iter().map(Option::as_ref);
        self.report.findings.iter().zip(places)
    }
}

/// Every finding with its place, the text there, and what mends it.
pub(crate) fn lint_text(all: &[Linted<'_>]) -> String {
    let mut text = String::new();
    for linted in all {
        for (finding, shown) in linted.findings() {
            if !text.is_empty() {
                text.push('\n');
            }
            one(linted, finding, shown, &mut text);
        }
    }
    text
}

fn one(linted: &Linted<'_>, finding: &Finding, shown: Option<&Shown<'_>>, text: &mut String) {
    let name = match (&linted.file, &finding.site) {
        (Some(file), _) => file,
        (None, Site::Text(text)) => text.section.key(),
        (None, Site::Key(key)) => key,
    };
    let mut place = plain(name).into_owned();
    if let Some(Shown { start, .. }) = shown {
        let _ = write!(place, ":{}:{}", start.line, start.column);
    }
    let style = match finding.severity {
        Severity::Error => LOSS,
        Severity::Warning => NOTICE,
        Severity::Note => FAINT,
    };
    let (severity, rule) = (finding.severity.name(), finding.rule);
    let what = format!("{severity}[{} {}]", rule.id, rule.name);
    let (place, what) = (paint(PLACE, &place), paint(style, &what));
    let _ = writeln!(text, "{place}: {what}: {}", plain(&finding.message));
    if let Some(shown) = shown {
        text.push_str(&snippet::snippet(finding.severity, shown));
    }
    if let (Some(line), Site::Text(at)) = (finding.other, &finding.site) {
        let (name, line) = linted.line(at.section, line);
        let _ = writeln!(text, "see: {}:{line}", plain(&name));
    }
    let _ = writeln!(text, "help: {}", plain(&finding.help));
}

/// What else is to be told: the rules that could not be checked, and how much was found.
pub(crate) fn lint_notes(all: &[Linted<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    let not_checked = all
        .first()
        .map_or(&[][..], |first| &first.report.not_checked);
    for rule in not_checked {
        let needs = rule.needs.name();
        notes.push(format!(
            "Not checked: {} {}, which needs {needs}.",
            rule.id, rule.name
        ));
    }
    notes.push(summary(all));
    notes
}

fn summary(all: &[Linted<'_>]) -> String {
    let mut parts = Vec::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let findings = all.iter().flat_map(|linted| &linted.report.findings);
        let name = severity.name();
        match findings
            .filter(|finding| finding.severity == severity)
            .count()
        {
            0 => {}
            1 => parts.push(format!("1 {name}")),
            many => parts.push(format!("{many} {name}s")),
        }
    }
    let mut text = if parts.is_empty() {
        "Nothing found".to_owned()
    } else {
        format!("Found {}", parts.join(", "))
    };
    let waived: usize = all.iter().map(|linted| linted.report.waived.len()).sum();
    if waived > 0 {
        let _ = write!(text, " ({waived} waived)");
    }
    text + "."
}
