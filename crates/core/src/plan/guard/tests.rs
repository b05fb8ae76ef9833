//! Tests of the guards, with and without the facts that they need.

use std::sync::Arc;

use crate::access_entries::EntryChange;
use crate::authenticator::{AccessEntries, User};
use crate::aws_auth_snapshot::Snapshot;
use crate::document::edit::{Edit, Groups};
use crate::document::{Document, Principal};
use crate::facts::access_entries::{AccessEntry, AccessPolicy, AccessScope, AccessTerms};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::history::Contents;
use crate::lint::Site;
use crate::plan::{
    Admins, Allowed, Caller, ExpectedUser, Facts, Guard, Known, Notice, OpenQuestion, Plan, Request,
};

const ACCOUNT: &str = "arn:aws:iam::111122223333:role/";

/// Returns an aws-auth with these roles, each given as `NAME` or `NAME=GROUP`. The username is the name.
fn snapshot(roles: &[&str]) -> Snapshot {
    let entry = |role: &&str| {
        let (name, group) = role.split_once('=').unwrap_or((role, "devs"));
        format!("- rolearn: {ACCOUNT}{name}\n  username: {name}\n  groups: [\"{group}\"]\n")
    };
    let text: String = roles.iter().map(entry).collect();
    Snapshot {
        data: [("mapRoles".to_owned(), text.into())].into(),
        ..Snapshot::default()
    }
}

/// Plans to change one list of roles into another.
fn plan(before: &[&str], after: &[&str], facts: &Facts, allow: Allowed) -> Plan {
    let request = Request {
        contents: Some(Contents::of(&snapshot(after))),
        facts: facts.clone(),
        allow,
        ..Request::default()
    };
    Plan::new(&snapshot(before), &request).unwrap()
}

fn refused(before: &[&str], after: &[&str], facts: &Facts) -> Vec<&'static str> {
    let plan = plan(before, after, facts, Allowed::default());
    let refusals = plan.refusals.iter();
    refusals.map(|refusal| refusal.guard.reason()).collect()
}

