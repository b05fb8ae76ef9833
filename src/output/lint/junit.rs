//! JUnit XML for Jenkins, GitLab and Azure: <https://github.com/testmoapp/junitxml>. quick-junit would add five crates, including a
//! second date library, for a few fixed elements.

use std::collections::BTreeMap;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::display_range::DisplayRange;
use super::located_report::Linted;
use awsauth_core::escape;
use awsauth_core::lint::{Finding, Severity};

type Located<'a> = (&'a Finding, Option<&'a DisplayRange<'a>>);

/// Returns a test case for each file and rule with a finding, which fails if `fails` returns true for a finding's severity. A file
/// without findings has one case that passes; a file that could not be read has one with an error.
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
            write_errors(unread, writer)
        })?;
    let text = String::from_utf8(writer.into_inner()).map_err(io::Error::other)?;
    Ok(escape::html(text + "\n"))
}

/// One file.
struct Suite<'a> {
    name: String,
    /// The file's path, if lines count from the start of the file.
    file: Option<String>,
    cases: Vec<Case<'a>>,
    failures: usize,
}

/// One rule, or all rules if they found nothing.
struct Case<'a> {
    name: String,
    findings: Vec<Located<'a>>,
    failure: Option<Severity>,
}

impl<'a> Suite<'a> {
    fn of(linted: &'a Linted<'_>, fails: &dyn Fn(Severity) -> bool) -> Self {
        let mut by_rule: BTreeMap<&str, Vec<Located<'a>>> = BTreeMap::new();
        for (finding, range) in linted.findings() {
            by_rule
                .entry(finding.rule.id)
                .or_default()
                .push((finding, range));
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
            name: linted.name(),
            file: linted
                .path()
                .filter(|_| linted.is_in_file())
                .map(|path| escape::one_line(path).into_owned()),
            failures: cases.iter().filter(|case| case.failure.is_some()).count(),
            cases,
        }
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let name = escape::one_line(&self.name);
        writer
            .create_element("testsuite")
            .with_attribute(("name", name.as_ref()))
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
    fn of(findings: Vec<Located<'a>>, fails: &dyn Fn(Severity) -> bool) -> Self {
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
        let range = self.findings.first().and_then(|(_, range)| *range);
        if let Some((file, range)) = file.zip(range) {
            case = case
                .with_attribute(("file", file))
                .with_attribute(("line", range.start.line.to_string().as_str()));
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
                    .with_attribute(("message", escape::one_line(&first.message).as_ref()))
                    .write_text_content(BytesText::new(&text))?,
                None => writer
                    .create_element("system-out")
                    .write_text_content(BytesText::new(&text))?,
            };
            Ok(())
        })?;
        Ok(())
    }

    /// Returns all findings of the rule, each with its place and help.
    fn text(&self, suite: &str) -> String {
        let each = self.findings.iter().map(|(finding, range)| {
            let at = range.map_or(String::new(), |range| {
                format!(":{}:{}", range.start.line, range.start.column)
            });
            let (severity, message, help) = (
                finding.severity.name(),
                escape::one_line(&finding.message),
                escape::one_line(&finding.help),
            );
            format!("{suite}{at}: {severity}: {message}\nhelp: {help}")
        });
        each.collect::<Vec<_>>().join("\n")
    }
}

/// Writes a suite with what could not be read.
fn write_errors(unread: &[String], writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
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
            let message = escape::one_line(message);
            let case = writer
                .create_element("testcase")
                .with_attribute(("classname", "not read"))
                .with_attribute(("name", message.as_ref()));
            case.write_inner_content(|writer| {
                let error = writer.create_element("error");
                error
                    .with_attribute(("message", message.as_ref()))
                    .write_empty()?;
                Ok(())
            })?;
            Ok(())
        })
    })?;
    Ok(())
}
