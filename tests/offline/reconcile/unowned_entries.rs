//! What the controller never does: change entries that it cannot prove to be its own, or that the configuration protects.

use awsauth_core::admission::Deadline;
use awsauth_core::document::{Principal, SectionName};
use awsauth_core::reconcile::{
    Config, DeletionPolicy, DriftPolicy, EntryRecord, OwnershipRecord, Reason, Spec, Stage, Status,
    check_requester,
};

use super::simulation::{ACCOUNT, CONFIG, Crash, Simulation, entry, node_entry, role, spec};

/// The configuration with a protected role `admin`.
fn protecting() -> String {
    format!("{CONFIG}protect: {{arns: [\"{}\"]}}\n", role("Admin"))
        .replace("groups: [", "groups: [system:masters, ")
}

/// A hand-written entry of an administrator.
fn admin() -> String {
    entry("admin", "admin", &["system:masters"])
}

fn admin_record() -> EntryRecord {
    EntryRecord {
        section: SectionName::Roles,
        key: role("admin"),
        username: "admin".to_owned(),
        groups: vec!["system:masters".to_owned()],
    }
}

#[test]
fn protected_entry_is_neither_taken_up_nor_removed_by_an_object() {
    for (username, groups) in [("admin", "system:masters"), ("other", "dev")] {
        let mut simulation =
            Simulation::new(&protecting(), &admin()).with("a", spec("admin", username, &[groups]));
        simulation.reconcile();
        let (reason, message) = simulation.ready("a");
        assert!(
            reason == Reason::Refused
                && message.contains("protect.arns")
                && message.contains("delete this object"),
            "{message}"
        );
        assert!(!simulation.object("a").has_finalizer);
        simulation.delete("a");
        simulation.reconcile();
        assert_eq!(simulation.text("mapRoles"), admin());
    }
}

#[test]
fn entry_that_becomes_protected_outlives_its_object() {
    let unprotected = CONFIG.replace("groups: [", "groups: [system:masters, ");
    let mut simulation =
        Simulation::new(&unprotected, "").with("a", spec("admin", "admin", &["system:masters"]));
    simulation.reconcile();
    simulation.config = Config::parse(&protecting()).unwrap();
    simulation.reconcile();
    let (reason, message) = simulation.ready("a");
    assert!(
        reason == Reason::Refused && !message.contains("until the object is deleted"),
        "{message}"
    );
    let before = simulation.text("mapRoles").to_owned();
    // It is removed by another client, and restored in spite of the object's status.
    let mut removed = simulation.clone();
    removed.set("mapRoles", "");
    let events = removed.reconcile();
    assert!(
        events[0].starts_with("ProtectedEntryRestored"),
        "{events:?}"
    );
    assert_eq!(removed.text("mapRoles"), before);
    // The object requests another role, or is deleted.
    let mut moved = simulation.clone();
    moved.change("a", |spec| spec.principal = Principal::Role(role("b")));
    simulation.delete("a");
    for mut simulation in [moved, simulation] {
        let events = simulation.reconcile();
        let is_left =
            |event: &String| event.starts_with("EntryLeft") && event.contains("protect.arns");
        assert!(events.iter().any(is_left), "{events:?}");
        assert!(simulation.text("mapRoles").starts_with(&before));
    }
}

#[test]
fn missing_protected_entry_is_never_forgotten() {
    let mut simulation = Simulation::new(&protecting(), &admin());
    simulation.reconcile();
    // The section cannot be read for a while.
    simulation.set("mapRoles", "- rolearn: {{\n");
    simulation.reconcile();
    assert_eq!(simulation.decide(Stage::Preparing).missing_protected, 1);
    simulation.set("mapRoles", "");
    simulation.reconcile();
    assert_eq!(
        simulation.effective()[&role("admin")][0].groups,
        ["system:masters"]
    );
    assert_eq!(simulation.decide(Stage::Preparing).missing_protected, 0);
    // Without its memory, the controller cannot restore the entry, and reports that until it is there.
    simulation.set("mapRoles", "");
    simulation.memory = Default::default();
    let events = simulation.reconcile();
    assert!(
        events.len() == 1
            && events[0].starts_with("ProtectedEntryMissing aws-auth: ")
            && events[0].contains(&role("admin")),
        "{events:?}"
    );
    for _ in 0..2 {
        assert_eq!(simulation.reconcile(), [""; 0]);
        assert_eq!(simulation.decide(Stage::Preparing).missing_protected, 1);
        simulation.wait(4000);
    }
    simulation.set("mapRoles", &admin());
    simulation.reconcile();
    assert_eq!(simulation.decide(Stage::Preparing).missing_protected, 0);
    // It is remembered again.
    simulation.set("mapRoles", "");
    simulation.reconcile();
    assert_eq!(simulation.text("mapRoles").matches("role/admin").count(), 1);
}

