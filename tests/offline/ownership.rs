//! Ownership: what an owner claims, what prune may remove, and how the annotation survives other clients.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;

use awsauth_core::document::{Document, Principal, SectionName};
use awsauth_core::owners_annotation::{
    KeptReason, Owner, OwnerError, Owners, conflicts, digest, prunable_entries,
};

const CI: &str = "arn:aws:iam::111122223333:role/ci";
const NODE: &str = "arn:aws:iam::111122223333:role/node";
const TEXT: &str = "\
# nodes
- rolearn: arn:aws:iam::111122223333:role/node
  username: system:node:{{EC2PrivateDNSName}}
- rolearn: arn:aws:iam::111122223333:role/CI # built by us
  username: ci
  groups: [a]
";

fn document(sections: &[(SectionName, &str)]) -> Document {
    let data = sections
        .iter()
        .map(|(name, text)| (name.key().to_owned(), (*text).to_owned()));
    Document::read(&data.collect::<BTreeMap<_, _>>())
}

fn roles(text: &str) -> Document {
    document(&[(SectionName::Roles, text)])
}

fn owner(name: &str) -> Owner {
    Owner::new(name).unwrap()
}

fn role(arn: &str) -> Principal {
    Principal::Role(arn.to_owned())
}

/// Returns what a prune by `owner` does with `document` when it requests `desired`: `- LINE` is removed, `= LINE` is
/// kept, with the reason.
fn pruned(document: &Document, owners: &Owners, name: &str, desired: &[Principal]) -> Vec<String> {
    let pruned = prunable_entries(document, owners, &owner(name), desired);
    let removed = pruned
        .remove
        .iter()
        .map(|entry| format!("- {} {}", entry.section.key(), entry.line));
    let kept = pruned.kept.iter().map(|kept| {
        let reason = match &kept.reason {
            KeptReason::Changed => "changed".to_owned(),
            KeptReason::AlsoOf(other) => format!("also of {other}"),
        };
        format!(
            "= {} {} {reason}",
            kept.entry.section.key(),
            kept.entry.line
        )
    });
    removed.chain(kept).collect()
}

/// The annotation after `name` applied `desired` to `document`.
fn claimed(document: &Document, name: &str, desired: &[Principal]) -> Owners {
    Owners::default().after(document, &owner(name), desired)
}

#[test]
fn prune_removes_entries_the_owner_no_longer_requests() {
    let before = roles(TEXT);
    let owners = claimed(&before, "team", &[role(CI)]);
    assert_eq!(pruned(&before, &owners, "team", &[]), ["- mapRoles 4"]);
    assert!(pruned(&before, &owners, "team", &[role(CI)]).is_empty());
    assert!(pruned(&before, &owners, "team", &[role(&CI.to_uppercase())]).is_empty());
    assert_eq!(
        pruned(&before, &owners, "team", &[role(NODE)]),
        ["- mapRoles 4"]
    );
    assert!(pruned(&before, &owners, "other", &[]).is_empty());
    // Requesting a user of the same name does not keep the role.
    assert_eq!(
        pruned(&before, &owners, "team", &[Principal::User(CI.to_owned())]),
        ["- mapRoles 4"]
    );
}

#[test]
fn each_section_has_its_own_owners() {
    let user = "arn:aws:iam::111122223333:user/";
    let before = document(&[
        (SectionName::Roles, TEXT),
        (
            SectionName::Users,
            &format!(
                "- {{userarn: {user}Ann, username: ann}}\n- {{userarn: {user}ann, username: ann}}\n"
            ),
        ),
        (
            SectionName::Accounts,
            "- \"111122223333\"\n- 444455556666\n",
        ),
    ]);
    let desired = [
        Principal::User(format!("{user}ann")),
        Principal::Account("444455556666".to_owned()),
    ];
    let owners = claimed(&before, "team", &desired);
    assert_eq!(
        pruned(&before, &owners, "team", &[]),
        ["- mapUsers 1", "- mapUsers 2", "- mapAccounts 2"]
    );
    assert!(pruned(&before, &owners, "team", &desired).is_empty());
    let ann = format!("{user}ann");
    assert_eq!(
        owners.owner_of(SectionName::Users, &ann),
        Some(&owner("team"))
    );
    assert_eq!(owners.owner_of(SectionName::Roles, &ann), None);
    assert_eq!(owners.owner_of(SectionName::Accounts, "111122223333"), None);
}

