//! The style of new entries.

use crate::document_edit::{NODE, check, edited};
use awsauth_core::document::SectionName;

#[test]
fn new_role_follows_the_style_of_the_node_entry() {
    let after = format!(
        "{NODE}- groups:\n  - system:masters\n  rolearn: arn:aws:iam::111122223333:role/mytestrole\n  username: admin\n"
    );
    check("map role mytestrole admin system:masters", NODE, &after);
}

#[test]
fn new_entries_follow_the_style_of_their_neighbors() {
    for (before, after) in [
        // Terraform's yamlencode
        (
            "- \"groups\":\n  - \"a\"\n  \"rolearn\": \"arn:aws:iam::111122223333:role/x\"\n  \"username\": \"x\"\n",
            "- \"groups\":\n  - \"g\"\n  \"rolearn\": \"arn:aws:iam::111122223333:role/n\"\n  \"username\": \"u\"\n",
        ),
        (
            "- {rolearn: a, username: b, groups: [c, d]}\n",
            "- {rolearn: arn:aws:iam::111122223333:role/n, username: u, groups: [g]}\n",
        ),
        (
            "  -   rolearn: 'a'\n      username: b\n      groups: [ 'c' ]\n",
            "  -   rolearn: 'arn:aws:iam::111122223333:role/n'\n      username: u\n      groups: [ 'g' ]\n",
        ),
        (
            "-\n  rolearn: a\n  username: b\n  groups:\n    - c\n",
            "-\n  rolearn: arn:aws:iam::111122223333:role/n\n  username: u\n  groups:\n    - g\n",
        ),
        (
            "- rolearn: a\r\n  username: b\r\n",
            "- rolearn: arn:aws:iam::111122223333:role/n\r\n  username: u\r\n  groups:\r\n    - g\r\n",
        ),
    ] {
        check("map role n u g", before, &format!("{before}{after}"));
    }
}

#[test]
fn new_entries_copy_nothing_but_the_style() {
    for (before, after) in [
        // Groups in the requested order, independent of the neighbor's.
        (
            "- rolearn: a\n  username: b\n  groups:\n    - x\n    - system:masters\n    - g\n",
            "- rolearn: arn:aws:iam::111122223333:role/n\n  username: u\n  groups:\n    - g\n    - system:masters\n",
        ),
        // Quotes that only the neighbor's name needs, and trailing spaces in its lines.
        (
            "- rolearn: a\n  username: \"*\"\n  groups: \n    - x \n",
            "- rolearn: arn:aws:iam::111122223333:role/n\n  username: u\n  groups:\n    - g\n    - system:masters\n",
        ),
        // Letter case and order of the keys are copied.
        (
            "- roleARN: a\n  groups:\n  - x\n  username: b\n",
            "- roleARN: arn:aws:iam::111122223333:role/n\n  groups:\n  - g\n  - system:masters\n  username: u\n",
        ),
    ] {
        let after = format!("{before}{after}");
        check("map role n u g system:masters", before, &after);
    }
    check(
        "map role n u g system:masters",
        r#"[{"rolearn":"a","username":"b","groups":["c"]}]"#,
        r#"[{"rolearn":"a","username":"b","groups":["c"]},{"rolearn":"arn:aws:iam::111122223333:role/n","username":"u","groups":["g","system:masters"]}]"#,
    );
    check(
        "map role n u g system:masters",
        "- rolearn: a\n  username: b\n  groups: [c]\n\n- rolearn: d\n  username: e\n  groups: [f]\n  \n",
        "- rolearn: a\n  username: b\n  groups: [c]\n\n- rolearn: d\n  username: e\n  groups: [f]\n\n- rolearn: arn:aws:iam::111122223333:role/n\n  username: u\n  groups: [g, system:masters]\n  \n",
    );
}

#[test]
fn flow_lists_stay_flow_lists() {
    check(
        "map role n u g",
        r#"[{"rolearn":"a","username":"b","groups":["c"]}]"#,
        r#"[{"rolearn":"a","username":"b","groups":["c"]},{"rolearn":"arn:aws:iam::111122223333:role/n","username":"u","groups":["g"]}]"#,
    );
    check(
        "map role n u g",
        "[\n  {\n    \"rolearn\": \"a\",\n    \"username\": \"b\",\n    \"groups\": [\n      \"c\"\n    ]\n  }\n]\n",
        "[\n  {\n    \"rolearn\": \"a\",\n    \"username\": \"b\",\n    \"groups\": [\n      \"c\"\n    ]\n  },\n  {\n    \"rolearn\": \"arn:aws:iam::111122223333:role/n\",\n    \"username\": \"u\",\n    \"groups\": [\n      \"g\"\n    ]\n  }\n]\n",
    );
    check(
        "map account 222233334444",
        "[\"111122223333\"]",
        "[\"111122223333\", \"222233334444\"]",
    );
    check(
        "map account 222233334444",
        "[111122223333 # ours\n]\n",
        "[111122223333, # ours\n  222233334444\n]\n",
    );
    check(
        "map account 222233334444",
        "[111122223333, ] # ours\n",
        "[111122223333, 222233334444, ] # ours\n",
    );
}

#[test]
fn empty_section_becomes_a_block_list() {
    let entry = "- rolearn: arn:aws:iam::111122223333:role/n\n  username: u\n  groups:\n    - g\n";
    for (before, after) in [
        ("", entry.to_owned()),
        ("[]\n", entry.to_owned()),
        ("[]", entry.trim_end().to_owned()),
        ("\"\"\n", entry.to_owned()),
        ("~\n", entry.to_owned()),
        ("# nobody yet\n", format!("# nobody yet\n{entry}")),
        ("# nobody yet", format!("# nobody yet\n{entry}")),
        ("[] # nobody yet\n", format!("# nobody yet\n{entry}")),
        ("# top\n[]\n# end\n", format!("# top\n{entry}# end\n")),
        ("---\n", format!("---\n{entry}")),
        ("--- []\n", format!("--- \n{entry}")),
        ("---\n...\n", format!("---\n{entry}...\n")),
        ("  []\n", "  - rolearn: arn:aws:iam::111122223333:role/n\n    username: u\n    groups:\n      - g\n".to_owned()),
    ] {
        check("map role n u g", before, &after);
    }
    let done = edited(SectionName::Roles, None, "map role n u g")
        .expect("an absent section is an empty one");
    assert_eq!(
        done.document.section(SectionName::Roles).text(),
        Some(entry)
    );
}
