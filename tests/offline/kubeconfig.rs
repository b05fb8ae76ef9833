//! Edits of kubeconfigs: text in, text out.

mod added_and_fixed_entries;
mod property_tests;
mod styles;

use awsauth_core::kubeconfig::{Edited, Entries, Kubeconfig};

use crate::support::generated_kubeconfigs::prod;

fn edit(before: &str, entries: &Entries) -> Edited {
    let kubeconfig = Kubeconfig::parse(before).unwrap_or_else(|error| panic!("{error}\n{before}"));
    let edited = kubeconfig
        .with(entries)
        .unwrap_or_else(|error| panic!("{error}\n{before}"));
    let again = Kubeconfig::parse(edited.text.clone()).expect("it reads");
    assert_eq!(
        again.with(entries).expect("a second run").text,
        edited.text,
        "applying it twice changes nothing more"
    );
    edited
}

/// Asserts that writing these entries turns `before` into `after`.
#[track_caller]
fn check(before: &str, entries: &Entries, after: &str) -> Edited {
    let edited = edit(before, entries);
    assert_eq!(
        edited.text, after,
        "\n--- got\n{}\n--- wanted\n{after}",
        edited.text
    );
    edited
}

/// Returns the error, from reading or from writing, and its hint.
#[track_caller]
fn refused(before: &str) -> (String, String) {
    let error = Kubeconfig::parse(before)
        .and_then(|kubeconfig| kubeconfig.with(&prod()))
        .expect_err("refused");
    (error.to_string(), error.hint().expect("a remedy"))
}
