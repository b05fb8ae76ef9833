//! `lint --fix` removes the finding, adds none, changes nothing else, and is idempotent.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use awsauth_core::authenticator::Store;
use awsauth_core::document::{Document, SectionName};
use awsauth_core::lint::{Facts, Finding, FixResult, Report, Selection, apply_fixes, lint};
use awsauth_core::manifest::Manifest;
use proptest::prelude::*;

use super::cases;

type Texts = BTreeMap<String, Arc<str>>;

fn report(data: &Texts) -> Report {
    lint(
        data,
        &Document::read(data),
        &Facts::default(),
        &Selection::default(),
    )
}

fn fixed_texts(data: &Texts) -> FixResult {
    apply_fixes(data, &Facts::default(), &Selection::default())
}

/// Returns the number of findings of each rule.
fn counts(findings: &[Finding]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.rule.id).or_default() += 1;
    }
    counts
}

fn is_readable(data: &Texts) -> bool {
    !Document::read(data)
        .sections()
        .any(|section| section.is_unreadable())
}

/// Checks the guarantees of a fixed document. Returns the number of fixes.
fn check(data: &Texts) -> usize {
    let before = report(data);
    let FixResult {
        data: after, fixed, ..
    } = fixed_texts(data);
    let then = report(&after);
    let (had, has, gone) = (
        counts(&before.findings),
        counts(&then.findings),
        counts(&fixed),
    );
    if is_readable(data) {
        for (id, has) in &has {
            let had = had.get(id).copied().unwrap_or_default();
            assert!(*has <= had, "{id} comes: {data:#?} {after:#?}");
        }
        for (id, gone) in gone {
            let has = has.get(id).copied().unwrap_or_default();
            assert!(has + gone <= had[id], "{id} stays: {data:#?} {after:#?}");
        }
        let entries = |data: &Texts| {
            Document::read(data)
                .sections()
                .map(|section| section.entries().len())
                .sum::<usize>()
        };
        assert!(entries(data) <= entries(&after), "{data:#?} {after:#?}");
    }
    if fixed.is_empty() {
        assert_eq!(*data, after);
    }
    let again = fixed_texts(&after);
    assert_eq!(again.data, after, "applying it twice changes nothing more");
    assert!(again.fixed.is_empty());
    // Access changes only for principals with a finding.
    let found: Vec<&str> = fixed
        .iter()
        .filter_map(|finding| finding.principal.as_deref())
        .collect();
    if is_readable(data) && fixed.iter().all(|finding| finding.principal.is_some()) {
        let (old, new) = (Document::read(data), Document::read(&after));
        let (old, new) = (Store::new(&old), Store::new(&new));
        for (old, new) in old.slots().iter().zip(new.slots()) {
            let is_same = format!("{:?}", old.mapping) == format!("{:?}", new.mapping);
            let text = format!("{:?}", old.mapping);
            assert!(
                is_same
                    || found
                        .iter()
                        .any(|principal| text.contains(&format!("{principal:?}"))),
                "{text}"
            );
        }
    }
    fixed.len()
}

#[test]
fn fix_repairs_the_cases() {
    let mut fixed = 0;
    for case in cases() {
        for file in ["bad.yaml", "good.yaml", "in.yaml", "stdin"] {
            let Ok(text) = fs::read_to_string(case.join(file)) else {
                continue;
            };
            let Ok(manifest) = Manifest::parse(text) else {
                continue;
            };
            fixed += check(manifest.data());
        }
    }
    assert!(fixed >= 20, "{fixed}");
}

/// Two roles that would be the same without their paths. Only the user knows which one is intended.
#[test]
fn fix_creates_no_duplicate() {
    let entry = |path: &str, user: &str| {
        format!(
            "- rolearn: arn:aws:iam::111122223333:role/{path}/dev\n  username: {user}\n  groups: [developers]\n"
        )
    };
    let text = entry("a", "one") + &entry("b", "two");
    let data = Texts::from([("mapRoles".to_owned(), text.clone().into())]);
    check(&data);
    let FixResult { data, fixed, .. } = fixed_texts(&data);
    assert!(fixed.is_empty());
    assert_eq!(*data["mapRoles"], *text);
}

fn part() -> impl Strategy<Value = String> {
    let arns = [
        "arn:aws:iam::111122223333:role/dev",
        "arn:aws:iam::111122223333:role/team/dev",
        "arn:aws:iam::111122223333:role/other/dev",
        "arn:aws:sts::111122223333:assumed-role/dev/session",
        "\"<arn:aws:iam::111122223333:role/ops>\"",
        "\" arn:aws:iam::111122223333:role/ops\"",
        "arn:aws:iam::111122223333:user/team/dev",
    ];
    let keys = ["rolearn", "userarn", "role_arn", "rolearns"];
    let usernames = [
        "dev",
        "12345",
        "yes",
        "\"{{ SessionName }}\"",
        "\"{{sessionname}}\"",
        "system:node:{{EC2PrivateDNSName}}",
        "{{SessionName}}",
        "\"'dev'\"",
        "\"\"",
    ];
    let groups = [
        "[developers]",
        "developers",
        "system:masters",
        "[system:node, system:bootstrapper]",
        "[1, 2]",
        "[\"'a'\"]",
        "{a: b}",
        "[]",
    ];
    let pick = |from: &'static [&'static str]| proptest::sample::select(from);
    (
        pick(Vec::leak(keys.to_vec())),
        pick(Vec::leak(arns.to_vec())),
        pick(Vec::leak(usernames.to_vec())),
        pick(Vec::leak(groups.to_vec())),
    )
        .prop_map(|(key, arn, username, groups)| {
            format!("- {key}: {arn}\n  username: {username}\n  groups: {groups}\n")
        })
}

fn section() -> impl Strategy<Value = String> {
    let joined = (
        prop::collection::vec(part(), 0..5),
        0..4usize,
        any::<bool>(),
    );
    joined.prop_map(|(parts, at, parted)| {
        let mut text = String::new();
        for (number, part) in parts.iter().enumerate() {
            if parted && number == at && number > 0 {
                text += "---\n";
            }
            text += part;
        }
        if parts.is_empty() {
            "{}\n".to_owned()
        } else {
            text
        }
    })
}

/// Of two conflicting entries, the second can be fixed after the first.
#[test]
fn fix_is_retried_after_its_obstacle_is_removed() {
    let roles = "- rolearn: arn:aws:iam::111122223333:role/team/dev\n  username: dev\n  groups: {a: b}\n- rolearn: arn:aws:iam::111122223333:role/team/dev\n  username: \"{{ SessionName }}\"\n  groups: developers\n- role_arn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups: [developers]\n";
    let texts = [(SectionName::Roles, roles), (SectionName::Users, "{}\n")];
    let data = texts
        .into_iter()
        .map(|(name, text)| (name.key().to_owned(), text.into()));
    check(&data.collect());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn fix_keeps_its_guarantees(roles in section(), users in section(), accounts in "(- \"?[0-9-]{12,14}\"?\n){0,3}") {
        let texts = [(SectionName::Roles, roles), (SectionName::Users, users), (SectionName::Accounts, accounts)];
        let data = texts.into_iter().map(|(name, text)| (name.key().to_owned(), text.into())).collect();
        check(&data);
    }
}
