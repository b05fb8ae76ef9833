//! One rule after the other.

use std::sync::Arc;

use awsauth::document::Principal;
use awsauth::effect::AccessEntries;
use awsauth::facts::access_entries::AccessEntry;
use awsauth::facts::auth_mode::AuthenticationMode;
use awsauth::reconcile::{DeletionPolicy, DriftPolicy, Object, Reason, Spec};

use super::world::{CONFIG, Crash, World, entry, node_entry, role, spec};

#[test]
fn what_objects_ask_for_comes_into_aws_auth_and_goes_with_them() {
    let theirs = format!("# ours\n{}", entry("ops", "ops", &["admins"]));
    let mut world = World::new(CONFIG, &theirs).with("a", spec("a", "alice", &["dev", "view-x"]));
    let told = world.look();
    assert_eq!(
        told,
        [format!(
            "Applied a: aws-auth lets in {} as user alice with groups dev, view-x",
            role("a")
        )]
    );
    let object = world.object("a");
    assert!(object.has_finalizer && object.status.pending.is_empty());
    assert_eq!(object.status.observed_generation, Some(1));
    assert_eq!(
        object.status.canonical_arn.as_deref(),
        Some(role("a").as_str())
    );
    let recorded = object.status.entry.as_ref().unwrap();
    assert_eq!(
        (recorded.key.as_str(), recorded.username.as_str()),
        (role("a").as_str(), "alice")
    );
    assert_eq!(object.status.conditions.len(), 1);
    assert!(object.status.conditions[0].is_true);
    assert!(world.text("mapRoles").starts_with(&theirs));
    let since = object.status.conditions[0].since;
    world.pass(100);
    world.change("a", |spec| spec.groups.truncate(1));
    world.look();
    assert_eq!(world.meaning()[&role("a")][0].groups, ["dev"]);
    assert!(
        world.object("a").status.conditions[0].since > since,
        "it was not ready in between"
    );
    world.delete("a");
    assert_eq!(
        world.look(),
        [format!(
            "Removed a: the entry of {} was removed from aws-auth",
            role("a")
        )]
    );
    assert_eq!(world.text("mapRoles"), theirs);
    assert_eq!((world.objects.len(), world.writes), (0, 3));
}

#[test]
fn what_nobody_can_sign_in_as_is_mended_or_refused_with_what_to_write() {
    let arn = |resource: &str| format!("arn:aws:iam::111122223333:{resource}");
    let of = |principal| Spec {
        principal,
        ..spec("x", "u", &["dev"])
    };
    let mut world = World::new(CONFIG, "").with("pathed", of(Principal::Role(arn("role/team/a"))));
    world.create("user", of(Principal::User(arn("user/team/bob"))));
    world.look();
    assert_eq!(world.object("pathed").status.canonical_arn, Some(role("a")));
    assert!(world.meaning().contains_key(&role("a")));
    assert!(
        world.meaning().contains_key(&arn("user/team/bob")),
        "users keep their path"
    );
    for (principal, said) in [
        (
            Principal::Role("arn:aws:sts::111122223333:assumed-role/b/s".to_owned()),
            "write arn:aws:iam::111122223333:role/b in spec.role",
        ),
        (
            Principal::Role(arn("role/*")),
            "not the ARN of a role that can sign in",
        ),
        (Principal::Role(arn("user/bob")), "not the ARN of a role"),
        (Principal::User(arn("role/bob")), "write it in spec.role"),
        (
            Principal::Role("team".to_owned()),
            "\"team\" is not the ARN of a role",
        ),
        (
            Principal::Account("1111".to_owned()),
            "write its twelve digits",
        ),
        (
            Principal::Account("111122223333".to_owned()),
            "set wholeAccounts: true",
        ),
    ] {
        let mut world = World::new(CONFIG, "")
            .with("a", of(principal.clone()))
            .with("b", spec("ok", "u", &[]));
        world.look();
        let (reason, message) = world.said("a");
        assert!(
            reason == Reason::Refused && message.contains(said),
            "{principal:?}: {message}"
        );
        assert_eq!(world.reason("b"), Reason::Applied);
        assert_eq!(world.meaning().len(), 1);
    }
    for spec in [
        spec("a", "", &[]),
        spec("a", " u", &[]),
        spec("a", "u", &["dev", ""]),
        Spec {
            username: None,
            ..spec("a", "u", &[])
        },
    ] {
        let mut world = World::new(CONFIG, "").with("a", spec);
        world.look();
        assert_eq!((world.reason("a"), world.writes), (Reason::Refused, 0));
    }
}

