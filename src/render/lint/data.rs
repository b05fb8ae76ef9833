use serde::Serialize;

use super::{Fixed, Linted, Shown, each_not_checked};
use crate::lint::{Finding, NotChecked};

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

/// A finding for scripts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::render) struct FindingData<'a> {
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

/// Where it is: in the section's own text, and in the file around that.
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

/// From which column on, and up to where.
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

/// Pretty JSON in the shape that docs/json.md promises. `fixed` is what was mended, or of a dry run would be.
pub(crate) fn lint_json(
    all: &[Linted<'_>],
    fixed: Option<&[Fixed]>,
    is_dry: bool,
) -> Result<String, serde_json::Error> {
    let findings = all.iter().flat_map(|linted| {
        let each = linted.findings();
        each.map(|(finding, shown)| FindingData::shown(linted, finding, shown))
    });
    let waived = all.iter().flat_map(|linted| {
        let each = linted.report.waived.iter();
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
    /// As it stands in a section's own text.
    pub(in crate::render) fn of(finding: &'a Finding) -> Self {
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
            other_line: finding.other,
            other_file_line: None,
            message: &finding.message,
            help: &finding.help,
            fix: finding.fix.as_ref().map(|fix| fix.what.as_str()),
        }
    }

    fn shown(linted: &'a Linted<'_>, finding: &'a Finding, shown: Option<&Shown<'_>>) -> Self {
        let in_file = shown.filter(|_| linted.manifest().is_some());
        let other_file_line = match (finding.site.text(), finding.other) {
            (Some(text), Some(line)) => linted.file_line(text.section, line),
            _ => None,
        };
        let found = Self::of(finding);
        Self {
            place: Place {
                file: linted.file(),
                address: linted.address(),
                file_line: in_file.map(|shown| shown.start.line),
                file_column: in_file.map(|shown| shown.start.column),
                ..found.place
            },
            other_file_line,
            ..found
        }
    }
}

impl<'a> FixedData<'a> {
    fn of(fixed: &'a Fixed) -> Self {
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
    /// The line in the section's own text, and no more.
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
