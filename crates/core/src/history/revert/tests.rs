//! Tests of undo and merge.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::history::Who;

fn contents(roles: &str) -> Contents {
    Contents {
        exists: true,
        data: [("mapRoles".to_owned(), roles.into())].into(),
        ..Contents::default()
    }
}

fn revision(before: &str, after: &str) -> Revision {
    Revision {
        undoes: None,
        is_foreign: false,
        transaction: None,
        entries: None,
        number: 1,
        run: "0".repeat(16),
        before: contents(before),
        after: contents(after),
        who: Who::default(),
        when: Timestamp::UNIX_EPOCH,
        command: Vec::new(),
        version: String::new(),
        reason: None,
    }
}

fn entry(name: &str, username: &str) -> String {
    format!(
        "- rolearn: arn:aws:iam::111122223333:role/{name}\n  username: {username}\n  groups:\n  - system:masters\n"
    )
}

fn reverted(before: &str, after: &str, live: &str) -> Result<String, String> {
    match revert(&revision(before, after), &contents(live)) {
        Ok(reverted) => Ok(reverted.contents.data["mapRoles"].to_string()),
        Err(overlap) => Err(overlap.to_string()),
    }
}

#[test]
fn undo_reverts_the_write_and_keeps_other_changes() {
    let [node, ours, theirs] = ["node", "ours", "theirs"].map(|name| entry(name, name));
    let all = |parts: &[&str]| parts.concat();
    // The write added an entry, and another client added entries before it, after it, and on both sides.
    let after = all(&[&node, &ours]);
    for live in [
        all(&[&theirs, &node, &ours]),
        all(&[&node, &theirs, &ours]),
        all(&[&node, &ours, &theirs]),
        all(&["# note\n", &node, &ours, &theirs, "# end\n"]),
    ] {
        assert_eq!(reverted(&node, &after, &live), Ok(live.replace(&ours, "")));
    }
    // The write removed an entry with its comment, which is restored at its old position.
    let before = all(&[&node, "# ours, since May\n", &ours]);
    let live = all(&[&theirs, &node]);
    assert_eq!(
        reverted(&before, &node, &live),
        Ok(all(&[&theirs, &before]))
    );
    // The write changed an entry, and another client changed another entry.
    let (changed, other) = (entry("ours", "changed"), entry("node", "other"));
    assert_eq!(
        reverted(
            &all(&[&node, &ours]),
            &all(&[&node, &changed]),
            &all(&[&other, &changed])
        ),
        Ok(all(&[&other, &ours]))
    );
    // Another client has already undone it.
    assert_eq!(
        reverted(&node, &after, &all(&[&node, &theirs])),
        Ok(all(&[&node, &theirs]))
    );
}

#[test]
fn rewritten_text_is_reverted_entry_by_entry() {
    let ours = entry("ours", "ours");
    // eksctl rewrites the whole section.
    let live = "- groups:\n  - system:nodes\n  rolearn: arn:aws:iam::111122223333:role/node\n  username: node\n\
                - groups:\n  - system:masters\n  rolearn: arn:aws:iam::111122223333:role/ours\n  username: ours\n";
    let before = "- rolearn: arn:aws:iam::111122223333:role/node\n  username: node\n  groups: [system:nodes]\n";
    let after = format!("{before}{ours}");
    let left = live.split_once("- groups:\n  - system:masters").unwrap().0;
    assert_eq!(reverted(before, &after, live), Ok(left.to_owned()));
    assert_eq!(reverted(&after, before, left), Ok(format!("{left}{ours}")));
}

#[test]
fn changes_of_the_same_lines_conflict() {
    let line = |comment: &str| {
        format!("- rolearn: arn:aws:iam::111122223333:role/a\n  username: a # {comment}\n")
    };
    let [b, bb] = ["b", "bb"].map(|username| entry("b", username));
    let both = |base: &str, ours: &str, theirs: &str| {
        let both = combine(&contents(base), &contents(ours), &contents(theirs));
        both.map(|both| both.data["mapRoles"].to_string())
            .map_err(|overlap| overlap.to_string())
    };
    let on_conflict = Err("other clients have changed the same lines of mapRoles".to_owned());
    let [base, theirs] = ["base", "theirs"].map(|comment| format!("{}{b}", line(comment)));
    for ours in [&b, &bb].map(|b| format!("{}{b}", line("ours"))) {
        assert_eq!(both(&base, &ours, &theirs), on_conflict);
    }
    let ours = format!("{}{bb}", line("base"));
    let merged = format!("{}{bb}", line("theirs"));
    assert_eq!(both(&base, &ours, &theirs), Ok(merged));
    // The lines do not conflict, but both sides add an entry for the same role.
    let [one, other] = ["A", "B"].map(|user| entry("new", user));
    assert_eq!(
        both(&base, &format!("{one}{base}"), &format!("{base}{other}")),
        Err("with both changes, mapRoles would not have the meaning of each".to_owned())
    );
}