#[test]
fn forged_status_removes_and_changes_nothing() {
    let theirs = admin();
    for is_granted in [false, true] {
        let own = spec("own", "u", if is_granted { &["dev"] } else { &["secret"] });
        // Deleted, or changed to another ARN.
        let mut simulation = Simulation::new(CONFIG, &theirs).with("a", own);
        simulation.reconcile();
        simulation.forge_entry("a", admin_record());
        let mut deleted = simulation.clone();
        deleted.delete("a");
        let events = deleted.reconcile();
        assert!(
            events
                .iter()
                .any(|event| event.starts_with("EntryLeft a: ") && event.contains("no record")),
            "{events:?}"
        );
        assert!(deleted.objects.is_empty());
        // The entry of the object itself is removed, although the forged status does not name it.
        assert_eq!(deleted.text("mapRoles"), theirs);
        simulation.reconcile();
        assert!(simulation.text("mapRoles").starts_with(&theirs));
        let status = &simulation.object("a").status;
        let recorded = status.entry.iter().chain(&status.pending);
        assert!(
            recorded
                .into_iter()
                .all(|recorded| recorded.key != role("admin")),
            "{status:?}"
        );
    }
    // An object whose request is granted does not take over the entry of another client.
    let mut simulation = Simulation::new(CONFIG, &theirs).with("a", spec("admin", "u", &["dev"]));
    simulation.reconcile();
    let desired = EntryRecord {
        username: "u".to_owned(),
        groups: vec!["dev".to_owned()],
        ..admin_record()
    };
    for forged in [admin_record(), desired] {
        simulation.forge_entry("a", forged);
        simulation.reconcile();
        assert_eq!(simulation.reason("a"), Reason::Conflict);
        assert_eq!(simulation.text("mapRoles"), theirs);
    }
}

#[test]
fn forged_status_does_not_remove_the_entry_of_another_object() {
    let mut simulation = Simulation::new(CONFIG, "")
        .with("victim", spec("v", "v", &["dev"]))
        .with("a", spec("a", "a", &["dev"]));
    simulation.reconcile();
    // The entry of the victim is kept, although its grant was withdrawn.
    let victim = simulation.object("victim").status.clone();
    simulation.config = Config::parse(&CONFIG.replace("[dev,", "[other,")).unwrap();
    simulation.reconcile();
    simulation.forge_entry("a", victim.entry.unwrap());
    simulation.delete("a");
    simulation.reconcile();
    assert!(simulation.effective().contains_key(&role("v")));
}

/// The object must keep its finalizer until its entry can be removed.
#[test]
fn forged_status_does_not_leave_an_entry_in_unreadable_text() {
    let mut simulation = Simulation::new(CONFIG, &admin()).with("a", spec("own", "u", &["dev"]));
    simulation.reconcile();
    let readable = simulation.text("mapRoles").to_owned();
    simulation.forge_entry("a", admin_record());
    simulation.delete("a");
    simulation.set("mapRoles", "- rolearn: [\n");
    simulation.reconcile();
    assert_eq!(simulation.objects.len(), 1);
    simulation.set("mapRoles", &readable);
    simulation.reconcile();
    assert!(simulation.objects.is_empty());
    assert_eq!(simulation.text("mapRoles"), admin());
}

