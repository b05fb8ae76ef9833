//! The rules, one by one.

use std::sync::Arc;

use awsauth_core::authenticator::AccessEntries;
use awsauth_core::document::Principal;
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::reconcile::{DeletionPolicy, DriftPolicy, Object, Reason, Spec};

use super::simulation::{CONFIG, Crash, Simulation, entry, node_entry, role, spec};

#[test]
fn entries_are_added_and_removed_with_their_objects() {
    let theirs = format!("# ours\n{}", entry("ops", "ops", &["admins"]));
    let mut simulation =
        Simulation::new(CONFIG, &theirs).with("a", spec("a", "alice", &["dev", "view-x"]));
    let told = simulation.look();
    assert_eq!(
        told,
        [format!(
            "Applied a: aws-auth lets in {} as user alice with groups dev, view-x",
            role("a")
        )]
    );
    let object = simulation.object("a");
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
    assert!(simulation.text("mapRoles").starts_with(&theirs));
    let since = object.status.conditions[0].since;
    simulation.pass(100);
    simulation.change("a", |spec| spec.groups.truncate(1));
    simulation.look();
    assert_eq!(simulation.meaning()[&role("a")][0].groups, ["dev"]);
    assert!(
        simulation.object("a").status.conditions[0].since > since,
        "it was not ready in between"
    );
    simulation.delete("a");
    assert_eq!(
        simulation.look(),
        [format!(
            "Removed a: the entry of {} was removed from aws-auth",
            role("a")
        )]
    );
    assert_eq!(simulation.text("mapRoles"), theirs);
    assert_eq!((simulation.objects.len(), simulation.writes), (0, 3));
}

#[test]
fn unmatchable_arn_is_fixed_or_refused_with_a_suggestion() {
    let arn = |resource: &str| format!("arn:aws:iam::111122223333:{resource}");
    let of = |principal| Spec {
        principal,
        ..spec("x", "u", &["dev"])
    };
    let mut simulation =
        Simulation::new(CONFIG, "").with("pathed", of(Principal::Role(arn("role/team/a"))));
    simulation.create("user", of(Principal::User(arn("user/team/bob"))));
    simulation.look();
    assert_eq!(
        simulation.object("pathed").status.canonical_arn,
        Some(role("a"))
    );
    assert!(simulation.meaning().contains_key(&role("a")));
    assert!(
        simulation.meaning().contains_key(&arn("user/team/bob")),
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
        let mut simulation = Simulation::new(CONFIG, "")
            .with("a", of(principal.clone()))
            .with("b", spec("ok", "u", &[]));
        simulation.look();
        let (reason, message) = simulation.said("a");
        assert!(
            reason == Reason::Refused && message.contains(said),
            "{principal:?}: {message}"
        );
        assert_eq!(simulation.reason("b"), Reason::Applied);
        assert_eq!(simulation.meaning().len(), 1);
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
        let mut simulation = Simulation::new(CONFIG, "").with("a", spec);
        simulation.look();
        assert_eq!(
            (simulation.reason("a"), simulation.writes),
            (Reason::Refused, 0)
        );
    }
}