#[test]
fn the_older_object_wins_and_the_younger_takes_over_in_one_write() {
    let mut world = World::new(CONFIG, "")
        .with("old", spec("a", "old", &[]))
        .with("young", spec("A", "young", &[]));
    world.look();
    assert_eq!(world.meaning()[&role("a")][0].username, "old");
    let (reason, message) = world.said("young");
    assert!(
        reason == Reason::Conflict && message.contains("older AwsAuthMapping old"),
        "{message}"
    );
    assert!(!world.object("young").has_finalizer);
    world.delete("old");
    world.look();
    assert_eq!((world.reason("young"), world.writes), (Reason::Applied, 2));
    assert_eq!(world.meaning()[&role("a")][0].username, "young");
    // What is older takes it back.
    world.objects[0].created = "2020-01-01T00:00:00Z".parse().unwrap();
    world.create("older", spec("a", "older", &[]));
    world.objects[1].created = "2019-01-01T00:00:00Z".parse().unwrap();
    world.look();
    assert_eq!(world.meaning()[&role("a")][0].username, "older");
    assert_eq!(world.object("young").status.entry, None);
    // A user of the same ARN is the same ARN.
    let user = Spec {
        principal: Principal::User(role("a").replace("role/", "user/")),
        ..spec("", "user", &[])
    };
    world.create("user", user.clone());
    world.change("older", |spec| spec.principal = user.principal.clone());
    world.look();
    assert_eq!(
        (world.reason("user"), world.reason("young")),
        (Reason::Conflict, Reason::Applied)
    );
    assert_eq!(world.meaning().len(), 2);
}

#[test]
fn who_may_not_have_it_does_not_keep_it_from_others() {
    let mut world = World::new(CONFIG, "")
        .with("squatter", spec("a", "x", &["system:masters"]))
        .with("b", spec("a", "b", &[]));
    world.look();
    assert_eq!(
        (world.reason("squatter"), world.reason("b")),
        (Reason::Refused, Reason::Applied)
    );
    // The same where a guard refuses it.
    let config = CONFIG.replace("groups:", "usernames: [\"*\", system:admin]\n  groups:");
    let mut world = World::new(&config, "")
        .with("squatter", spec("a", "system:admin", &[]))
        .with("b", spec("a", "b", &[]));
    world.look();
    let (reason, message) = world.said("squatter");
    assert!(
        reason == Reason::Refused
            && message.starts_with("guard lint-regression: would bring in U06"),
        "{message}"
    );
    assert_eq!((world.reason("b"), world.writes), (Reason::Applied, 1));
}

#[test]
fn what_is_no_longer_granted_stays_as_it_was_and_goes_with_its_object() {
    let mut world = World::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    world.look();
    world.change("a", |spec| spec.groups.push("system:masters".to_owned()));
    world.look();
    let (reason, message) = world.said("a");
    assert!(
        reason == Reason::Refused && message.contains("group system:masters"),
        "{message}"
    );
    assert_eq!(world.meaning()[&role("a")][0].groups, ["dev"]);
    world.config = awsauth::reconcile::Config::default();
    world.look();
    let message = world.said("a").1;
    assert!(
        message.contains("grants nothing") && message.ends_with("until the object is deleted"),
        "{message}"
    );
    assert_eq!((world.meaning().len(), world.writes), (1, 1));
    // It is not put back, either.
    world.set("mapRoles", "");
    world.look();
    assert_eq!(
        (world.meaning().len(), world.reason("a")),
        (0, Reason::Refused)
    );
    world.delete("a");
    world.look();
    assert!(world.objects.is_empty());
}