#[test]
fn entry_changed_by_another_client_is_kept_and_reported() {
    let owners = claimed(&roles(TEXT), "team", &[role(CI)]);
    for (from, to) in [
        ("groups: [a]", "groups: [a, b]"),
        ("groups: [a]", "groups: [a ]"),
        (" # built by us", ""),
        ("role/CI", "role/ci"),
        ("username: ci\n", "username: ci\n  sso: {}\n"),
    ] {
        let changed = roles(&TEXT.replace(from, to));
        assert_eq!(
            pruned(&changed, &owners, "team", &[]),
            ["= mapRoles 4 changed"],
            "{to}"
        );
        // The claim is kept, so the next prune reports the same.
        let later = owners.after(&changed, &owner("team"), &[]);
        assert_eq!(
            pruned(&changed, &later, "team", &[]),
            ["= mapRoles 4 changed"],
            "{to}"
        );
    }
    let moved = roles(&format!(
        "- {{rolearn: x, username: x}}\n{}",
        TEXT.replace("# nodes\n", "\n\n")
    ));
    assert_eq!(pruned(&moved, &owners, "team", &[]), ["- mapRoles 6"]);
    assert!(pruned(&roles("[]"), &owners, "team", &[]).is_empty());
}

#[test]
fn effective_duplicate_is_claimed() {
    let twice = format!("{TEXT}- rolearn: {CI}\n  username: later\n");
    let owners = claimed(&roles(&twice), "team", &[role(CI)]);
    assert_eq!(
        pruned(&roles(&twice), &owners, "team", &[]),
        ["- mapRoles 7", "= mapRoles 4 changed"]
    );
    let alike = format!("- rolearn: {CI}\n  username: ci\n").repeat(2);
    let owners = claimed(&roles(&alike), "team", &[role(CI)]);
    assert_eq!(
        pruned(&roles(&alike), &owners, "team", &[]),
        ["- mapRoles 1", "- mapRoles 3"]
    );
}

#[test]
fn owner_never_takes_the_entry_of_another_owner() {
    let before = roles(TEXT);
    let owners = claimed(&before, "a", &[role(CI)]);
    let found = conflicts(&before, &owners, Some(&owner("b")), &[role(CI), role(NODE)]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (
            found[0].entry.line,
            found[0].holder.as_str(),
            found[0].changed
        ),
        (4, "a", false)
    );
    assert_eq!(
        found[0].entry.principal,
        role("arn:aws:iam::111122223333:role/CI")
    );
    assert!(conflicts(&before, &owners, Some(&owner("a")), &[role(CI)]).is_empty());
    let owned = conflicts(&before, &owners, None, &[role(CI), role(NODE)]);
    assert_eq!(owned, found, "an unowned writer is told the same");
    let changed = roles(&TEXT.replace("[a]", "[]"));
    assert!(conflicts(&changed, &owners, Some(&owner("b")), &[role(CI)])[0].changed);
    assert!(conflicts(&roles("[]"), &owners, Some(&owner("b")), &[role(CI)]).is_empty());

    let taken = owners.after(&before, &owner("b"), &[role(CI)]);
    assert!(!taken.knows(&owner("a")));
    assert!(conflicts(&before, &taken, Some(&owner("b")), &[role(CI)]).is_empty());
    assert_eq!(
        conflicts(&before, &taken, Some(&owner("a")), &[role(CI)]).len(),
        1
    );
    assert!(pruned(&before, &taken, "a", &[]).is_empty());
    assert_eq!(pruned(&before, &taken, "b", &[]), ["- mapRoles 4"]);

    // Only an annotation made by hand has two owners for one entry; then neither prunes it.
    let one = owners.to_annotation().unwrap();
    let both = Owners::read(Some(&format!(
        "{},{}",
        &one[..one.len() - 1],
        one[1..].replace("\"a\"", "\"b\"")
    )));
    assert_eq!(pruned(&before, &both, "a", &[]), ["= mapRoles 4 also of b"]);
}

#[test]
fn owner_releases_only_its_own_removed_entries() {
    let before = roles(TEXT);
    let owners = claimed(&before, "a", &[role(CI)]).after(&before, &owner("b"), &[role(NODE)]);
    let after = owners.after(&roles("[]"), &owner("a"), &[]);
    assert!(!after.knows(&owner("a")));
    assert_eq!(after.claims(&owner("b")).count(), 1);
    assert_eq!(
        after.after(&roles("[]"), &owner("b"), &[]).to_annotation(),
        None
    );
}

#[test]
fn annotation_is_deterministic() {
    let before = roles(TEXT);
    let node = claimed(&before, "b", &[role(NODE)]);
    let owners = node.after(&before, &owner("a \"1\""), &[role(CI)]);
    let text = owners.to_annotation().unwrap();
    assert_eq!(
        text,
        claimed(&before, "a \"1\"", &[role(CI)])
            .after(&before, &owner("b"), &[role(NODE)])
            .to_annotation()
            .unwrap()
    );
    assert_eq!(Owners::read(Some(&text)), owners);
    assert_eq!(text, GOLDEN, "what older versions wrote must stay readable");
    let ci = digest(
        SectionName::Roles,
        CI,
        &TEXT[TEXT
            .find("rolearn: arn:aws:iam::111122223333:role/CI")
            .unwrap()..TEXT.len() - 1],
    );
    assert_eq!(owners.claims(&owner("a \"1\"")).collect::<Vec<_>>(), [ci]);
}