#[test]
fn older_object_wins_and_its_successor_takes_over_in_one_write() {
    let mut simulation = Simulation::new(CONFIG, "")
        .with("old", spec("a", "old", &[]))
        .with("young", spec("A", "young", &[]));
    simulation.look();
    assert_eq!(simulation.meaning()[&role("a")][0].username, "old");
    let (reason, message) = simulation.said("young");
    assert!(
        reason == Reason::Conflict && message.contains("older AwsAuthMapping old"),
        "{message}"
    );
    assert!(!simulation.object("young").has_finalizer);
    simulation.delete("old");
    simulation.look();
    assert_eq!(
        (simulation.reason("young"), simulation.writes),
        (Reason::Applied, 2)
    );
    assert_eq!(simulation.meaning()[&role("a")][0].username, "young");
    // What is older takes it back.
    simulation.objects[0].created = "2020-01-01T00:00:00Z".parse().unwrap();
    simulation.create("older", spec("a", "older", &[]));
    simulation.objects[1].created = "2019-01-01T00:00:00Z".parse().unwrap();
    simulation.look();
    assert_eq!(simulation.meaning()[&role("a")][0].username, "older");
    assert_eq!(simulation.object("young").status.entry, None);
    // A user of the same ARN is the same ARN.
    let user = Spec {
        principal: Principal::User(role("a").replace("role/", "user/")),
        ..spec("", "user", &[])
    };
    simulation.create("user", user.clone());
    simulation.change("older", |spec| spec.principal = user.principal.clone());
    simulation.look();
    assert_eq!(
        (simulation.reason("user"), simulation.reason("young")),
        (Reason::Conflict, Reason::Applied)
    );
    assert_eq!(simulation.meaning().len(), 2);
}

#[test]
fn ungranted_object_does_not_block_others() {
    let mut simulation = Simulation::new(CONFIG, "")
        .with("squatter", spec("a", "x", &["system:masters"]))
        .with("b", spec("a", "b", &[]));
    simulation.look();
    assert_eq!(
        (simulation.reason("squatter"), simulation.reason("b")),
        (Reason::Refused, Reason::Applied)
    );
    // The same where a guard refuses it.
    let config = CONFIG.replace("groups:", "usernames: [\"*\", system:admin]\n  groups:");
    let mut simulation = Simulation::new(&config, "")
        .with("squatter", spec("a", "system:admin", &[]))
        .with("b", spec("a", "b", &[]));
    simulation.look();
    let (reason, message) = simulation.said("squatter");
    assert!(
        reason == Reason::Refused
            && message.starts_with("guard lint-regression: would introduce U06"),
        "{message}"
    );
    assert_eq!(
        (simulation.reason("b"), simulation.writes),
        (Reason::Applied, 1)
    );
}

#[test]
fn entry_that_is_no_longer_granted_is_kept_until_its_object_is_deleted() {
    let mut simulation = Simulation::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    simulation.look();
    simulation.change("a", |spec| spec.groups.push("system:masters".to_owned()));
    simulation.look();
    let (reason, message) = simulation.said("a");
    assert!(
        reason == Reason::Refused && message.contains("group system:masters"),
        "{message}"
    );
    assert_eq!(simulation.meaning()[&role("a")][0].groups, ["dev"]);
    simulation.config = awsauth_core::reconcile::Config::default();
    simulation.look();
    let message = simulation.said("a").1;
    assert!(
        message.contains("grants nothing") && message.ends_with("until the object is deleted"),
        "{message}"
    );
    assert_eq!((simulation.meaning().len(), simulation.writes), (1, 1));
    // It is not put back, either.
    simulation.set("mapRoles", "");
    simulation.look();
    assert_eq!(
        (simulation.meaning().len(), simulation.reason("a")),
        (0, Reason::Refused)
    );
    simulation.delete("a");
    simulation.look();
    assert!(simulation.objects.is_empty());
}