fn user(username: &str, groups: &[&str]) -> User {
    User {
        username: username.to_owned(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
    }
}

/// Returns facts with a caller who has these groups and signed in with this role, if any.
fn caller(username: &str, groups: &[&str], role: Option<&str>) -> Facts {
    let session = |role| format!("arn:aws:sts::111122223333:assumed-role/{role}/s");
    Facts {
        caller: Known::Is(Caller {
            user: user(username, groups),
            arn: role.map(session),
            ..Caller::default()
        }),
        ..Facts::default()
    }
}

#[test]
fn removals_of_more_than_three_a_third_or_a_whole_section_are_refused() {
    let removes = |of: usize, removed: usize| {
        let names: Vec<String> = (0..of).map(|number| format!("r{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        refused(&names, &names[removed..], &Facts::default())
    };
    for (of, removed) in [(1, 1), (3, 1), (10, 3), (7, 2), (20, 0)] {
        assert!(removes(of, removed).is_empty(), "{removed} of {of}");
    }
    for (of, removed) in [(2, 2), (6, 2), (9, 3), (100, 4)] {
        assert_eq!(removes(of, removed), ["mass-removal"], "{removed} of {of}");
    }
    let only = |removals| Allowed {
        removals: Some(removals),
        ..Allowed::default()
    };
    let (all, facts) = (["a", "b", "c"], Facts::default());
    assert!(plan(&all, &[], &facts, only(3)).refusals.is_empty());
    let less = plan(&all, &[], &facts, only(2));
    assert!(less.refusals[0].message.contains("3 of 3"), "{less:?}");
    // Only two entries of a large aws-auth, but all entries of mapUsers.
    let users = |text: &str| {
        let names: Vec<String> = (0..20).map(|number| format!("r{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut snapshot = snapshot(&names);
        snapshot.data.insert("mapUsers".to_owned(), text.into());
        snapshot
    };
    let two = "- {userarn: 'arn:aws:iam::111122223333:user/a', username: a, groups: [g]}\n- {userarn: 'arn:aws:iam::111122223333:user/b', username: b, groups: [g]}\n";
    let request = Request {
        contents: Some(Contents::of(&users("[]\n"))),
        ..Request::default()
    };
    let emptied = Plan::new(&users(two), &request).unwrap();
    assert_eq!(emptied.refusals.len(), 1, "{emptied:?}");
}

#[test]
fn selected_removals_count_as_those_that_the_user_did_not_name() {
    let names = ["a", "b", "c", "d", "e"];
    let unmap = |name: &&str| Edit::Unmap {
        principal: Principal::Role(format!("{ACCOUNT}{name}")),
        only_line: None,
    };
    let refused = |is_selection| {
        let request = Request {
            edits: names.iter().take(2).map(unmap).collect(),
            is_selection,
            ..Request::default()
        };
        reasons(&Plan::new(&snapshot(&names), &request).unwrap())
    };
    assert_eq!(refused(true), ["mass-removal"]);
    assert!(refused(false).is_empty());
}

#[test]
fn principal_that_both_stores_have_counts_once() {
    let remove = |roles: &[&str], entries: &[&str]| {
        let remove_entries: Vec<_> = entries.iter().map(|&name| (name, None)).collect();
        let entries: Vec<_> = entries
            .iter()
            .map(|name| entry(name, &["devs"], None))
            .collect();
        let of_entries = plan_entries(
            &["x", "y", "z"],
            &entries,
            &remove_entries,
            &Facts::default(),
        );
        let unmap = |name: &&str| Edit::Unmap {
            principal: Principal::Role(format!("{ACCOUNT}{name}")),
            only_line: None,
        };
        let request = Request {
            edits: roles.iter().map(unmap).collect(),
            is_selection: true,
            pruned_entries: entries
                .iter()
                .map(|entry| entry.principal_arn.clone())
                .collect(),
            access_entries: of_entries.entries_before().cloned(),
            entry_changes: of_entries.entry_changes,
            ..Request::default()
        };
        let plan = Plan::new(&snapshot(&["x", "y", "z"]), &request).unwrap();
        plan.refusals.first().map(|refusal| refusal.message.clone())
    };
    assert_eq!(remove(&["x"], &["x"]), None);
    let refused = remove(&["x"], &["x", "w"]).expect("a refusal");
    assert!(refused.starts_with("2 of 4 mappings"), "{refused}");
}

#[test]
fn mapping_that_may_only_be_created_is_not_changed() {
    let map = |name: &str, group: &str| Edit::Map {
        principal: Principal::Role(format!("{ACCOUNT}{name}")),
        username: Some(name.to_owned()),
        groups: Groups::Set(vec![group.to_owned()]),
    };
    let edits = [map("a", "devs"), map("b", "ops"), map("new", "ops")];
    let plan = |names: &[&str]| {
        let arns = names.iter().map(|name| format!("{ACCOUNT}team/{name}"));
        let request = Request {
            edits: edits.to_vec(),
            create_only: arns.map(Principal::Role).collect(),
            ..Request::default()
        };
        Plan::new(&snapshot(&["a", "b"]), &request).unwrap()
    };
    let refused = plan(&["a", "b", "new"]);
    assert_eq!(reasons(&refused), ["already-mapped"]);
    assert_eq!(
        refused.refusals[0].message,
        format!("{ACCOUNT}b is already mapped otherwise, to user b in devs (mapRoles line 4)")
    );
    assert_eq!(refused.refusals[0].allow, None);
    assert!(plan(&["a", "new"]).refusals.is_empty());

    let facts = Facts::default();
    let (was, is) = (entry("a", &["devs"], None), entry("a", &["ops"], None));
    let request = |change| Request {
        access_entries: Some(Arc::new(AccessEntries::new(
            AuthenticationMode::Api,
            Some(vec![was.clone()]),
        ))),
        entry_changes: vec![change],
        create_only: vec![Principal::Role(format!("{ACCOUNT}a"))],
        facts: facts.clone(),
        ..Request::default()
    };
    for (after, expected) in [(&is, &["already-mapped"][..]), (&was, &[])] {
        let change = EntryChange {
            principal_arn: was.principal_arn.clone(),
            before: was.terms.clone(),
            after: after.terms.clone(),
        };
        let plan = Plan::new(&Snapshot::default(), &request(change)).unwrap();
        assert_eq!(reasons(&plan), expected);
    }
}

#[test]
fn entry_with_another_user_than_expected_is_not_removed() {
    let text = format!(
        "[{{rolearn: '{ACCOUNT}a', username: x, groups: [g]}}, {{rolearn: '{ACCOUNT}b', username: 'y', groups: [g, h]}}]"
    );
    let stored = Snapshot {
        data: [("mapRoles".to_owned(), text.into())].into(),
        ..Snapshot::default()
    };
    let refused = |name: &str, username: Option<&str>, groups: &[&str]| {
        let request = Request {
            edits: vec![Edit::Unmap {
                principal: Principal::Role(format!("{ACCOUNT}{name}")),
                only_line: None,
            }],
            expected: Some(ExpectedUser {
                username: username.map(str::to_owned),
                groups: groups.iter().map(|&group| group.to_owned()).collect(),
            }),
            ..Request::default()
        };
        let plan = Plan::new(&stored, &request).unwrap();
        plan.refusals
            .into_iter()
            .next()
            .map(|refusal| refusal.message)
    };
    assert_eq!(refused("a", Some("x"), &["g"]), None);
    assert_eq!(refused("b", None, &["h"]), None);
    assert_eq!(refused("none", Some("x"), &["g"]), None);
    let is = |name, user| {
        Some(format!(
            "{ACCOUNT}{name} is not as expected: it is user {user} (mapRoles line 1)"
        ))
    };
    assert_eq!(refused("a", Some("y"), &[]), is("a", "x in g"));
    assert_eq!(refused("b", Some("y"), &["i"]), is("b", "y in g, h"));
}

#[test]
fn caller_with_access_by_aws_auth_is_not_locked_out() {
    let (before, after) = (["ops", "dev"], ["dev"]);
    let ops = caller("ops", &["devs", "system:authenticated"], Some("ops"));
    assert_eq!(refused(&before, &after, &ops), ["self-lockout"]);
    assert!(refused(&before, &["ops", "new"], &ops).is_empty());
    // The order of entries does not matter.
    assert!(!plan(&before, &["dev", "ops"], &ops, Allowed::default()).changes_caller);
    // The caller does not sign in through aws-auth: the username or groups differ from its entry, or it is not an AWS identity.
    for facts in [
        caller("kubernetes-admin", &["system:masters"], Some("ops")),
        caller("ops", &["others"], Some("ops")),
        caller("ops", &["devs"], None),
        Facts::default(),
    ] {
        assert!(refused(&before, &after, &facts).is_empty(), "{facts:?}");
    }
    let allowed = Allowed {
        self_lockout: true,
        ..Allowed::default()
    };
    let plan = plan(&before, &after, &ops, allowed);
    assert!(plan.refusals.is_empty() && plan.changes_caller);
}

#[test]
fn permission_of_the_callers_new_user_is_requested() {
    let (before, after) = (["ops=admins"], ["ops=writers"]);
    let mut facts = caller("ops", &["admins"], Some("ops"));
    let with = |facts: &Facts| plan(&before, &after, facts, Allowed::default());
    let becomes = user("ops", &["writers"]);
    assert_eq!(
        with(&facts).open_questions,
        [OpenQuestion::MayUpdate(becomes.clone())]
    );
    for (answer, refusals, notices) in [
        (Known::Is(true), 0, 0),
        (Known::Is(false), 1, 0),
        (
            Known::Unknown {
                needs: "x".to_owned(),
            },
            0,
            1,
        ),
    ] {
        facts.may_update = vec![(becomes.clone(), answer)];
        let plan = with(&facts);
        assert!(plan.open_questions.is_empty());
        assert_eq!(
            (plan.refusals.len(), plan.notices.len()),
            (refusals, notices),
            "{plan:?}"
        );
    }
    // For a user who can do everything, no request is needed.
    let masters = ["ops=system:masters"];
    assert!(
        plan(&before, &masters, &facts, Allowed::default())
            .open_questions
            .is_empty()
    );
}

#[test]
fn unknown_caller_is_reported_if_an_identity_loses_access() {
    let facts = Facts {
        caller: Known::Unknown {
            needs: "x".to_owned(),
        },
        ..Facts::default()
    };
    let notices = |before: &[&str], after: &[&str]| {
        plan(before, after, &facts, Allowed::default())
            .notices
            .len()
    };
    assert_eq!(notices(&["a", "b"], &["a"]), 1);
    assert_eq!(notices(&["a"], &["a", "b"]), 0);
}

#[test]
fn removal_of_the_last_administrator_is_refused() {
    let (before, after) = (["ops=system:masters", "dev"], ["dev"]);
    let unknown = Facts::default();
    assert_eq!(refused(&before, &after, &unknown), ["last-admin"]);
    let less = ["ops=devs", "dev"];
    assert_eq!(refused(&before, &less, &unknown), ["last-admin"]);
    // A role with a path matches no caller, and an entry for nodes is not for an administrator.
    let path = ["team/ops=system:masters", "dev"];
    assert!(refused(&before, &path, &unknown).contains(&"last-admin"));
    // Neither is a role of Identity Center without its suffix, a role of an invalid account, or a username that only an instance can have.
    let cut = [
        "AWSReservedSSO_Admin_0123456789abcdef=system:masters",
        "dev",
    ];
    assert!(refused(&before, &cut, &unknown).is_empty());
    let cut = ["AWSReservedSSO_Admin=system:masters", "dev"];
    assert!(refused(&before, &cut, &unknown).contains(&"last-admin"));
    for (what, instead) in [
        ("111122223333", "1111"),
        ("username: ops", "username: '{{EC2PrivateDNSName}}'"),
    ] {
        let mut kept = snapshot(&before);
        let text = kept.data["mapRoles"].replace(what, instead);
        kept.data.insert("mapRoles".to_owned(), text.into());
        let request = Request {
            contents: Some(Contents::of(&kept)),
            ..Request::default()
        };
        let plan = Plan::new(&snapshot(&before), &request).unwrap();
        let mut refusals = plan.refusals.iter();
        assert!(
            refusals.any(|refusal| refusal.guard == Guard::LastAdmin),
            "{plan:?}"
        );
    }
    // A cluster without a known administrator cannot lose the last one.
    assert!(refused(&["ops", "dev"], &after, &unknown).is_empty());
    let bound = |name: &str| Facts {
        admins: Known::Is(Admins {
            groups: [name.to_owned()].into(),
            ..Admins::default()
        }),
        ..Facts::default()
    };
    assert!(refused(&before, &after, &bound("devs")).is_empty());
    assert_eq!(refused(&before, &after, &bound("others")), ["last-admin"]);
    // The caller is an administrator independently of aws-auth.
    let creator = caller("kubernetes-admin", &["system:masters"], None);
    assert!(refused(&before, &after, &creator).is_empty());
    // The bindings are requested only if the caller, and therefore an API server, is known.
    let mut reader = caller("reader", &["readers"], None);
    let asks = plan(&before, &after, &reader, Allowed::default());
    assert_eq!(
        (asks.refusals, asks.open_questions),
        (vec![], vec![OpenQuestion::Admins])
    );
    reader.admins = Known::Is(Admins::default());
    assert_eq!(refused(&before, &after, &reader), ["last-admin"]);
    let allowed = Allowed {
        no_admin: true,
        ..Allowed::default()
    };
    let plan = plan(&before, &after, &unknown, allowed);
    assert!(plan.refusals.is_empty() && plan.leaves_no_admin);
}

#[test]
fn new_administrators_are_reported() {
    let facts = Facts {
        admins: Known::Is(Admins {
            users: ["root".to_owned()].into(),
            groups: ["admins".to_owned()].into(),
        }),
        ..Facts::default()
    };
    let granted = |before: &[&str], after: &[&str]| {
        let plan = plan(before, after, &facts, Allowed::default());
        let notices = plan.notices.into_iter().filter_map(|notice| match notice {
            Notice::Granted { what, .. } => Some(what),
            _ => None,
        });
        notices.collect::<Vec<_>>()
    };
    assert_eq!(
        granted(&[], &["a=system:masters", "b=admins", "root", "c"]),
        [
            "becomes cluster admin by group system:masters",
            "becomes cluster admin by group admins, which is bound to cluster-admin",
            "becomes cluster admin by username root, which is bound to cluster-admin",
        ]
    );
    assert!(granted(&["a=admins"], &["a=system:masters"]).is_empty());
}

#[test]
fn replan_reuses_findings_and_updates_their_positions() {
    let edit = Edit::Map {
        principal: Principal::Role(format!("{ACCOUNT}new")),
        username: Some("new".to_owned()),
        groups: Groups::Set(vec!["{{SessionName}}".to_owned()]),
    };
    let request = Request {
        edits: vec![edit],
        ..Request::default()
    };
    let line = |plan: &Plan| match &plan.findings[0].site {
        Site::Text(text) => text.start.line,
        Site::Key(_) | Site::File(_) | Site::ConfigMap => 0,
    };
    let first = Plan::new(&snapshot(&["a"]), &request).unwrap();
    let (more, same) = (snapshot(&["a", "b"]), snapshot(&["a", "new"]));
    let again = first.replan(&more, &request).unwrap();
    let whole = Plan::new(&more, &request).unwrap();
    assert_eq!(again.refusals.len(), 1);
    assert!(line(&again) != line(&whole));
    assert_eq!(line(&again.with_located_findings(None)), line(&whole));
    // Another client has mapped the role in the meantime: the outcome of the edit differs, so the findings are not reused.
    let changed = first.replan(&same, &request).unwrap();
    assert_eq!(line(&changed), line(&Plan::new(&same, &request).unwrap()));
}

#[test]
fn replan_of_a_changed_entry_has_new_findings() {
    let request = Request {
        edits: vec![Edit::Map {
            principal: Principal::Role(format!("{ACCOUNT}new")),
            username: None,
            groups: Groups::Adjust {
                add: vec!["more".to_owned()],
                remove: Vec::new(),
            },
        }],
        ..Request::default()
    };
    let named = |username: &str| {
        let entry = format!("- {{rolearn: '{ACCOUNT}new', username: '{username}', groups: []}}\n");
        Snapshot {
            data: [("mapRoles".to_owned(), entry.into())].into(),
            ..Snapshot::default()
        }
    };
    let first = Plan::new(&named("new"), &request).unwrap();
    assert!(first.refusals.is_empty(), "{first:?}");
    // Another client has changed the username to one with which no caller can sign in.
    let other = named("{{EC2PrivateDNSName}}");
    let again = first.replan(&other, &request).unwrap();
    assert_eq!(
        again.refusals,
        Plan::new(&other, &request).unwrap().refusals
    );
    assert_eq!(again.refusals.len(), 1);
}

#[test]
fn replan_keeps_how_the_caller_signed_in() {
    let ops = caller("ops", &["system:masters"], Some("ops"));
    let request = |after: &[&str]| Request {
        contents: Some(Contents::of(&snapshot(after))),
        facts: ops.clone(),
        ..Request::default()
    };
    let masters = ["ops=system:masters", "dev"];
    let first = Plan::new(&snapshot(&masters), &request(&masters)).unwrap();
    assert!(first.refusals.is_empty());
    // Another client has changed the caller's entry.
    let changed = snapshot(&["ops=others", "dev"]);
    let again = first.replan(&changed, &request(&["dev"])).unwrap();
    let again: Vec<_> = again
        .refusals
        .iter()
        .map(|refusal| refusal.guard.reason())
        .collect();
    assert_eq!(again, ["self-lockout"]);
    // A caller who did not sign in through aws-auth still does not.
    let first = Plan::new(&changed, &request(&["dev"])).unwrap();
    let again = first
        .replan(&snapshot(&masters), &request(&["dev"]))
        .unwrap();
    assert!(again.refusals.is_empty() && !again.changes_caller);
}

/// If entries differ by more than ASCII case, the authenticator picks any of them.
#[test]
fn caller_whose_logins_are_sometimes_refused_has_access() {
    let entry = |role: &str, username: &str| {
        format!("- {{rolearn: '{ACCOUNT}{role}', username: '{username}', groups: [devs]}}\n")
    };
    let snapshot = |text: String| Snapshot {
        data: [("mapRoles".to_owned(), text.into())].into(),
        ..Snapshot::default()
    };
    let both = entry("ops", "ops") + &entry("op\u{17f}", "{{EC2PrivateDNSName}}");
    let mut ops = caller("ops", &["devs"], Some("ops"));
    if let Known::Is(caller) = &mut ops.caller {
        caller.session_name = Some("s".to_owned());
    }
    let refused = |after: &str| {
        let request = Request {
            contents: Some(Contents::of(&snapshot(after.to_owned()))),
            facts: ops.clone(),
            ..Request::default()
        };
        let plan = Plan::new(&snapshot(both.clone()), &request).unwrap();
        plan.refusals
            .iter()
            .any(|refusal| refusal.guard == Guard::SelfLockout)
    };
    assert!(refused("[]\n"));
    assert!(!refused(&(both.clone() + &entry("dev", "dev"))));
}

/// Returns an access entry of the role with this name, whose username is the name.
fn entry(name: &str, groups: &[&str], policy: Option<&str>) -> AccessEntry {
    let policies = policy.iter().map(|policy| AccessPolicy {
        arn: format!("arn:aws:eks::aws:cluster-access-policy/{policy}"),
        scope: AccessScope::Cluster,
    });
    AccessEntry {
        principal_arn: format!("{ACCOUNT}{name}"),
        terms: Some(AccessTerms {
            username: Some(name.to_owned()),
            groups: user("", groups).groups,
            policies: Some(policies.collect()),
            ..AccessTerms::default()
        }),
    }
}

/// Plans to change access entries of a cluster with these roles in aws-auth.
fn plan_entries(
    roles: &[&str],
    before: &[AccessEntry],
    changes: &[(&str, Option<AccessEntry>)],
    facts: &Facts,
) -> Plan {
    let entries = AccessEntries::new(AuthenticationMode::ApiAndConfigMap, Some(before.to_vec()));
    let changes = changes.iter().map(|(name, after)| {
        let principal_arn = format!("{ACCOUNT}{name}");
        let mut before = before.iter();
        let before = before.find(|entry| entry.principal_arn == principal_arn);
        EntryChange {
            before: before.and_then(|entry| entry.terms.clone()),
            after: after.as_ref().and_then(|entry| entry.terms.clone()),
            principal_arn,
        }
    });
    let request = Request {
        access_entries: Some(Arc::new(entries)),
        entry_changes: changes.collect(),
        facts: facts.clone(),
        ..Request::default()
    };
    Plan::new(&snapshot(roles), &request).unwrap()
}

fn reasons(plan: &Plan) -> Vec<&'static str> {
    let refusals = plan.refusals.iter();
    refusals.map(|refusal| refusal.guard.reason()).collect()
}

#[test]
fn access_by_both_stores_is_compared() {
    let facts = Facts::default();
    // The entry hides aws-auth, and its deletion makes aws-auth apply again.
    let moved = [(
        "dev",
        Some(entry("dev", &["devs"], Some("AmazonEKSViewPolicy"))),
    )];
    let plan = plan_entries(&["dev", "ops"], &[], &moved, &facts);
    let [change] = plan.access() else {
        panic!("{plan:?}");
    };
    assert_eq!(change.before, [user("dev", &["devs"])]);
    assert_eq!(change.after, [user("dev", &["devs"])]);
    assert_eq!(
        (change.policies_before.len(), change.policies_after.len()),
        (0, 1)
    );
    assert!(plan.is_change() && !plan.changes_aws_auth());

    let same = entry("dev", &["devs"], None);
    let plan = plan_entries(
        &["dev"],
        std::slice::from_ref(&same),
        &[("dev", None)],
        &facts,
    );
    assert!(
        plan.access().is_empty() && plan.changes_entries(),
        "{plan:?}"
    );
    let plan = plan_entries(&["ops"], &[same], &[("dev", None)], &facts);
    assert!(plan.access()[0].after.is_empty());
}

#[test]
fn administrators_count_wherever_their_rights_are_from() {
    const ADMIN: &str = "AmazonEKSClusterAdminPolicy";
    let facts = Facts::default();
    let admin = entry("admin", &[], Some(ADMIN));
    let remove = [("admin", None)];
    let only = plan_entries(&["dev"], std::slice::from_ref(&admin), &remove, &facts);
    assert_eq!(reasons(&only), ["last-admin"]);
    let by_aws_auth = plan_entries(
        &["x=system:masters"],
        std::slice::from_ref(&admin),
        &remove,
        &facts,
    );
    assert!(reasons(&by_aws_auth).is_empty());
    let other = entry("other", &[], Some(ADMIN));
    let by_entry = plan_entries(&[], &[admin.clone(), other.clone()], &remove, &facts);
    assert!(reasons(&by_entry).is_empty());
    let both = [("admin", None), ("other", None)];
    let both = plan_entries(&[], &[admin.clone(), other], &both, &facts);
    assert_eq!(reasons(&both), ["last-admin"]);
    // An entry that hides the last administrator of aws-auth.
    let hidden = [("x", Some(entry("x", &["devs"], None)))];
    let hidden = plan_entries(&["x=system:masters"], &[], &hidden, &facts);
    assert_eq!(reasons(&hidden), ["last-admin"]);
    // The contents of the other entries decide.
    let unknown = AccessEntry {
        principal_arn: format!("{ACCOUNT}unknown"),
        terms: None,
    };
    let plan = plan_entries(&[], &[admin.clone(), unknown.clone()], &remove, &facts);
    assert_eq!(plan.open_questions, [OpenQuestion::AccessEntryOfAdmin]);
    let asked = Facts {
        access_entry_of_admin: Known::Is(true),
        ..facts
    };
    let plan = plan_entries(&[], &[admin, unknown], &remove, &asked);
    assert_eq!(reasons(&plan), ["last-admin"]);
}

#[test]
fn caller_with_an_access_entry_is_not_locked_out() {
    const ADMIN: &str = "AmazonEKSClusterAdminPolicy";
    let me = entry("me", &[], Some(ADMIN));
    let other = entry("other", &[], Some(ADMIN));
    let facts = caller("me", &[], Some("me"));
    let before = [me, other];
    let change = |after: Option<AccessEntry>| plan_entries(&[], &before, &[("me", after)], &facts);
    let removed = change(None);
    assert_eq!(reasons(&removed), ["self-lockout"]);
    assert!(removed.changes_caller);
    let reduced = change(Some(entry("me", &["devs"], None)));
    let may_update = OpenQuestion::MayUpdate(user("me", &["devs"]));
    assert!(reduced.open_questions.contains(&may_update));
    let renamed = change(Some(entry("you", &[], Some(ADMIN))));
    assert!(renamed.changes_caller && reasons(&renamed).is_empty());
    let same = change(Some(entry("me", &[], Some(ADMIN))));
    assert!(!same.changes_caller && !same.is_change());
    // A caller of aws-auth whose new entry has another group.
    let facts = caller("me", &["devs"], Some("me"));
    let moved = [("me", Some(entry("me", &["ops"], None)))];
    let moved = plan_entries(&["me"], &[], &moved, &facts);
    assert!(moved.changes_caller);
}

#[test]
fn nodes_count_wherever_their_entry_is() {
    let facts = Facts::default();
    let node = |name: &str| AccessEntry {
        principal_arn: format!("{ACCOUNT}{name}"),
        terms: Some(AccessTerms {
            kind: "EC2_LINUX".to_owned(),
            policies: Some(Vec::new()),
            ..AccessTerms::default()
        }),
    };
    let deleted = plan_entries(&[], &[node("n")], &[("n", None)], &facts);
    assert_eq!(reasons(&deleted), ["node-guard"]);
    assert_eq!(
        deleted.refusals[0].allow,
        Some(format!("--allow-node-entry {ACCOUNT}n"))
    );
    let text = format!(
        "- rolearn: {ACCOUNT}n\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n  groups: [system:bootstrappers, system:nodes]\n"
    );
    let mapped = Snapshot {
        data: [("mapRoles".to_owned(), text.into())].into(),
        ..Snapshot::default()
    };
    let plan = |entries: Vec<AccessEntry>, after: Option<AccessEntry>| {
        let before = entries.first().and_then(|entry| entry.terms.clone());
        let entries = AccessEntries::new(AuthenticationMode::ApiAndConfigMap, Some(entries));
        let request = Request {
            access_entries: Some(Arc::new(entries)),
            entry_changes: vec![EntryChange {
                principal_arn: format!("{ACCOUNT}n"),
                before,
                after: after.and_then(|entry| entry.terms),
            }],
            ..Request::default()
        };
        Plan::new(&mapped, &request).unwrap()
    };
    assert!(
        reasons(&plan(vec![node("n")], None)).is_empty(),
        "aws-auth lets them in"
    );
    assert!(reasons(&plan(Vec::new(), Some(node("n")))).is_empty());
    let hidden = plan(Vec::new(), Some(entry("n", &["devs"], None)));
    assert_eq!(reasons(&hidden), ["node-guard"]);
}

/// Plans to change one list of roles into another, together with access entries that are created or deleted.
fn plan_both(
    roles: [&[&str]; 2],
    before: &[AccessEntry],
    changes: &[(&str, Option<AccessEntry>)],
    facts: &Facts,
) -> Plan {
    let of_entries = plan_entries(roles[0], before, changes, facts);
    let request = Request {
        contents: Some(Contents::of(&snapshot(roles[1]))),
        access_entries: of_entries.entries_before().cloned(),
        entry_changes: of_entries.entry_changes,
        facts: facts.clone(),
        ..Request::default()
    };
    Plan::new(&snapshot(roles[0]), &request).unwrap()
}

#[test]
fn access_is_given_before_it_is_taken() {
    const ADMIN: &str = "AmazonEKSClusterAdminPolicy";
    let facts = Facts::default();
    let stages = |plan: &Plan| {
        let operations = plan.operations();
        operations.map(|calls| {
            let calls = calls.iter();
            let calls = calls.map(|call| call.permission().replace("eks:", ""));
            calls.collect::<Vec<_>>().join(" ")
        })
    };
    // To an access entry, and back.
    let admin = entry("x", &[], Some(ADMIN));
    let to_entry = [("x", Some(admin.clone()))];
    let plan = plan_both([&["x=system:masters"], &[]], &[], &to_entry, &facts);
    assert_eq!(
        stages(&plan),
        ["CreateAccessEntry AssociateAccessPolicy", ""]
    );
    assert!(reasons(&plan).is_empty(), "{:?}", plan.refusals);
    let back = [&[][..], &["x=system:masters"]];
    let plan = plan_both(back, std::slice::from_ref(&admin), &[("x", None)], &facts);
    assert_eq!(stages(&plan), ["", "DeleteAccessEntry"]);
    assert!(reasons(&plan).is_empty(), "{:?}", plan.refusals);
    // A change that gives and takes is made last, unless the guards refuse that.
    let before = entry("y", &["ops"], None);
    let changes = [("y", Some(entry("y", &["devs"], Some(ADMIN))))];
    let roles = [&["x=system:masters", "dev"][..], &["x=system:masters"]];
    let plan = plan_both(roles, std::slice::from_ref(&before), &changes, &facts);
    assert_eq!(
        stages(&plan),
        ["", "AssociateAccessPolicy UpdateAccessEntry"]
    );
    let plan = plan_both([&["x=system:masters"], &[]], &[before], &changes, &facts);
    assert_eq!(
        stages(&plan),
        [
            "AssociateAccessPolicy UpdateAccessEntry",
            "UpdateAccessEntry"
        ]
    );
    assert!(reasons(&plan).is_empty(), "{:?}", plan.refusals);
}

#[test]
fn guards_judge_the_states_between_two_calls() {
    let facts = Facts::default();
    // The new entry hides the only administrator, before aws-auth gets another one.
    let hidden = [("x", Some(entry("x", &["devs"], None)))];
    let roles = [
        &["x=system:masters"][..],
        &["x=system:masters", "y=system:masters"],
    ];
    let plan = plan_both(roles, &[], &hidden, &facts);
    assert_eq!(reasons(&plan), ["lint-regression", "last-admin"]);
    let message = &plan.refusals[1].message;
    assert!(
        message.starts_with("between the first call and the last one: "),
        "{message}"
    );
    // The state after the plan is refused once.
    let roles = [&["x=system:masters"][..], &["x=system:masters", "y"]];
    let plan = plan_both(roles, &[], &hidden, &facts);
    assert_eq!(reasons(&plan), ["lint-regression", "last-admin"]);
    let message = &plan.refusals[1].message;
    assert!(!message.contains("between"), "{message}");
}

#[test]
fn principal_that_moves_to_an_access_entry_is_not_removed() {
    let facts = Facts::default();
    let roles = [&["a", "b", "c=system:masters"][..], &["c=system:masters"]];
    let moved = ["a", "b"].map(|name| (name, Some(entry(name, &["devs"], None))));
    assert!(reasons(&plan_both(roles, &[], &moved, &facts)).is_empty());
    assert_eq!(
        reasons(&plan_both(roles, &[], &[], &facts)),
        ["mass-removal"]
    );
}

#[test]
fn administrator_that_iam_does_not_have_does_not_count() {
    const ADMIN: &str = "AmazonEKSClusterAdminPolicy";
    let dead = entry("dead", &[], Some(ADMIN));
    let entries = [dead.clone(), entry("admin", &[], Some(ADMIN))];
    let facts = caller("other", &[], None);
    let facts = Facts {
        admins: Known::Is(Admins::default()),
        ..facts
    };
    let remove = [("admin", None)];
    let plan = plan_entries(&[], &entries, &remove, &facts);
    assert_eq!(
        plan.open_questions,
        [OpenQuestion::LivingPrincipal(vec![dead.clone()])]
    );
    assert!(plan.takes_admin);
    let answered = |answer| {
        let facts = Facts {
            living_principals: vec![(dead.principal_arn.clone(), answer)],
            ..facts.clone()
        };
        plan_entries(&[], &entries, &remove, &facts)
    };
    assert!(answered(Known::Is(true)).is_allowed());
    let refused = answered(Known::Is(false));
    assert_eq!(reasons(&refused), ["last-admin"]);
    let message = &refused.refusals[0].message;
    assert!(
        message.contains("the access entry of arn:aws:iam::111122223333:role/dead is older"),
        "{message}"
    );
    let unknown = answered(Known::Unknown {
        needs: "iam:GetRole".to_owned(),
    });
    assert!(unknown.is_allowed());
    assert_eq!(
        unknown.notices,
        [Notice::NotChecked {
            what: "whether IAM still has arn:aws:iam::111122223333:role/dead, which is the last known administrator".to_owned(),
            needs: "iam:GetRole".to_owned(),
        }]
    );
    // The caller's own entry is alive.
    let ops = Facts {
        caller: caller("dead", &[], Some("dead")).caller,
        ..facts.clone()
    };
    assert!(plan_entries(&[], &entries, &remove, &ops).is_allowed());
}

#[test]
fn stored_state_is_judged_after_a_plan() {
    let facts = Facts::default();
    let entries = [entry("a", &[], Some("AmazonEKSClusterAdminPolicy"))];
    let known = |all: &[AccessEntry]| {
        AccessEntries::new(AuthenticationMode::ApiAndConfigMap, Some(all.to_vec()))
    };
    let plan = plan_both([&["x=system:masters"], &[]], &entries, &[], &facts);
    assert!(reasons(&plan).is_empty() && plan.takes_admin);
    let check = |roles: &[&str], all: &[AccessEntry]| {
        let document = Document::read(&snapshot(roles).data);
        let checked = plan.check_stored(&document, &known(all), &facts, &Allowed::default());
        checked.0.map(|refusal| refusal.guard.reason())
    };
    assert_eq!(check(&[], &entries), None);
    assert_eq!(check(&["y=system:masters"], &[]), None);
    assert_eq!(check(&["y"], &[]), Some("last-admin"));
}
