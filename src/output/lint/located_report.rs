//! The report on one aws-auth, together with where it was read from.

use super::display_range::{DisplayRange, display_ranges, whole_lines};
use awsauth_core::document::{Document, SectionName};
use awsauth_core::lint::{Finding, Report, Site};
use awsauth_core::manifest::Manifest;

/// Where an aws-auth was read from.
#[derive(Clone, Debug)]
pub(crate) enum Origin<'a> {
    /// A cluster.
    Live,
    /// A manifest.
    File {
        /// Its name in messages.
        file: String,
        /// Its path relative to the checkout, with forward slashes; `None` for stdin.
        path: Option<String>,
        manifest: &'a Manifest,
    },
    /// A resource in a Terraform plan or state. Lines count from the start of a section's text.
    Plan {
        /// The file's name in messages.
        file: String,
        /// The file's path, as for a manifest.
        path: Option<String>,
        /// The address of the resource; `None` for the plan as a whole.
        address: Option<String>,
    },
    /// Desired state in another form: the aws-auth that it would produce.
    Desired {
        /// The file's name in messages.
        file: String,
        /// The file's path, as for a manifest.
        path: Option<String>,
        text: &'a str,
        /// The line in the file of each line of the sections.
        lines: &'a [Vec<usize>; 3],
    },
}

/// The report on one aws-auth.
#[derive(Debug)]
pub(crate) struct Linted<'a> {
    origin: Origin<'a>,
    document: &'a Document,
    report: &'a Report,
    /// Where the findings are displayed, in their order.
    ranges: Vec<Option<DisplayRange<'a>>>,
}

impl<'a> Linted<'a> {
    pub(crate) fn new(origin: Origin<'a>, document: &'a Document, report: &'a Report) -> Self {
        let ranges = match &origin {
            Origin::File { manifest, .. } => display_ranges(report, document, Some(manifest)),
            Origin::Live | Origin::Plan { .. } => display_ranges(report, document, None),
            Origin::Desired { text, lines, .. } => whole_lines(report, text, lines),
        };
        Self {
            ranges,
            origin,
            document,
            report,
        }
    }

    /// Returns the file's name in messages.
    pub(super) fn file(&self) -> Option<&str> {
        match &self.origin {
            Origin::File { file, .. }
            | Origin::Plan { file, .. }
            | Origin::Desired { file, .. } => Some(file),
            Origin::Live => None,
        }
    }

    /// Returns the file's path relative to the checkout.
    pub(super) fn path(&self) -> Option<&str> {
        match &self.origin {
            Origin::File { path, .. }
            | Origin::Plan { path, .. }
            | Origin::Desired { path, .. } => path.as_deref(),
            Origin::Live => None,
        }
    }

    pub(super) fn manifest(&self) -> Option<&'a Manifest> {
        match self.origin {
            Origin::File { manifest, .. } => Some(manifest),
            Origin::Live | Origin::Plan { .. } | Origin::Desired { .. } => None,
        }
    }

    /// Returns whether lines count from the start of a file.
    pub(super) fn is_in_file(&self) -> bool {
        matches!(self.origin, Origin::File { .. } | Origin::Desired { .. })
    }

    /// Returns the address of the Terraform resource.
    pub(super) fn address(&self) -> Option<&str> {
        match &self.origin {
            Origin::Plan { address, .. } => address.as_deref(),
            Origin::Live | Origin::File { .. } | Origin::Desired { .. } => None,
        }
    }

    /// Returns the place of a finding for users, without line and column.
    pub(super) fn place(&self, finding: &Finding) -> String {
        self.place_of_key(part(finding))
    }

    fn place_of_key(&self, key: &str) -> String {
        match &self.origin {
            Origin::Live => key.to_owned(),
            Origin::File { file, .. } | Origin::Desired { file, .. } => file.clone(),
            Origin::Plan {
                file,
                address: None,
                ..
            } => file.clone(),
            Origin::Plan {
                file,
                address: Some(address),
                ..
            } => format!("{file}: {address}: {key}"),
        }
    }

    /// Returns the part of aws-auth that a finding is in, for programs.
    pub(super) fn qualified_name(&self, finding: &Finding) -> String {
        let part = part(finding);
        match self.address() {
            Some(address) => format!("{address}/{part}"),
            None => part.to_owned(),
        }
    }

    /// Returns its name among all reports.
    pub(super) fn name(&self) -> String {
        match (self.file(), self.address()) {
            (Some(file), Some(address)) => format!("{file}: {address}"),
            (file, _) => file.unwrap_or("aws-auth").to_owned(),
        }
    }

    /// Returns the place and number of a section's line for users.
    pub(super) fn line(&self, section: SectionName, line: usize) -> (String, usize) {
        let line = self.file_line(section, line).unwrap_or(line);
        (self.place_of_key(section.key()), line)
    }

    pub(super) fn file_line(&self, section: SectionName, line: usize) -> Option<usize> {
        match &self.origin {
            Origin::File { manifest, .. } => manifest.file_line(section, line),
            Origin::Desired { lines, .. } => {
                lines[section as usize].get(line.checked_sub(1)?).copied()
            }
            Origin::Live | Origin::Plan { .. } => None,
        }
    }

    pub(super) fn report(&self) -> &'a Report {
        self.report
    }

    pub(super) fn document(&self) -> &'a Document {
        self.document
    }

    pub(super) fn findings(
        &self,
    ) -> impl Iterator<Item = (&'a Finding, Option<&DisplayRange<'a>>)> {
        let ranges = self.ranges.iter().map(Option::as_ref);
        self.report.findings.iter().zip(ranges)
    }
}

/// Returns the key that a finding is in, or `aws-auth`.
fn part(finding: &Finding) -> &str {
    match &finding.site {
        Site::Text(text) => text.section.key(),
        Site::Key(key) => key,
        Site::File(_) | Site::ConfigMap => "aws-auth",
    }
}