#[test]
fn foreign_entry_is_adopted_only_if_identical() {
    let theirs = entry("a", "u", &["view-x", "dev"]);
    let mut simulation =
        Simulation::new(CONFIG, &theirs).with("a", spec("a", "u", &["dev", "view-x"]));
    simulation.look();
    assert_eq!(
        (simulation.reason("a"), simulation.writes),
        (Reason::Applied, 0)
    );
    assert!(simulation.object("a").has_finalizer);
    simulation.delete("a");
    simulation.look();
    assert_eq!(simulation.meaning().len(), 0, "it was the object's by then");
    let mut simulation = Simulation::new(CONFIG, &theirs).with("a", spec("a", "u", &["dev"]));
    simulation.look();
    let (reason, message) = simulation.said("a");
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
    simulation.delete("a");
    simulation.look();
    assert_eq!(simulation.text("mapRoles"), theirs);
    // In the other list.
    let users = format!("- userarn: {}\n  username: u\n", role("a"));
    let mut simulation = Simulation::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    simulation.set("mapUsers", &users);
    simulation.look();
    let (reason, message) = simulation.said("a");
    assert!(
        reason == Reason::ShadowedBy && message.contains("awsauth unmap user"),
        "{message}"
    );
    assert_eq!(simulation.writes, 0);
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
        let mut simulation = Simulation::new(CONFIG, &admin).with("a", spec("a", "u", &["dev"]));
        simulation.look();
        let whole = simulation.text("mapRoles").to_owned();
        simulation.set("mapRoles", &text);
        let told = simulation.look();
        let told_of = format!(
            "DriftRepaired a: the entry of {} {what} by field manager kubectl-edit, and is again user u with groups dev",
            role("a")
        );
        assert_eq!(told, [told_of]);
        assert_eq!(simulation.meaning()[&role("a")][0].groups, ["dev"]);
        assert_eq!((simulation.writes, simulation.memory.repairs.len()), (2, 1));
        // Reported only.
        let mut simulation = Simulation::new(CONFIG, &admin).with(
            "a",
            Spec {
                drift: DriftPolicy::Report,
                ..spec("a", "u", &["dev"])
            },
        );
        simulation.look();
        simulation.set("mapRoles", &text);
        let told = simulation.look();
        assert!(
            told.len() == 1
                && told[0].starts_with("Drifted a: ")
                && told[0].ends_with("kubectl-edit"),
            "{told:?}"
        );
        let (reason, message) = simulation.said("a");
        assert!(
            reason == Reason::Drifted && message.contains(what),
            "{message}"
        );
        assert_eq!(
            (simulation.text("mapRoles"), simulation.writes),
            (text.as_str(), 1)
        );
        assert_eq!(
            simulation.object("a").status.conditions.len(),
            1,
            "nothing is stalled"
        );
        // After the entry is reverted, the object is ready again, and its next change is written.
        let mut back = simulation.clone();
        back.set("mapRoles", &whole);
        back.look();
        assert_eq!((back.reason("a"), back.writes), (Reason::Applied, 1));
        simulation.change("a", |spec| spec.username = Some("v".to_owned()));
        simulation.look();
        assert_eq!(
            (simulation.reason("a"), simulation.writes),
            (Reason::Applied, 2)
        );
        assert_eq!(simulation.meaning()[&role("a")][0].username, "v");
    }
}

#[test]
fn deletion_policy_is_applied() {
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
        let mut simulation = Simulation::new(CONFIG, "").with(
            "a",
            Spec {
                deletion,
                drift,
                ..spec("a", "u", &["dev"])
            },
        );
        simulation.look();
        assert_eq!(
            simulation.object("a").has_finalizer,
            deletion == DeletionPolicy::Delete
        );
        if changed {
            simulation.set("mapRoles", &theirs);
        }
        // A finalizer that it has from before.
        simulation.objects[0].has_finalizer = true;
        simulation.delete("a");
        let events = simulation.look();
        assert!(
            events.len() == 1 && events[0].starts_with(told),
            "{events:?}"
        );
        assert_eq!(simulation.meaning().len(), usize::from(left));
        assert!(simulation.objects.is_empty());
    }
    // Who turns to Retain loses the finalizer, who turns back has it again.
    let mut simulation = Simulation::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    simulation.look();
    simulation.change("a", |spec| spec.deletion = DeletionPolicy::Retain);
    simulation.look();
    assert!(!simulation.object("a").has_finalizer);
    simulation.change("a", |spec| spec.deletion = DeletionPolicy::Delete);
    simulation.look();
    assert!(simulation.object("a").has_finalizer);
    assert_eq!(simulation.writes, 1);
}

