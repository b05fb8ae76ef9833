mod data;
mod fixed;
mod github;
mod junit;
mod page;
mod sarif;
mod shown;
mod snippet;

use std::fmt::Write;

use super::plain::plain;
use super::style::{FAINT, LOSS, NOTICE, PLACE, paint};
use crate::document::{Document, SectionName};
use crate::lint::{Finding, NotChecked, Report, Severity, Site};
use crate::manifest::Manifest;
use shown::{Shown, places};

pub(in crate::render) use data::FindingData;
pub(crate) use data::lint_json;
pub(crate) use fixed::Fixed;
pub(crate) use github::{lint_commands, lint_counts, lint_table};
pub(crate) use junit::lint_junit;
pub(crate) use sarif::{lint_sarif, lint_sarif_limits};

/// Where an aws-auth was found.
#[derive(Clone, Debug)]
pub(crate) enum Origin<'a> {
    /// On a cluster.
    Live,
    /// In a manifest.
    File {
        /// How messages call it.
        file: String,
        /// Its path from where the work is, with forward slashes; `None` of stdin.
        path: Option<String>,
        /// It.
        manifest: &'a Manifest,
    },
    /// In a plan or state of Terraform, whose lines are those of the sections' own texts.
    Plan {
        /// How messages call the file.
        file: String,
        /// As of a manifest.
        path: Option<String>,
        /// The resource.
        address: String,
    },
}

/// What the rules say of one aws-auth, and where that is.
#[derive(Debug)]
pub(crate) struct Linted<'a> {
    origin: Origin<'a>,
    document: &'a Document,
    report: &'a Report,
    /// The places of the findings, in their order.
    places: Vec<Option<Shown<'a>>>,
}

impl<'a> Linted<'a> {
    /// A report on a document.
    pub(crate) fn new(origin: Origin<'a>, document: &'a Document, report: &'a Report) -> Self {
        let manifest = match &origin {
            Origin::File { manifest, .. } => Some(*manifest),
            Origin::Live | Origin::Plan { .. } => None,
        };
        Self {
            places: places(report, document, manifest),
            origin,
            document,
            report,
        }
    }

    /// How messages call the file.
    fn file(&self) -> Option<&str> {
        match &self.origin {
            Origin::File { file, .. } | Origin::Plan { file, .. } => Some(file),
            Origin::Live => None,
        }
    }

    /// The file's path from where the work is.
    fn path(&self) -> Option<&str> {
        match &self.origin {
            Origin::File { path, .. } | Origin::Plan { path, .. } => path.as_deref(),
            Origin::Live => None,
        }
    }

    fn manifest(&self) -> Option<&'a Manifest> {
        match self.origin {
            Origin::File { manifest, .. } => Some(manifest),
            Origin::Live | Origin::Plan { .. } => None,
        }
    }

    /// The resource of a plan.
    fn address(&self) -> Option<&str> {
        match &self.origin {
            Origin::Plan { address, .. } => Some(address),
            Origin::Live | Origin::File { .. } => None,
        }
    }

    /// How people call the place of a finding, without line and column.
    fn name(&self, finding: &Finding) -> String {
        self.name_of(part(finding))
    }

    /// How people call a part of aws-auth.
    fn name_of(&self, within: &str) -> String {
        match &self.origin {
            Origin::Live => within.to_owned(),
            Origin::File { file, .. } => file.clone(),
            Origin::Plan { file, address, .. } => format!("{file}: {address}: {within}"),
        }
    }

    /// The part of aws-auth that a finding is in, for machines.
    fn within(&self, finding: &Finding) -> String {
        let part = part(finding);
        match self.address() {
            Some(address) => format!("{address}/{part}"),
            None => part.to_owned(),
        }
    }

    /// What it is called among others.
    fn suite(&self) -> String {
        match (self.file(), self.address()) {
            (Some(file), Some(address)) => format!("{file}: {address}"),
            (file, _) => file.unwrap_or("aws-auth").to_owned(),
        }
    }

    /// What a line of a section is called where people look.
    fn line(&self, section: SectionName, line: usize) -> (String, usize) {
        let line = self.file_line(section, line).unwrap_or(line);
        (self.name_of(section.key()), line)
    }

    fn file_line(&self, section: SectionName, line: usize) -> Option<usize> {
        self.manifest()?.file_line(section, line)
    }

    fn findings(&self) -> impl Iterator<Item = (&'a Finding, Option<&Shown<'a>>)> {
        let places = self.places.iter().map(Option::as_ref);
        self.report.findings.iter().zip(places)
    }
}

