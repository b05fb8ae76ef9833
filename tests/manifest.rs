//! Manifests: text in, text out.

use std::collections::BTreeMap;

use awsauth::document::SectionName;
use awsauth::manifest::{Cause, Manifest, ManifestError, Note};
use awsauth::snapshot::Change;

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
            Set(key, text) => drop(change.data.insert(key, Some((*text).to_owned()))),
            Remove(key) => drop(change.data.insert(key, None)),
            Own(owners) => change.owners_annotation = Some(Some((*owners).to_owned())),
            Disown => change.owners_annotation = Some(None),
        }
    }
    change
}

/// `before`, changed, is `after`; and reading `after` gives what was asked for.
#[track_caller]
fn check(edits: &[Do], before: &str, after: &str) {
    let change = change(edits);
    let manifest = Manifest::parse(before).unwrap_or_else(|error| panic!("{error}\n{before}"));
    assert_eq!(
        manifest.with(&Change::default()).unwrap(),
        before,
        "no change is the identity"
    );
    let text = manifest
        .with(&change)
        .unwrap_or_else(|error| panic!("{error}\n{before}"));
    assert_eq!(text, after, "\n--- got\n{text}\n--- wanted\n{after}");
    let again = Manifest::parse(&text).unwrap();
    for (key, wanted) in &change.data {
        assert_eq!(again.data().get(*key), wanted.as_ref(), "{key}");
    }
    if let Some(owners) = &change.owners_annotation {
        assert_eq!(again.owners_annotation(), owners.as_deref());
    }
    assert_eq!(again.with(&change).unwrap(), text, "twice is once");
}

/// The same with the usual beginning in front of both.
#[track_caller]
fn check_data(edits: &[Do], before: &str, after: &str) {
    check(edits, &format!("{HEAD}{before}"), &format!("{HEAD}{after}"));
}

#[track_caller]
fn refused(before: &str) -> (String, String) {
    let error = Manifest::parse(before).expect_err("refused");
    (error.to_string(), error.hint().unwrap_or_default())
}

// ---- block scalars

#[test]
fn a_line_added_to_a_literal_block_is_the_only_line_that_changes() {
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
fn blank_lines_keep_their_blanks_around_a_change() {
    check_data(
        &[Set("mapRoles", "- a\n\n- B\n\n- c\n")],
        "data:\n  mapRoles: |\n    - a\n  \n    - b\n    \n    - c\n",
        "data:\n  mapRoles: |\n    - a\n  \n    - B\n    \n    - c\n",
    );
}

#[test]
fn line_endings_stay() {
    check(
        &[Set("mapRoles", "- a\n- b\n"), Set("mapUsers", "- c\n")],
        &format!("{HEAD}data:\n  mapRoles: |\n    - a\n").replace('\n', "\r\n"),
        &format!("{HEAD}data:\n  mapRoles: |\n    - a\n    - b\n  mapUsers: |\n    - c\n")
            .replace('\n', "\r\n"),
    );
}

#[test]
fn a_byte_order_mark_stays() {
    check(
        &[Set("mapRoles", "- a\n- b\n"), Own("x")],
        &format!("\u{feff}{HEAD}data:\n  mapRoles: |\n    - a\n"),
        &format!(
            "\u{feff}{HEAD}  annotations:\n    awsauth.dev/owners: 'x'\ndata:\n  mapRoles: |\n    - a\n    - b\n"
        ),
    );
}

#[test]
fn the_header_changes_only_when_it_has_to() {
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
        let manifest = Manifest::parse(&format!("{HEAD}{}", header(before, ""))).unwrap();
        let text = manifest.with(&change).unwrap();
        assert_eq!(
            text,
            format!("{HEAD}{}", header(after, "    - b\n")),
            "{before} to {new:?}"
        );
    }
}