#[test]
fn an_entry_of_somebody_else_is_taken_up_where_it_says_the_same_and_else_left_alone() {
    let theirs = entry("a", "u", &["view-x", "dev"]);
    let mut world = World::new(CONFIG, &theirs).with("a", spec("a", "u", &["dev", "view-x"]));
    world.look();
    assert_eq!((world.reason("a"), world.writes), (Reason::Applied, 0));
    assert!(world.object("a").has_finalizer);
    world.delete("a");
    world.look();
    assert_eq!(world.meaning().len(), 0, "it was the object's by then");
    let mut world = World::new(CONFIG, &theirs).with("a", spec("a", "u", &["dev"]));
    world.look();
    let (reason, message) = world.said("a");
    let unmap = format!("awsauth unmap role {}", role("a"));
    assert!(
        reason == Reason::Conflict && message.ends_with(&unmap),
        "{message}"
    );
    assert!(
        message
            .contains("as user u with groups view-x, dev by an entry that no object has written"),
        "{message}"
    );
    world.delete("a");
    world.look();
    assert_eq!(world.text("mapRoles"), theirs);
    // In the other list.
    let users = format!("- userarn: {}\n  username: u\n", role("a"));
    let mut world = World::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    world.set("mapUsers", &users);
    world.look();
    let (reason, message) = world.said("a");
    assert!(
        reason == Reason::ShadowedBy && message.contains("awsauth unmap user"),
        "{message}"
    );
    assert_eq!(world.writes, 0);
}

#[test]
fn drift_is_repaired_or_reported() {
    // Who gives the rights to do everything away would else be the last who has them.
    let admin = entry("root", "root", &["system:masters"]);
    let drifts = [
        ("", "was removed"),
        (
            &entry("a", "mallory", &["dev"])[..],
            "was changed to user mallory with groups dev",
        ),
        (
            &entry("a", "u", &["dev", "system:masters"])[..],
            "was changed to user u with groups dev, system:masters",
        ),
    ];
    for (text, what) in drifts {
        let text = format!("{admin}{text}");
        let mut world = World::new(CONFIG, &admin).with("a", spec("a", "u", &["dev"]));
        world.look();
        let whole = world.text("mapRoles").to_owned();
        world.set("mapRoles", &text);
        let told = world.look();
        let told_of = format!(
            "DriftRepaired a: the entry of {} {what} by field manager kubectl-edit, and is again user u with groups dev",
            role("a")
        );
        assert_eq!(told, [told_of]);
        assert_eq!(world.meaning()[&role("a")][0].groups, ["dev"]);
        assert_eq!((world.writes, world.memory.repairs.len()), (2, 1));
        // Reported only.
        let mut world = World::new(CONFIG, &admin).with(
            "a",
            Spec {
                drift: DriftPolicy::Report,
                ..spec("a", "u", &["dev"])
            },
        );
        world.look();
        world.set("mapRoles", &text);
        let told = world.look();
        assert!(
            told.len() == 1
                && told[0].starts_with("Drifted a: ")
                && told[0].ends_with("kubectl-edit"),
            "{told:?}"
        );
        let (reason, message) = world.said("a");
        assert!(
            reason == Reason::Drifted && message.contains(what),
            "{message}"
        );
        assert_eq!((world.text("mapRoles"), world.writes), (text.as_str(), 1));
        assert_eq!(
            world.object("a").status.conditions.len(),
            1,
            "nothing is stalled"
        );
        // Who takes it back is ready again, and what its object asks for next is written.
        let mut back = world.clone();
        back.set("mapRoles", &whole);
        back.look();
        assert_eq!((back.reason("a"), back.writes), (Reason::Applied, 1));
        world.change("a", |spec| spec.username = Some("v".to_owned()));
        world.look();
        assert_eq!((world.reason("a"), world.writes), (Reason::Applied, 2));
        assert_eq!(world.meaning()[&role("a")][0].username, "v");
    }
}

