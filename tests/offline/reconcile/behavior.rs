//! Tests of the controller's behavior: one for each rule.

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
    let events = simulation.reconcile();
    assert_eq!(
        events,
        [format!(
            "Applied a: aws-auth maps {} to user alice with groups dev, view-x",
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
    simulation.wait(100);
    simulation.change("a", |spec| spec.groups.truncate(1));
    simulation.reconcile();
    assert_eq!(simulation.effective()[&role("a")][0].groups, ["dev"]);
    assert!(
        simulation.object("a").status.conditions[0].since > since,
        "the object was not ready during the write"
    );
    simulation.delete("a");
    assert_eq!(
        simulation.reconcile(),
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
        Simulation::new(CONFIG, "").with("with-path", of(Principal::Role(arn("role/team/a"))));
    simulation.create("user", of(Principal::User(arn("user/team/bob"))));
    simulation.reconcile();
    assert_eq!(
        simulation.object("with-path").status.canonical_arn,
        Some(role("a"))
    );
    assert!(simulation.effective().contains_key(&role("a")));
    assert!(
        simulation.effective().contains_key(&arn("user/team/bob")),
        "users keep their path"
    );
    for (principal, expected) in [
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
            "not a twelve-digit account ID",
        ),
        (
            Principal::Account("111122223333".to_owned()),
            "set wholeAccounts: true",
        ),
    ] {
        let mut simulation = Simulation::new(CONFIG, "")
            .with("a", of(principal.clone()))
            .with("b", spec("ok", "u", &[]));
        simulation.reconcile();
        let (reason, message) = simulation.ready("a");
        assert!(
            reason == Reason::Refused && message.contains(expected),
            "{principal:?}: {message}"
        );
        assert_eq!(simulation.reason("b"), Reason::Applied);
        assert_eq!(simulation.effective().len(), 1);
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
        simulation.reconcile();
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
    simulation.reconcile();
    assert_eq!(simulation.effective()[&role("a")][0].username, "old");
    let (reason, message) = simulation.ready("young");
    assert!(
        reason == Reason::Conflict && message.contains("older AwsAuthMapping old"),
        "{message}"
    );
    assert!(!simulation.object("young").has_finalizer);
    simulation.delete("old");
    simulation.reconcile();
    assert_eq!(
        (simulation.reason("young"), simulation.writes),
        (Reason::Applied, 2)
    );
    assert_eq!(simulation.effective()[&role("a")][0].username, "young");
    // An even older object takes over the entry.
    simulation.objects[0].created = "2020-01-01T00:00:00Z".parse().unwrap();
    simulation.create("older", spec("a", "older", &[]));
    simulation.objects[1].created = "2019-01-01T00:00:00Z".parse().unwrap();
    simulation.reconcile();
    assert_eq!(simulation.effective()[&role("a")][0].username, "older");
    assert_eq!(simulation.object("young").status.entry, None);
    // A role and a user with the same ARN are in conflict.
    let user = Spec {
        principal: Principal::User(role("a").replace("role/", "user/")),
        ..spec("", "user", &[])
    };
    simulation.create("user", user.clone());
    simulation.change("older", |spec| spec.principal = user.principal.clone());
    simulation.reconcile();
    assert_eq!(
        (simulation.reason("user"), simulation.reason("young")),
        (Reason::Conflict, Reason::Applied)
    );
    assert_eq!(simulation.effective().len(), 2);
}

#[test]
fn ungranted_object_does_not_block_others() {
    let mut simulation = Simulation::new(CONFIG, "")
        .with("squatter", spec("a", "x", &["system:masters"]))
        .with("b", spec("a", "b", &[]));
    simulation.reconcile();
    assert_eq!(
        (simulation.reason("squatter"), simulation.reason("b")),
        (Reason::Refused, Reason::Applied)
    );
    // The same if a guard refuses it.
    let config = CONFIG.replace("usernames: [", "usernames: [system:admin, ");
    let mut simulation = Simulation::new(&config, "")
        .with("squatter", spec("a", "system:admin", &[]))
        .with("b", spec("a", "b", &[]));
    simulation.reconcile();
    let (reason, message) = simulation.ready("squatter");
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
    simulation.reconcile();
    simulation.change("a", |spec| spec.groups.push("system:masters".to_owned()));
    simulation.reconcile();
    let (reason, message) = simulation.ready("a");
    assert!(
        reason == Reason::Refused && message.contains("group system:masters"),
        "{message}"
    );
    assert_eq!(simulation.effective()[&role("a")][0].groups, ["dev"]);
    simulation.config = awsauth_core::reconcile::Config::default();
    simulation.reconcile();
    let message = simulation.ready("a").1;
    assert!(
        message.contains("grants nothing") && message.ends_with("until the object is deleted"),
        "{message}"
    );
    assert_eq!((simulation.effective().len(), simulation.writes), (1, 1));
    // It is not restored, either.
    simulation.set("mapRoles", "");
    simulation.reconcile();
    assert_eq!(
        (simulation.effective().len(), simulation.reason("a")),
        (0, Reason::Refused)
    );
    simulation.delete("a");
    simulation.reconcile();
    assert!(simulation.objects.is_empty());
}

#[test]
fn foreign_entry_is_adopted_only_if_identical() {
    let theirs = entry("a", "u", &["view-x", "dev"]);
    let mut simulation =
        Simulation::new(CONFIG, &theirs).with("a", spec("a", "u", &["dev", "view-x"]));
    simulation.reconcile();
    assert_eq!(
        (simulation.reason("a"), simulation.writes),
        (Reason::Applied, 0)
    );
    assert!(simulation.object("a").has_finalizer);
    simulation.delete("a");
    simulation.reconcile();
    assert_eq!(
        simulation.effective().len(),
        0,
        "the object owned the entry"
    );
    let mut simulation = Simulation::new(CONFIG, &theirs).with("a", spec("a", "u", &["dev"]));
    simulation.reconcile();
    let (reason, message) = simulation.ready("a");
    let unmap = format!("awsauth unmap role {}", role("a"));
    assert!(
        reason == Reason::Conflict && message.ends_with(&unmap),
        "{message}"
    );
    assert!(
        message.contains(
            "is mapped to user u with groups view-x, dev by an entry that no object owns"
        ),
        "{message}"
    );
    simulation.delete("a");
    simulation.reconcile();
    assert_eq!(simulation.text("mapRoles"), theirs);
    // In the other list.
    let users = format!("- userarn: {}\n  username: u\n", role("a"));
    let mut simulation = Simulation::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    simulation.set("mapUsers", &users);
    simulation.reconcile();
    let (reason, message) = simulation.ready("a");
    assert!(
        reason == Reason::ShadowedBy && message.contains("awsauth unmap user"),
        "{message}"
    );
    assert_eq!(simulation.writes, 0);
}

#[test]
fn drift_is_repaired_or_reported() {
    // Without another administrator, the guard `last-admin` would refuse the repair.
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
        simulation.reconcile();
        let whole = simulation.text("mapRoles").to_owned();
        simulation.set("mapRoles", &text);
        let events = simulation.reconcile();
        let expected = format!(
            "DriftRepaired a: the entry of {} {what} by field manager kubectl-edit, and was restored to user u with groups dev",
            role("a")
        );
        assert_eq!(events, [expected]);
        assert_eq!(simulation.effective()[&role("a")][0].groups, ["dev"]);
        assert_eq!((simulation.writes, simulation.memory.repairs.len()), (2, 1));
        // Reported only.
        let mut simulation = Simulation::new(CONFIG, &admin).with(
            "a",
            Spec {
                drift: DriftPolicy::Report,
                ..spec("a", "u", &["dev"])
            },
        );
        simulation.reconcile();
        simulation.set("mapRoles", &text);
        let events = simulation.reconcile();
        assert!(
            events.len() == 1
                && events[0].starts_with("Drifted a: ")
                && events[0].ends_with("kubectl-edit"),
            "{events:?}"
        );
        let (reason, message) = simulation.ready("a");
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
        back.reconcile();
        assert_eq!((back.reason("a"), back.writes), (Reason::Applied, 1));
        simulation.change("a", |spec| spec.username = Some("v".to_owned()));
        simulation.reconcile();
        assert_eq!(
            (simulation.reason("a"), simulation.writes),
            (Reason::Applied, 2)
        );
        assert_eq!(simulation.effective()[&role("a")][0].username, "v");
    }
}

#[test]
fn deletion_policy_is_applied() {
    let theirs = entry("a", "mallory", &["dev"]);
    for (deletion, drift, changed, is_kept, expected) in [
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
        simulation.reconcile();
        assert_eq!(
            simulation.object("a").has_finalizer,
            deletion == DeletionPolicy::Delete
        );
        if changed {
            simulation.set("mapRoles", &theirs);
        }
        // Even if it still has a finalizer.
        simulation.objects[0].has_finalizer = true;
        simulation.delete("a");
        let events = simulation.reconcile();
        assert!(
            events.len() == 1 && events[0].starts_with(expected),
            "{events:?}"
        );
        assert_eq!(simulation.effective().len(), usize::from(is_kept));
        assert!(simulation.objects.is_empty());
    }
    // A change to Retain removes the finalizer, a change to Delete adds it again.
    let mut simulation = Simulation::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    simulation.reconcile();
    simulation.change("a", |spec| spec.deletion = DeletionPolicy::Retain);
    simulation.reconcile();
    assert!(!simulation.object("a").has_finalizer);
    simulation.change("a", |spec| spec.deletion = DeletionPolicy::Delete);
    simulation.reconcile();
    assert!(simulation.object("a").has_finalizer);
    assert_eq!(simulation.writes, 1);
}

#[test]
fn changed_arn_takes_one_write_and_frees_the_old_one() {
    let mut simulation = Simulation::new(CONFIG, "")
        .with("a", spec("a", "u", &["dev"]))
        .with("b", spec("b", "v", &[]));
    simulation.reconcile();
    simulation.change("a", |spec| spec.principal = Principal::Role(role("c")));
    simulation.change("b", |spec| spec.principal = Principal::Role(role("a")));
    simulation.reconcile();
    assert_eq!(simulation.writes, 2);
    assert_eq!(
        simulation.effective().keys().cloned().collect::<Vec<_>>(),
        [role("a"), role("c")]
    );
    assert_eq!(simulation.effective()[&role("a")][0].username, "v");
    // They swap ARNs.
    simulation.change("a", |spec| spec.principal = Principal::Role(role("a")));
    simulation.change("b", |spec| spec.principal = Principal::Role(role("c")));
    simulation.reconcile();
    assert_eq!(simulation.effective()[&role("c")][0].username, "v");
    assert_eq!(simulation.effective()[&role("a")][0].username, "u");
    // A request that is not granted keeps the existing entry.
    simulation.change("a", |spec| {
        spec.principal = Principal::Role("arn:aws:iam::999999999999:role/x".to_owned())
    });
    simulation.reconcile();
    assert_eq!(
        (simulation.reason("a"), simulation.effective().len()),
        (Reason::Refused, 2)
    );
    simulation.delete("a");
    simulation.reconcile();
    assert_eq!(
        simulation.effective().keys().cloned().collect::<Vec<_>>(),
        [role("c")]
    );
}

#[test]
fn change_waits_until_its_status_is_recorded() {
    let simulation = Simulation::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    let decision = simulation.decide(awsauth_core::reconcile::Stage::Writing);
    assert!(decision.has_deferred && decision.plan.is_none());
    assert_eq!(decision.retry_at, None);
}

#[test]
fn three_repairs_in_ten_minutes_back_off_for_an_hour() {
    let theirs = entry("a", "mallory", &["dev"]);
    let mut simulation = Simulation::new(CONFIG, "")
        .with("a", spec("a", "u", &["dev"]))
        .with("b", spec("b", "u", &[]));
    simulation.reconcile();
    let repairs = |simulation: &mut Simulation| {
        let before = simulation.writes;
        for _ in 0..6 {
            simulation.set("mapRoles", &theirs);
            simulation.reconcile();
            simulation.wait(30);
        }
        simulation.writes - before
    };
    // The other object's entry is removed as often.
    assert_eq!(repairs(&mut simulation), 3);
    let (reason, message) = simulation.ready("a");
    assert!(
        reason == Reason::Contested && message.contains("field manager kubectl-edit"),
        "{message}"
    );
    assert!(
        simulation
            .decide(awsauth_core::reconcile::Stage::Preparing)
            .retry_at
            > Some(simulation.now)
    );
    // A new leader knows the suspension from the object's status.
    let mut other = simulation.clone();
    other.memory = Default::default();
    assert_eq!(repairs(&mut other), 0);
    // A change of the spec ends the suspension.
    let mut changed = simulation.clone();
    changed.change("a", |spec| spec.username = Some("v".to_owned()));
    assert_eq!(repairs(&mut changed), 4, "a new request is not a repair");
    assert_eq!(changed.reason("b"), Reason::Contested);
    // The suspension ends after an hour.
    simulation.wait(3700);
    assert_eq!(repairs(&mut simulation), 3);
    // The object is ready once its entry is restored by another client.
    let whole = format!("{}{}", entry("a", "u", &["dev"]), entry("b", "u", &[]));
    simulation.set("mapRoles", &whole);
    simulation.reconcile();
    assert_eq!(simulation.reason("a"), Reason::Applied);
    // Slow changes, or changes by several clients, are not a conflict.
    let mut simulation = Simulation::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    simulation.reconcile();
    for manager in 0..12 {
        simulation.set("mapRoles", &theirs);
        simulation.manager = Some(format!("manager-{}", manager % 6));
        simulation.reconcile();
        simulation.wait(200);
    }
    assert_eq!(simulation.writes, 13);
}

#[test]
fn client_that_changed_the_entry_is_named_not_the_last_writer() {
    let config = format!("{CONFIG}protect: {{arns: [\"{}\"]}}\n", role("ops"));
    let ops = entry("ops", "ops", &["ops"]);
    let mut simulation = Simulation::new(&config, &ops).with("a", spec("a", "u", &["dev"]));
    simulation.reconcile();
    for manager in 0..6 {
        simulation.set_beside("", &format!("manager-{manager}"));
        let events = simulation.reconcile();
        let by = format!("removed by field manager manager-{manager}, and was restored");
        let named = events.iter().filter(|event| event.contains(&by)).count();
        assert_eq!(named, 2, "{events:?}");
        assert_eq!(simulation.effective().len(), 2);
    }
    // Only a client that removes an entry again and again is in conflict.
    for _ in 0..4 {
        simulation.set_beside("", "manager-0");
        simulation.reconcile();
    }
    let (reason, message) = simulation.ready("a");
    assert!(
        reason == Reason::Contested && message.starts_with("field manager manager-0 keeps"),
        "{message}"
    );
    assert!(simulation.effective().is_empty());
    assert!(simulation.memory.changed_by.len() <= 2);
}

#[test]
fn unreadable_section_blocks_only_itself() {
    let user = Spec {
        principal: Principal::User("arn:aws:iam::111122223333:user/bob".to_owned()),
        ..spec("", "bob", &[])
    };
    for (text, expected) in [
        (
            &"- rolearn: {{\n".to_owned(),
            "cannot read mapRoles, so its entries have no effect: line ",
        ),
        (
            &format!("- &a\n  rolearn: {}\n  username: z\n- *a\n", role("a")),
            "mapRoles",
        ),
    ] {
        let mut simulation = Simulation::new(CONFIG, "")
            .with("a", spec("a", "u", &["dev"]))
            .with("bob", user.clone());
        simulation.reconcile();
        simulation.create("c", spec("c", "u", &["dev"]));
        simulation.change("bob", |spec| spec.username = Some("robert".to_owned()));
        simulation.set("mapRoles", text);
        simulation.reconcile();
        for name in ["a", "c"] {
            let (reason, message) = simulation.ready(name);
            assert!(
                reason == Reason::Unreadable && message.contains(expected),
                "{text}: {message}"
            );
        }
        assert_eq!(
            (simulation.reason("bob"), simulation.text("mapRoles")),
            (Reason::Applied, text.as_str())
        );
        simulation.delete("a");
        simulation.reconcile();
        assert!(
            simulation.object("a").has_finalizer,
            "its entry cannot be removed yet"
        );
        simulation.set("mapRoles", &entry("a", "u", &["dev"]));
        simulation.reconcile();
        assert_eq!(
            (simulation.objects.len(), simulation.reason("c")),
            (2, Reason::Applied)
        );
        assert!(!simulation.effective().contains_key(&role("a")));
    }
}

#[test]
fn mode_api_without_listed_access_entries_writes_nothing() {
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
    simulation.reconcile();
    let (reason, message) = simulation.ready("a");
    assert!(
        reason == Reason::ShadowedBy && message.starts_with("the access entry of"),
        "{message}"
    );
    assert_eq!(
        (simulation.reason("b"), simulation.effective().len()),
        (Reason::Applied, 1)
    );
    // The cluster does not read aws-auth.
    let unlisted = AccessEntries::new(AuthenticationMode::Api, None);
    simulation.entries = Some(Arc::new(unlisted));
    simulation.set("mapRoles", "");
    let events = simulation.reconcile();
    assert!(
        events.len() == 1
            && events[0]
                .starts_with("ShadowedBy aws-auth: the authentication mode of this cluster is API"),
        "{events:?}"
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
    simulation.reconcile();
    assert_eq!(simulation.objects.len(), 1);
}

#[test]
fn last_administrator_is_kept_after_its_object_is_deleted() {
    let config = CONFIG.replace("[dev,", "[system:masters, dev,");
    let mut simulation = Simulation::new(&config, "")
        .with("admin", spec("admin", "admin", &["system:masters"]))
        .with("b", spec("b", "u", &[]));
    simulation.reconcile();
    for name in ["admin", "b"] {
        simulation.delete(name);
    }
    simulation.create("c", spec("c", "u", &["dev"]));
    simulation.reconcile();
    let (reason, message) = simulation.ready("admin");
    assert!(
        reason == Reason::Refused && message.starts_with("guard last-admin"),
        "{message}"
    );
    assert_eq!(simulation.reason("c"), Reason::Applied);
    assert_eq!(
        simulation.effective().keys().cloned().collect::<Vec<_>>(),
        [role("admin"), role("c")]
    );
    simulation.create("second", spec("second", "admin", &["system:masters"]));
    simulation.reconcile();
    assert_eq!(
        simulation.effective().keys().cloned().collect::<Vec<_>>(),
        [role("c"), role("second")]
    );
}

#[test]
fn crash_at_any_point_removes_no_foreign_entry() {
    for crash in [Crash::Prepared, Crash::Written] {
        let mut simulation =
            Simulation::new(CONFIG, &entry("ops", "ops", &[])).with("a", spec("a", "u", &["dev"]));
        simulation.reconcile_until(Some(crash));
        // Unchanged: the write is completed.
        let mut same = simulation.clone();
        same.reconcile();
        assert_eq!((same.reason("a"), same.writes), (Reason::Applied, 1));
        // The object requests something else.
        let mut changed = simulation.clone();
        changed.change("a", |spec| spec.principal = Principal::Role(role("b")));
        changed.reconcile();
        assert_eq!(
            changed.effective().keys().cloned().collect::<Vec<_>>(),
            [role("b"), role("ops")]
        );
        // Another client wrote the same ARN: the entry belongs to it.
        let theirs = entry("a", "theirs", &[]);
        simulation.set("mapRoles", &theirs);
        let mut deleted = simulation.clone();
        deleted.delete("a");
        deleted.reconcile();
        assert_eq!(
            (deleted.objects.len(), deleted.text("mapRoles")),
            (0, theirs.as_str())
        );
        simulation.reconcile();
        assert_eq!(
            (simulation.reason("a"), simulation.text("mapRoles")),
            (Reason::Conflict, theirs.as_str())
        );
        simulation.delete("a");
        simulation.reconcile_until(None);
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
    simulation.reconcile();
    assert_eq!(
        simulation.text("mapRoles"),
        "- rolearn: arn:aws:iam::111122223333:role/n\n  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n    - system:bootstrappers\n    - system:nodes\n"
    );
    simulation.set(
        "mapRoles",
        &node_entry("n").replace("system:nodes", "more, system:nodes"),
    );
    simulation.reconcile();
    assert_eq!(
        (simulation.reason("n"), simulation.writes),
        (Reason::Applied, 2)
    );
    // It is reduced only if no node needs it.
    simulation.change("n", |spec| {
        spec.username = Some("u".to_owned());
        spec.groups.clear();
    });
    simulation.reconcile();
    let (reason, message) = simulation.ready("n");
    assert!(
        reason == Reason::Refused && message.starts_with("guard node-guard"),
        "{message}"
    );
    simulation.delete("n");
    let events = simulation.reconcile();
    assert!(
        events.len() == 1 && events[0].contains("is kept: nodes may need it"),
        "{events:?}"
    );
    assert_eq!(
        (simulation.effective().len(), simulation.objects.len()),
        (1, 0)
    );
}

/// The controller keeps their status in memory, and they have no finalizer.
#[test]
fn iam_identity_mappings_are_added_and_removed() {
    let mut simulation = Simulation::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    simulation.objects[0].kind = awsauth_core::reconcile::ObjectKind::IamIdentityMapping;
    simulation.reconcile();
    assert!(!simulation.object("a").has_finalizer);
    assert_eq!(simulation.reason("a"), Reason::Applied);
    simulation.objects[0] = Object {
        is_deleting: true,
        ..simulation.objects[0].clone()
    };
    simulation.reconcile();
    assert_eq!(
        (simulation.effective().len(), simulation.objects.len()),
        (0, 0)
    );
}
