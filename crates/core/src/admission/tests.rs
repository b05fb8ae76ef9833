//! Edits, who makes them, and what is said.

use super::*;
use crate::facts::authentication_mode::AuthenticationMode;
use crate::reconcile::Pattern;
use crate::snapshot::Snapshot;

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
        requester: Requester {
            username: "kubernetes-admin".to_owned(),
            groups: vec!["system:authenticated".to_owned()],
            ..Requester::default()
        },
        field_manager: Some("kubectl-edit".to_owned()),
    }
}

pub(super) fn judged(review: &Review) -> Answer {
    judge(review, &Terms::default(), &Facts::default())
}

/// What is refused, by guard.
pub(super) fn refused(answer: &Answer) -> Vec<&str> {
    let record = answer.audit.get("refused").map_or("", String::as_str);
    let each = record.split("; ").filter(|of| !of.is_empty());
    each.filter_map(|of| Some(of.split_once(": ")?.0)).collect()
}

/// What is done, the entries before and after, and what is refused.
type Case = (
    &'static str,
    &'static [&'static str],
    Option<&'static [&'static str]>,
    &'static [&'static str],
);

/// By which way somebody is let through, and why; `None` where they are not.
type Through = Option<(&'static str, Option<&'static str>)>;

#[test]
fn what_would_be_lost_is_refused_and_nothing_else() {
    let cases: &[Case] = &[
        (
            "an entry is added",
            &[NODE, ADMIN],
            Some(&[NODE, ADMIN, DEV]),
            &[],
        ),
        (
            "an entry goes",
            &[NODE, ADMIN, DEV],
            Some(&[NODE, ADMIN]),
            &[],
        ),
        ("nodes go", &[NODE, ADMIN], Some(&[ADMIN]), &["node-guard"]),
        (
            "nodes go and come",
            &[NODE, ADMIN],
            Some(&[ADMIN, NODE]),
            &[],
        ),
        (
            "the last administrator goes",
            &[NODE, ADMIN],
            Some(&[NODE]),
            &["last-admin"],
        ),
        (
            "everything goes",
            &[NODE, ADMIN],
            Some(&[]),
            &["node-guard", "last-admin"],
        ),
        (
            "it is deleted",
            &[NODE, ADMIN],
            None,
            &["node-guard", "last-admin"],
        ),
        ("it is deleted, and nobody needs it", &[DEV], None, &[]),
        (
            "an error comes",
            &[NODE],
            Some(&[NODE, WITH_PATH]),
            &["lint-regression"],
        ),
        (
            "an error stays",
            &[NODE, WITH_PATH],
            Some(&[NODE, WITH_PATH, DEV]),
            &[],
        ),
        ("an error goes", &[NODE, WITH_PATH], Some(&[NODE]), &[]),
        (
            "nobody can read it",
            &[DEV],
            Some(&[DEV, "- rolearn: [\n"]),
            &["lint-regression"],
        ),
        (
            "nobody can read it, and a comment says that this is fine",
            &[DEV],
            Some(&["- rolearn: [\n# awsauth: ignore[S04] so what\n- x\n"]),
            &["unreadable"],
        ),
        (
            "nobody could read it",
            &["- rolearn: [\n"],
            Some(&["- rolearn: {\n"]),
            &[],
        ),
        ("it is mended", &["- rolearn: [\n"], Some(&[NODE]), &[]),
        (
            "it stays",
            &["- rolearn: [\n"],
            Some(&["- rolearn: [\n"]),
            &[],
        ),
    ];
    for (what, before, after, expected) in cases {
        let answer = judged(&review(before, *after));
        assert_eq!(refused(&answer), *expected, "{what}: {answer:#?}");
        assert_eq!(answer.is_allowed(), expected.is_empty(), "{what}");
        assert_eq!(answer.message.is_empty(), expected.is_empty(), "{what}");
    }
    let created = Review {
        before: None,
        ..review(&[], Some(&[NODE, WITH_PATH]))
    };
    assert_eq!(refused(&judged(&created)), ["lint-regression"]);
}

