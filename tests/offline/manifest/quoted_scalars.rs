//! Quoted scalars, and JSON.

use crate::manifest::Do::{Own, Remove, Set};
use crate::manifest::{check, check_data};

#[test]
fn quoted_text_keeps_the_escapes_of_unchanged_parts() {
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
fn multiline_double_quotes_keep_their_line_breaks() {
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
fn text_that_single_quotes_cannot_hold_becomes_a_block() {
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

#[test]
fn json_manifest_stays_json() {
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
fn item_of_a_list_is_changed_in_place() {
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

#[test]
fn line_separator_in_json_is_an_ordinary_character() {
    check(
        &[Set("a", "b \u{2028} c\n")],
        "{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"aws-auth\"},\"data\":{\"a\":\"b \u{2028} \\u0063\"}}",
        "{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"aws-auth\"},\"data\":{\"a\":\"b \u{2028} \\u0063\\n\"}}",
    );
}

#[test]
fn line_break_at_the_end_keeps_trailing_spaces() {
    check_data(
        &[Set("a", "b\n  c\n")],
        "data:\n  a: \"b\\n\\\n    \"\n",
        "data:\n  a: \"b\\n  c\\n\\\n    \"\n",
    );
}
