//! The page that `awsauth edit` opens: every aws-auth survives the round trip.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::support::parse_vectors;
use awsauth_core::edit_buffer::{Keys, Remark, conflict_page, is_same, page, read, with_remarks};
use awsauth_core::history::Contents;
use proptest::prelude::*;

const OTHER: &str = "mapRole";

fn contents(texts: &[(&str, &str)]) -> Contents {
    let texts = texts.iter();
    Contents {
        exists: true,
        data: texts
            .map(|(key, text)| ((*key).to_owned(), Arc::from(*text)))
            .collect(),
        binary_data: BTreeMap::from([("logo".to_owned(), Arc::from("AAEC"))]),
        owners_annotation: Some("{}".to_owned()),
    }
}

fn header() -> Vec<String> {
    vec!["aws-auth of nowhere".to_owned(), String::new()]
}

fn back(page: &str, before: &Contents, keys: &Keys) -> Contents {
    let parts = read(page, keys).unwrap_or_else(|remarks| panic!("{remarks:?} in\n{page}"));
    parts.contents(before, keys)
}

#[track_caller]
fn round_trips(before: &Contents) {
    for others in [true, false] {
        let keys = Keys::of(before, others);
        let page = page(before, &keys, &header());
        assert_eq!(back(&page, before, &keys), *before, "{page}");
        // Comments with remarks change no line.
        let remarks =
            (1..=page.lines().count()).map(|line| Remark::new(Some(line), "error: so\nhelp: thus"));
        let message = with_remarks(&page, &keys, &header(), &remarks.collect::<Vec<_>>());
        assert_eq!(back(&message, before, &keys), *before, "{message}");
        assert!(is_same(&page, &message, &keys));
        let unsaid = with_remarks(&message, &keys, &header(), &[]);
        assert_eq!(unsaid, page);
    }
}

/// Replaces every line of every section alone.
#[track_caller]
fn changed_line_is_the_only_change(before: &Contents) {
    let keys = Keys::of(before, true);
    let page = page(before, &keys, &header());
    let parts = read(&page, &keys).unwrap();
    let lines: Vec<&str> = page.split_inclusive('\n').collect();
    for (key, text) in &before.data {
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let number = parts.line_of(key, at).unwrap();
            let breaks = |line: &str| line[line.trim_end_matches(['\r', '\n']).len()..].to_owned();
            let heading = lines[parts.heading_of(key).unwrap() - 1];
            let indent = if heading.contains('|') { "  " } else { "" };
            let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            changed[number - 1] = format!("{indent}- other{}", breaks(lines[number - 1]));
            let expected = format!(
                "{}- other{}{}",
                &text[..at],
                breaks(line),
                &text[at + line.len()..]
            );
            let result = back(&changed.concat(), before, &keys);
            assert_eq!(&*result.data[key], expected, "line {number} of\n{page}");
            let others = |contents: &Contents| {
                let mut data = contents.data.clone();
                data.remove(key);
                data
            };
            assert_eq!(others(&result), others(before));
            at += line.len();
        }
    }
}

#[test]
fn real_documents_round_trip() {
    let texts = parse_vectors::texts();
    assert!(texts.len() > 100);
    for text in &texts {
        round_trips(&contents(&[("mapRoles", text), (OTHER, "x: y")]));
        changed_line_is_the_only_change(&contents(&[("mapUsers", text)]));
    }
    round_trips(&contents(&[]));
    round_trips(&contents(&[("mapRoles", ""), ("mapUsers", "\n")]));
}

#[test]
fn headings_add_rename_and_remove_sections() {
    let before = contents(&[(OTHER, "- rolearn: a\n")]);
    let keys = Keys::of(&before, true);
    let is = |page: &str, texts: &[(&str, &str)]| {
        assert_eq!(back(page, &before, &keys), contents(texts))
    };
    is(
        "mapRoles:\n- rolearn: a\n",
        &[("mapRoles", "- rolearn: a\n")],
    );
    is("mapRoles: []\n", &[("mapRoles", "[]\n")]);
    is("mapRoles: # who\n- a\n", &[("mapRoles", "# who\n- a\n")]);
    is(
        "mapRoles: |\n  - a\n\n  mapUsers:\n",
        &[("mapRoles", "- a\n\nmapUsers:\n")],
    );
    is("\n#! no\nmapUsers:\n#! no\n- a", &[("mapUsers", "- a")]);
    is(
        "mapUsers:\n- a\n#! no line break at the end\n- b\n",
        &[("mapUsers", "- a\n- b\n")],
    );
    let wrong = |page: &str, line: usize, what: &str| {
        let remarks = read(page, &keys).unwrap_err();
        assert_eq!(remarks[0].line, Some(line), "{remarks:?}");
        assert!(remarks[0].text.contains(what), "{remarks:?}");
    };
    wrong("\n- rolearn: a\nmapRoles:\n", 2, "above all keys");
    wrong(
        "mapRoles:\n- a\nmapRoles:\n",
        3,
        "mapRoles is repeated; the first one is at line 1",
    );
    wrong(
        "mapRoles: |-\n  - a\n",
        1,
        "|- is not supported after mapRoles",
    );
    wrong("mapRoles: |\n- a\n", 2, "indent this line");
    wrong("mapRoles:\n=======\n", 2, "conflict is not resolved");
}

