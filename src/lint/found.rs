//! Findings on their way from the rules into a report.

use std::borrow::Cow;
use std::ops::Range;

use super::context::Written;
use super::finding::{Finding, Position, Site, Text};
use super::rule::Rule;
use super::walk::Walk;
use crate::document::{Document, SectionName, Span};

/// What the rules have found so far.
#[derive(Default)]
pub(super) struct Found {
    rule: Option<&'static Rule>,
    findings: Vec<Finding>,
}

impl Found {
    /// What is found from here on is found by this rule.
    pub(super) fn of(&mut self, rule: &'static Rule) {
        self.rule = Some(rule);
    }

    /// Something in an entry.
    pub(super) fn entry(
        &mut self,
        written: &Written<'_>,
        span: Span,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> Option<&mut Finding> {
        let site = text(written.section, span);
        let principal = written.principal().to_owned();
        self.add(site, Some(principal), Some(written.index), message, help)
    }

    /// Something in a section, and in no entry of it.
    pub(super) fn section(
        &mut self,
        section: SectionName,
        span: Span,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> Option<&mut Finding> {
        self.add(text(section, span), None, None, message, help)
    }

    /// A key of `data`.
    pub(super) fn key(
        &mut self,
        key: &str,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> Option<&mut Finding> {
        self.add(Site::Key(key.to_owned()), None, None, message, help)
    }

    /// Something in the file around the document.
    pub(super) fn file(
        &mut self,
        span: Range<usize>,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> Option<&mut Finding> {
        self.add(Site::File(span), None, None, message, help)
    }

    /// Something about the ConfigMap as a whole.
    pub(super) fn config_map(
        &mut self,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> Option<&mut Finding> {
        self.add(Site::ConfigMap, None, None, message, help)
    }

    /// An entry of mapRoles that is not there, for this ARN.
    pub(super) fn missing(
        &mut self,
        arn: &str,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> Option<&mut Finding> {
        let site = Site::Key(SectionName::Roles.key().to_owned());
        self.add(site, Some(arn.to_owned()), None, message, help)
    }

    fn add(
        &mut self,
        site: Site,
        principal: Option<String>,
        entry: Option<usize>,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> Option<&mut Finding> {
        let rule = self.rule?;
        self.findings.push(Finding {
            rule,
            severity: rule.severity,
            site,
            message: message.into(),
            help: help.into(),
            fix: None,
            other: None,
            principal,
            entry,
        });
        self.findings.last_mut()
    }

    /// Everything, in the order of the text, with lines and columns.
    pub(super) fn located(mut self, document: &Document) -> Vec<Finding> {
        for section in document.sections() {
            let here = |finding: &&mut Finding| matches!(&finding.site, Site::Text(text) if text.section == section.name());
            let mut offsets: Vec<usize> = self
                .findings
                .iter_mut()
                .filter(here)
                .flat_map(|finding| match &finding.site {
                    Site::Text(text) => [text.span.start(), text.span.end()],
                    Site::Key(_) | Site::File(_) | Site::ConfigMap => [0, 0],
                })
                .collect();
            offsets.sort_unstable();
            offsets.dedup();
            let mut walk = Walk::new(section.text().unwrap_or_default());
            let positions: Vec<Position> = offsets.iter().map(|&offset| walk.to(offset)).collect();
            let position = |offset: usize| {
                let at = offsets.binary_search(&offset).unwrap_or_default();
                positions.get(at).copied().unwrap_or_default()
            };
            for finding in self.findings.iter_mut().filter(here) {
                if let Site::Text(text) = &mut finding.site {
                    text.start = position(text.span.start());
                    text.end = position(text.span.end());
                }
            }
        }
        self.findings.sort_by(|a, b| order(a).cmp(&order(b)));
        self.findings
    }
}

fn text(section: SectionName, span: Span) -> Site {
    Site::Text(Text {
        section,
        span,
        start: Position::default(),
        end: Position::default(),
    })
}

/// What is about the whole first, then keys, then sections; in a place, by id.
fn order(finding: &Finding) -> (Option<SectionName>, Option<Span>, &str) {
    match &finding.site {
        Site::Key(_) | Site::File(_) | Site::ConfigMap => (None, None, finding.rule.id),
        Site::Text(text) => (Some(text.section), Some(text.span), finding.rule.id),
    }
}
