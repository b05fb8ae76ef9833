//! Checks the claims of lint findings about the authenticator with the authenticator itself: on the inputs of all
//! cases, recorded and generated inputs, and known mistakes.
//!
//! `AWSAUTH_LINT_INPUTS=N` sets the number of generated inputs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use awsauth_core::document::{Document, Section, SectionName};
use awsauth_core::lint::{Facts, Finding, Needs, RULES, Report, Selection, Site, lint};
use awsauth_core::manifest::Manifest;
use fastrand::Rng;

use crate::support::authenticator_oracle::{Answer, Oracle, Parsed, Request, Role, Sso, User};
use crate::support::lint_facts::Data;
use crate::support::lint_mistakes;
use crate::support::{authenticator_oracle, generated_documents, parse_vectors};
use single_entry_logins::SingleEntryAuthenticator;

mod claims;
mod single_entry_logins;

/// The cluster's account, so that rules can report other accounts.
const OWN: &str = "111122223333";

/// Rules whose findings make no claim about the authenticator: on waivers, on names from EC2, and on partitions of AWS.
const OF_OTHERS: [&str; 4] = ["L01", "L02", "N14", "R17"];

/// An aws-auth, the findings of the rules, and the authenticator's result.
pub(crate) struct Judged {
    data: Data,
    document: Document,
    report: Report,
    parsed: Parsed,
}

/// A mapping that the authenticator read from an entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Taken {
    principal: String,
    sso: Option<Sso>,
    username: String,
    groups: Vec<String>,
    key: String,
}

impl Judged {
    /// Returns `None` if the authenticator panics.
    fn new(data: Data, oracle: &mut Oracle) -> Option<Self> {
        let document = Document::read(&data);
        let facts = Facts {
            account: Some(OWN.to_owned()),
            ..Facts::default()
        };
        let report = lint(&data, &document, &facts, &Selection::default());
        let parsed = parse(&data, oracle)?;
        Some(Self {
            data,
            document,
            report,
            parsed,
        })
    }

    /// Returns the mappings that the authenticator kept from a section, in its order.
    fn taken(&self, section: SectionName) -> Vec<Taken> {
        let role = |role: &Role| Taken {
            principal: role.rolearn.clone(),
            sso: role.sso.clone(),
            username: role.username.clone(),
            groups: role.groups.clone().unwrap_or_default(),
            key: role.key.clone(),
        };
        let user = |user: &User| Taken {
            principal: user.userarn.clone(),
            sso: None,
            username: user.username.clone(),
            groups: user.groups.clone().unwrap_or_default(),
            key: user.key.clone(),
        };
        let account = |account: &String| Taken {
            principal: account.clone(),
            ..Taken::default()
        };
        match section {
            SectionName::Roles => self.parsed.roles.iter().map(role).collect(),
            SectionName::Users => self.parsed.users.iter().map(user).collect(),
            SectionName::Accounts => self.parsed.accounts.iter().map(account).collect(),
        }
    }

    /// The position of a finding's entry in its section.
    fn index(&self, section: &Section, finding: &Finding) -> Option<usize> {
        let Site::Text(text) = &finding.site else {
            return None;
        };
        let at = text.span.start();
        let entries = section.entries();
        let index = entries
            .iter()
            .position(|entry| entry.span.range().contains(&at) || entry.span.start() == at)?;
        Some(index)
    }
}

/// Returns the authenticator's result for `data`, or `None` if it panics.
fn parse(data: &Data, oracle: &mut Oracle) -> Option<Parsed> {
    let data = authenticator_oracle::Data {
        texts: data.clone(),
        ..authenticator_oracle::Data::default()
    };
    match oracle.ask(&[Request::Parse { data }]).remove(0) {
        Answer::Parse(parsed) => Some(parsed),
        Answer::Panic(_) => None,
        other => panic!("{other:?}"),
    }
}

/// Returns the `data` of every manifest in the case folders.
fn of_cases() -> Vec<Data> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut all = Vec::new();
    for folder in ["cases/lint", "data/lint_facts"] {
        for case in fs::read_dir(root.join(folder)).expect("cases").flatten() {
            for file in fs::read_dir(case.path()).expect("a case").flatten() {
                let text = fs::read_to_string(file.path()).unwrap_or_default();
                if let Ok(manifest) = Manifest::parse(text) {
                    let data = manifest.data().iter();
                    let data = data.map(|(key, text)| (key.clone(), text.to_string()));
                    all.push(data.collect());
                }
            }
        }
    }
    all
}