#[test]
fn changed_arn_takes_one_write_and_frees_the_old_one() {
    let mut simulation = Simulation::new(CONFIG, "")
        .with("a", spec("a", "u", &["dev"]))
        .with("b", spec("b", "v", &[]));
    simulation.look();
    simulation.change("a", |spec| spec.principal = Principal::Role(role("c")));
    simulation.change("b", |spec| spec.principal = Principal::Role(role("a")));
    simulation.look();
    assert_eq!(simulation.writes, 2);
    assert_eq!(
        simulation.meaning().keys().cloned().collect::<Vec<_>>(),
        [role("a"), role("c")]
    );
    assert_eq!(simulation.meaning()[&role("a")][0].username, "v");
    // They change places.
    simulation.change("a", |spec| spec.principal = Principal::Role(role("a")));
    simulation.change("b", |spec| spec.principal = Principal::Role(role("c")));
    simulation.look();
    assert_eq!(simulation.meaning()[&role("c")][0].username, "v");
    assert_eq!(simulation.meaning()[&role("a")][0].username, "u");
    // What can't be had leaves what was.
    simulation.change("a", |spec| {
        spec.principal = Principal::Role("arn:aws:iam::999999999999:role/x".to_owned())
    });
    simulation.look();
    assert_eq!(
        (simulation.reason("a"), simulation.meaning().len()),
        (Reason::Refused, 2)
    );
    simulation.delete("a");
    simulation.look();
    assert_eq!(
        simulation.meaning().keys().cloned().collect::<Vec<_>>(),
        [role("c")]
    );
}

#[test]
fn change_waits_until_its_status_is_recorded() {
    let simulation = Simulation::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    let decision = simulation.decide(awsauth_core::reconcile::Stage::Writing);
    assert!(decision.waits && decision.plan.is_none());
    assert_eq!(decision.again, None);
}

#[test]
fn three_repairs_in_ten_minutes_back_off_for_an_hour() {
    let theirs = entry("a", "mallory", &["dev"]);
    let mut simulation = Simulation::new(CONFIG, "")
        .with("a", spec("a", "u", &["dev"]))
        .with("b", spec("b", "u", &[]));
    simulation.look();
    let fight = |simulation: &mut Simulation| {
        let before = simulation.writes;
        for _ in 0..6 {
            simulation.set("mapRoles", &theirs);
            simulation.look();
            simulation.pass(30);
        }
        simulation.writes - before
    };
    // The other object's entry is removed as often.
    assert_eq!(fight(&mut simulation), 3);
    let (reason, message) = simulation.said("a");
    assert!(
        reason == Reason::Contested && message.contains("field manager kubectl-edit"),
        "{message}"
    );
    assert!(
        simulation
            .decide(awsauth_core::reconcile::Stage::Preparing)
            .again
            > Some(simulation.now)
    );
    // Another controller knows it from the object's status alone.
    let mut other = simulation.clone();
    other.memory = Default::default();
    assert_eq!(fight(&mut other), 0);
    // A change of its spec resumes it.
    let mut changed = simulation.clone();
    changed.change("a", |spec| spec.username = Some("v".to_owned()));
    assert_eq!(fight(&mut changed), 4, "what it asks for is no repair");
    assert_eq!(changed.reason("b"), Reason::Contested);
    // And so does an hour.
    simulation.pass(3700);
    assert_eq!(fight(&mut simulation), 3);
    // Where it is what it should be, all is well.
    let whole = format!("{}{}", entry("a", "u", &["dev"]), entry("b", "u", &[]));
    simulation.set("mapRoles", &whole);
    simulation.look();
    assert_eq!(simulation.reason("a"), Reason::Applied);
    // Slow changes, or changes by several clients, are not a conflict.
    let mut simulation = Simulation::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    simulation.look();
    for manager in 0..12 {
        simulation.set("mapRoles", &theirs);
        simulation.manager = Some(format!("manager-{}", manager % 6));
        simulation.look();
        simulation.pass(200);
    }
    assert_eq!(simulation.writes, 13);
}

