//! Edits: text in, text out.

use std::collections::BTreeMap;

use awsauth::document::edit::{Edit, EditError, Edited, Groups, apply};
use awsauth::document::{Document, Principal, SectionName};

const NODE: &str = "\
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::111122223333:role/node
  username: system:node:{{EC2PrivateDNSName}}
";

/// Applies edits, one a line, to a section's text.
///
/// `map role NAME USER GROUP…`, `set` the same but for keeping the username with `-`, `add`/`drop` groups,
/// `unmap role NAME`, `map account ID`.
fn edited(section: SectionName, text: Option<&str>, edits: &str) -> Result<Edited, EditError> {
    let data: BTreeMap<_, _> = text
        .map(|text| (section.key().to_owned(), text.to_owned()))
        .into_iter()
        .collect();
    let edits: Vec<_> = edits.lines().map(parse).collect();
    apply(&Document::read(&data), &edits)
}

fn parse(line: &str) -> Edit {
    let mut words = line.split_whitespace();
    let mut next = || words.next().expect("a word");
    let (verb, kind, name) = (next(), next(), next());
    let rest: Vec<String> = words.map(str::to_owned).collect();
    let principal = match kind {
        "role" => Principal::Role(format!("arn:aws:iam::111122223333:role/{name}")),
        "user" => Principal::User(format!("arn:aws:iam::111122223333:user/{name}")),
        _ => Principal::Account(name.to_owned()),
    };
    match verb {
        "unmap" => Edit::Unmap {
            principal,
            only_line: rest.first().map(|line| line.parse().expect("a line")),
        },
        "map" => Edit::Map {
            principal,
            username: rest.first().filter(|name| *name != "-").cloned(),
            groups: Groups::Set(rest.iter().skip(1).cloned().collect()),
        },
        "add" => Edit::Map {
            principal,
            username: None,
            groups: Groups::Adjust {
                add: rest,
                remove: vec![],
            },
        },
        _ => Edit::Map {
            principal,
            username: None,
            groups: Groups::Adjust {
                add: vec![],
                remove: rest,
            },
        },
    }
}

#[track_caller]
fn check(edits: &str, before: &str, after: &str) {
    let section = if edits.contains(" account ") {
        SectionName::Accounts
    } else if edits.contains(" user ") {
        SectionName::Users
    } else {
        SectionName::Roles
    };
    let done = edited(section, Some(before), edits).unwrap_or_else(|error| panic!("{error}"));
    let text = done.document.section(section).text().unwrap_or_default();
    assert_eq!(text, after, "\n--- have\n{text}\n--- want\n{after}");
    let again = edited(section, Some(text), edits).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        again.document.section(section).text(),
        Some(after),
        "applying twice is applying once"
    );
}

#[track_caller]
fn check_back(name: &str, before: &str) {
    let map = format!("map role {name} someone one two");
    let there =
        edited(SectionName::Roles, Some(before), &map).unwrap_or_else(|error| panic!("{error}"));
    let text = there
        .document
        .section(SectionName::Roles)
        .text()
        .unwrap_or_default();
    assert_ne!(text, before);
    let back = edited(
        SectionName::Roles,
        Some(text),
        &format!("unmap role {name}"),
    )
    .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        back.document.section(SectionName::Roles).text(),
        Some(before),
        "there:\n{text}"
    );
}

#[test]
fn a_role_joins_the_node_entry_in_its_style() {
    let after = format!(
        "{NODE}- groups:\n  - system:masters\n  rolearn: arn:aws:iam::111122223333:role/mytestrole\n  username: admin\n"
    );
    check("map role mytestrole admin system:masters", NODE, &after);
}

#[test]
fn new_entries_take_on_the_style_of_their_neighbours() {
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
fn flow_lists_grow_as_they_are_written() {
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
        "[111122223333, ] # ours\n",
        "[111122223333, 222233334444, ] # ours\n",
    );
}