#[test]
fn a_deleted_object_leaves_what_its_policies_say() {
    let theirs = entry("a", "mallory", &["dev"]);
    for (deletion, drift, changed, left, told) in [
        (
            DeletionPolicy::Delete,
            DriftPolicy::Repair,
            true,
            false,
            "Removed",
        ),
        (
            DeletionPolicy::Delete,
            DriftPolicy::Report,
            true,
            true,
            "EntryLeft",
        ),
        (
            DeletionPolicy::Delete,
            DriftPolicy::Report,
            false,
            false,
            "Removed",
        ),
        (
            DeletionPolicy::Retain,
            DriftPolicy::Repair,
            false,
            true,
            "EntryLeft",
        ),
    ] {
        let mut world = World::new(CONFIG, "").with(
            "a",
            Spec {
                deletion,
                drift,
                ..spec("a", "u", &["dev"])
            },
        );
        world.look();
        assert_eq!(
            world.object("a").has_finalizer,
            deletion == DeletionPolicy::Delete
        );
        if changed {
            world.set("mapRoles", &theirs);
        }
        // A finalizer that it has from before.
        world.objects[0].has_finalizer = true;
        world.delete("a");
        let events = world.look();
        assert!(
            events.len() == 1 && events[0].starts_with(told),
            "{events:?}"
        );
        assert_eq!(world.meaning().len(), usize::from(left));
        assert!(world.objects.is_empty());
    }
    // Who turns to Retain loses the finalizer, who turns back has it again.
    let mut world = World::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    world.look();
    world.change("a", |spec| spec.deletion = DeletionPolicy::Retain);
    world.look();
    assert!(!world.object("a").has_finalizer);
    world.change("a", |spec| spec.deletion = DeletionPolicy::Delete);
    world.look();
    assert!(world.object("a").has_finalizer);
    assert_eq!(world.writes, 1);
}

#[test]
fn another_arn_is_one_write_and_others_move_in() {
    let mut world = World::new(CONFIG, "")
        .with("a", spec("a", "u", &["dev"]))
        .with("b", spec("b", "v", &[]));
    world.look();
    world.change("a", |spec| spec.principal = Principal::Role(role("c")));
    world.change("b", |spec| spec.principal = Principal::Role(role("a")));
    world.look();
    assert_eq!(world.writes, 2);
    assert_eq!(
        world.meaning().keys().cloned().collect::<Vec<_>>(),
        [role("a"), role("c")]
    );
    assert_eq!(world.meaning()[&role("a")][0].username, "v");
    // They change places.
    world.change("a", |spec| spec.principal = Principal::Role(role("a")));
    world.change("b", |spec| spec.principal = Principal::Role(role("c")));
    world.look();
    assert_eq!(world.meaning()[&role("c")][0].username, "v");
    assert_eq!(world.meaning()[&role("a")][0].username, "u");
    // What can't be had leaves what was.
    world.change("a", |spec| {
        spec.principal = Principal::Role("arn:aws:iam::999999999999:role/x".to_owned())
    });
    world.look();
    assert_eq!(
        (world.reason("a"), world.meaning().len()),
        (Reason::Refused, 2)
    );
    world.delete("a");
    world.look();
    assert_eq!(
        world.meaning().keys().cloned().collect::<Vec<_>>(),
        [role("c")]
    );
}

#[test]
fn what_is_not_recorded_waits_and_is_not_due_at_any_time() {
    let world = World::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    let decision = world.decide(awsauth::reconcile::Stage::Writing);
    assert!(decision.waits && decision.plan.is_none());
    assert_eq!(decision.again, None);
}

#[test]
fn after_three_repairs_within_ten_minutes_it_is_left_alone_for_an_hour() {
    let theirs = entry("a", "mallory", &["dev"]);
    let mut world = World::new(CONFIG, "")
        .with("a", spec("a", "u", &["dev"]))
        .with("b", spec("b", "u", &[]));
    world.look();
    let fight = |world: &mut World| {
        let before = world.writes;
        for _ in 0..6 {
            world.set("mapRoles", &theirs);
            world.look();
            world.pass(30);
        }
        world.writes - before
    };
    // The other object's entry is removed as often.
    assert_eq!(fight(&mut world), 3);
    let (reason, message) = world.said("a");
    assert!(
        reason == Reason::Contested && message.contains("field manager kubectl-edit"),
        "{message}"
    );
    assert!(world.decide(awsauth::reconcile::Stage::Preparing).again > Some(world.now));
    // Another controller knows it from the object's status alone.
    let mut other = world.clone();
    other.memory = Default::default();
    assert_eq!(fight(&mut other), 0);
    // A change of its spec resumes it.
    let mut changed = world.clone();
    changed.change("a", |spec| spec.username = Some("v".to_owned()));
    assert_eq!(fight(&mut changed), 4, "what it asks for is no repair");
    assert_eq!(changed.reason("b"), Reason::Contested);
    // And so does an hour.
    world.pass(3700);
    assert_eq!(fight(&mut world), 3);
    // Where it is what it should be, all is well.
    let whole = format!("{}{}", entry("a", "u", &["dev"]), entry("b", "u", &[]));
    world.set("mapRoles", &whole);
    world.look();
    assert_eq!(world.reason("a"), Reason::Applied);
    // Slowly, or by several: nobody fights.
    let mut world = World::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    world.look();
    for manager in 0..12 {
        world.set("mapRoles", &theirs);
        world.manager = Some(format!("manager-{}", manager % 6));
        world.look();
        world.pass(200);
    }
    assert_eq!(world.writes, 13);
}

