//! Edits of manifests: text in, text out.

mod block_scalars;
mod data_keys;
mod errors;
mod finding_aws_auth;
mod generator;
mod property_tests;
mod quoted_scalars;

use awsauth_core::aws_auth_snapshot::Change;
use awsauth_core::manifest::Manifest;

const HEAD: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\n";

#[derive(Clone)]
enum Do {
    Set(&'static str, &'static str),
    Remove(&'static str),
    Own(&'static str),
    Disown,
}
use Do::{Disown, Own, Remove, Set};

fn change(edits: &[Do]) -> Change {
    let mut change = Change::default();
    for edit in edits {
        match edit {
            Set(key, text) => drop(change.data.insert(key, Some((*text).into()))),
            Remove(key) => drop(change.data.insert(key, None)),
            Own(owners) => change.owners_annotation = Some(Some((*owners).to_owned())),
            Disown => change.owners_annotation = Some(None),
        }
    }
    change
}

/// Asserts that the changes turn `before` into `after`, and that `after` reads as requested.
#[track_caller]
fn check(edits: &[Do], before: &str, after: &str) {
    let change = change(edits);
    let manifest = Manifest::parse(before).unwrap_or_else(|error| panic!("{error}\n{before}"));
    assert_eq!(
        manifest.with(&Change::default()).expect("no change"),
        before,
        "an empty change changes nothing"
    );
    let text = manifest
        .with(&change)
        .unwrap_or_else(|error| panic!("{error}\n{before}"));
    assert_eq!(text, after, "\n--- got\n{text}\n--- wanted\n{after}");
    let again = Manifest::parse(&text).expect("it reads");
    for (key, expected) in &change.data {
        assert_eq!(again.data().get(*key), expected.as_ref(), "{key}");
    }
    if let Some(owners) = &change.owners_annotation {
        assert_eq!(again.owners_annotation(), owners.as_deref());
    }
    assert_eq!(
        again.with(&change).expect("a second run"),
        text,
        "applying it twice changes nothing more"
    );
}

/// Like [`check`], with the usual start of a manifest before both inputs.
#[track_caller]
fn check_data(edits: &[Do], before: &str, after: &str) {
    check(edits, &format!("{HEAD}{before}"), &format!("{HEAD}{after}"));
}

#[track_caller]
fn refused(before: &str) -> (String, String) {
    let error = Manifest::parse(before).expect_err("refused");
    (error.to_string(), error.hint().unwrap_or_default())
}
