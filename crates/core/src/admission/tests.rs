//! Edits by various users, and the results.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::aws_auth_snapshot::Snapshot;
use crate::facts::authentication_mode::AuthenticationMode;
use crate::lint::RULES;
use crate::wildcard_pattern::Pattern;

pub(super) const NODE: &str = "- rolearn: arn:aws:iam::111122223333:role/node\n  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n  - system:bootstrappers\n  - system:nodes\n";
const ADMIN: &str = "- rolearn: arn:aws:iam::111122223333:role/admin\n  username: admin\n  groups:\n  - system:masters\n";
const DEV: &str =
    "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups:\n  - devs\n";
const OPS: &str =
    "- rolearn: arn:aws:iam::111122223333:role/ops\n  username: ops\n  groups:\n  - ops\n";
const WITH_PATH: &str =
    "- rolearn: arn:aws:iam::111122223333:role/team/x\n  username: x\n  groups:\n  - devs\n";

pub(super) fn object(roles: &str) -> Option<Object> {
    let snapshot = Snapshot {
        data: [("mapRoles".to_owned(), roles.into())].into(),
        resource_version: Some("1".to_owned()),
        ..Snapshot::default()
    };
    Some(Object {
        contents: Contents::of(&snapshot),
        ..Object::default()
    })
}

pub(super) fn review(before: &[&str], after: Option<&[&str]>) -> Review {
    Review {
        before: object(&before.concat()),
        after: after.and_then(|after| object(&after.concat())),
        user: RequestUser {
            username: "kubernetes-admin".to_owned(),
            groups: vec!["system:authenticated".to_owned()],
            ..RequestUser::default()
        },
        field_manager: Some("kubectl-edit".to_owned()),
    }
}

pub(super) fn validated(review: &Review) -> ReviewResult {
    validated_by(review, &Policy::default(), &Facts::default())
}

fn validated_by(review: &Review, policy: &Policy, facts: &Facts) -> ReviewResult {
    validate(review, policy, facts, &Deadline::default()).unwrap()
}

/// Returns the guards that refuse the edit.
pub(super) fn refused(result: &ReviewResult) -> Vec<&str> {
    let record = result.audit.get("refused").map_or("", String::as_str);
    let each = record.split("; ").filter(|of| !of.is_empty());
    each.filter_map(|of| Some(of.split_once(": ")?.0)).collect()
}

/// A description, the entries before and after, and the guards that refuse the edit.
type Case = (
    &'static str,
    &'static [&'static str],
    Option<&'static [&'static str]>,
    &'static [&'static str],
);

/// The name of the exemption and its reason; `None` if the user is not exempt.
type Expected = Option<(&'static str, Option<&'static str>)>;

#[test]
fn only_harmful_edits_are_denied() {
    let cases: &[Case] = &[
        (
            "an entry is added",
            &[NODE, ADMIN],
            Some(&[NODE, ADMIN, DEV]),
            &[],
        ),
        (
            "an entry is removed",
            &[NODE, ADMIN, DEV],
            Some(&[NODE, ADMIN]),
            &[],
        ),
        (
            "the node entry is removed",
            &[NODE, ADMIN],
            Some(&[ADMIN]),
            &["node-guard"],
        ),
        (
            "the entries are reordered",
            &[NODE, ADMIN],
            Some(&[ADMIN, NODE]),
            &[],
        ),
        (
            "the last administrator is removed",
            &[NODE, ADMIN],
            Some(&[NODE]),
            &["last-admin"],
        ),
        (
            "all entries are removed",
            &[NODE, ADMIN],
            Some(&[]),
            &["node-guard", "last-admin"],
        ),
        (
            "aws-auth is deleted",
            &[NODE, ADMIN],
            None,
            &["node-guard", "last-admin"],
        ),
        (
            "aws-auth without important entries is deleted",
            &[DEV],
            None,
            &[],
        ),
        (
            "an error is introduced",
            &[NODE],
            Some(&[NODE, WITH_PATH]),
            &["lint-regression"],
        ),
        (
            "an existing error is kept",
            &[NODE, WITH_PATH],
            Some(&[NODE, WITH_PATH, DEV]),
            &[],
        ),
        (
            "an error is removed",
            &[NODE, WITH_PATH],
            Some(&[NODE]),
            &[],
        ),
        (
            "mapRoles becomes unreadable",
            &[DEV],
            Some(&[DEV, "- rolearn: [\n"]),
            &["lint-regression"],
        ),
        (
            "mapRoles becomes unreadable, with a waiver",
            &[DEV],
            Some(&["- rolearn: [\n# awsauth: ignore[S04] so what\n- x\n"]),
            &["unreadable"],
        ),
        (
            "mapRoles stays unreadable",
            &["- rolearn: [\n"],
            Some(&["- rolearn: {\n"]),
            &[],
        ),
        ("mapRoles is fixed", &["- rolearn: [\n"], Some(&[NODE]), &[]),
        (
            "nothing changes",
            &["- rolearn: [\n"],
            Some(&["- rolearn: [\n"]),
            &[],
        ),
    ];
    for (what, before, after, expected) in cases {
        let result = validated(&review(before, *after));
        assert_eq!(refused(&result), *expected, "{what}: {result:#?}");
        assert_eq!(result.is_allowed(), expected.is_empty(), "{what}");
        assert_eq!(result.message.is_empty(), expected.is_empty(), "{what}");
    }
    let created = Review {
        before: None,
        ..review(&[], Some(&[NODE, WITH_PATH]))
    };
    assert_eq!(refused(&validated(&created)), ["lint-regression"]);
}

