//! JSON output, in the form that docs/json.md describes.

use serde::Serialize;

use super::display_range::DisplayRange;
use super::fixed_finding::FixedFinding;
use super::located_report::Linted;
use super::summary::each_not_checked;
use awsauth_core::lint::{Finding, NotChecked};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LintData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed: Option<Vec<FixedData<'a>>>,
    findings: Vec<FindingData<'a>>,
    waived: Vec<WaivedData<'a>>,
    not_checked: Vec<NotCheckedData<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::output) struct FindingData<'a> {
    id: &'static str,
    name: &'static str,
    severity: &'static str,
    #[serde(flatten)]
    place: Place<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_file_line: Option<usize>,
    message: &'a str,
    help: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FixedData<'a> {
    id: &'static str,
    name: &'static str,
    severity: &'static str,
    #[serde(flatten)]
    place: Place<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    message: &'a str,
    fix: &'a str,
}

#[derive(Serialize)]
struct WaivedData<'a> {
    id: &'static str,
    name: &'static str,
    #[serde(flatten)]
    place: Place<'a>,
}

/// A place in the section's text, and in the file around it.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    section: Option<&'static str>,
    line: Option<usize>,
    #[serde(flatten)]
    extent: Option<Extent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_column: Option<usize>,
}

/// The column where a finding starts, and where it ends.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extent {
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

#[derive(Serialize)]
struct NotCheckedData<'a> {
    id: &'static str,
    name: &'static str,
    needs: &'a str,
}

/// Returns pretty-printed JSON. `fixed` are the findings that were fixed, or would be without a dry run.
pub(crate) fn lint_json(
    all: &[Linted<'_>],
    fixed: Option<&[FixedFinding]>,
    is_dry: bool,
) -> Result<String, serde_json::Error> {
    let findings = all.iter().flat_map(|linted| {
        let each = linted.findings();
        each.map(|(finding, range)| FindingData::displayed(linted, finding, range))
    });
    let waived = all.iter().flat_map(|linted| {
        let each = linted.report().waived.iter();
        each.map(|finding| WaivedData::of(linted, finding))
    });
    let not_checked = each_not_checked(all).into_iter();
    let data = LintData {
        changed: fixed.map(|fixed| !is_dry && !fixed.is_empty()),
        fixed: fixed.map(|fixed| fixed.iter().map(FixedData::of).collect()),
        findings: findings.collect(),
        waived: waived.collect(),
        not_checked: not_checked.map(NotCheckedData::of).collect(),
    };
    serde_json::to_string_pretty(&data).map(|text| text + "\n")
}

impl<'a> FindingData<'a> {
    /// Returns a finding with its place in the section's text.
    pub(in crate::output) fn of(finding: &'a Finding) -> Self {
        let text = finding.site.text();
        Self {
            id: finding.rule.id,
            name: finding.rule.name,
            severity: finding.severity.name(),
            place: Place {
                extent: Some(Extent {
                    column: text.map(|text| text.start.column),
                    end_line: text.map(|text| text.end.line),
                    end_column: text.map(|text| text.end.column),
                }),
                ..Place::of(finding)
            },
            principal: finding.principal.as_deref(),
            other_line: finding.other_line,
            other_file_line: None,
            message: &finding.message,
            help: &finding.help,
            fix: finding.fix.as_ref().map(|fix| fix.what.as_str()),
        }
    }

    fn displayed(
        linted: &'a Linted<'_>,
        finding: &'a Finding,
        range: Option<&DisplayRange<'_>>,
    ) -> Self {
        let in_file = range.filter(|_| linted.is_in_file());
        let other_file_line = match (finding.site.text(), finding.other_line) {
            (Some(text), Some(line)) => linted.file_line(text.section, line),
            _ => None,
        };
        let data = Self::of(finding);
        Self {
            place: Place {
                file: linted.file(),
                address: linted.address(),
                file_line: in_file.map(|range| range.start.line),
                file_column: in_file.map(|range| range.start.column),
                ..data.place
            },
            other_file_line,
            ..data
        }
    }
}

impl<'a> FixedData<'a> {
    fn of(fixed: &'a FixedFinding) -> Self {
        let finding = &fixed.finding;
        Self {
            id: finding.rule.id,
            name: finding.rule.name,
            severity: finding.severity.name(),
            place: Place {
                file: fixed.file.as_deref(),
                file_line: fixed.file_line,
                ..Place::of(finding)
            },
            principal: finding.principal.as_deref(),
            message: &finding.message,
            fix: fixed.what(),
        }
    }
}

impl<'a> WaivedData<'a> {
    fn of(linted: &'a Linted<'_>, finding: &Finding) -> Self {
        Self {
            id: finding.rule.id,
            name: finding.rule.name,
            place: Place {
                file: linted.file(),
                address: linted.address(),
                ..Place::of(finding)
            },
        }
    }
}

impl Place<'_> {
    /// Returns the line in the section's text, without columns.
    fn of(finding: &Finding) -> Self {
        let text = finding.site.text();
        Self {
            section: text.map(|text| text.section.key()),
            line: text.map(|text| text.start.line),
            ..Self::default()
        }
    }
}

impl<'a> NotCheckedData<'a> {
    fn of(not_checked: &'a NotChecked) -> Self {
        Self {
            id: not_checked.rule.id,
            name: not_checked.rule.name,
            needs: &not_checked.needs,
        }
    }
}
