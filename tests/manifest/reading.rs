//! Which ConfigMap it is, and what it says where.

use std::collections::BTreeMap;

use awsauth::document::SectionName;
use awsauth::manifest::{Manifest, Note};

use crate::Do::Set;
use crate::{HEAD, check};

#[test]
fn it_is_found_among_other_documents() {
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
fn a_missing_namespace_is_noted() {
    let manifest = Manifest::parse("kind: ConfigMap\nmetadata: {name: aws-auth}\n").unwrap();
    assert_eq!(manifest.notes(), [Note::NoNamespace]);
    assert_eq!(Manifest::parse(HEAD).unwrap().notes(), []);
}

#[test]
fn lines_of_a_section_are_lines_of_the_file() {
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
fn the_snapshot_is_the_plain_data() {
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
