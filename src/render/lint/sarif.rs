//! SARIF 2.1.0, which code scanning reads
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>, and what GitHub makes of it:
//! <https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support>).

mod fix;
mod log;

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

use super::{Linted, Shown, page};
use crate::lint::{Finding, Rule, Severity};
use log::{
    Artifact, Driver, Fix, Invocation, Location, Log, Logical, Message, Notification, Physical,
    Region, Reporting, Result as Entry, Run, Tool, level,
};

/// How many results of a run GitHub shows: the worst.
const SHOWN_BY_GITHUB: usize = 5_000;

/// How many results a run may have before GitHub refuses the whole file.
const TAKEN_BY_GITHUB: usize = 25_000;

/// The findings as one run. `unread` says what could not be read; `path` names a file for what comes from none.
pub(crate) fn lint_sarif(
    all: &[Linted<'_>],
    unread: &[String],
    path: Option<&str>,
) -> Result<String, serde_json::Error> {
    let is_read = unread.is_empty();
    let mut found: Vec<Found<'_>> = all
        .iter()
        .flat_map(|linted| Found::all(linted, path))
        .collect();
    let left_out = lint_sarif_limits(all);
    if found.len() > SHOWN_BY_GITHUB {
        found.sort_by_key(|found| std::cmp::Reverse(found.finding.severity));
        found.truncate(TAKEN_BY_GITHUB);
    }
    let by_id: BTreeMap<&str, &Rule> = found
        .iter()
        .map(|found| (found.finding.rule.id, found.finding.rule))
        .collect();
    let rules: Vec<&Rule> = by_id.into_values().collect();
    let mut times = HashMap::new();
    let results = found.into_iter().map(|found| {
        let print = found.fingerprint(&mut times);
        found.result(&rules, print)
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
                information_uri: env!("CARGO_PKG_REPOSITORY"),
                rules: rules.iter().map(|rule| reporting(rule)).collect(),
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

/// What GitHub leaves out of so many results, and what is left out for its sake.
pub(crate) fn lint_sarif_limits(all: &[Linted<'_>]) -> Option<String> {
    let results: usize = all.iter().map(|linted| linted.findings().count()).sum();
    if results > TAKEN_BY_GITHUB {
        let more = results - TAKEN_BY_GITHUB;
        Some(format!(
            "{more} of {results} results are left out, the least: GitHub takes {TAKEN_BY_GITHUB}, and shows {SHOWN_BY_GITHUB}."
        ))
    } else if results > SHOWN_BY_GITHUB {
        Some(format!(
            "GitHub shows {SHOWN_BY_GITHUB} of {results} results; the worst come first."
        ))
    } else {
        None
    }
}

/// A finding on its way into the log.
struct Found<'a> {
    linted: &'a Linted<'a>,
    finding: &'a Finding,
    shown: Option<&'a Shown<'a>>,
    artifact: Artifact,
    fix: Option<Fix>,
}

/// How many findings of a place, a rule and a principal there were before.
type Times<'a> = HashMap<(String, &'static str, Option<&'a str>), usize>;

impl<'a> Found<'a> {
    fn all(linted: &'a Linted<'_>, path: Option<&str>) -> impl Iterator<Item = Self> {
        let artifact = artifact(linted, path);
        let fixes = fix::fixes(linted, &artifact);
        let both = linted.findings().zip(fixes);
        both.map(move |((finding, shown), fix)| Self {
            linted,
            finding,
            shown,
            artifact: artifact.clone(),
            fix,
        })
    }

    fn result(self, rules: &[&Rule], print: String) -> Entry {
        let finding = self.finding;
        // A place in a section's own text is none in a file: it is somewhere there.
        let in_file = self.shown.filter(|_| self.linted.manifest().is_some());
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
                        .map_or_else(Region::unknown, |shown| Region::of(shown.start, shown.end)),
                    artifact_location: self.artifact,
                },
                logical_locations: vec![Logical {
                    fully_qualified_name: self.linted.within(finding),
                }],
            }],
            partial_fingerprints: BTreeMap::from([("awsauth/v1", print)]),
            fixes: self.fix.into_iter().collect(),
        }
    }

    /// What stays the same while lines move: the file, the rule, whose entry it is, and how many such there were before.
    fn fingerprint(&self, times: &mut Times<'a>) -> String {
        let (id, principal) = (self.finding.rule.id, self.finding.principal.as_deref());
        let place = format!(
            "{}\0{}",
            self.artifact.uri,
            self.linted.within(self.finding)
        );
        let time = times.entry((place.clone(), id, principal)).or_default();
        *time += 1;
        let said = format!("{place}\0{id}\0{}\0{time}", principal.unwrap_or_default());
        let digest = Sha256::digest(said.as_bytes());
        digest
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

fn reporting(rule: &Rule) -> Reporting {
    let text = page::text(rule);
    Reporting {
        id: rule.id,
        name: rule.name,
        short_description: Message::new(rule.name.replace('-', " ")),
        full_description: Message::new(text.clone()),
        help: Message::new(text),
        help_uri: page::address(rule),
        default_configuration: log::Configuration {
            level: level(rule.severity),
        },
    }
}

/// The file; of what comes from none, the one that the user names for it, or else a word.
fn artifact(linted: &Linted<'_>, path: Option<&str>) -> Artifact {
    let path = linted.path().or(path);
    let path = path.unwrap_or(if linted.file().is_some() {
        "stdin"
    } else {
        "aws-auth"
    });
    Artifact::new(path)
}
