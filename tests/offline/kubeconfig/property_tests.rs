//! Property tests: the entries are written, and everything else keeps its bytes and its meaning for another YAML
//! reader.

use awsauth_core::kubeconfig::{EntryChange, Kubeconfig, KubeconfigError};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::generated_kubeconfigs::{ARN, Written, expected, prod, prod_as, written};

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_files_gain_the_entries_and_nothing_else(seed in any::<u64>(), profile in any::<bool>()) {
        let Written { text, content, has_ours } = written(seed);
        let entries = if profile { prod_as("ops") } else { prod() };
        let kubeconfig = Kubeconfig::parse(text.as_str()).map_err(|error| fail(&error, &text))?;
        prop_assert_eq!(kubeconfig.text(), &text);
        prop_assert_eq!(kubeconfig.has_cluster(ARN), has_ours);
        let edited = match kubeconfig.with(&entries) {
            Ok(edited) => edited,
            Err(KubeconfigError::Unwritable { .. }) => return Ok(()),
            Err(error) => return Err(fail(&error, &text)),
        };
        // Another YAML reader agrees on both files.
        prop_assert_eq!(&parse(&text), &content, "\n{}", text);
        let after = parse(&edited.text);
        prop_assert_eq!(&after, &expected(content, profile), "\n{}\n=>\n{}", text, edited.text);
        // Only the expected lines are removed.
        if !has_ours && !text.starts_with('{') {
            prop_assert!(keeps_lines(&text, &edited.text), "\n{}\n=>\n{}", text, edited.text);
        }
        // A comment on the line of a removed field is removed with it.
        let comments = |text: &str| text.matches('#').count();
        prop_assert!(has_ours || comments(&text) == comments(&edited.text), "\n{}\n=>\n{}", text, edited.text);
        let again = Kubeconfig::parse(edited.text.as_str()).map_err(|error| fail(&error, &edited.text))?;
        let again = again.with(&entries).map_err(|error| fail(&error, &edited.text))?;
        prop_assert_eq!(&again.text, &edited.text, "applying it twice changes nothing more");
        prop_assert!(again.changes.iter().all(|change| change.what == EntryChange::Unchanged));
    }

    #[test]
    fn arbitrary_text_causes_no_panic_and_no_wrong_edit(
        seed in any::<u64>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..4usize, prop::sample::select(vec!["", " ", "\n", "\"", "'", "{", "}", "|", ">", "-", ":", "#", "&a ", "*a", "!!str ", "\t", "\u{2028}", "\r", "[", ",", "? "])), 1..4),
    ) {
        let mut chars: Vec<char> = written(seed).text.chars().collect();
        for (index, length, put) in cuts {
            let from = index.index(chars.len() + 1);
            let to = (from + length).min(chars.len());
            chars.splice(from..to, put.chars());
        }
        let text: String = chars.into_iter().collect();
        match Kubeconfig::parse(text.as_str()).and_then(|kubeconfig| kubeconfig.with(&prod())) {
            Ok(edited) => {
                let again = Kubeconfig::parse(edited.text).and_then(|again| again.with(&prod()));
                let again = again.map_err(|error| fail(&error, &text))?;
                prop_assert!(again.changes.iter().all(|change| change.what == EntryChange::Unchanged));
            }
            Err(error @ KubeconfigError::Bug(_)) => return Err(fail(&error, &text)),
            Err(error) => prop_assert!(error.hint().is_some()),
        }
    }
}

fn fail(error: &KubeconfigError, text: &str) -> TestCaseError {
    TestCaseError::fail(format!("{error}\n{text}"))
}

/// Parses the text with another YAML reader.
fn parse(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Returns whether every line of the old text is in the new one, in order and unchanged, except for empty values that
/// were filled.
fn keeps_lines(old: &str, new: &str) -> bool {
    let is_filled = |line: &str| {
        [
            "clusters",
            "contexts",
            "users",
            "current-context",
            "'",
            "\"",
        ]
        .iter()
        .any(|key| line.starts_with(key))
    };
    let mut lines = new.lines();
    old.lines()
        .filter(|line| !is_filled(line))
        .all(|line| lines.any(|other| other == line))
}

/// The number of test cases. `AWSAUTH_TEST_CASES` overrides it.
fn cases() -> u32 {
    std::env::var("AWSAUTH_TEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(1000)
}