#[test]
fn a_refusal_says_what_is_lost_and_how_it_is_done_right() {
    let answer = judged(&review(&[NODE, ADMIN], Some(&[ADMIN, WITH_PATH])));
    assert_eq!(
        answer.message,
        "aws-auth stays as it is\n\
         refused (lint-regression): would introduce R03 role-path at line 5 of mapRoles: the role's path /team/ is never part of a caller's ARN: the entry matches nobody\n\
         refused (node-guard): nodes sign in with arn:aws:iam::111122223333:role/node; without its entry, they would become NotReady\n\
         hint: line 5 of mapRoles: leave the path out: arn:aws:iam::111122223333:role/x\n\
         hint: if this is intended: kubectl awsauth edit --allow R03 --allow-node-entry arn:aws:iam::111122223333:role/node\n\
         hint: to get through whatever it costs, and on record: kubectl annotate configmap aws-auth -n kube-system --overwrite awsauth.dev/break-glass=REASON"
    );
    assert!(answer.warnings.is_empty());
    let deleted = judged(&review(&[NODE, ADMIN], None)).message;
    assert!(deleted.contains("kubectl awsauth unmap role"), "{deleted}");
    assert!(!deleted.contains("edit"), "{deleted}");
}

/// An edit that takes the nodes' entry away.
fn forbidden() -> Review {
    review(&[NODE, ADMIN], Some(&[ADMIN]))
}

#[test]
fn who_is_let_through_is_told_what_would_be_refused_and_it_is_on_record() {
    let terms = Terms {
        admission: Admission {
            break_glass_groups: vec!["oncall".to_owned()],
            ..Admission::default()
        },
        controller: Some("system:serviceaccount:kube-system:awsauth-controller".to_owned()),
        ..Terms::default()
    };
    let with = |change: fn(&mut Review)| {
        let mut review = forbidden();
        change(&mut review);
        review
    };
    let cases: [(&str, Review, Through); 12] = [
        ("anybody", forbidden(), None),
        (
            "EKS",
            with(|it| it.requester.username = "eks:node-manager".into()),
            Some(("warn-only", None)),
        ),
        (
            "who is called alike",
            with(|it| it.requester.username = "a-eks:node-manager".into()),
            None,
        ),
        (
            "the annotation",
            with(|it| annotate(&mut it.after, " fire ")),
            Some(("break-glass", Some("fire"))),
        ),
        (
            "the annotation before",
            with(|it| annotate(&mut it.before, "fire")),
            Some(("break-glass", Some("fire"))),
        ),
        ("no reason", with(|it| annotate(&mut it.after, " ")), None),
        (
            "the group",
            with(|it| it.requester.groups.push("oncall".into())),
            Some(("break-glass", Some("oncall"))),
        ),
        (
            "another group",
            with(|it| it.requester.groups.push("oncalls".into())),
            None,
        ),
        (
            "a command",
            with(|it| it.field_manager = Some("awsauth".into())),
            Some(("command", None)),
        ),
        ("none", with(|it| it.field_manager = None), None),
        (
            "the controller",
            with(|it| {
                it.field_manager = Some("awsauth-controller".into());
                it.requester.username =
                    "system:serviceaccount:kube-system:awsauth-controller".into();
            }),
            Some(("controller", None)),
        ),
        (
            "who calls itself the controller",
            with(|it| it.field_manager = Some("awsauth-controller".into())),
            None,
        ),
    ];
    for (who, review, expected) in cases {
        let answer = judge(&review, &terms, &Facts::default());
        assert_eq!(answer.is_allowed(), expected.is_some(), "{who}");
        assert_eq!(refused(&answer), ["node-guard"], "{who}");
        let Some((verdict, why)) = expected else {
            assert_eq!(answer.audit["verdict"], "denied", "{who}");
            continue;
        };
        assert_eq!(answer.audit["verdict"], verdict, "{who}");
        assert_eq!(answer.audit.get("why").map(String::as_str), why, "{who}");
        assert!(
            answer.warnings[0].starts_with("let through by awsauth (node-guard): nodes sign in"),
            "{who}"
        );
        assert!(answer.message.is_empty(), "{who}");
    }
}

fn annotate(object: &mut Option<Object>, reason: &str) {
    object.as_mut().unwrap().break_glass = Some(reason.to_owned());
}

#[test]
fn the_annotation_is_warned_of_as_long_as_it_stands() {
    let mut stands = review(&[NODE], Some(&[NODE]));
    annotate(&mut stands.after, "fire");
    let answer = judged(&stands);
    assert_eq!(answer.verdict, Verdict::Warned);
    assert!(answer.warnings[0].contains("awsauth.dev/break-glass- takes it away"));
    let gone = Review {
        before: stands.after.clone(),
        after: stands.before.clone(),
        ..stands
    };
    assert_eq!(judged(&gone).verdict, Verdict::Allowed);
}

