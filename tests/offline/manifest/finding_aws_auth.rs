//! How the aws-auth ConfigMap is found in a manifest, and at which lines.

use std::collections::BTreeMap;

use awsauth_core::document::SectionName;
use awsauth_core::manifest::{Manifest, Note};

use crate::manifest::Do::Set;
use crate::manifest::{HEAD, check};

#[test]
fn aws_auth_is_found_among_other_documents() {
    let text = format!(
        "# first\nkind: Pod\nmetadata: {{name: aws-auth}}\n---\n\n---\n{HEAD}data:\n  mapRoles: |\n    - a\n---\n- 1\n...\n"
    );
    check(
        &[Set("mapRoles", "- b\n")],
        &text,
        &text.replace("- a", "- b"),
    );
}

#[test]
fn missing_namespace_is_reported() {
    let manifest = Manifest::parse("kind: ConfigMap\nmetadata: {name: aws-auth}\n").unwrap();
    assert_eq!(manifest.notes(), [Note::NoNamespace]);
    assert_eq!(Manifest::parse(HEAD).unwrap().notes(), []);
}

#[test]
fn section_lines_map_to_file_lines() {
    let manifest = Manifest::parse(format!(
        "{HEAD}data:\n  mapRoles: |\n\n    - a\n    - b\n  mapUsers: >\n    - a\n      b\n\n    c\n    d\n  mapAccounts: \"- a\\n\\\n    - b\\n- c\"\n"
    ))
    .unwrap();
    let lines = |section, last: usize| {
        (1..=last)
            .map(|line| manifest.file_line(section, line).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(SectionName::Roles, 3), [8, 9, 10]);
    assert_eq!(&*manifest.data()["mapUsers"], "- a\n  b\n\nc d\n");
    assert_eq!(lines(SectionName::Users, 4), [12, 13, 14, 15]);
    assert_eq!(&*manifest.data()["mapAccounts"], "- a\n- b\n- c");
    assert_eq!(lines(SectionName::Accounts, 3), [17, 18, 18]);
    assert_eq!(
        Manifest::parse(HEAD)
            .unwrap()
            .file_line(SectionName::Roles, 1),
        None
    );
}

#[test]
fn snapshot_contains_the_decoded_data() {
    let manifest = Manifest::parse("kind: ConfigMap\nmetadata:\n  name: aws-auth\n  annotations: {awsauth.dev/owners: x}\ndata: {a: b, mapUsers: }\n").unwrap();
    let snapshot = manifest.snapshot();
    assert_eq!(
        snapshot.data,
        BTreeMap::from([
            ("a".to_owned(), "b".into()),
            ("mapUsers".to_owned(), "".into())
        ])
    );
    assert_eq!(snapshot.owners_annotation.as_deref(), Some("x"));
}