#[test]
fn unreadable_section_blocks_only_itself() {
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
        let mut simulation = Simulation::new(CONFIG, "")
            .with("a", spec("a", "u", &["dev"]))
            .with("bob", user.clone());
        simulation.look();
        simulation.create("c", spec("c", "u", &["dev"]));
        simulation.change("bob", |spec| spec.username = Some("robert".to_owned()));
        simulation.set("mapRoles", text);
        simulation.look();
        for name in ["a", "c"] {
            let (reason, message) = simulation.said(name);
            assert!(
                reason == Reason::Unreadable && message.contains(said),
                "{text}: {message}"
            );
        }
        assert_eq!(
            (simulation.reason("bob"), simulation.text("mapRoles")),
            (Reason::Applied, text.as_str())
        );
        simulation.delete("a");
        simulation.look();
        assert!(
            simulation.object("a").has_finalizer,
            "it can't be removed yet"
        );
        simulation.set("mapRoles", &entry("a", "u", &["dev"]));
        simulation.look();
        assert_eq!(
            (simulation.objects.len(), simulation.reason("c")),
            (2, Reason::Applied)
        );
        assert!(!simulation.meaning().contains_key(&role("a")));
    }
}

#[test]
fn mode_api_writes_nothing() {
    let entries = |mode, arn: &str| {
        let entry = AccessEntry {
            principal_arn: arn.to_owned(),
            terms: None,
        };
        Some(Arc::new(AccessEntries::new(mode, Some(vec![entry]))))
    };
    let mut simulation = Simulation::new(CONFIG, "")
        .with("a", spec("a", "u", &["dev"]))
        .with("b", spec("b", "u", &[]));
    simulation.entries = entries(AuthenticationMode::ApiAndConfigMap, &role("team/a"));
    simulation.look();
    let (reason, message) = simulation.said("a");
    assert!(
        reason == Reason::ShadowedBy && message.starts_with("the access entry of"),
        "{message}"
    );
    assert_eq!(
        (simulation.reason("b"), simulation.meaning().len()),
        (Reason::Applied, 1)
    );
    // The cluster does not read aws-auth.
    simulation.entries = entries(AuthenticationMode::Api, &role("a"));
    simulation.set("mapRoles", "");
    let told = simulation.look();
    assert!(
        told.len() == 1
            && told[0]
                .starts_with("ShadowedBy aws-auth: the authentication mode of this cluster is API"),
        "{told:?}"
    );
    assert!(
        simulation
            .decide(awsauth_core::reconcile::Stage::Writing)
            .idle
            .is_some()
    );
    assert_eq!(
        (simulation.reason("b"), simulation.writes),
        (Reason::ShadowedBy, 1)
    );
    simulation.delete("b");
    simulation.look();
    assert_eq!(simulation.objects.len(), 1);
}

#[test]
fn last_administrator_is_kept_after_its_object_is_deleted() {
    let config = CONFIG.replace("[dev,", "[system:masters, dev,");
    let mut simulation = Simulation::new(&config, "")
        .with("admin", spec("admin", "admin", &["system:masters"]))
        .with("b", spec("b", "u", &[]));
    simulation.look();
    for name in ["admin", "b"] {
        simulation.delete(name);
    }
    simulation.create("c", spec("c", "u", &["dev"]));
    simulation.look();
    let (reason, message) = simulation.said("admin");
    assert!(
        reason == Reason::Refused && message.starts_with("guard last-admin"),
        "{message}"
    );
    assert_eq!(simulation.reason("c"), Reason::Applied);
    assert_eq!(
        simulation.meaning().keys().cloned().collect::<Vec<_>>(),
        [role("admin"), role("c")]
    );
    simulation.create("second", spec("second", "admin", &["system:masters"]));
    simulation.look();
    assert_eq!(
        simulation.meaning().keys().cloned().collect::<Vec<_>>(),
        [role("c"), role("second")]
    );
}

