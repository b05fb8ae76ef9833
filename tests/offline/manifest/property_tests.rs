//! Property tests: a change has the requested effect and changes no other byte.

use std::collections::BTreeMap;

use awsauth_core::aws_auth_snapshot::Change;
use awsauth_core::manifest::{Manifest, ManifestError};
use proptest::prelude::*;
use proptest::sample::select;

use crate::manifest::generator::{KEYS, ODD, next_text, odd, pieces, section_text};

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, max_local_rejects: u32::MAX, ..ProptestConfig::default() })]

    #[test]
    fn change_has_the_requested_effect_and_no_other(
        (pieces, at, new) in (pieces(), 0..3usize).prop_flat_map(|(pieces, at)| {
            let old = pieces.sections[at].as_ref().map(|(_, text)| text.clone()).unwrap_or_default();
            (Just(pieces), Just(at), next_text(old.to_string()))
        }),
    ) {
        let text = pieces.text();
        let manifest = Manifest::parse(&text).unwrap();
        prop_assert_eq!(&manifest.with(&Change::default()).unwrap(), &text);
        let mut change = Change::default();
        change.data.insert(KEYS[at], Some(new.as_str().into()));
        let after = manifest.with(&change).map_err(|error| TestCaseError::fail(format!("{error}\n{text}\n{new:?}")))?;
        let again = Manifest::parse(&after).unwrap();
        prop_assert_eq!(&*again.data()[KEYS[at]], new.as_str());
        prop_assert_eq!(&again.with(&change).unwrap(), &after);
        for other in (0..3).filter(|other| *other != at) {
            prop_assert_eq!(again.data().get(KEYS[other]), manifest.data().get(KEYS[other]));
        }
        if pieces.sections[at].is_some() {
            let before: String = (0..at).map(|n| pieces.around[n].clone() + pieces.raw(n)).collect::<String>() + &pieces.around[at];
            let behind: String = (at + 1..4).map(|n| pieces.around[n].clone() + pieces.raw(n)).collect();
            prop_assert!(after.starts_with(&before), "in front\n{}\n{}", text, after);
            prop_assert!(after.trim_end_matches(['\r', '\n']).ends_with(behind.trim_matches(['\r', '\n'])), "behind\n{text}\n{after}");
        }
        let old = pieces.sections[at].as_ref().map(|(_, text)| text.as_str());
        let in_block = pieces.raw(at).starts_with(" |");
        let appended = old.is_some_and(|old| old.ends_with('\n') && old != "\n".repeat(old.len()) && new.len() > old.len() && new.starts_with(old));
        if old.is_none() || (in_block && appended && new.ends_with('\n') && !new.ends_with("\n\n")) {
            prop_assert!(keeps_lines(&text, &after), "lines were lost\n{}\n{}", text, after);
        }
    }

    #[test]
    fn arbitrary_text_causes_no_panic_and_no_wrong_edit(
        pieces in pieces(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..4usize, select(vec!["", " ", "\n", "\"", "'", "{", "}", "|", ">", "-", ":", "#", "&a ", "*a", "!!str ", "\t", "\u{2028}", "\r", "[", ",", "? "])), 1..4),
        new in section_text(),
        at in 0..3usize,
    ) {
        let mut chars: Vec<char> = pieces.text().chars().collect();
        for (index, length, put) in cuts {
            let from = index.index(chars.len() + 1);
            let to = (from + length).min(chars.len());
            chars.splice(from..to, put.chars());
        }
        check_any(&chars.into_iter().collect::<String>(), KEYS[at], &new)?;
    }

    #[test]
    fn missing_block_indicators_are_added_or_refused(
        pieces in pieces(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..4usize, select(vec!["", " ", "\n", "\"", "- ", "{", "}", "[", "]", ":", "# a", "&a ", "*a", "\t", "\r", "|"])), 0..3),
    ) {
        let text = pieces.text().replace(" |", "").replace(" >", "");
        let mut chars: Vec<char> = text.chars().collect();
        for (index, length, put) in cuts {
            let from = index.index(chars.len() + 1);
            let to = (from + length).min(chars.len());
            chars.splice(from..to, put.chars());
        }
        let text: String = chars.into_iter().collect();
        let (read, barred) = (Manifest::parse_with_faults(text.as_str()), Manifest::with_literal_blocks(text.as_str()));
        if let Ok((_, manifest_faults)) = read {
            let is_refused = manifest_faults.is_substitute || (!manifest_faults.not_text.is_empty() && !manifest_faults.fits_literal_blocks);
            prop_assert_eq!(barred.is_err(), is_refused, "{}", text);
        }
        if let Ok(barred) = barred {
            let again = Manifest::parse(barred.text()).expect("it is one");
            prop_assert_eq!(again.data(), barred.data());
        }
    }

    #[test]
    fn unusual_spellings_are_never_misread(
        (raw, new) in select(ODD.to_vec()).prop_flat_map(|raw| {
            let old = Manifest::parse(odd(raw)).unwrap().data()["mapUsers"].clone();
            (Just(raw), next_text(old.to_string()))
        }),
    ) {
        check_any(&odd(raw), "mapUsers", &new)?;
        check_any(&odd(raw).replace('\n', "\r\n"), "mapUsers", &new)?;
        check_any(&odd(raw).replace("data:", "binaryData:\n    a:\n    - |+\n     YQ==\n\ndata:"), "mapRoles", &new)?;
    }

    #[test]
    fn json_edit_produces_json(
        texts in prop::collection::vec(section_text(), 0..4),
        new in section_text(),
        pretty in any::<bool>(),
        owners in prop::option::of(section_text()),
    ) {
        let data: BTreeMap<&str, String> = KEYS.iter().copied().zip(texts).collect();
        let object = serde_json::json!({"kind": "ConfigMap", "metadata": {"name": "aws-auth", "labels": {"a/b": 1}}, "data": data});
        let text = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) }.unwrap();
        let manifest = Manifest::parse(&text).unwrap();
        prop_assert_eq!(manifest.data().values().map(|text| text.to_string()).collect::<Vec<_>>(), data.values().cloned().collect::<Vec<_>>());
        let mut change = Change { owners_annotation: owners.clone().map(Some), ..Change::default() };
        change.data.insert("mapUsers", Some(new.as_str().into()));
        let after = manifest.with(&change).unwrap();
        let mut expected = object;
        expected["data"]["mapUsers"] = new.into();
        if let Some(owners) = owners {
            expected["metadata"]["annotations"] = serde_json::json!({"awsauth.dev/owners": owners});
        }
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&after).unwrap(), expected);
        check_any(&text, "mapRoles", "- x\n")?;
    }
}

