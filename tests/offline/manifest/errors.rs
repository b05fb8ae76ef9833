//! Manifests that are refused, with their messages and hints.

use awsauth_core::manifest::{Cause, Manifest, ManifestError};

use crate::manifest::{HEAD, refused};

#[test]
fn error_names_the_kind_that_was_found_instead() {
    let (message, hint) = refused(
        "kind: ConfigMap\nmetadata: {name: aws-auth, namespace: default}\n---\nkind: Deployment\nmetadata: {name: web}\n",
    );
    assert_eq!(
        message,
        "no ConfigMap aws-auth in namespace kube-system: the file has ConfigMap aws-auth of namespace default (line 1), Deployment web (line 4)"
    );
    assert_eq!(
        hint,
        "the authenticator reads only aws-auth in kube-system: set `namespace: kube-system`"
    );
    assert!(
        refused("kind: ConfigMap\nmetadata: {generateName: aws-auth}\n")
            .0
            .contains("with generateName aws-auth")
    );
    assert!(refused("# nothing\n").0.ends_with("the file is empty"));
    assert!(refused("").0.ends_with("the file is empty"));
    assert!(refused("{}").0.ends_with("a mapping without kind (line 1)"));
}

#[test]
fn sections_without_a_configmap_are_refused() {
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
fn two_aws_auth_objects_are_refused() {
    assert_eq!(
        refused(&format!("{HEAD}---\n{HEAD}")).0,
        "line 7: a second ConfigMap named aws-auth; the first is at line 1"
    );
}

#[test]
fn data_that_is_not_a_string_is_refused() {
    for (value, what) in [
        ("\n  - rolearn: a", "a list"),
        ("\n    rolearn: a", "a mapping"),
        (" []", "a list"),
        (" yes", "a boolean"),
        (" 012", "a number"),
        (" .inf", "a number"),
    ] {
        let error = Manifest::parse(format!("{HEAD}data:\n  mapRoles:{value}\n")).unwrap_err();
        assert!(
            matches!(&error, ManifestError::NotText { key, what: w, .. } if key == "mapRoles" && *w == what),
            "{error}"
        );
    }
    let (message, hint) = refused(&format!("{HEAD}data:\n  mapRoles:\n    - rolearn: a\n"));
    assert_eq!(message, "line 8: data.mapRoles is a list, not text");
    assert_eq!(
        hint,
        "put `|` after `mapRoles:` and indent the lines below it deeper than `mapRoles`"
    );
    for text in ["yEs", "nULL", "2001-01-01", "1e", "0o9", "a", "-", "1:30"] {
        assert!(
            Manifest::parse(format!("{HEAD}data:\n  x: {text}a\n")).is_ok(),
            "{text}"
        );
    }
}

#[test]
fn anchors_aliases_tags_and_merge_keys_are_refused() {
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
fn duplicate_keys_are_refused() {
    assert_eq!(
        refused(&format!("{HEAD}data:\n  mapRoles: a\n  mapRoles: b\n")).0,
        "line 8: data.mapRoles is repeated; the first one is at line 7"
    );
    assert_eq!(
        refused(&format!("{HEAD}data: {{}}\ndata: {{}}\n")).0,
        "line 7: data is repeated; the first one is at line 6"
    );
}

#[test]
fn broken_document_is_reported_with_its_likely_cause() {
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

#[test]
fn explicit_keys_are_refused() {
    let (message, _) = refused(&format!("{HEAD}data:\n  ? mapRoles\n  : x\n"));
    assert_eq!(
        message,
        "line 7: data has a key after `?`, which awsauth does not change"
    );
}