#[test]
fn what_the_configuration_protects_stays_even_for_commands() {
    let terms = Terms {
        protect: Protect {
            arns: vec![Pattern::new("arn:aws:iam::*:role/D*")],
            ..Protect::default()
        },
        ..Terms::default()
    };
    let judged = |review: &Review| judge(review, &terms, &Facts::default());
    let mut removed = review(&[NODE, DEV, OPS], Some(&[NODE, OPS]));
    assert_eq!(refused(&judged(&removed)), ["protected"]);
    removed.field_manager = Some("awsauth".to_owned());
    let answer = judged(&removed);
    assert!(!answer.is_allowed());
    assert!(
        !answer.message.contains("kubectl awsauth edit"),
        "{}",
        answer.message
    );
    annotate(&mut removed.after, "fire");
    assert!(judged(&removed).is_allowed());
    let changed = |to: &str| review(&[DEV], Some(&[&DEV.replace("devs", to)]));
    assert_eq!(refused(&judged(&changed("ops"))), ["protected"]);
    assert_eq!(refused(&judged(&changed("devs\n  - ops"))), [""; 0]);
    assert_eq!(
        refused(&judged(&review(&[DEV, OPS], Some(&[DEV])))),
        [""; 0]
    );
}

#[test]
fn what_may_well_be_meant_is_warned_of() {
    let many: Vec<String> = (0..9)
        .map(|n| DEV.replace("/dev", &format!("/dev{n}")))
        .collect();
    let many = many.concat();
    let answer = judged(&review(&[NODE, &many], Some(&[NODE])));
    assert_eq!(answer.verdict, Verdict::Warned);
    assert!(
        answer.warnings[0].starts_with("mass-removal: 9 of 10 mappings would be removed"),
        "{answer:?}"
    );

    let answer = judged(&review(&[NODE], Some(&[NODE, ADMIN])));
    assert!(
        answer.warnings.contains(
            &"arn:aws:iam::111122223333:role/admin becomes cluster admin by group system:masters"
                .to_owned()
        ),
        "{answer:?}"
    );

    let mut locks = review(&[NODE], Some(&[NODE]));
    locks.after.as_mut().unwrap().is_immutable = true;
    assert!(judged(&locks).warnings[0].starts_with("immutable: "));

    let mut gone = review(
        &[NODE, ADMIN, &ADMIN.replace("/admin", "/other")],
        Some(&[NODE, ADMIN]),
    );
    gone.requester.arn = Some("arn:aws:sts::111122223333:assumed-role/other/s".to_owned());
    gone.requester.username = "admin".to_owned();
    gone.requester.groups = vec!["system:masters".to_owned()];
    let facts = Facts {
        admins: Known::Is(Admins::default()),
        ..Facts::default()
    };
    let answer = judge(&gone, &Terms::default(), &facts);
    assert_eq!(answer.verdict, Verdict::Warned);
    assert!(
        answer.warnings[0].starts_with("self-lockout: you are arn:aws:sts"),
        "{answer:?}"
    );
}

#[test]
fn an_administrator_is_left_who_does_not_come_in_by_aws_auth() {
    let mut gone = review(&[NODE, ADMIN], Some(&[NODE]));
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
    let refused_of = |review: &Review| refused(&judge(review, &Terms::default(), &facts)).len();
    assert_eq!(refused_of(&gone), 1);
    gone.requester.groups.push("admins".to_owned());
    assert_eq!(refused_of(&gone), 0);
    // A service account is an administrator, too, but nobody can sign in with it.
    gone.requester.username = "system:serviceaccount:argocd:argocd".to_owned();
    gone.requester.groups = vec!["system:serviceaccounts:argocd".to_owned()];
    assert_eq!(refused_of(&gone), 1);
}

#[test]
fn where_nobody_reads_aws_auth_everybody_may_write_it() {
    let facts = Facts {
        mode: Some(AuthenticationMode::Api),
        ..Facts::default()
    };
    let answer = judge(&review(&[NODE, ADMIN], None), &Terms::default(), &facts);
    assert_eq!(answer.verdict, Verdict::Warned);
    assert!(answer.warnings[0].contains("nobody reads aws-auth"));
}