#[test]
fn denial_explains_the_reasons_and_how_to_fix_them() {
    let result = validated(&review(&[NODE, ADMIN], Some(&[ADMIN, WITH_PATH])));
    assert_eq!(
        result.message,
        "aws-auth was not changed\n\
         refused (lint-regression): would introduce R03 role-path at line 5 of mapRoles: a caller's ARN never contains the role's path /team/: the entry never matches\n\
         refused (node-guard): nodes sign in with arn:aws:iam::111122223333:role/node; without its entry, they would become NotReady\n\
         hint: line 5 of mapRoles: remove the path: arn:aws:iam::111122223333:role/x\n\
         hint: if this is intended: kubectl awsauth edit --allow R03 --allow-node-entry arn:aws:iam::111122223333:role/node\n\
         hint: in an emergency, allow every edit: kubectl annotate configmap aws-auth -n kube-system --overwrite awsauth.dev/break-glass=REASON"
    );
    assert!(result.warnings.is_empty());
    let deleted = validated(&review(&[NODE, ADMIN], None)).message;
    assert!(deleted.contains("kubectl awsauth unmap role"), "{deleted}");
    assert!(!deleted.contains("awsauth edit"), "{deleted}");
}

/// An edit that removes the node entry.
fn forbidden() -> Review {
    review(&[NODE, ADMIN], Some(&[ADMIN]))
}

#[test]
fn exempt_user_gets_warnings_and_an_audit_annotation() {
    let policy = Policy {
        admission: Admission {
            break_glass_groups: vec!["oncall".to_owned()],
            ..Admission::default()
        },
        controller: Some("system:serviceaccount:kube-system:awsauth-controller".to_owned()),
        ..Policy::default()
    };
    let with = |change: fn(&mut Review)| {
        let mut review = forbidden();
        change(&mut review);
        review
    };
    let cases: [(&str, Review, Expected); 12] = [
        ("a user", forbidden(), None),
        (
            "EKS",
            with(|it| it.user.username = "eks:node-manager".into()),
            Some(("warn-only", None)),
        ),
        (
            "a user with a similar name",
            with(|it| it.user.username = "a-eks:node-manager".into()),
            None,
        ),
        (
            "the annotation in the edit",
            with(|it| annotate(&mut it.after, " fire ")),
            Some(("break-glass", Some("fire"))),
        ),
        (
            "the annotation before the edit",
            with(|it| annotate(&mut it.before, "fire")),
            Some(("break-glass", Some("fire"))),
        ),
        (
            "the annotation without a reason",
            with(|it| annotate(&mut it.after, " ")),
            None,
        ),
        (
            "a break-glass group",
            with(|it| it.user.groups.push("oncall".into())),
            Some(("break-glass", Some("oncall"))),
        ),
        (
            "another group",
            with(|it| it.user.groups.push("oncalls".into())),
            None,
        ),
        (
            "a command",
            with(|it| it.field_manager = Some("awsauth".into())),
            Some(("command", None)),
        ),
        ("no field manager", with(|it| it.field_manager = None), None),
        (
            "the controller",
            with(|it| {
                it.field_manager = Some("awsauth-controller".into());
                it.user.username = "system:serviceaccount:kube-system:awsauth-controller".into();
            }),
            Some(("controller", None)),
        ),
        (
            "another user with the controller's field manager",
            with(|it| it.field_manager = Some("awsauth-controller".into())),
            None,
        ),
    ];
    for (who, review, expected) in cases {
        let result = validated_by(&review, &policy, &Facts::default());
        assert_eq!(result.is_allowed(), expected.is_some(), "{who}");
        assert_eq!(refused(&result), ["node-guard"], "{who}");
        let Some((verdict, why)) = expected else {
            assert_eq!(result.audit["verdict"], "denied", "{who}");
            continue;
        };
        assert_eq!(result.audit["verdict"], verdict, "{who}");
        assert_eq!(result.audit.get("why").map(String::as_str), why, "{who}");
        assert!(
            result.warnings[0]
                .starts_with("allowed by an awsauth exemption (node-guard): nodes sign in"),
            "{who}"
        );
        assert!(result.message.is_empty(), "{who}");
    }
}

