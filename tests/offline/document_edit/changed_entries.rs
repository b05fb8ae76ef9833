//! Changes of existing entries.

use crate::document_edit::{check, edited};
use awsauth_core::document::SectionName;

#[test]
fn only_differences_are_written() {
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
        &before.replace("- a # first", "- c"),
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
fn renamed_group_keeps_its_place_its_quotes_and_its_comment() {
    let before = "# who\n- rolearn: arn:aws:iam::111122223333:role/N # ours\n  username: u\n  groups: # these\n  - 'a' # first\n  - b\n";
    check(
        "rename role n a c",
        before,
        &before.replace("'a' #", "'c' #"),
    );
    check("rename role n x c", before, before);
    check(
        "rename role n a b",
        before,
        &before.replace("  - 'a' # first\n", ""),
    );
    // In the batch, the renamed group is also changed.
    let twice = "rename role n a c\nrename role n c d\nadd role n e";
    let after = before.replace("'a' #", "'d' #");
    check(twice, before, &after.replace("- b\n", "- b\n  - e\n"));
    let flow = "[{\"rolearn\":\"arn:aws:iam::111122223333:role/n\",\"username\":\"u\",\"groups\":[\"b\",\"a\"]}]";
    check("rename role n a c", flow, &flow.replace("\"a\"", "\"c\""));
    check("rename role n b a", flow, &flow.replace("\"b\",", ""));
}

#[test]
fn group_is_renamed_in_shadowed_entries_too_and_no_entry_is_added() {
    let before = "- {rolearn: 'arn:aws:iam::111122223333:role/n', username: old, groups: [a]}\n- {rolearn: 'arn:aws:iam::111122223333:role/N', username: new, groups: [b, a]}\n";
    let after = before.replace("[a]", "[c]").replace("[b, a]", "[b, c]");
    check("rename role n a c", before, &after);
    check("rename role other a c", before, before);
}

#[test]
fn missing_fields_are_added() {
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
fn effective_duplicate_is_edited() {
    // The authenticator stores the ARNs of roles in lower case and folds case to compare them, so these are two entries
    // in force.
    check(
        "map role Ops u g",
        "- rolearn: arn:aws:iam::111122223333:role/ops\n  username: a\n- rolearn: arn:aws:iam::111122223333:role/op\u{17f}\n  username: b\n",
        "- rolearn: arn:aws:iam::111122223333:role/ops\n  username: u\n  groups:\n    - g\n- rolearn: arn:aws:iam::111122223333:role/op\u{17f}\n  username: u\n  groups:\n    - g\n",
    );
    check(
        "unmap role OPS",
        "- rolearn: arn:aws:iam::111122223333:role/ops\n- rolearn: a\n- rolearn: arn:aws:iam::111122223333:role/op\u{17f}\n",
        "- rolearn: a\n",
    );
    for (edits, message) in [
        (
            "map role \u{130} u",
            "such a mapping has no effect: its ARN becomes another one in lower case",
        ),
        (
            "map sso Admin 1 u",
            "such a mapping has no effect: AccountID '1' is not a valid AWS Account ID",
        ),
    ] {
        let error = edited(SectionName::Roles, Some("[]"), edits).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
}
