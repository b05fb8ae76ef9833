//! Sections that awsauth refuses to edit, and the line that the message names.

use crate::document_edit::edited;
use awsauth_core::document::SectionName;

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
            "the entry at line 2 of mapRoles is not changed: it has a value of the wrong type",
        ),
        (
            "map role m u",
            "- rolearn: x\n  username: |\n    y",
            "mapRoles is not edited: line 1: a value that ends with the text, without a line break",
        ),
        (
            "map role m u",
            "- rolearn: x\n# \u{feff}\n",
            "mapRoles is not edited: line 2: a character that go-yaml rejects in some positions only",
        ),
        (
            "map role m u",
            "[{rolearn: x}, a: ]",
            "mapRoles is not edited: line 1: a key without a value",
        ),
        (
            "map role n u",
            "- rolearn: arn:aws:iam::111122223333:role/n\n  ? username\n  : v\n",
            "the entry at line 1 of mapRoles is not changed: it has a key without a colon",
        ),
        (
            "unmap role n",
            "- rolearn: arn:aws:iam::111122223333:role/n\n username: v\n",
            "mapRoles is not edited: line 2: did not find expected '-' indicator",
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