/// The status says so, instead of a write that is announced again and again.
#[test]
fn changed_principal_waits_for_readable_text() {
    let mut simulation = Simulation::new(CONFIG, &admin()).with("a", spec("own", "u", &["dev"]));
    simulation.reconcile_until(Some(Crash::Prepared));
    simulation.set("mapRoles", "- rolearn: [\n");
    let user = format!("arn:aws:iam::{ACCOUNT}:user/own");
    simulation.change("a", |spec| spec.principal = Principal::User(user));
    simulation.reconcile();
    assert_eq!(simulation.reason("a"), Reason::Unreadable);
}

#[test]
fn lost_record_keeps_entries_and_is_rebuilt_from_granted_objects() {
    let mut simulation = Simulation::new(CONFIG, "")
        .with("a", spec("a", "a", &["dev"]))
        .with("b", spec("b", "b", &["dev"]));
    simulation.reconcile();
    simulation.record = OwnershipRecord::default();
    let mut deleted = simulation.clone();
    deleted.delete("a");
    deleted.reconcile();
    assert!(
        deleted.effective().contains_key(&role("a")),
        "the entry is kept"
    );
    simulation.reconcile();
    simulation.delete("a");
    simulation.reconcile();
    assert_eq!(
        simulation.effective().into_keys().collect::<Vec<_>>(),
        [role("b")]
    );
}

#[test]
fn withdrawn_grant_revokes_only_if_configured() {
    let revoking = CONFIG.replace("groups:", "onWithdrawal: Revoke\n  groups:");
    for (config, is_kept) in [(CONFIG, true), (revoking.as_str(), false)] {
        let mut simulation = Simulation::new(config, &entry("ops", "ops", &["dev"]))
            .with("a", spec("a", "a", &["dev"]))
            .with("b", spec("b", "b", &["view-x"]));
        simulation.reconcile();
        simulation.config = Config::parse(&config.replace("[dev,", "[other,")).unwrap();
        let events = simulation.reconcile();
        assert_eq!(simulation.reason("a"), Reason::Refused);
        assert_eq!(simulation.reason("b"), Reason::Applied);
        assert_eq!(
            simulation.effective().contains_key(&role("a")),
            is_kept,
            "{config}"
        );
        assert_eq!(
            events.iter().any(|event| event.starts_with("Revoked a: ")),
            !is_kept,
            "{events:?}"
        );
        // Granted again, the entry is written again.
        simulation.config = Config::parse(config).unwrap();
        simulation.reconcile();
        assert_eq!(simulation.effective().len(), 3);
        // A changed request that is not granted keeps the entry that still is.
        simulation.change("a", |spec| spec.groups.push("system:masters".to_owned()));
        simulation.reconcile();
        assert!(simulation.effective().contains_key(&role("a")));
    }
}

#[test]
fn revocation_is_subject_to_guards_and_drift_policy() {
    let revoking = CONFIG
        .replace("groups: [", "groups: [system:masters, ")
        .replace("groups:", "onWithdrawal: Revoke\n  groups:");
    let mut simulation = Simulation::new(&revoking, "")
        .with("admin", spec("admin", "admin", &["system:masters"]))
        .with(
            "a",
            Spec {
                drift: DriftPolicy::Report,
                ..spec("a", "a", &["dev"])
            },
        )
        .with("b", spec("b", "b", &["dev"]));
    simulation.reconcile();
    let changed = simulation
        .text("mapRoles")
        .replace("username: a\n", "username: changed\n");
    simulation.set("mapRoles", &changed);
    simulation.reconcile();
    simulation.config = Config::default();
    simulation.reconcile();
    let (reason, message) = simulation.ready("admin");
    assert!(
        reason == Reason::Refused && message.contains("cannot be removed: guard last-admin"),
        "{message}"
    );
    let message = simulation.ready("a").1;
    assert!(message.contains("driftPolicy is Report"), "{message}");
    assert_eq!(
        simulation.effective().into_keys().collect::<Vec<_>>(),
        [role("a"), role("admin")]
    );
}