#[test]
fn an_empty_section_becomes_a_block_list() {
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

#[test]
fn only_what_differs_is_written() {
    let before = "# who\n- rolearn: 'arn:aws:iam::111122223333:role/N' # ours\n  username: \"u\"   # him\n  groups: # these\n  - a # first\n  - b\n  userid: x\n";
    check(
        "map role n v a b",
        before,
        &before.replace("\"u\"", "\"v\""),
    );
    check("map role n u b a", before, before);
    check(
        "add role n c",
        before,
        &before.replace("- b\n", "- b\n  - c\n"),
    );
    check(
        "drop role n a",
        before,
        &before.replace("  - a # first\n", ""),
    );
    check(
        "map role n u c b",
        before,
        &before.replace("- a #", "- c #"),
    );
    check(
        "map role n u",
        before,
        &before.replace(
            "groups: # these\n  - a # first\n  - b\n",
            "groups: [] # these\n",
        ),
    );
}

#[test]
fn missing_values_are_filled_in() {
    for (before, after) in [
        (
            "- rolearn: arn:aws:iam::111122223333:role/n\n",
            "- rolearn: arn:aws:iam::111122223333:role/n\n  username: u\n  groups:\n    - g\n",
        ),
        (
            "- rolearn: arn:aws:iam::111122223333:role/n\n  username: # who?\n  groups:\n",
            "- rolearn: arn:aws:iam::111122223333:role/n\n  username: u # who?\n  groups:\n    - g\n",
        ),
        (
            "- rolearn: arn:aws:iam::111122223333:role/n\n  groups: []\n  username: ~\n",
            "- rolearn: arn:aws:iam::111122223333:role/n\n  groups: [g]\n  username: u\n",
        ),
        (
            "[{\"rolearn\":\"arn:aws:iam::111122223333:role/n\"}]",
            "[{\"rolearn\":\"arn:aws:iam::111122223333:role/n\", \"username\":\"u\", \"groups\":[\"g\"]}]",
        ),
    ] {
        check("map role n u g", before, after);
    }
}

#[test]
fn removing_an_entry_takes_its_own_comment_only() {
    check(
        "unmap role ci",
        "# keep: nodes\n- rolearn: arn:aws:iam::111122223333:role/node\n# CI, owned by build\n- rolearn: arn:aws:iam::111122223333:role/ci # x\n  # inner\n# end\n",
        "# keep: nodes\n- rolearn: arn:aws:iam::111122223333:role/node\n# end\n",
    );
    check(
        "unmap role ci",
        "- rolearn: arn:aws:iam::111122223333:role/ci\n# keep: nodes\n- rolearn: arn:aws:iam::111122223333:role/node\n",
        "# keep: nodes\n- rolearn: arn:aws:iam::111122223333:role/node\n",
    );
    check(
        "unmap role b",
        "- rolearn: arn:aws:iam::111122223333:role/a\n\n- rolearn: arn:aws:iam::111122223333:role/b\n\n- rolearn: c\n",
        "- rolearn: arn:aws:iam::111122223333:role/a\n\n- rolearn: c\n",
    );
    check(
        "unmap role n",
        "- rolearn: arn:aws:iam::111122223333:role/n",
        "[]",
    );
    check(
        "unmap role n",
        "[ {rolearn: arn:aws:iam::111122223333:role/n}, ]\n",
        "[]\n",
    );
    check("unmap account 1", "[1, 2, 1, 3]", "[2, 3]");
    check("unmap account 3", "[1, 2, 3]", "[1, 2]");
    check(
        "unmap account 3",
        "[\n  1, # one\n  2, # two\n  3 # three\n]\n",
        "[\n  1, # one\n  2 # two\n]\n",
    );
    check(
        "unmap account 1",
        "[\n  # first\n  1,\n  # second\n  2,\n]\n",
        "[\n  # first\n  # second\n  2,\n]\n",
    );
}

#[test]
fn unmap_after_map_restores_the_bytes() {
    for before in [
        NODE,
        NODE.trim_end(),
        "- rolearn: a\n  username: b\n\n- rolearn: c\n  username: d\n\n\n",
        "- rolearn: a\n  username: b\n  # a's\n\n  # nobody's\n",
        "[{rolearn: a, username: b, groups: [c]}]",
        "[{rolearn: a, username: b, groups: [c]},]",
        "[\n {rolearn: a}, # x\n {rolearn: b} # y\n]",
        "[\n {rolearn: a}, # x\n {rolearn: b}, # y\n] # z",
        "[{rolearn: a},\n {rolearn: b}]",
        "\u{feff}- rolearn: a\r\n  username: b",
        "- rolearn: >-\n    a\n  username: b\n",
        "- rolearn: |-\n    a\n\n\n# end",
        "%YAML 1.1\n---\n- rolearn: a\n...\n",
    ] {
        check_back("new", before);
    }
}

#[test]
fn refusals_name_the_line() {
    for (edits, text, message) in [
        (
            "map role n u g",
            "- &a rolearn: x\n",
            "mapRoles is not edited: line 1: an anchor",
        ),
        (
            "map role n u g",
            "- rolearn: x\n---\n- y\n",
            "mapRoles is not edited: line 2: a second YAML document, which the authenticator never reads",
        ),
        (
            "map role n u g",
            "- rolearn: x\n username: y\n",
            "mapRoles is not edited: line 2: did not find expected '-' indicator",
        ),
        ("map role n - g", "[]", "a new mapping needs a username"),
        (
            "map role n u g",
            "- rolearn: x\n- rolearn: arn:aws:iam::111122223333:role/n\n  username: 1\n",
            "the entry at line 2 of mapRoles is not changed: it holds a value of the wrong type",
        ),
        (
            "unmap role n 3",
            "- rolearn: arn:aws:iam::111122223333:role/n\n",
            "no such entry starts at line 3 of mapRoles",
        ),
    ] {
        let error = edited(SectionName::Roles, Some(text), edits).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
}