fn inputs() -> u64 {
    std::env::var("AWSAUTH_LINT_INPUTS").map_or(3_000, |text| text.parse().expect("a number"))
}

#[test]
fn findings_agree_with_the_authenticator() {
    let mut oracle = Oracle::start();
    let texts = parse_vectors::texts();
    let recorded = texts.iter().flat_map(|text| {
        let section = |name: SectionName| Data::from([(name.key().to_owned(), text.clone())]);
        SectionName::ALL.map(section)
    });
    let generated =
        (0..inputs()).map(|seed| generated_documents::data(&mut Rng::with_seed(seed), &texts));
    let mistakes = lint_mistakes::all(1)
        .into_iter()
        .map(|mistake| mistake.data);
    let (mut counts, mut wrong) = (BTreeMap::<&str, u64>::new(), Vec::new());
    for data in of_cases()
        .into_iter()
        .chain(recorded)
        .chain(mistakes)
        .chain(generated)
    {
        let Some(judged) = Judged::new(data, &mut oracle) else {
            continue;
        };
        let mut authenticator = SingleEntryAuthenticator(&mut oracle);
        for finding in judged.report.findings.iter().chain(&judged.report.waived) {
            match claims::check(&judged, finding, &mut authenticator) {
                Some(Ok(())) => *counts.entry(finding.rule.id).or_default() += 1,
                Some(Err(why)) if wrong.len() < 12 => wrong.push(format!(
                    "{} {}: {}\n  {why}\n  {:?}",
                    finding.rule.id, finding.rule.name, finding.message, judged.data
                )),
                _ => {}
            }
        }
    }
    let total: u64 = counts.values().sum();
    eprintln!("{total} findings asked about: {counts:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for rule in RULES {
        let is_asked = matches!(rule.needs, Needs::Nothing | Needs::Account);
        if is_asked && !OF_OTHERS.contains(&rule.id) {
            assert!(
                counts.contains_key(rule.id),
                "{} was never asked about",
                rule.id
            );
        }
    }
}

/// Returns whether this is the second entry that EKS writes for the nodes of a managed node group, which EKS itself
/// keeps.
fn is_by_eks(taken: &Taken, judged: &Judged) -> bool {
    let (_, name) = taken.key.rsplit_once('/').unwrap_or_default();
    let twin = format!(":role/{name}");
    taken.username.starts_with("system:node:")
        && judged
            .parsed
            .roles
            .iter()
            .any(|role| role.key.ends_with(&twin))
}

/// An ARN without findings maps an identity.
#[test]
fn arn_without_findings_matches_an_identity() {
    let mut oracle = Oracle::start();
    let texts = parse_vectors::texts();
    let generated =
        (0..inputs() / 5).map(|seed| generated_documents::data(&mut Rng::with_seed(seed), &texts));
    let (mut asked, mut wrong) = (0, Vec::new());
    for data in of_cases().into_iter().chain(generated) {
        let Some(judged) = Judged::new(data, &mut oracle) else {
            continue;
        };
        let mut authenticator = SingleEntryAuthenticator(&mut oracle);
        for section in [SectionName::Roles, SectionName::Users] {
            for taken in judged.taken(section) {
                let all = judged.report.findings.iter().chain(&judged.report.waived);
                let speaks = |finding: &Finding| {
                    let id = finding.rule.id;
                    finding.principal.as_deref() == Some(&taken.principal)
                        && (id.starts_with('R') || matches!(id, "S15" | "S16" | "S17" | "D05"))
                };
                if taken.sso.is_some() || all.into_iter().any(speaks) || is_by_eks(&taken, &judged)
                {
                    continue;
                }
                asked += 1;
                if authenticator
                    .admitted_identity(section, &taken.principal)
                    .is_none()
                    && wrong.len() < 12
                {
                    wrong.push(format!("{taken:?}"));
                }
            }
        }
    }
    eprintln!("{asked} ARNs without findings");
    assert!(
        asked > 200 && wrong.is_empty(),
        "{asked}\n{}",
        wrong.join("\n")
    );
}