/// The part of aws-auth that a finding is in.
fn part(finding: &Finding) -> &str {
    match &finding.site {
        Site::Text(text) => text.section.key(),
        Site::Key(key) => key,
        Site::File(_) | Site::ConfigMap => "aws-auth",
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

/// What is wrong and what mends it, on two lines without a place or colours.
pub(crate) fn finding_remark(finding: &Finding) -> String {
    let (severity, rule) = (finding.severity.name(), finding.rule);
    let (message, help) = (plain(&finding.message), plain(&finding.help));
    format!(
        "{severity}[{} {}]: {message}\nhelp: {help}",
        rule.id, rule.name
    )
}

fn one(linted: &Linted<'_>, finding: &Finding, shown: Option<&Shown<'_>>, text: &mut String) {
    let mut place = plain(&linted.name(finding)).into_owned();
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
    if let Some((line, at)) = finding.other.zip(finding.site.text()) {
        let (name, line) = linted.line(at.section, line);
        let _ = writeln!(text, "see: {}:{line}", plain(&name));
    }
    let _ = writeln!(text, "help: {}", plain(&finding.help));
}

/// Fewer rules that could not be checked are named, more are counted.
const NAMED: usize = 4;

/// What else is to be told: the rules that could not be checked, by name where `all_ids`, and how much was found.
pub(crate) fn lint_notes(all: &[Linted<'_>], all_ids: bool) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(not_checked(all, all_ids));
    notes.push(summary(all));
    notes
}

/// The rules that could not be checked everywhere, by what they lack.
fn not_checked(all: &[Linted<'_>], all_ids: bool) -> Option<String> {
    let mut by_needs: Vec<(&str, Vec<&str>)> = Vec::new();
    let each = each_not_checked(all);
    let count = each.len();
    for NotChecked { rule, needs } in each {
        match by_needs.iter_mut().find(|(other, _)| other == needs) {
            Some((_, ids)) => ids.push(rule.id),
            None => by_needs.push((needs, vec![rule.id])),
        }
    }
    let are_named = all_ids || count <= NAMED;
    let part = |(needs, ids): &(&str, Vec<&str>)| {
        let verb = if ids.len() == 1 { "needs" } else { "need" };
        let rules = match are_named {
            true => and(ids),
            false => ids.len().to_string(),
        };
        format!("{rules} {verb} {needs}")
    };
    let parts: Vec<String> = by_needs.iter().map(part).collect();
    let parts = parts.join("; ");
    match count {
        0 => None,
        _ if are_named => Some(format!("Not checked: {parts}.")),
        count => Some(format!(
            "Not checked: {count} rules (-v names them): {parts}."
        )),
    }
}

/// Each rule that could not be checked somewhere, once for each reason.
fn each_not_checked<'a>(all: &[Linted<'a>]) -> Vec<&'a NotChecked> {
    let mut each: Vec<&NotChecked> = Vec::new();
    for not_checked in all.iter().flat_map(|linted| &linted.report.not_checked) {
        if !each.contains(&not_checked) {
            each.push(not_checked);
        }
    }
    each
}

/// `a`, `a and b`, `a, b and c`.
fn and(words: &[&str]) -> String {
    match words {
        [first @ .., before, last] => {
            let first: String = first.iter().map(|word| format!("{word}, ")).collect();
            format!("{first}{before} and {last}")
        }
        words => words.concat(),
    }
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
