//! What the controller does with entries whose grant is withdrawn.

use awsauth_core::reconcile::{
    Config, DeletionPolicy, DriftPolicy, OwnershipRecord, Reason, Spec, Status,
};

use super::simulation::{CONFIG, Crash, Simulation, entry, node_entry, role, spec};

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
