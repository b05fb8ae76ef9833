//! Adding and removing keys of `data` and of the annotations.

use crate::manifest::Do::{Disown, Own, Remove, Set};
use crate::manifest::{check, check_data};

#[test]
fn new_key_follows_the_style_of_its_neighbors() {
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
fn missing_data_is_created() {
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
fn removed_key_leaves_nothing_behind() {
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

#[test]
fn annotation_is_added_and_removed() {
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