fn annotate(object: &mut Option<Object>, reason: &str) {
    object.as_mut().unwrap().break_glass = Some(reason.to_owned());
}

#[test]
fn annotation_triggers_a_warning_until_it_is_removed() {
    let mut annotated = review(&[NODE], Some(&[NODE]));
    annotate(&mut annotated.after, "fire");
    let result = validated(&annotated);
    assert_eq!(result.verdict, Verdict::Warned);
    assert!(result.warnings[0].ends_with("awsauth.dev/break-glass-"));
    let removed = Review {
        before: annotated.after.clone(),
        after: annotated.before.clone(),
        ..annotated
    };
    assert_eq!(validated(&removed).verdict, Verdict::Allowed);
}

#[test]
fn protected_entry_is_kept_even_from_commands() {
    let policy = Policy {
        protect: Protect {
            arns: vec![Pattern::new("arn:aws:iam::*:role/D*")],
            ..Protect::default()
        },
        ..Policy::default()
    };
    let validated = |review: &Review| validated_by(review, &policy, &Facts::default());
    let mut removed = review(&[NODE, DEV, OPS], Some(&[NODE, OPS]));
    assert_eq!(refused(&validated(&removed)), ["protected"]);
    removed.field_manager = Some("awsauth".to_owned());
    let result = validated(&removed);
    assert!(!result.is_allowed());
    assert!(
        !result.message.contains("kubectl awsauth edit"),
        "{}",
        result.message
    );
    annotate(&mut removed.after, "fire");
    assert!(validated(&removed).is_allowed());
    let changed = |to: &str| review(&[DEV], Some(&[&DEV.replace("devs", to)]));
    assert_eq!(refused(&validated(&changed("ops"))), ["protected"]);
    assert_eq!(refused(&validated(&changed("devs\n  - ops"))), [""; 0]);
    assert_eq!(
        refused(&validated(&review(&[DEV, OPS], Some(&[DEV])))),
        [""; 0]
    );
}

#[test]
fn edits_that_may_be_intended_only_trigger_warnings() {
    let many: Vec<String> = (0..9)
        .map(|n| DEV.replace("/dev", &format!("/dev{n}")))
        .collect();
    let many = many.concat();
    let result = validated(&review(&[NODE, &many], Some(&[NODE])));
    assert_eq!(result.verdict, Verdict::Warned);
    assert!(
        result.warnings[0].starts_with("mass-removal: 9 of 10 mappings would be removed"),
        "{result:?}"
    );

    let result = validated(&review(&[NODE], Some(&[NODE, ADMIN])));
    assert!(
        result.warnings.contains(
            &"arn:aws:iam::111122223333:role/admin becomes cluster admin by group system:masters"
                .to_owned()
        ),
        "{result:?}"
    );

    let mut locks = review(&[NODE], Some(&[NODE]));
    locks.after.as_mut().unwrap().is_immutable = true;
    assert!(validated(&locks).warnings[0].starts_with("immutable: "));

    let mut lockout = review(
        &[NODE, ADMIN, &ADMIN.replace("/admin", "/other")],
        Some(&[NODE, ADMIN]),
    );
    lockout.user.arn = Some("arn:aws:sts::111122223333:assumed-role/other/s".to_owned());
    lockout.user.username = "admin".to_owned();
    lockout.user.groups = vec!["system:masters".to_owned()];
    let facts = Facts {
        admins: Known::Is(Admins::default()),
        ..Facts::default()
    };
    let result = validated_by(&lockout, &Policy::default(), &facts);
    assert_eq!(result.verdict, Verdict::Warned);
    assert!(
        result.warnings[0].starts_with("self-lockout: you are arn:aws:sts"),
        "{result:?}"
    );
}

