//! JUnit's XML, in the shape that Jenkins, GitLab and Azure read (<https://github.com/testmoapp/junitxml>).

use std::collections::BTreeMap;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::super::plain::unsafe_to_show;
use super::{Linted, Shown};
use crate::lint::{Finding, Severity};

/// A finding and its place.
type Found<'a> = (&'a Finding, Option<&'a Shown<'a>>);

/// A case for each file and rule with a finding, which fails where the rule has one of such a severity; for a file without
/// findings one that passes; and for each that could not be read one with an error.
pub(crate) fn lint_junit(
    all: &[Linted<'_>],
    unread: &[String],
    fails: &dyn Fn(Severity) -> bool,
) -> io::Result<String> {
    let suites: Vec<Suite<'_>> = all.iter().map(|linted| Suite::of(linted, fails)).collect();
    let total = |of: fn(&Suite<'_>) -> usize| suites.iter().map(of).sum::<usize>();
    let tests = total(|suite| suite.cases.len()) + unread.len();
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer
        .create_element("testsuites")
        .with_attribute(("name", "awsauth lint"))
        .with_attribute(("tests", tests.to_string().as_str()))
        .with_attribute((
            "failures",
            total(|suite| suite.failures).to_string().as_str(),
        ))
        .with_attribute(("errors", unread.len().to_string().as_str()))
        .write_inner_content(|writer| {
            suites.iter().try_for_each(|suite| suite.write(writer))?;
            errors(unread, writer)
        })?;
    let text = String::from_utf8(writer.into_inner()).map_err(io::Error::other)?;
    Ok(text + "\n")
}

/// One file.
struct Suite<'a> {
    name: String,
    /// Its path, where lines are those of a file.
    file: Option<String>,
    cases: Vec<Case<'a>>,
    failures: usize,
}

/// One rule; without a finding, all of them.
struct Case<'a> {
    name: String,
    findings: Vec<Found<'a>>,
    failure: Option<Severity>,
}

impl<'a> Suite<'a> {
    fn of(linted: &'a Linted<'_>, fails: &dyn Fn(Severity) -> bool) -> Self {
        let mut by_rule: BTreeMap<&str, Vec<Found<'a>>> = BTreeMap::new();
        for found in linted.findings() {
            by_rule.entry(found.0.rule.id).or_default().push(found);
        }
        let mut cases: Vec<Case<'a>> = by_rule
            .into_values()
            .map(|each| Case::of(each, fails))
            .collect();
        if cases.is_empty() {
            cases.push(Case {
                name: "nothing found".to_owned(),
                findings: Vec::new(),
                failure: None,
            });
        }
        Self {
            name: linted.suite(),
            file: linted.manifest().and(linted.path()).map(clean),
            failures: cases.iter().filter(|case| case.failure.is_some()).count(),
            cases,
        }
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let name = clean(&self.name);
        writer
            .create_element("testsuite")
            .with_attribute(("name", name.as_str()))
            .with_attribute(("tests", self.cases.len().to_string().as_str()))
            .with_attribute(("failures", self.failures.to_string().as_str()))
            .write_inner_content(|writer| {
                self.cases
                    .iter()
                    .try_for_each(|case| case.write(&name, self.file.as_deref(), writer))
            })?;
        Ok(())
    }
}

impl<'a> Case<'a> {
    fn of(findings: Vec<Found<'a>>, fails: &dyn Fn(Severity) -> bool) -> Self {
        let severities = findings.iter().map(|(finding, _)| finding.severity);
        let rule = findings.first().map(|(finding, _)| finding.rule);
        Self {
            name: rule.map_or(String::new(), |rule| format!("{} {}", rule.id, rule.name)),
            failure: severities.max().filter(|worst| fails(*worst)),
            findings,
        }
    }

    fn write(
        &self,
        suite: &str,
        file: Option<&str>,
        writer: &mut Writer<Vec<u8>>,
    ) -> io::Result<()> {
        let mut case = writer
            .create_element("testcase")
            .with_attribute(("classname", suite))
            .with_attribute(("name", self.name.as_str()));
        let line = self.findings.first().and_then(|(_, shown)| *shown);
        if let Some((file, shown)) = file.zip(line) {
            case = case
                .with_attribute(("file", file))
                .with_attribute(("line", shown.start.line.to_string().as_str()));
        }
        let Some((first, _)) = self.findings.first() else {
            case.write_empty()?;
            return Ok(());
        };
        let text = self.text(suite);
        case.write_inner_content(|writer| {
            match self.failure {
                Some(severity) => writer
                    .create_element("failure")
                    .with_attribute(("type", severity.name()))
                    .with_attribute(("message", clean(&first.message).as_str()))
                    .write_text_content(BytesText::new(&text))?,
                None => writer
                    .create_element("system-out")
                    .write_text_content(BytesText::new(&text))?,
            };
            Ok(())
        })?;
        Ok(())
    }

    /// Every finding of the rule, with its place and what mends it.
    fn text(&self, suite: &str) -> String {
        let each = self.findings.iter().map(|(finding, shown)| {
            let at = shown.map_or(String::new(), |shown| {
                format!(":{}:{}", shown.start.line, shown.start.column)
            });
            let (severity, message, help) = (
                finding.severity.name(),
                clean(&finding.message),
                clean(&finding.help),
            );
            format!("{suite}{at}: {severity}: {message}\nhelp: {help}")
        });
        each.collect::<Vec<_>>().join("\n")
    }
}

/// A suite of what could not be read.
fn errors(unread: &[String], writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
    if unread.is_empty() {
        return Ok(());
    }
    let count = unread.len().to_string();
    let suite = writer
        .create_element("testsuite")
        .with_attribute(("name", "not read"))
        .with_attribute(("tests", count.as_str()))
        .with_attribute(("failures", "0"))
        .with_attribute(("errors", count.as_str()));
    suite.write_inner_content(|writer| {
        unread.iter().try_for_each(|message| {
            let message = clean(message);
            let case = writer
                .create_element("testcase")
                .with_attribute(("classname", "not read"))
                .with_attribute(("name", message.as_str()));
            case.write_inner_content(|writer| {
                let error = writer.create_element("error");
                error
                    .with_attribute(("message", message.as_str()))
                    .write_empty()?;
                Ok(())
            })?;
            Ok(())
        })
    })?;
    Ok(())
}

/// The text without what XML can't hold, or what hides itself in it.
fn clean(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        c if unsafe_to_show(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
            char::REPLACEMENT_CHARACTER
        }
        c => c,
    };
    text.chars().map(shown).collect()
}
