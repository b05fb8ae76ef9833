//! Tests of near matches.

use crate::authenticator::test_documents::{document, list};
use crate::authenticator::{Question, explain};

const A: &str = "arn:aws:iam::111122223333";

/// Returns the lines and reasons that `explain` finds near an ARN of the account.
fn near(resource: &str, [roles, users, accounts]: [&str; 3]) -> Vec<(usize, String)> {
    let document = document(roles, users, accounts);
    let arn = format!("{A}:{resource}");
    let explanation = explain(
        &document,
        &Question {
            arn: &arn,
            ..Question::default()
        },
    );
    let explanation = explanation.expect("an identity");
    assert!(!explanation.allowed(), "{arn} is mapped");
    explanation
        .near
        .into_iter()
        .map(|near| (near.line, near.why.to_string()))
        .collect()
}

#[track_caller]
fn check(resource: &str, rolearn: &str, why: &str) {
    let roles = list("rolearn", &[(rolearn, "u", &[])]);
    let expected: &[(usize, String)] = if why.is_empty() {
        &[]
    } else {
        &[(1, why.to_owned())]
    };
    assert_eq!(near(resource, [&roles, "", ""]), expected, "{rolearn}");
}

#[test]
fn reason_for_the_mismatch_is_reported() {
    let path = "STS reports a role without its IAM path";
    let session = "a session is compared as its role, so a session's ARN never matches";
    let stray = "spaces, quotes or invisible characters around the ARN are part of it";
    for (written, why) in [
        (&*format!("{A}:role/team/Dev"), path),
        (&format!("{A}:role//dev"), path),
        (&format!("{A}:role/Dev "), stray),
        (&format!("{A}:role/Dev\n"), stray),
        (&format!("'{A}:role/Dev'\u{200b}"), stray),
        ("arn:aws:sts::111122223333:assumed-role/Dev/alice", session),
        ("arn:aws:sts::111122223333:assumed-role/Dev", session),
        (
            &format!("{A}:instance-profile/Dev"),
            "an instance profile is not a role",
        ),
        (
            &format!("{A}:user/Dev"),
            "the entry names a user of the same name",
        ),
        (
            "arn:aws:iam::999988887777:role/Dev",
            "the account is \"999988887777\" instead of \"111122223333\"",
        ),
        (
            "arn:aws-cn:iam::111122223333:role/Dev",
            "the partition is \"aws-cn\" instead of \"aws\"",
        ),
        (
            "arn:aws:sts::111122223333:role/Dev",
            "the service is \"sts\" instead of \"iam\"",
        ),
        (
            "arn:aws:iam:eu-west-1:111122223333:role/Dev",
            "the region is \"eu-west-1\" instead of \"\"",
        ),
        (&format!("{A}:role/*"), "a wildcard is compared literally"),
        (
            &format!("{A}:root"),
            "an account's root ARN matches only its root user",
        ),
        (
            &format!("{A}:role/Devs"),
            "the name differs by one letter (changed, added, missing or swapped)",
        ),
        (
            &format!("{A}:role/dve"),
            "the name differs by one letter (changed, added, missing or swapped)",
        ),
        (&format!("{A}:role/Ops"), ""),
        (&format!("{A}:group/Dev"), ""),
        ("Dev", ""),
    ] {
        check("role/Dev", written, why);
    }
    check(
        "role/deployer",
        &format!("{A}:role/deplyr"),
        "2 letters differ",
    );
    check(
        "role/ki",
        &format!("{A}:role/kİ"),
        "the letter İ never matches, not even itself",
    );
    check(
        "user/team/bob",
        &format!("{A}:user/bob"),
        "the IAM path differs; STS includes the path in a user's ARN, so it must match",
    );
    check(
        "role/AWSReservedSSO_Admin_0123456789abcdef",
        &format!("{A}:role/AWSReservedSSO_Admin_fedcba9876543210"),
        "the same permission set with another suffix or without one",
    );
    check(
        "role/AWSReservedSSO_Admin_0123456789abcdef",
        &format!("{A}:role/AWSReservedSSO_Admin"),
        "the same permission set with another suffix or without one",
    );
}

#[test]
fn sso_and_account_entries_are_compared() {
    let sso = "- sso: {permissionSetName: Admin, accountID: '111122223333'}\n";
    let role = "role/AWSReservedSSO_Admin_0123456789abcdef";
    assert!(
        near(role, [sso, "", ""])[0]
            .1
            .contains("feature gate SSORoleMatch")
    );
    let partition = sso.replace("}", ", partition: aws}");
    assert!(
        near(role, [&partition, "", ""])[0]
            .1
            .contains("with a partition")
    );
    for account in [
        "1111-2222-3333",
        "'111122223333 '",
        "arn:aws:iam::111122223333:root",
    ] {
        let found = near("role/Dev", ["", "", &format!("- {account}\n")]);
        assert_eq!(
            found,
            [(
                1,
                "an account is compared as text, so it must be the 12 digits without dashes or spaces".to_owned()
            )]
        );
    }
}

#[test]
fn dropped_and_unread_lines_with_the_arn_are_reported() {
    let dropped = format!("- rolearn: arn:aws:iam::1:role/x\n- userarn: {A}:role/Dev\n");
    assert_eq!(
        near("role/Dev", [&dropped, "", ""]),
        [(
            2,
            "the authenticator drops this entry: one of rolearn or SSO must be supplied".to_owned()
        )]
    );
    let comment = format!("# - rolearn: {A}:role/Dev2\n# - rolearn: {A}:role/DEV\n[]\n");
    assert_eq!(near("role/Dev", [&comment, "", ""]).len(), 1);
    assert_eq!(near("role/Dev", [&comment, "", ""])[0].0, 2);
    let later = format!("- rolearn: arn:aws:iam::1:role/x\n---\n- rolearn: {A}:role/Dev\n");
    assert_eq!(near("role/Dev", [&later, "", ""])[0].0, 3);
    let broken = format!("- rolearn: {A}:role/Dev\n  username: {{{{SessionName}}}}\n");
    let found = near("role/Dev", [&broken, "", ""]);
    assert!(
        found[0]
            .1
            .starts_with("the authenticator ignores this whole section: yaml: "),
        "{found:?}"
    );
}

#[test]
fn nearest_five_entries_are_listed() {
    let mut entries: Vec<String> = (0..9)
        .map(|digit| format!("{A}:role/deploy{digit}"))
        .collect();
    entries.push(format!("{A}:role/ci/deploy"));
    let entries: Vec<_> = entries
        .iter()
        .map(|arn| (arn.as_str(), "u", &[] as &[&str]))
        .collect();
    let found = near("role/deploy", [&list("rolearn", &entries), "", ""]);
    let lines: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [10, 1, 2, 3, 4]);
}