#[test]
fn last_admin_of_aws_auth_can_be_removed_by_another_administrator() {
    let mut removed = review(&[NODE, ADMIN], Some(&[NODE]));
    let facts = Facts {
        admins: Known::Is(Admins {
            groups: [
                "admins".to_owned(),
                "system:serviceaccounts:argocd".to_owned(),
            ]
            .into(),
            ..Admins::default()
        }),
        ..Facts::default()
    };
    let refused_of =
        |review: &Review| refused(&validated_by(review, &Policy::default(), &facts)).len();
    assert_eq!(refused_of(&removed), 1);
    removed.user.groups.push("admins".to_owned());
    assert_eq!(refused_of(&removed), 0);
    // A service account is no help to users who are locked out.
    removed.user.username = "system:serviceaccount:argocd:argocd".to_owned();
    removed.user.groups = vec!["system:serviceaccounts:argocd".to_owned()];
    assert_eq!(refused_of(&removed), 1);
}

#[test]
fn edits_are_allowed_if_the_cluster_does_not_read_aws_auth() {
    let facts = Facts {
        mode: Some(AuthenticationMode::Api),
        ..Facts::default()
    };
    let result = validated_by(&review(&[NODE, ADMIN], None), &Policy::default(), &facts);
    assert_eq!(result.verdict, Verdict::Warned);
    assert!(result.warnings[0].contains("ignores aws-auth"));
}

/// Returns a deadline that is over at the `count`-th check.
fn deadline_at(count: usize) -> Deadline {
    let checks = AtomicUsize::new(0);
    Deadline::new(move || checks.fetch_add(1, Ordering::Relaxed) >= count)
}

#[test]
fn review_ends_at_its_deadline() {
    let review = review(&[NODE, ADMIN], Some(&[ADMIN, WITH_PATH]));
    let until = |deadline| validate(&review, &Policy::default(), &Facts::default(), &deadline);
    let complete = until(Deadline::default());
    // No review is answered with a part of its findings.
    let first = (0..).find(|&count| {
        let result = until(deadline_at(count));
        assert!(
            result == Err(ReviewError::TimeIsUp) || result == complete,
            "{count}"
        );
        result.is_ok()
    });
    // Every lint rule checks the deadline.
    assert!(first > Some(RULES.len()), "{first:?}");
}

#[test]
fn edit_that_exceeds_a_limit_is_denied_unless_it_was_exceeded_before() {
    let fits = object(NODE);
    let many_entries = object(&"- x\n".repeat(20_000));
    let many_parts = Some(Object {
        has_too_many_parts: true,
        ..object(ADMIN).unwrap()
    });
    let validated = |before: &Option<Object>, after: &Option<Object>| {
        let review = Review {
            before: before.clone(),
            after: after.clone(),
            ..review(&[], None)
        };
        let (policy, facts) = (Policy::default(), Facts::default());
        validate(&review, &policy, &facts, &Deadline::default())
    };
    for (large, limit) in [
        (&many_entries, "12000 entries"),
        (&many_parts, "64000 lines"),
    ] {
        for after in [&fits, &object(DEV)] {
            assert_eq!(validated(large, after), Err(ReviewError::TooLarge));
        }
        let denied = validated(&fits, large).unwrap();
        assert_eq!(refused(&denied), ["too-large"]);
        assert!(denied.message.contains(limit), "{}", denied.message);
    }
}

#[test]
fn results_are_short_whatever_the_edit_contains() {
    // Each takes more bytes as an escape.
    let long = "\u{202e}".repeat(2_000);
    let entry = format!("- rolearn: arn:aws:iam::111122223333:role/{long}\n  username: a\n");
    let protecting = Policy {
        protect: Protect {
            arns: vec![Pattern::new("*")],
            ..Protect::default()
        },
        ..Policy::default()
    };
    let mut edit = review(&[&entry, NODE], Some(&[""]));
    let is_short = |text: &String| text.len() <= 4096 && !text.is_empty();
    let denied = validated_by(&edit, &protecting, &Facts::default());
    assert!(!denied.is_allowed());
    assert!(is_short(&denied.message), "{}", denied.message.len());
    assert!(denied.audit.values().all(is_short));
    assert!(denied.message.contains("hint: in an emergency"));
    edit.after.as_mut().unwrap().break_glass = Some(long);
    let exempted = validated_by(&edit, &protecting, &Facts::default());
    assert_eq!(exempted.audit["verdict"], "break-glass");
    assert!(exempted.audit.values().all(is_short));
    assert!(is_short(&ReviewResult::denied("a".repeat(100_000)).message));
}
