use serde::Serialize;

use super::{Linted, Shown};
use crate::lint::{Finding, Rule, Site};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LintData<'a> {
    findings: Vec<FindingData<'a>>,
    waived: Vec<WaivedData<'a>>,
    not_checked: Vec<RuleData>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingData<'a> {
    id: &'static str,
    name: &'static str,
    severity: &'static str,
    section: Option<&'static str>,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_column: Option<usize>,
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
struct WaivedData<'a> {
    id: &'static str,
    name: &'static str,
    section: Option<&'static str>,
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
}

#[derive(Serialize)]
struct RuleData {
    id: &'static str,
    name: &'static str,
    needs: &'static str,
}

/// Pretty JSON in the shape that docs/json.md promises.
pub(crate) fn lint_json(all: &[Linted<'_>]) -> Result<String, serde_json::Error> {
    let findings = all.iter().flat_map(|linted| {
        let each = linted.findings();
        each.map(|(finding, shown)| FindingData::of(linted, finding, shown))
    });
    let waived = all.iter().flat_map(|linted| {
        let each = linted.report.waived.iter();
        each.map(|finding| WaivedData::of(linted, finding))
    });
    let not_checked = all
        .first()
        .map_or(&[][..], |first| &first.report.not_checked);
    let data = LintData {
        findings: findings.collect(),
        waived: waived.collect(),
        not_checked: not_checked.iter().map(|rule| RuleData::of(rule)).collect(),
    };
    serde_json::to_string_pretty(&data).map(|text| text + "\n")
}

impl<'a> FindingData<'a> {
    fn of(linted: &'a Linted<'_>, finding: &'a Finding, shown: Option<&Shown<'_>>) -> Self {
        let text = match &finding.site {
            Site::Text(text) => Some(text),
            Site::Key(_) => None,
        };
        let in_file = shown.filter(|_| linted.file.is_some());
        Self {
            id: finding.rule.id,
            name: finding.rule.name,
            severity: finding.severity.name(),
            section: text.map(|text| text.section.key()),
            line: text.map(|text| text.start.line),
            column: text.map(|text| text.start.column),
            end_line: text.map(|text| text.end.line),
            end_column: text.map(|text| text.end.column),
            file: linted.file.as_deref(),
            file_line: in_file.map(|shown| shown.start.line),
            file_column: in_file.map(|shown| shown.start.column),
            principal: finding.principal.as_deref(),
            other_line: finding.other,
            other_file_line: text
                .zip(finding.other)
                .and_then(|(text, line)| linted.file_line(text.section, line)),
            message: &finding.message,
            help: &finding.help,
            fix: finding.fix.as_ref().map(|fix| fix.what.as_str()),
        }
    }
}

impl<'a> WaivedData<'a> {
    fn of(linted: &'a Linted<'_>, finding: &Finding) -> Self {
        let text = match &finding.site {
            Site::Text(text) => Some(text),
            Site::Key(_) => None,
        };
        Self {
            id: finding.rule.id,
            name: finding.rule.name,
            section: text.map(|text| text.section.key()),
            line: text.map(|text| text.start.line),
            file: linted.file.as_deref(),
        }
    }
}

impl RuleData {
    fn of(rule: &Rule) -> Self {
        Self {
            id: rule.id,
            name: rule.name,
            needs: rule.needs.name(),
        }
    }
}