#[test]
fn what_can_t_be_read_stops_its_own_section_alone() {
    let user = Spec {
        principal: Principal::User("arn:aws:iam::111122223333:user/bob".to_owned()),
        ..spec("", "bob", &[])
    };
    for (text, said) in [
        (
            &"- rolearn: {{\n".to_owned(),
            "mapRoles can't be read, so that none of it is in force: line ",
        ),
        (
            &format!("- &a\n  rolearn: {}\n  username: z\n- *a\n", role("a")),
            "mapRoles",
        ),
    ] {
        let mut world = World::new(CONFIG, "")
            .with("a", spec("a", "u", &["dev"]))
            .with("bob", user.clone());
        world.look();
        world.create("c", spec("c", "u", &["dev"]));
        world.change("bob", |spec| spec.username = Some("robert".to_owned()));
        world.set("mapRoles", text);
        world.look();
        for name in ["a", "c"] {
            let (reason, message) = world.said(name);
            assert!(
                reason == Reason::Unreadable && message.contains(said),
                "{text}: {message}"
            );
        }
        assert_eq!(
            (world.reason("bob"), world.text("mapRoles")),
            (Reason::Applied, text.as_str())
        );
        world.delete("a");
        world.look();
        assert!(world.object("a").has_finalizer, "it can't be removed yet");
        world.set("mapRoles", &entry("a", "u", &["dev"]));
        world.look();
        assert_eq!(
            (world.objects.len(), world.reason("c")),
            (2, Reason::Applied)
        );
        assert!(!world.meaning().contains_key(&role("a")));
    }
}

#[test]
fn where_access_entries_answer_nothing_is_written() {
    let entries = |mode, arn: &str| {
        let entry = AccessEntry {
            principal_arn: arn.to_owned(),
            terms: None,
        };
        Some(Arc::new(AccessEntries::new(mode, Some(vec![entry]))))
    };
    let mut world = World::new(CONFIG, "")
        .with("a", spec("a", "u", &["dev"]))
        .with("b", spec("b", "u", &[]));
    world.entries = entries(AuthenticationMode::ApiAndConfigMap, &role("team/a"));
    world.look();
    let (reason, message) = world.said("a");
    assert!(
        reason == Reason::ShadowedBy && message.starts_with("the access entry of"),
        "{message}"
    );
    assert_eq!(
        (world.reason("b"), world.meaning().len()),
        (Reason::Applied, 1)
    );
    // Nobody reads aws-auth.
    world.entries = entries(AuthenticationMode::Api, &role("a"));
    world.set("mapRoles", "");
    let told = world.look();
    assert!(
        told.len() == 1
            && told[0]
                .starts_with("ShadowedBy aws-auth: the authentication mode of this cluster is API"),
        "{told:?}"
    );
    assert!(
        world
            .decide(awsauth::reconcile::Stage::Writing)
            .idle
            .is_some()
    );
    assert_eq!((world.reason("b"), world.writes), (Reason::ShadowedBy, 1));
    world.delete("b");
    world.look();
    assert_eq!(world.objects.len(), 1);
}