#[test]
fn withdrawn_grant_revokes_entries_of_vanished_objects() {
    let revoking = CONFIG.replace("groups:", "onWithdrawal: Revoke\n  groups:");
    let withdrawn = Config::parse(&revoking.replace("[dev,", "[other,")).unwrap();
    type Vanish = fn(&mut Simulation);
    let evasions: [(&str, Vanish); 5] = [
        ("the object is deleted with Retain", |simulation| {
            simulation.change("a", |spec| spec.deletion = DeletionPolicy::Retain);
            simulation.reconcile();
            simulation.delete("a");
        }),
        ("its owner removes the finalizer", |simulation| {
            simulation.objects.retain(|object| object.name != "a");
        }),
        (
            "the object is deleted before the controller sees Retain",
            |simulation| {
                simulation.change("a", |spec| spec.deletion = DeletionPolicy::Retain);
                simulation.delete("a");
            },
        ),
        ("its status is overwritten", |simulation| {
            simulation.objects[0].status = Status::default();
        }),
        (
            "another object that conflicts requests the ARN",
            |simulation| {
                simulation.objects.retain(|object| object.name != "a");
                simulation.create("thief", spec("a", "a", &["view-x"]));
            },
        ),
    ];
    for (evasion, vanish) in evasions {
        for is_noticed in [true, false] {
            let theirs = entry("ops", "ops", &["dev"]);
            let mut simulation = Simulation::new(&revoking, &theirs)
                .with("a", spec("a", "a", &["dev"]))
                .with("b", spec("b", "b", &["view-x"]));
            simulation.reconcile();
            vanish(&mut simulation);
            if is_noticed {
                simulation.reconcile();
            }
            let is_left = simulation.effective().contains_key(&role("a"));
            assert!(
                is_left || evasion == "its owner removes the finalizer",
                "{evasion}"
            );
            simulation.config = withdrawn.clone();
            simulation.reconcile();
            let effective = simulation.effective();
            let a = effective.get(&role("a")).into_iter().flatten();
            let mut groups = a.flat_map(|user| &user.groups);
            assert!(!groups.any(|group| group == "dev"), "{evasion}");
            assert!(effective.contains_key(&role("b")), "{evasion}");
            assert!(simulation.text("mapRoles").contains(&theirs), "{evasion}");
            // An entry that an administrator writes again by hand is theirs.
            simulation.objects.clear();
            let by_hand = entry("a", "a", &["dev"]);
            simulation.set("mapRoles", &(theirs + &by_hand));
            simulation.reconcile();
            assert!(simulation.text("mapRoles").contains(&by_hand), "{evasion}");
        }
    }
}

#[test]
fn revocation_of_an_entry_without_object_is_an_event() {
    let revoking = CONFIG.replace("groups:", "onWithdrawal: Revoke\n  groups:");
    let mut simulation = Simulation::new(&revoking, "").with("a", spec("a", "a", &["dev"]));
    simulation.reconcile();
    simulation.objects.clear();
    simulation.config = Config::default();
    let events = simulation.reconcile();
    assert!(
        events.len() == 1
            && events[0].starts_with("Revoked aws-auth: the entry of ")
            && events[0].contains("which no object owns any more"),
        "{events:?}"
    );
    assert_eq!(simulation.record, OwnershipRecord::default());
}

/// The setting changes after a crash between the ownership record and the write to aws-auth.
#[test]
fn interrupted_entry_is_not_revocable_once_its_grant_keeps_it() {
    let revoking = CONFIG.replace("groups:", "onWithdrawal: Revoke\n  groups:");
    let mut simulation = Simulation::new(&revoking, "").with("a", spec("a", "a", &["dev"]));
    simulation.reconcile_until(Some(Crash::Prepared));
    assert_ne!(simulation.record, OwnershipRecord::default());
    simulation.config = Config::parse(CONFIG).unwrap();
    simulation.reconcile();
    simulation.objects.clear();
    simulation.reconcile();
    assert_eq!(simulation.record, OwnershipRecord::default());
}