/// Checks that any input is either refused, or changed as requested and back again.
fn check_any(text: &str, key: &'static str, new: &str) -> Result<(), TestCaseError> {
    let Ok(manifest) = Manifest::parse(text) else {
        return Ok(());
    };
    prop_assert_eq!(&manifest.with(&Change::default()).expect("no change"), text);
    let mut change = Change {
        owners_annotation: Some(Some("{\"a\": 'b'}".to_owned())),
        ..Change::default()
    };
    change.data.insert(key, Some(new.into()));
    let mut removal = Change {
        owners_annotation: Some(None),
        ..Change::default()
    };
    removal.data.insert(key, None);
    for change in [change, removal] {
        match manifest.with(&change) {
            Ok(after) => {
                let again = Manifest::parse(&after).expect("it reads");
                prop_assert_eq!(again.data().get(key), change.data[key].as_ref());
                prop_assert_eq!(
                    Some(again.owners_annotation().map(str::to_owned)),
                    change.owners_annotation
                );
            }
            Err(ManifestError::Unwritable { .. }) => {}
            Err(error) => {
                return Err(TestCaseError::fail(format!(
                    "{error}\n{text}\n{text:?}\n{change:?}"
                )));
            }
        }
    }
    Ok(())
}

/// Returns whether every line of the old text is in the new one, in order and unchanged.
fn keeps_lines(old: &str, new: &str) -> bool {
    let mut lines = new.split_inclusive('\n');
    old.split_inclusive('\n')
        .all(|line| lines.any(|other| other == line))
}

/// The number of test cases. `AWSAUTH_TEST_CASES` overrides it.
fn cases() -> u32 {
    std::env::var("AWSAUTH_TEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(2000)
}