#[test]
fn crash_at_any_point_removes_no_foreign_entry() {
    for crash in [Crash::Prepared, Crash::Written] {
        let mut simulation =
            Simulation::new(CONFIG, &entry("ops", "ops", &[])).with("a", spec("a", "u", &["dev"]));
        simulation.look_until(Some(crash));
        // As it was: it is carried out.
        let mut same = simulation.clone();
        same.look();
        assert_eq!((same.reason("a"), same.writes), (Reason::Applied, 1));
        // The object requests something else.
        let mut changed = simulation.clone();
        changed.change("a", |spec| spec.principal = Principal::Role(role("b")));
        changed.look();
        assert_eq!(
            changed.meaning().keys().cloned().collect::<Vec<_>>(),
            [role("b"), role("ops")]
        );
        // Another client wrote the same ARN: the entry belongs to it.
        let theirs = entry("a", "theirs", &[]);
        simulation.set("mapRoles", &theirs);
        let mut gone = simulation.clone();
        gone.delete("a");
        gone.look();
        assert_eq!(
            (gone.objects.len(), gone.text("mapRoles")),
            (0, theirs.as_str())
        );
        simulation.look();
        assert_eq!(
            (simulation.reason("a"), simulation.text("mapRoles")),
            (Reason::Conflict, theirs.as_str())
        );
        simulation.delete("a");
        simulation.look_until(None);
        assert_eq!(
            (simulation.objects.len(), simulation.text("mapRoles")),
            (0, theirs.as_str())
        );
    }
}

#[test]
fn node_entry_can_be_granted_by_name() {
    let config = "grants: [{accounts: [\"111122223333\"], groups: [system:bootstrappers, system:nodes], usernames: [\"system:node:{{EC2PrivateDNSName}}\", u]}]";
    let groups = ["system:bootstrappers", "system:nodes"];
    let node = spec("n", "system:node:{{EC2PrivateDNSName}}", &groups);
    let mut simulation = Simulation::new(config, "").with("n", node);
    simulation.look();
    assert_eq!(
        simulation.text("mapRoles"),
        "- rolearn: arn:aws:iam::111122223333:role/n\n  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n    - system:bootstrappers\n    - system:nodes\n"
    );
    simulation.set(
        "mapRoles",
        &node_entry("n").replace("system:nodes", "more, system:nodes"),
    );
    simulation.look();
    assert_eq!(
        (simulation.reason("n"), simulation.writes),
        (Reason::Applied, 2)
    );
    // It is reduced only if no node needs it.
    simulation.change("n", |spec| {
        spec.username = Some("u".to_owned());
        spec.groups.clear();
    });
    simulation.look();
    let (reason, message) = simulation.said("n");
    assert!(
        reason == Reason::Refused && message.starts_with("guard node-guard"),
        "{message}"
    );
    simulation.delete("n");
    let told = simulation.look();
    assert!(
        told.len() == 1 && told[0].contains("stays: nodes may need it"),
        "{told:?}"
    );
    assert_eq!(
        (simulation.meaning().len(), simulation.objects.len()),
        (1, 0)
    );
}

/// Their status is kept by the controller, and they have no finalizer.
#[test]
fn iam_identity_mappings_are_added_and_removed() {
    let mut simulation = Simulation::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    simulation.objects[0].kind = awsauth_core::reconcile::ObjectKind::IamIdentityMapping;
    simulation.look();
    assert!(!simulation.object("a").has_finalizer);
    assert_eq!(simulation.reason("a"), Reason::Applied);
    simulation.objects[0] = Object {
        is_deleting: true,
        ..simulation.objects[0].clone()
    };
    simulation.look();
    assert_eq!(
        (simulation.meaning().len(), simulation.objects.len()),
        (0, 0)
    );
}