#[test]
fn blank_lines_at_the_end_are_text_only_when_kept() {
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
fn text_that_begins_with_a_blank_gets_an_indentation_indicator() {
    check_data(
        &[Set("mapRoles", "  - a\n- b\n")],
        "data:\n  mapRoles: |\n    - b\n",
        "data:\n  mapRoles: |2\n      - a\n    - b\n",
    );
}

#[test]
fn text_that_no_block_can_hold_moves_into_quotes() {
    check_data(
        &[Set("mapRoles", "- \u{1}\n")],
        "data:\n  mapRoles: | # c\n    - b\n    - c\n\n  x: z\n",
        "data:\n  mapRoles: \"- \\u0001\\n\" # c\n\n  x: z\n",
    );
}

#[test]
fn a_file_without_a_last_newline_keeps_to_it() {
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
fn a_block_can_become_empty_and_full_again() {
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
fn a_folded_block_that_folds_nothing_stays_folded_while_it_can() {
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
fn a_folded_block_that_folds_is_refused() {
    let manifest =
        Manifest::parse(&format!("{HEAD}data:\n  mapRoles: >\n    - a\n    - b\n")).unwrap();
    assert_eq!(manifest.data()["mapRoles"], "- a - b\n");
    let error = manifest
        .with(&change(&[Set("mapRoles", "- c\n")]))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 7: cannot change data.mapRoles as it is written: the `>` joins its lines"
    );
    assert!(error.hint().unwrap().contains("write `|` instead of `>`"));
}

// ---- quoted scalars

#[test]
fn quoted_text_keeps_the_spelling_of_what_stays() {
    check_data(
        &[Set("mapRoles", "- A: 1\n- B: 2\n- C: 3\n")],
        "data:\n  mapRoles: \"- \\u0041: 1\\n- B: 2\\x0a\" # c\n",
        "data:\n  mapRoles: \"- \\u0041: 1\\n- B: 2\\x0a- C: 3\\n\" # c\n",
    );
    check_data(
        &[Set("mapRoles", "[{\"A\": \"it's\", B: 22}]")],
        "data:\n  mapRoles: '[{\"A\": \"it''s\", B: 2}]'\n",
        "data:\n  mapRoles: '[{\"A\": \"it''s\", B: 22}]'\n",
    );
}

#[test]
fn double_quotes_over_several_lines_keep_their_wraps() {
    check_data(
        &[Set(
            "mapRoles",
            "- rolearn: a\n  username: b\n- rolearn: c\n  username: D\n",
        )],
        "data:\n  mapRoles: \"- rolearn: a\\n\\\n    \\  username:\\\n    \\ b\\n- rolearn: c\\n  username:\\\n    \\ d\\n\"\n",
        "data:\n  mapRoles: \"- rolearn: a\\n\\\n    \\  username:\\\n    \\ b\\n- rolearn: c\\n  username:\\\n    \\ D\\n\"\n",
    );
}

#[test]
fn single_quotes_that_cannot_say_it_give_way_to_a_block() {
    check_data(
        &[Set("mapUsers", "- a\n")],
        "data:\n  mapUsers: '[]' # none yet\n  x: z\n",
        "data:\n  mapUsers: | # none yet\n    - a\n  x: z\n",
    );
    check_data(
        &[Set("mapUsers", "- a\n")],
        "data:\n  mapUsers: \"\"",
        "data:\n  mapUsers: |\n    - a\n",
    );
    check_data(
        &[Set("mapUsers", "- a\n")],
        "data:\n  mapUsers:\n",
        "data:\n  mapUsers: |\n    - a\n",
    );
    check_data(
        &[Set("mapUsers", "- a\n")],
        "data:\n  mapUsers: x\n",
        "data:\n  mapUsers: |\n    - a\n",
    );
}

// ---- keys

#[test]
fn a_key_is_added_as_its_neighbours_are() {
    check_data(
        &[Set("mapUsers", "- b\n")],
        "data:\n    mapRoles: |\n        - a\n\n---\nkind: Other\n",
        "data:\n    mapRoles: |\n        - a\n    mapUsers: |\n        - b\n\n---\nkind: Other\n",
    );
    check_data(
        &[Set("mapUsers", "- b\n")],
        "data:\n  mapRoles: \"- a\\n\"\n",
        "data:\n  mapRoles: \"- a\\n\"\n  mapUsers: \"- b\\n\"\n",
    );
    check_data(
        &[
            Set("mapAccounts", "- c\n"),
            Set("mapUsers", "- b\n"),
            Set("mapRoles", "- a\n\n"),
        ],
        "data:\n  mapRoles: |\n    - a\n",
        "data:\n  mapRoles: |+\n    - a\n\n  mapAccounts: |\n    - c\n  mapUsers: |\n    - b\n",
    );
}

#[test]
fn data_is_made_where_there_is_none() {
    let after = "data:\n  mapRoles: |\n    - a\n";
    for before in [
        "",
        "data:\n",
        "data: {}\n",
        "data: null\n",
        "data: ~\n",
        "data:",
    ] {
        check_data(&[Set("mapRoles", "- a\n")], before, after);
    }
    check_data(
        &[Set("mapRoles", "- a\n")],
        "data: {} # none\n# end\n",
        "data: # none\n  mapRoles: |\n    - a\n# end\n",
    );
    check_data(
        &[Set("mapRoles", "- a\n"), Set("mapUsers", "- b\n")],
        "data: {mapUsers: \"\"}\n",
        "data: {mapUsers: \"- b\\n\", mapRoles: \"- a\\n\"}\n",
    );
}

#[test]
fn a_key_is_taken_out_whole() {
    check_data(
        &[Remove("mapUsers")],
        "data:\n  mapRoles: |\n    - a\n  mapUsers: |\n    - b\n\n  # c\n  x: z\n",
        "data:\n  mapRoles: |\n    - a\n\n  # c\n  x: z\n",
    );
    check_data(
        &[Remove("mapUsers")],
        "data:\n  mapUsers: |\n    - b\n",
        "data: {}\n",
    );
    check_data(
        &[Remove("a"), Remove("c")],
        "data: {a: \"1\", b: \"2\", c: \"3\"}\n",
        "data: {b: \"2\"}\n",
    );
    check_data(
        &[Remove("a"), Set("b", "1\n")],
        "data: {a: \"1\"}\n",
        "data:\n  b: |\n    1\n",
    );
    check_data(
        &[Remove("absent")],
        "data: {a: \"1\"}\n",
        "data: {a: \"1\"}\n",
    );
}

// ---- JSON

#[test]
fn json_stays_json() {
    let pretty = "{\n    \"apiVersion\": \"v1\",\n    \"data\": {\n        \"mapRoles\": \"- \\u0041\\/\\ud83d\\ude00\\n\"\n    },\n    \"kind\": \"ConfigMap\",\n    \"metadata\": {\n        \"name\": \"aws-auth\",\n        \"namespace\": \"kube-system\"\n    }\n}\n";
    check(
        &[
            Set("mapRoles", "- A/😀\n- \"b\"\n"),
            Set("mapUsers", "[]\n"),
            Own("{\"ci\":1}"),
        ],
        pretty,
        "{\n    \"apiVersion\": \"v1\",\n    \"data\": {\n        \"mapRoles\": \"- \\u0041\\/\\ud83d\\ude00\\n- \\\"b\\\"\\n\",\n        \"mapUsers\": \"[]\\n\"\n    },\n    \"kind\": \"ConfigMap\",\n    \"metadata\": {\n        \"name\": \"aws-auth\",\n        \"namespace\": \"kube-system\",\n        \"annotations\": {\n            \"awsauth.dev/owners\": \"{\\\"ci\\\":1}\"\n        }\n    }\n}\n",
    );
    let compact = r#"{"kind":"ConfigMap","metadata":{"name":"aws-auth"}}"#;
    check(
        &[Set("mapRoles", "- a\n")],
        compact,
        r#"{"kind":"ConfigMap","metadata":{"name":"aws-auth"},"data":{"mapRoles":"- a\n"}}"#,
    );
    check(
        &[Remove("a")],
        r#"{"kind":"ConfigMap","metadata":{"name":"aws-auth"},"data":{"a":"b"}}"#,
        r#"{"kind":"ConfigMap","metadata":{"name":"aws-auth"},"data":{}}"#,
    );
    check(
        &[Set("a", "b")],
        "{\"kind\":\"ConfigMap\",\n\t\"metadata\":{\"name\":\"aws-auth\"},\n\t\"data\":{}}",
        "{\"kind\":\"ConfigMap\",\n\t\"metadata\":{\"name\":\"aws-auth\"},\n\t\"data\":{\n\t\t\"a\":\"b\"\n\t}}",
    );
}

#[test]
fn an_item_of_a_list_is_changed_in_place() {
    check(
        &[Set("mapRoles", "- b\n"), Own("x")],
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: aws-auth\n    namespace: kube-system\n- kind: Pod\n",
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: aws-auth\n    namespace: kube-system\n    annotations:\n      awsauth.dev/owners: 'x'\n  data:\n    mapRoles: |\n      - b\n- kind: Pod\n",
    );
    check(
        &[Set("mapRoles", "- b\n")],
        r#"{"kind": "List", "items": [{"kind": "ConfigMap", "metadata": {"name": "aws-auth"}, "data": {"mapRoles": "- a\n"}}]}"#,
        r#"{"kind": "List", "items": [{"kind": "ConfigMap", "metadata": {"name": "aws-auth"}, "data": {"mapRoles": "- b\n"}}]}"#,
    );
}

// ---- the annotation

#[test]
fn the_annotation_comes_and_goes() {
    let with = |annotations: &str| {
        format!(
            "kind: ConfigMap\nmetadata:\n  name: aws-auth\n{annotations}  labels: {{a: b}}\ndata: {{}}\n"
        )
    };
    check(
        &[Own("{\"ci\":[\"it's\"]}")],
        &with("  annotations:\n    a: b # c\n"),
        &with("  annotations:\n    a: b # c\n    awsauth.dev/owners: '{\"ci\":[\"it''s\"]}'\n"),
    );
    check(
        &[Own("z")],
        &with("  annotations: {}\n"),
        &with("  annotations:\n    awsauth.dev/owners: 'z'\n"),
    );
    check(
        &[Own("z")],
        &with("  annotations: {a: b}\n"),
        &with("  annotations: {a: b, awsauth.dev/owners: \"z\"}\n"),
    );
    check(
        &[Own("z")],
        &with("  annotations:\n    awsauth.dev/owners: x\n"),
        &with("  annotations:\n    awsauth.dev/owners: 'z'\n"),
    );
    check(
        &[Disown],
        &with("  annotations:\n    a: b\n    awsauth.dev/owners: x\n"),
        &with("  annotations:\n    a: b\n"),
    );
    check(
        &[Disown],
        &with("  annotations:\n    awsauth.dev/owners: x\n"),
        &with("  annotations: {}\n"),
    );
    check(&[Disown], &with(""), &with(""));
}

// ---- which ConfigMap it is

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
fn what_was_found_instead_is_said() {
    let (message, hint) = refused(
        "kind: ConfigMap\nmetadata: {name: aws-auth, namespace: default}\n---\nkind: Deployment\nmetadata: {name: web}\n",
    );
    assert_eq!(
        message,
        "no ConfigMap named aws-auth of namespace kube-system in it: it holds ConfigMap aws-auth of namespace default (line 1), Deployment web (line 4)"
    );
    assert_eq!(
        hint,
        "only aws-auth of namespace kube-system counts: set `namespace: kube-system`"
    );
    assert!(
        refused("kind: ConfigMap\nmetadata: {generateName: aws-auth}\n")
            .0
            .contains("with generateName aws-auth")
    );
    assert!(refused("# nothing\n").0.ends_with("it is empty"));
    assert!(refused("").0.ends_with("it is empty"));
    assert!(refused("{}").0.ends_with("a mapping without kind (line 1)"));
}

#[test]
fn sections_without_their_configmap_are_refused() {
    for (text, what) in [
        ("- rolearn: a\n  username: b\n", "a bare list of mappings"),
        ("mapRoles: |\n  - rolearn: a\n", "mapRoles at the top level"),
        (
            "data:\n  mapUsers: |\n    []\n",
            "data.mapUsers without `kind: ConfigMap` and `metadata.name: aws-auth`",
        ),
    ] {
        let (message, hint) = refused(text);
        assert_eq!(
            message,
            format!("line 1: {what}, with no ConfigMap around it")
        );
        assert!(
            hint.contains("kind: ConfigMap") && hint.contains("awsauth apply -f"),
            "{hint}"
        );
    }
}

#[test]
fn two_of_them_are_refused() {
    assert_eq!(
        refused(&format!("{HEAD}---\n{HEAD}")).0,
        "line 7: a second ConfigMap named aws-auth; the first is at line 1"
    );
}

#[test]
fn data_has_to_be_text() {
    for (value, what) in [
        ("\n  - rolearn: a", "a list"),
        ("\n    rolearn: a", "a mapping"),
        (" []", "a list"),
        (" yes", "a boolean"),
        (" 012", "a number"),
        (" .inf", "a number"),
    ] {
        let error = Manifest::parse(&format!("{HEAD}data:\n  mapRoles:{value}\n")).unwrap_err();
        assert!(
            matches!(&error, ManifestError::NotText { key, what: w, .. } if key == "mapRoles" && *w == what),
            "{error}"
        );
    }
    let (message, hint) = refused(&format!("{HEAD}data:\n  mapRoles:\n    - rolearn: a\n"));
    assert_eq!(message, "line 8: data.mapRoles is a list, not text");
    assert_eq!(
        hint,
        "put `|` behind `mapRoles:` and indent the lines below it deeper than `mapRoles`"
    );
    for text in ["yEs", "nULL", "2001-01-01", "1e", "0o9", "a", "-", "1:30"] {
        assert!(
            Manifest::parse(&format!("{HEAD}data:\n  x: {text}a\n")).is_ok(),
            "{text}"
        );
    }
}

#[test]
fn what_is_written_elsewhere_is_refused() {
    for (text, what) in [
        ("x: &d {a: b}\ndata: *d\n", "data has the alias *d"),
        ("data: &d {a: b}\n", "data has the anchor &d"),
        ("data: {<<: {a: b}}\n", "data has the merge key <<"),
        (
            "data: {mapRoles: !!str a}\n",
            "data.mapRoles has the tag !!str",
        ),
        (
            "data: {mapRoles: !!binary YQ==}\n",
            "data.mapRoles has the tag !!binary",
        ),
        ("data: !x {a: b}\n", "data has the tag !x"),
        (
            "data: {a: &r \"\", mapRoles: *r}\n",
            "data.a has the anchor &r",
        ),
    ] {
        let (message, _) = refused(&format!("{HEAD}{text}"));
        assert!(
            message.ends_with(&format!("{what}, which awsauth does not change")),
            "{message}"
        );
    }
}

#[test]
fn repeated_keys_are_refused() {
    assert_eq!(
        refused(&format!("{HEAD}data:\n  mapRoles: a\n  mapRoles: b\n")).0,
        "line 8: data.mapRoles stands here a second time; the first is at line 7"
    );
    assert_eq!(
        refused(&format!("{HEAD}data: {{}}\ndata: {{}}\n")).0,
        "line 7: data stands here a second time; the first is at line 6"
    );
}

#[test]
fn broken_documents_are_named_with_their_likely_cause() {
    let helm = format!("{HEAD}---\nkind: X\n{{{{- if .Values.x }}}}\na: b\n{{{{- end }}}}\n");
    let error = Manifest::parse(&helm).unwrap_err();
    assert!(
        matches!(
            error,
            ManifestError::Syntax {
                cause: Cause::Template { line: 8 },
                document: 1,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("(document 2 of the stream)"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("helm template"));

    let flat = format!("{HEAD}data:\n  mapRoles: |\n  - rolearn: a\n    username: b\n");
    let error = Manifest::parse(&flat).unwrap_err();
    assert!(
        error
            .hint()
            .unwrap()
            .contains("indent the text below `mapRoles: |` (line 7)"),
        "{error:?}"
    );

    let error = Manifest::parse("{\"kind\": \"ConfigMap\",\n \"data\" 1}").unwrap_err();
    assert!(
        error.to_string().starts_with("line 2: not JSON: "),
        "{error}"
    );
}

// ---- lines

#[test]
fn lines_of_a_section_are_lines_of_the_file() {
    let manifest = Manifest::parse(&format!(
        "{HEAD}data:\n  mapRoles: |\n\n    - a\n    - b\n  mapUsers: >\n    - a\n      b\n\n    c\n    d\n  mapAccounts: \"- a\\n\\\n    - b\\n- c\"\n"
    ))
    .unwrap();
    let lines = |section, last: usize| {
        (1..=last)
            .map(|line| manifest.file_line(section, line).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(SectionName::Roles, 3), [8, 9, 10]);
    assert_eq!(manifest.data()["mapUsers"], "- a\n  b\n\nc d\n");
    assert_eq!(lines(SectionName::Users, 4), [12, 13, 14, 15]);
    assert_eq!(manifest.data()["mapAccounts"], "- a\n- b\n- c");
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
            ("a".to_owned(), "b".to_owned()),
            ("mapUsers".to_owned(), String::new())
        ])
    );
    assert_eq!(snapshot.owners_annotation.as_deref(), Some("x"));
}

#[test]
fn keys_behind_question_marks_are_refused() {
    let (message, _) = refused(&format!("{HEAD}data:\n  ? mapRoles\n  : x\n"));
    assert_eq!(
        message,
        "line 7: data has a key behind `?`, which awsauth does not change"
    );
}