#[test]
fn the_last_administrator_stays_though_its_object_goes() {
    let config = CONFIG.replace("[dev,", "[system:masters, dev,");
    let mut world = World::new(&config, "")
        .with("admin", spec("admin", "admin", &["system:masters"]))
        .with("b", spec("b", "u", &[]));
    world.look();
    for name in ["admin", "b"] {
        world.delete(name);
    }
    world.create("c", spec("c", "u", &["dev"]));
    world.look();
    let (reason, message) = world.said("admin");
    assert!(
        reason == Reason::Refused && message.starts_with("guard last-admin"),
        "{message}"
    );
    assert_eq!(world.reason("c"), Reason::Applied);
    assert_eq!(
        world.meaning().keys().cloned().collect::<Vec<_>>(),
        [role("admin"), role("c")]
    );
    world.create("second", spec("second", "admin", &["system:masters"]));
    world.look();
    assert_eq!(
        world.meaning().keys().cloned().collect::<Vec<_>>(),
        [role("c"), role("second")]
    );
}

#[test]
fn a_crash_at_any_time_takes_nobody_s_entry() {
    for crash in [Crash::Prepared, Crash::Written] {
        let mut world =
            World::new(CONFIG, &entry("ops", "ops", &[])).with("a", spec("a", "u", &["dev"]));
        world.look_until(Some(crash));
        // As it was: it is carried out.
        let mut same = world.clone();
        same.look();
        assert_eq!((same.reason("a"), same.writes), (Reason::Applied, 1));
        // Something else is asked for.
        let mut changed = world.clone();
        changed.change("a", |spec| spec.principal = Principal::Role(role("b")));
        changed.look();
        assert_eq!(
            changed.meaning().keys().cloned().collect::<Vec<_>>(),
            [role("b"), role("ops")]
        );
        // Somebody has written the same ARN as they like: it is theirs.
        let theirs = entry("a", "theirs", &[]);
        world.set("mapRoles", &theirs);
        let mut gone = world.clone();
        gone.delete("a");
        gone.look();
        assert_eq!(
            (gone.objects.len(), gone.text("mapRoles")),
            (0, theirs.as_str())
        );
        world.look();
        assert_eq!(
            (world.reason("a"), world.text("mapRoles")),
            (Reason::Conflict, theirs.as_str())
        );
        world.delete("a");
        world.look_until(None);
        assert_eq!(
            (world.objects.len(), world.text("mapRoles")),
            (0, theirs.as_str())
        );
    }
}

#[test]
fn node_entries_that_an_object_grants_by_name() {
    let config = "grants: [{accounts: [\"111122223333\"], groups: [system:bootstrappers, system:nodes], usernames: [\"system:node:{{EC2PrivateDNSName}}\", u]}]";
    let groups = ["system:bootstrappers", "system:nodes"];
    let node = spec("n", "system:node:{{EC2PrivateDNSName}}", &groups);
    let mut world = World::new(config, "").with("n", node);
    world.look();
    assert_eq!(
        world.text("mapRoles"),
        "- rolearn: arn:aws:iam::111122223333:role/n\n  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n    - system:bootstrappers\n    - system:nodes\n"
    );
    world.set(
        "mapRoles",
        &node_entry("n").replace("system:nodes", "more, system:nodes"),
    );
    world.look();
    assert_eq!((world.reason("n"), world.writes), (Reason::Applied, 2));
    // It says less only when nobody needs it.
    world.change("n", |spec| {
        spec.username = Some("u".to_owned());
        spec.groups.clear();
    });
    world.look();
    let (reason, message) = world.said("n");
    assert!(
        reason == Reason::Refused && message.starts_with("guard node-guard"),
        "{message}"
    );
    world.delete("n");
    let told = world.look();
    assert!(
        told.len() == 1 && told[0].contains("stays: nodes may need it"),
        "{told:?}"
    );
    assert_eq!((world.meaning().len(), world.objects.len()), (1, 0));
}

/// Their status is kept by the controller, and they have no finalizer.
#[test]
fn identity_mappings_of_the_authenticator_are_added_and_go_when_they_are_gone() {
    let mut world = World::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    world.objects[0].kind = awsauth::reconcile::ObjectKind::IamIdentityMapping;
    world.look();
    assert!(!world.object("a").has_finalizer);
    assert_eq!(world.reason("a"), Reason::Applied);
    world.objects[0] = Object {
        is_deleting: true,
        ..world.objects[0].clone()
    };
    world.look();
    assert_eq!((world.meaning().len(), world.objects.len()), (0, 0));
}