#[test]
fn entries_of_vanished_objects_are_kept_unless_a_revoking_grant_is_withdrawn() {
    let revoking = CONFIG.replace("groups:", "onWithdrawal: Revoke\n  groups:");
    let narrowed = |config: &str| config.replace("[dev,", "[other,");
    let vanished = |config: &str| {
        let mut simulation =
            Simulation::new(config, &node_entry("n")).with("a", spec("a", "a", &["dev"]));
        simulation.change("a", |spec| spec.deletion = DeletionPolicy::Retain);
        simulation.reconcile();
        simulation.objects.clear();
        simulation.reconcile();
        simulation
    };
    let is_kept = |simulation: &mut Simulation, config: &str| {
        simulation.config = Config::parse(config).unwrap();
        simulation.reconcile();
        simulation.effective().contains_key(&role("a"))
    };
    assert!(is_kept(&mut vanished(CONFIG), &narrowed(CONFIG)));
    // The setting was changed before the grant was withdrawn.
    let mut simulation = vanished(&revoking);
    assert!(is_kept(&mut simulation, CONFIG));
    assert!(is_kept(&mut simulation, &narrowed(&revoking)));
    // Another client has changed the entry since.
    let mut simulation = vanished(&revoking);
    let text = simulation.text("mapRoles").replace("dev", "view-y");
    assert!(text.contains("view-y"));
    simulation.set("mapRoles", &text);
    simulation.reconcile();
    assert!(is_kept(&mut simulation, "grants: []"));
    // It is protected, or cannot be read now.
    let mut simulation = vanished(&revoking);
    let protect = format!("grants: []\nprotect:\n  arns: [\"{}\"]\n", role("a"));
    assert!(is_kept(&mut simulation, &protect));
    let text = simulation.text("mapRoles").to_owned();
    simulation.set("mapRoles", &format!("{text}- [\n"));
    is_kept(&mut simulation, "grants: []");
    simulation.set("mapRoles", &text);
    assert!(!is_kept(&mut simulation, "grants: []"));
}

#[test]
fn withdrawn_entry_that_a_guard_keeps_is_reported_once() {
    let revoking = CONFIG
        .replace("groups: [", "groups: [system:masters, ")
        .replace("groups:", "onWithdrawal: Revoke\n  groups:");
    let mut simulation =
        Simulation::new(&revoking, "").with("admin", spec("admin", "admin", &["system:masters"]));
    simulation.reconcile();
    simulation.objects.clear();
    simulation.config = Config::default();
    let events = simulation.reconcile();
    assert!(
        events.len() == 1
            && events[0].starts_with("NotRevoked aws-auth: ")
            && events[0].contains("guard last-admin"),
        "{events:?}"
    );
    let other = entry("other", "other", &["system:masters"]);
    let text = simulation.text("mapRoles").to_owned() + &other;
    simulation.set("mapRoles", &text);
    simulation.reconcile();
    assert_eq!(simulation.text("mapRoles"), other);
}

#[test]
fn grant_with_requesters_is_only_for_them() {
    let config = format!(
        "{CONFIG}  requesters: {{users: [\"system:serviceaccount:flux:*\"], groups: [platform]}}\n- accounts: [\"{ACCOUNT}\"]\n  groups: [open]\n  usernames: [u]\n"
    );
    let config = Config::parse(&config).unwrap();
    let check = |spec: &Spec, user: &str, groups: &[&str]| {
        let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        check_requester(&config, spec, user, &groups, &Deadline::default())
    };
    let dev = spec("team/a", "u", &["dev"]);
    assert_eq!(check(&dev, "system:serviceaccount:flux:apply", &[]), Ok(()));
    assert_eq!(check(&dev, "ann", &["x", "platform"]), Ok(()));
    let why = check(&dev, "mallory", &["system:masters"]).unwrap_err();
    assert!(
        why.contains("has mallory among its requesters") && why.contains(&role("a")),
        "{why}"
    );
    assert_eq!(check(&spec("a", "u", &["open"]), "mallory", &[]), Ok(()));
    // A grant that is added later would cover it.
    let why = check(&spec("a", "u", &["secret"]), "mallory", &[]).unwrap_err();
    assert!(why.contains("add it to the groups of a grant"), "{why}");
    let without = Config::parse(CONFIG).unwrap();
    assert_eq!(
        check_requester(
            &without,
            &spec("a", "u", &["x"]),
            "mallory",
            &[],
            &Deadline::default(),
        ),
        Ok(())
    );
}
