//! Block scalars, literal and folded.

use awsauth_core::manifest::Manifest;

use crate::manifest::Do::{Own, Set};
use crate::manifest::{HEAD, change, check, check_data};

#[test]
fn line_added_to_a_literal_block_is_the_only_change() {
    check_data(
        &[Set(
            "mapRoles",
            "- rolearn: a\n\n# two\n- rolearn: b\n- rolearn: c\n",
        )],
        "data:\n  mapRoles: |  # the nodes\n     - rolearn: a\n\n     # two\n     - rolearn: b\n\n  # users\n  mapUsers: |\n     []\n",
        "data:\n  mapRoles: |  # the nodes\n     - rolearn: a\n\n     # two\n     - rolearn: b\n     - rolearn: c\n\n  # users\n  mapUsers: |\n     []\n",
    );
}

#[test]
fn blank_lines_around_a_change_keep_their_spaces() {
    check_data(
        &[Set("mapRoles", "- a\n\n- B\n\n- c\n")],
        "data:\n  mapRoles: |\n    - a\n  \n    - b\n    \n    - c\n",
        "data:\n  mapRoles: |\n    - a\n  \n    - B\n    \n    - c\n",
    );
}

#[test]
fn line_endings_are_kept() {
    check(
        &[Set("mapRoles", "- a\n- b\n"), Set("mapUsers", "- c\n")],
        &format!("{HEAD}data:\n  mapRoles: |\n    - a\n").replace('\n', "\r\n"),
        &format!("{HEAD}data:\n  mapRoles: |\n    - a\n    - b\n  mapUsers: |\n    - c\n")
            .replace('\n', "\r\n"),
    );
}

#[test]
fn byte_order_mark_is_kept() {
    check(
        &[Set("mapRoles", "- a\n- b\n"), Own("x")],
        &format!("\u{feff}{HEAD}data:\n  mapRoles: |\n    - a\n"),
        &format!(
            "\u{feff}{HEAD}  annotations:\n    awsauth.dev/owners: 'x'\ndata:\n  mapRoles: |\n    - a\n    - b\n"
        ),
    );
}

#[test]
fn block_header_changes_only_if_necessary() {
    let header =
        |header: &str, text| format!("data:\n  mapRoles: {header}\n    - a\n{text}kind2: x\n");
    for (before, after, new) in [
        ("|", "|-", "- a\n- b"),
        ("|-", "|-", "- a\n- b"),
        ("|-", "|", "- a\n- b\n"),
        ("|+ # c", "|+ # c", "- a\n- b\n"),
        ("|2", "|2-", "- a\n- b"),
        ("|-2", "|-2", "- a\n- b"),
        ("|-2 # c", "|2 # c", "- a\n- b\n"),
    ] {
        let change = change(&[Set("mapRoles", new)]);
        let manifest = Manifest::parse(format!("{HEAD}{}", header(before, ""))).unwrap();
        let text = manifest.with(&change).unwrap();
        assert_eq!(
            text,
            format!("{HEAD}{}", header(after, "    - b\n")),
            "{before} to {new:?}"
        );
    }
}

#[test]
fn trailing_blank_lines_are_text_only_with_keep_chomping() {
    check_data(
        &[Set("mapRoles", "- a\n\n\n")],
        "data:\n  mapRoles: |\n    - a\n\n  x: z\n",
        "data:\n  mapRoles: |+\n    - a\n\n\n  x: z\n",
    );
    check_data(
        &[Set("mapRoles", "- a\n- b\n\n")],
        "data:\n  mapRoles: |+\n    - a\n\n  x: z\n",
        "data:\n  mapRoles: |+\n    - a\n    - b\n\n  x: z\n",
    );
}

#[test]
fn text_with_a_leading_space_gets_an_indentation_indicator() {
    check_data(
        &[Set("mapRoles", "  - a\n- b\n")],
        "data:\n  mapRoles: |\n    - b\n",
        "data:\n  mapRoles: |2\n      - a\n    - b\n",
    );
}

#[test]
fn text_that_no_block_can_hold_is_quoted() {
    check_data(
        &[Set("mapRoles", "- \u{1}\n")],
        "data:\n  mapRoles: | # c\n    - b\n    - c\n\n  x: z\n",
        "data:\n  mapRoles: \"- \\u0001\\n\" # c\n\n  x: z\n",
    );
}

#[test]
fn file_without_a_final_newline_stays_without() {
    check_data(
        &[Set("mapRoles", "- a\n- b")],
        "data:\n  mapRoles: |\n    - a",
        "data:\n  mapRoles: |\n    - a\n    - b",
    );
    check_data(
        &[Set("mapRoles", "- a")],
        "data:\n  mapRoles: |\n    - a\n    - b",
        "data:\n  mapRoles: |\n    - a",
    );
    check_data(
        &[Set("mapRoles", "- a\n")],
        "data:\n  mapRoles: |\n    - a",
        "data:\n  mapRoles: |\n    - a\n",
    );
    check_data(
        &[Set("mapRoles", "- a\n")],
        "data:\n  mapRoles: |",
        "data:\n  mapRoles: |\n    - a\n",
    );
    check_data(
        &[Set("mapUsers", "- c\n")],
        "data:\n  mapRoles: |\n    - a",
        "data:\n  mapUsers: |\n    - c\n  mapRoles: |\n    - a",
    );
}

#[test]
fn block_can_be_emptied_and_filled_again() {
    check_data(
        &[Set("mapRoles", "")],
        "data:\n  mapRoles: |\n    - a\n  x: z\n",
        "data:\n  mapRoles: |\n  x: z\n",
    );
    check_data(
        &[Set("mapRoles", "- a\n")],
        "data:\n  mapRoles: |\n  x: z\n",
        "data:\n  mapRoles: |\n    - a\n  x: z\n",
    );
}

#[test]
fn folded_block_without_folds_stays_folded_if_possible() {
    check_data(
        &[Set("mapRoles", "- a\n  b\n  c\n")],
        "data:\n  mapRoles: >\n    - a\n      b\n",
        "data:\n  mapRoles: >\n    - a\n      b\n      c\n",
    );
    check_data(
        &[Set("mapRoles", "- a\n- b\n")],
        "data:\n  mapRoles: >-\n    - a\n",
        "data:\n  mapRoles: |\n    - a\n    - b\n",
    );
}

#[test]
fn folded_block_with_folds_is_refused() {
    let manifest =
        Manifest::parse(format!("{HEAD}data:\n  mapRoles: >\n    - a\n    - b\n")).unwrap();
    assert_eq!(&*manifest.data()["mapRoles"], "- a - b\n");
    let error = manifest
        .with(&change(&[Set("mapRoles", "- c\n")]))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 7: cannot change data.mapRoles in its present form: the `>` joins its lines"
    );
    assert!(error.hint().unwrap().contains("write `|` instead of `>`"));
}