#[test]
fn overlapping_changes_are_shown_as_a_conflict() {
    let base = contents(&[("mapRoles", "- a\n- b\n- c\n"), ("mapUsers", "- u\n")]);
    let ours = contents(&[
        ("mapRoles", "- a\n- B\n- c\n- ours\n"),
        ("mapUsers", "- u\n- v\n"),
    ]);
    let theirs = contents(&[
        ("mapRoles", "- theirs\n- a\n- bee\n- c\n"),
        ("mapUsers", "- u\n"),
    ]);
    let keys = Keys::of(&base, true);
    let page = conflict_page([&base, &ours, &theirs], &keys, &[], "there");
    assert_eq!(
        page,
        "#!\nmapRoles:\n- theirs\n- a\n<<<<<<< yours\n- B\n=======\n- bee\n>>>>>>> there\n- c\n- ours\n#!\nmapUsers:\n- u\n- v\n"
    );
    assert_eq!(read(&page, &keys).unwrap_err().len(), 3);
    // A conflict although the changed lines do not touch, because the merged text would mean something else.
    let theirs = contents(&[("mapRoles", "- theirs\n- a\n- b\n- c\n")]);
    let ours = contents(&[("mapRoles", "- a\n- b\n- c\n- ours\n")]);
    let base = contents(&[("mapRoles", "- a\n- b\n- c\n")]);
    let page = conflict_page([&base, &ours, &theirs], &keys, &[], "there");
    assert!(page.contains("<<<<<<< yours\n- a\n"), "{page}");
}

fn text() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "- rolearn: arn:aws:iam::111122223333:role/a",
        "  username: a",
        "",
        " ",
        "\t",
        "\r",
        "mapRoles:",
        "mapUsers: |",
        "mapRole: x",
        "  mapAccounts:",
        "mapRolesX:",
        "#!",
        "#! no line break at the end",
        "# comment",
        "<<<<<<< yours",
        "=======",
        ">>>>>>> there",
        "[{\"rolearn\": \"a\"}",
        "\u{feff}- a",
        "\u{85}",
        "\u{2028}",
        "---",
        "|",
    ]);
    let line_break = prop::sample::select(vec!["\n", "\n", "\n", "\r\n", "\r"]);
    let lines = prop::collection::vec((line, line_break), 0..6);
    (lines, any::<bool>(), any::<bool>()).prop_map(|(lines, is_ended, is_windows)| {
        let mut text = String::new();
        for (line, end) in lines {
            text.push_str(line);
            text.push_str(if is_windows { "\r\n" } else { end });
        }
        if !is_ended {
            text.truncate(text.trim_end_matches('\n').len());
        }
        text
    })
}

fn aws_auth() -> impl Strategy<Value = Contents> {
    let texts = [(); 4].map(|()| prop::option::of(text()));
    texts.prop_map(|texts| {
        let keys = ["mapRoles", "mapUsers", "mapAccounts", OTHER];
        let texts = keys.into_iter().zip(&texts);
        let present: Vec<_> = texts
            .filter_map(|(key, text)| Some((key, text.as_deref()?)))
            .collect();
        contents(&present)
    })
}

proptest! {
    #[test]
    fn generated_documents_round_trip(before in aws_auth()) {
        round_trips(&before);
    }

    #[test]
    fn changed_line_changes_nothing_else(before in aws_auth()) {
        changed_line_is_the_only_change(&before);
    }

    #[test]
    fn change_of_one_side_is_merged(before in aws_auth(), after in aws_auth()) {
        let mut keys = Keys::of(&before, true);
        keys.add(&after);
        for both in [[&before, &after, &before], [&before, &before, &after], [&before, &after, &after]] {
            let page = conflict_page(both, &keys, &header(), "there");
            prop_assert_eq!(back(&page, &after, &keys), after.clone(), "{}", page);
        }
    }
}
