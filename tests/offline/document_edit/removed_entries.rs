//! Removing entries and their comments.

use crate::document_edit::{NODE, check, check_back};

#[test]
fn removed_entry_takes_only_its_own_comment() {
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
    // An entry without a final line break is removed alone, and replaced.
    check(
        "unmap role n\nmap role m u",
        "- rolearn: a\n- rolearn: arn:aws:iam::111122223333:role/n",
        "- rolearn: a\n- rolearn: arn:aws:iam::111122223333:role/m\n  username: u",
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
fn comment_on_several_entries_is_kept() {
    let (n, rest) = (
        "- rolearn: arn:aws:iam::111122223333:role/n\n",
        "- rolearn: a\n",
    );
    for (above, stays) in [
        ("# managed by platform\n", "# managed by platform\n"),
        ("# managed\n# by platform\n", "# managed\n# by platform\n"),
        ("---\n# managed\n", "---\n# managed\n"),
        ("# managed\n\n", "# managed\n\n"),
        // If a comment further up is about all entries, the one directly above belongs to its entry.
        ("# managed\n\n# the n\n", "# managed\n\n"),
    ] {
        check(
            "unmap role n",
            &format!("{above}{n}{rest}"),
            &format!("{stays}{rest}"),
        );
        // If no entry is left, the comment belongs to none.
        check(
            "unmap role n",
            &format!("{above}{n}"),
            &format!("{above}[]\n"),
        );
    }
    // If every other entry has a comment, the first one has, too, but not more lines than the others.
    let others = "# the a\n- rolearn: a\n# the b\n- rolearn: b\n";
    for (above, stays) in [("# the n\n", ""), ("# managed\n# the n\n", "# managed\n")] {
        check(
            "unmap role n",
            &format!("{above}{n}{others}"),
            &format!("{stays}{others}"),
        );
    }
    check(
        "unmap role n",
        "[\n  # the n\n  {rolearn: arn:aws:iam::111122223333:role/n}\n]\n",
        "[\n  # the n\n  \n]\n",
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
