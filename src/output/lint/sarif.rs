//! SARIF 2.1.0 for code scanning: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>. What GitHub supports:
//! <https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support>.

mod fix;
mod log;

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

use super::display_range::DisplayRange;
use super::located_report::Linted;
use super::rule_docs;
use crate::terminal::REPOSITORY;
use awsauth_core::lint::{Finding, Rule, Severity};
use log::{
    Artifact, Driver, Fix, Invocation, Location, Log, Logical, Message, Notification, Physical,
    Region, ReportingDescriptor, Result as Entry, Run, Tool, level,
};

/// The number of results that GitHub displays of a run: the most severe ones.
const DISPLAYED_BY_GITHUB: usize = 5_000;

/// The maximum number of results in a run. GitHub rejects a file with more.
const ACCEPTED_BY_GITHUB: usize = 25_000;

/// Returns the findings as one run. `unread` lists what could not be read; `path` is the file for input without one.
pub(crate) fn lint_sarif(
    all: &[Linted<'_>],
    unread: &[String],
    path: Option<&str>,
) -> Result<String, serde_json::Error> {
    let is_read = unread.is_empty();
    let mut results: Vec<Located<'_>> = all
        .iter()
        .flat_map(|linted| Located::all(linted, path))
        .collect();
    let left_out = lint_sarif_limits(all);
    if results.len() > DISPLAYED_BY_GITHUB {
        results.sort_by_key(|result| std::cmp::Reverse(result.finding.severity));
        results.truncate(ACCEPTED_BY_GITHUB);
    }
    let by_id: BTreeMap<&str, &Rule> = results
        .iter()
        .map(|result| (result.finding.rule.id, result.finding.rule))
        .collect();
    let rules: Vec<&Rule> = by_id.into_values().collect();
    let mut counts = HashMap::new();
    let results = results.into_iter().map(|result| {
        let fingerprint = result.fingerprint(&mut counts);
        result.entry(&rules, fingerprint)
    });
    let unread = unread.iter().map(|text| (Severity::Error, text.clone()));
    let left_out = left_out.map(|text| (Severity::Warning, text));
    let notifications = unread.chain(left_out).map(|(severity, text)| Notification {
        level: level(severity),
        message: Message::new(text),
    });
    let run = Run {
        tool: Tool {
            driver: Driver {
                name: "awsauth",
                version: env!("CARGO_PKG_VERSION"),
                information_uri: REPOSITORY,
                rules: rules.iter().map(|rule| descriptor(rule)).collect(),
            },
        },
        invocations: [Invocation {
            execution_successful: is_read,
            tool_execution_notifications: notifications.collect(),
        }],
        column_kind: "unicodeCodePoints",
        results: results.collect(),
    };
    serde_json::to_string_pretty(&Log::of(run)).map(|text| text + "\n")
}

/// Returns a note if there are more results than GitHub displays or accepts.
pub(crate) fn lint_sarif_limits(all: &[Linted<'_>]) -> Option<String> {
    let results: usize = all.iter().map(|linted| linted.findings().count()).sum();
    if results > ACCEPTED_BY_GITHUB {
        let more = results - ACCEPTED_BY_GITHUB;
        Some(format!(
            "{more} of {results} results are left out, the least severe ones: GitHub accepts {ACCEPTED_BY_GITHUB} and displays {DISPLAYED_BY_GITHUB}."
        ))
    } else if results > DISPLAYED_BY_GITHUB {
        Some(format!(
            "GitHub displays {DISPLAYED_BY_GITHUB} of {results} results; the most severe come first."
        ))
    } else {
        None
    }
}

/// A finding, with its file and its fix there.
struct Located<'a> {
    linted: &'a Linted<'a>,
    finding: &'a Finding,
    range: Option<&'a DisplayRange<'a>>,
    artifact: Artifact,
    fix: Option<Fix>,
}

/// The number of earlier findings with the same place, rule and principal.
type Counts<'a> = HashMap<(String, &'static str, Option<&'a str>), usize>;

impl<'a> Located<'a> {
    fn all(linted: &'a Linted<'_>, path: Option<&str>) -> impl Iterator<Item = Self> {
        let artifact = artifact(linted, path);
        let fixes = fix::fixes(linted, &artifact);
        let both = linted.findings().zip(fixes);
        both.map(move |((finding, range), fix)| Self {
            linted,
            finding,
            range,
            artifact: artifact.clone(),
            fix,
        })
    }

    fn entry(self, rules: &[&Rule], fingerprint: String) -> Entry {
        let finding = self.finding;
        // In a cluster or a plan, the place in the section's text is not a place in the file.
        let in_file = self.range.filter(|_| self.linted.is_in_file());
        Entry {
            rule_id: finding.rule.id,
            rule_index: rules
                .binary_search_by_key(&finding.rule.id, |rule| rule.id)
                .unwrap_or_default(),
            level: level(finding.severity),
            message: Message::new(format!("{}\nhelp: {}", finding.message, finding.help)),
            locations: vec![Location {
                physical_location: Physical {
                    region: in_file
                        .map_or_else(Region::unknown, |range| Region::of(range.start, range.end)),
                    artifact_location: self.artifact,
                },
                logical_locations: vec![Logical {
                    fully_qualified_name: self.linted.qualified_name(finding),
                }],
            }],
            partial_fingerprints: BTreeMap::from([("awsauth/v1", fingerprint)]),
            fixes: self.fix.into_iter().collect(),
        }
    }

    /// Returns a fingerprint that does not change if lines move: a hash of the file, the rule, the principal, and the number of
    /// earlier findings with the same values.
    fn fingerprint(&self, counts: &mut Counts<'a>) -> String {
        let (id, principal) = (self.finding.rule.id, self.finding.principal.as_deref());
        let place = format!(
            "{}\0{}",
            self.artifact.uri,
            self.linted.qualified_name(self.finding)
        );
        let count = counts.entry((place.clone(), id, principal)).or_default();
        *count += 1;
        let text = format!("{place}\0{id}\0{}\0{count}", principal.unwrap_or_default());
        hex::encode(&Sha256::digest(text.as_bytes())[..16])
    }
}

fn descriptor(rule: &Rule) -> ReportingDescriptor {
    let text = rule_docs::description(rule);
    ReportingDescriptor {
        id: rule.id,
        name: rule.name,
        short_description: Message::new(rule.name.replace('-', " ")),
        full_description: Message::new(text.clone()),
        help: Message::new(text),
        help_uri: rule_docs::url(rule),
        default_configuration: log::Configuration {
            level: level(rule.severity),
        },
    }
}

/// Returns the file. Input without one gets the file that the user names, or else a fixed name.
fn artifact(linted: &Linted<'_>, path: Option<&str>) -> Artifact {
    let path = linted.path().or(path);
    let path = path.unwrap_or(if linted.file().is_some() {
        "stdin"
    } else {
        "aws-auth"
    });
    Artifact::new(path)
}