/// SHA-256 over (length as 8 bytes big-endian, bytes) of "mapRoles", key[, entry]; the first 6 bytes of each.
const GOLDEN: &str = r#"{"a \"1\"":["J4M_GNFMnyHhY_qu"],"b":["KVCgJiGoEYtCgPzD"]}"#;

#[test]
fn unreadable_annotation_grants_no_ownership() {
    let before = roles(TEXT);
    for text in [
        "",
        "{",
        "[]",
        "null",
        "{\"a\":{}}",
        "{\"a\":[\"short\"]}",
        "{\"a\":[\"AAAAAAAAAAAAAAA!\"]}",
        "{\"\":[]}",
        "{\"v\":2}",
    ] {
        let owners = Owners::read(Some(text));
        assert!(owners.unreadable().is_some(), "{text}");
        assert!(pruned(&before, &owners, "a", &[]).is_empty());
        assert!(conflicts(&before, &owners, Some(&owner("a")), &[role(CI)]).is_empty());
        let after = owners.after(&before, &owner("a"), &[role(CI)]);
        assert_eq!(
            after.to_annotation().as_deref(),
            Some(text),
            "it is never rewritten"
        );
    }
    assert_eq!(Owners::read(None), Owners::default());
    assert_eq!(Owners::read(Some("{}")).unreadable(), None);
    assert_eq!(Owners::read(None).to_annotation(), None);
}

#[test]
fn annotation_survives_edits_of_other_clients() {
    let owners = claimed(&roles(TEXT), "team", &[role(CI), role(NODE)]);
    let foreign = TEXT.replace("system:node:", "node:") + "- rolearn: x\n  username: x\n";
    let read_back = Owners::read(owners.to_annotation().as_deref());
    assert_eq!(
        pruned(&roles(&foreign), &read_back, "team", &[]),
        ["- mapRoles 4", "= mapRoles 2 changed"]
    );
}

#[test]
fn annotation_claims_only_unchanged_entries() {
    let carried = claimed(&roles(TEXT), "team", &[role(CI)]).to_annotation();
    assert_eq!(
        pruned(&roles(TEXT), &Owners::read(carried.as_deref()), "team", &[]),
        ["- mapRoles 4"]
    );
    // An entry that has changed since it was applied is not claimed.
    let now = roles(&TEXT.replace("username: ci", "username: builder"));
    assert_eq!(
        pruned(&now, &Owners::read(carried.as_deref()), "team", &[]),
        ["= mapRoles 4 changed"]
    );
}

#[test]
fn missing_annotation_prunes_nothing() {
    let before = roles(TEXT);
    let stripped = Owners::read(None);
    assert!(!stripped.knows(&owner("team")));
    assert!(pruned(&before, &stripped, "team", &[]).is_empty());
    let anew = stripped.after(&before, &owner("team"), &[role(CI)]);
    assert_eq!(pruned(&before, &anew, "team", &[]), ["- mapRoles 4"]);
}

#[test]
fn annotation_fits_a_full_aws_auth() {
    let entry =
        |n: usize| format!("- rolearn: arn:aws:iam::111122223333:role/r{n}\n  username: r{n}\n");
    let before = roles(&(0..7_600).map(entry).collect::<String>());
    let desired: Vec<_> = (0..7_600)
        .map(|n| role(&format!("arn:aws:iam::111122223333:role/r{n}")))
        .collect();
    let owners = claimed(&before, "team", &desired);
    assert_eq!(owners.claims(&owner("team")).count(), 7_600);
    let size = owners.to_annotation().unwrap().len();
    assert!(size < 150_000, "{size} bytes");
    assert_eq!(
        prunable_entries(&before, &owners, &owner("team"), &desired[1_000..])
            .remove
            .len(),
        1_000
    );
}

#[test]
fn owner_names_are_printable() {
    for name in ["ci", "team a/b", "Ünïté", "a".repeat(63).as_str()] {
        assert_eq!(
            Owner::new(name).map(|owner| owner.to_string()),
            Ok(name.to_owned())
        );
    }
    assert_eq!(Owner::new(""), Err(OwnerError::Empty));
    assert_eq!(Owner::new(&"ä".repeat(64)), Err(OwnerError::TooLong(64)));
    for name in [
        " a",
        "a ",
        "a\nb",
        "a\tb",
        "a\u{0}",
        "a\u{200b}b",
        "\u{202e}a",
        "a\u{a0}b",
        " ",
    ] {
        assert_eq!(
            Owner::new(name),
            Err(OwnerError::Unprintable(name.to_owned()))
        );
    }
}