#[test]
fn conflict_names_the_line_and_the_entry() {
    let [node, ours] = ["node", "ours"].map(|name| entry(name, name));
    let after = format!("{node}{ours}");
    let theirs = format!("{node}{}", entry("ours", "theirs"));
    assert_eq!(
        reverted(&node, &after, &theirs),
        Err("line 5 of mapRoles: other clients have changed the entry of arn:aws:iam::111122223333:role/ours".to_owned())
    );
    let changed = format!("{node}{}", entry("ours", "changed"));
    assert_eq!(
        reverted(&after, &changed, &node),
        Err(
            "mapRoles: other clients have removed the entry of arn:aws:iam::111122223333:role/ours"
                .to_owned()
        )
    );
    assert!(
        reverted(&node, &after, "- [\n")
            .unwrap_err()
            .contains("cannot be read now, because of line")
    );
    let gone = revert(&revision(&node, &after), &Contents::default());
    assert_eq!(gone.unwrap_err().to_string(), "aws-auth was deleted");
}

#[test]
fn other_keys_and_owners_are_reverted_one_by_one() {
    let mut revision = revision("[]\n", "[]\n");
    revision.after.data.insert("other".into(), "ours".into());
    revision
        .after
        .binary_data
        .insert("blob".into(), "AAEC".into());
    revision.after.owners_annotation = Some("{}".into());
    let mut live = revision.after.clone();
    live.data
        .insert("mapUsers".into(), "- userarn: u\n  username: u\n".into());
    let mut expected = revision.before.clone();
    expected
        .data
        .insert("mapUsers".into(), "- userarn: u\n  username: u\n".into());
    assert_eq!(
        revert(&revision, &live).unwrap(),
        Reverted {
            contents: expected,
            is_whole: false
        }
    );
    live.data.insert("other".into(), "theirs".into());
    live.owners_annotation = Some("{\"ci\":[]}".into());
    assert_eq!(
        revert(&revision, &live).unwrap_err().places,
        ["other clients have changed the same lines of other"]
    );
}

proptest! {
    /// Without other changes the text is restored byte for byte. Changes by other clients that do not affect ours are kept.
    #[test]
    fn without_other_changes_the_text_is_restored_exactly(one in crate::history::revision::tests::revision()) {
        let whole = revert(&one, &one.after).unwrap();
        let expected = Contents { exists: true, ..one.before.clone() };
        prop_assert_eq!(whole, Reverted { contents: expected, is_whole: true });
    }

    #[test]
    fn entries_of_other_clients_are_kept(names in prop::collection::btree_set("[a-f]", 0..6), ours in "[a-f]", theirs in "[a-h]", removes: bool, at in any::<prop::sample::Index>()) {
        let write = |names: &[String]| names.iter().map(|name| entry(name, name)).collect::<String>();
        let before: Vec<String> = names.into_iter().collect();
        let mut after = before.clone();
        if removes { after.retain(|name| *name != ours) } else if !after.contains(&ours) { after.push(ours.clone()) }
        let mut live = after.clone();
        prop_assume!(theirs != ours);
        if live.contains(&theirs) { live.retain(|name| *name != theirs) } else { live.insert(at.index(live.len() + 1), theirs.clone()) }
        let or_none = |text: String| if text.is_empty() { "[]\n".to_owned() } else { text };
        let result = reverted(&or_none(write(&before)), &or_none(write(&after)), &or_none(write(&live))).unwrap();
        for name in live.iter().chain(&before) {
            let expected = if *name == ours { before.contains(name) } else { live.contains(name) };
            prop_assert_eq!(result.matches(&format!("role/{name}\n")).count() == 1, expected, "{}: {}", name, result);
        }
    }
}
