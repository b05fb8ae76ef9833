//! Objects whose `expiresAt` passes.

use awsauth_core::reconcile::{ConditionKind, DeletionPolicy, Object, Reason, Spec, Stage};
use jiff::{SignedDuration, Timestamp};

use super::simulation::{CONFIG, Crash, Simulation, after_start, entry, node_entry, role, spec};

/// Returns a simulation with the entry `ops` and an object `a` that expires after 60 s.
fn expiring() -> Simulation {
    let others = entry("ops", "ops", &["system:masters"]);
    Simulation::new(CONFIG, &others).with("a", temporary(spec("a", "u", &["dev"])))
}

fn temporary(spec: Spec) -> Spec {
    Spec {
        expires_at: Some(after_start(60)),
        ..spec
    }
}

fn has_entry(simulation: &Simulation, name: &str) -> bool {
    simulation.effective().contains_key(&role(name))
}

#[test]
fn expired_entry_is_removed_and_its_object_stays() {
    let mut simulation = expiring();
    let others = simulation.text("mapRoles").to_owned();
    simulation.reconcile();
    let next = simulation.decide(Stage::Preparing).retry_at;
    assert_eq!(next, Some(after_start(60)));
    simulation.wait(59);
    simulation.reconcile();
    assert_eq!(simulation.reason("a"), Reason::Applied);
    simulation.wait(1);
    let events = simulation.reconcile();
    let passed = "expiresAt 2026-11-20T12:01:00.5Z has passed";
    assert_eq!(events, [format!("Expired a: {passed}")]);
    assert_eq!(simulation.ready("a"), (Reason::Expired, passed));
    assert_eq!(simulation.text("mapRoles"), others);
    let object = simulation.object("a");
    assert_eq!(
        (&object.status.entry, object.status.conditions.len()),
        (&None, 1)
    );
    assert_eq!(simulation.decide(Stage::Preparing).retry_at, None);
    // A later time adds the entry again.
    simulation.change("a", |spec| spec.expires_at = Some(after_start(120)));
    simulation.reconcile();
    assert_eq!(simulation.reason("a"), Reason::Applied);
    simulation.delete("a");
    simulation.reconcile();
    assert!(simulation.objects.is_empty());
}

#[test]
fn object_that_was_created_expired_is_never_applied() {
    let mut simulation = expiring();
    simulation.wait(61);
    simulation.reconcile();
    assert_eq!(
        (simulation.reason("a"), simulation.writes),
        (Reason::Expired, 0)
    );
}

#[test]
fn clock_that_jumps_changes_nothing() {
    for (local, server_ahead) in [
        (4000, Some(-4000)),
        (4000, None),
        (-4000, Some(8000)),
        (0, Some(4000)),
    ] {
        let mut simulation = expiring();
        simulation.reconcile();
        simulation.wait(local);
        simulation.server_ahead = server_ahead;
        assert_eq!(simulation.reconcile(), [""; 0]);
        assert_eq!(simulation.reason("a"), Reason::Applied);
        let next = simulation.decide(Stage::Preparing).retry_at;
        assert!(next > Some(simulation.now), "{next:?}");
    }
    // Access that has ended does not come back.
    for (local, server_ahead) in [(-4000, Some(4000)), (-4000, None), (0, Some(-4000))] {
        let mut simulation = expiring();
        simulation.reconcile();
        simulation.wait(61);
        simulation.reconcile();
        simulation.wait(local);
        simulation.server_ahead = server_ahead;
        assert_eq!(simulation.reconcile(), [""; 0]);
        assert!(!has_entry(&simulation, "a"));
        assert_eq!(simulation.reason("a"), Reason::Expired);
    }
}

#[test]
fn time_of_the_api_server_is_needed_only_around_the_expiry() {
    let needs = |simulation: &Simulation, seconds: i64| {
        let now = simulation.now + SignedDuration::from_secs(seconds);
        awsauth_core::reconcile::needs_server_time(&simulation.objects, now)
    };
    let mut simulation = expiring();
    simulation.create("forever", spec("b", "u", &["dev"]));
    simulation.reconcile();
    assert_eq!(
        [0, 59, 60, 90].map(|at| needs(&simulation, at)),
        [false, false, true, true]
    );
    simulation.wait(60);
    simulation.reconcile();
    assert_eq!(
        [0, 90, -1].map(|at| needs(&simulation, at)),
        [false, false, true]
    );
}

#[test]
fn younger_object_takes_over_an_expired_entry() {
    let mut simulation = expiring().with("b", spec("a", "v", &["dev"]));
    simulation.reconcile();
    assert_eq!(simulation.reason("b"), Reason::Conflict);
    simulation.wait(60);
    simulation.reconcile();
    assert_eq!(
        (simulation.reason("a"), simulation.reason("b")),
        (Reason::Expired, Reason::Applied)
    );
    assert_eq!(simulation.effective()[&role("a")][0].username, "v");
}

#[test]
fn entry_that_another_client_wrote_stays() {
    let mut simulation = expiring();
    simulation.reconcile();
    simulation.wait(60);
    simulation.reconcile();
    let theirs = entry("a", "u", &["dev"]);
    simulation.set("mapRoles", &theirs);
    assert_eq!(simulation.reconcile(), [""; 0]);
    assert_eq!(simulation.text("mapRoles"), theirs);
}

#[test]
fn expiry_is_carried_out_after_a_crash() {
    for crash in [Crash::Prepared, Crash::Written] {
        let mut simulation = expiring();
        simulation.reconcile();
        simulation.wait(60);
        simulation.reconcile_until(Some(crash));
        simulation.reconcile();
        assert!(!has_entry(&simulation, "a"));
        assert_eq!(simulation.reason("a"), Reason::Expired);
    }
}

#[test]
fn expired_entry_is_removed_whatever_else_is_wrong_with_its_object() {
    let expected = |simulation: &mut Simulation| {
        simulation.wait(60);
        simulation.reconcile();
        assert!(!has_entry(simulation, "a"));
        assert_eq!(simulation.reason("a"), Reason::Expired);
    };
    let mut simulation = expiring();
    simulation.reconcile();
    simulation.config = awsauth_core::reconcile::Config::default();
    expected(&mut simulation);
    let mut simulation = expiring();
    simulation.change("a", |spec| spec.deletion = DeletionPolicy::Retain);
    simulation.reconcile();
    expected(&mut simulation);
    let mut simulation = expiring();
    simulation.reconcile();
    simulation.objects[0].status.entry = None;
    expected(&mut simulation);
}

#[test]
fn guards_keep_the_last_administrator_and_node_entries() {
    let grants = "grants:\n- accounts: [\"111122223333\"]\n  groups: [system:masters]\n  usernames: [\"*\"]\n";
    let admin = temporary(spec("a", "u", &["system:masters"]));
    let mut simulation = Simulation::new(grants, "").with("a", admin);
    simulation.reconcile();
    assert_eq!(simulation.reason("a"), Reason::Applied);
    simulation.wait(60);
    let events = simulation.reconcile();
    assert!(has_entry(&simulation, "a"));
    let (reason, message) = simulation.ready("a");
    assert_eq!(reason, Reason::Expired);
    assert!(
        message.contains("cannot be removed: guard last-admin"),
        "{message}"
    );
    assert!(events[0].starts_with("Expired a: "), "{events:?}");
    let stalled = |object: &Object| {
        let stalled = object.status.condition(ConditionKind::Stalled);
        stalled.map(|stalled| stalled.reason)
    };
    assert_eq!(stalled(simulation.object("a")), Some(Reason::Refused));
    // Once there is another administrator, the entry is removed.
    let other = format!(
        "{}{}",
        simulation.text("mapRoles"),
        entry("ops", "o", &["system:masters"])
    );
    simulation.set("mapRoles", &other);
    simulation.reconcile();
    assert!(!has_entry(&simulation, "a"));
    assert_eq!(stalled(simulation.object("a")), None);
    // The entry became one of nodes.
    let mut simulation = expiring();
    simulation.reconcile();
    simulation.set("mapRoles", &node_entry("a"));
    simulation.memory = awsauth_core::reconcile::Memory::default();
    simulation.config = awsauth_core::reconcile::Config::default();
    simulation.wait(60);
    simulation.reconcile();
    assert!(has_entry(&simulation, "a"));
    let (_, message) = simulation.ready("a");
    assert!(message.contains("is kept: nodes may need it"), "{message}");
}

#[test]
fn invalid_spec_keeps_no_entry_beyond_its_time() {
    let invalid = "the spec is invalid: its policies are longer than 16 KiB";
    for (expires_at, seconds, message) in [
        (
            Some(after_start(60)),
            60,
            format!("expiresAt 2026-11-20T12:01:00.5Z has passed; {invalid}"),
        ),
        (Some(Timestamp::MIN), 0, invalid.to_owned()),
    ] {
        let mut simulation = expiring();
        simulation.reconcile();
        simulation.wait(seconds - 1);
        simulation.reconcile();
        assert!(has_entry(&simulation, "a"));
        simulation.invalidate("a", DeletionPolicy::Delete, expires_at);
        if seconds > 0 {
            simulation.reconcile();
            assert_eq!(simulation.reason("a"), Reason::Refused);
            assert!(has_entry(&simulation, "a"));
        }
        simulation.wait(1);
        simulation.reconcile();
        assert!(!has_entry(&simulation, "a"));
        assert_eq!(simulation.ready("a"), (Reason::Expired, message.as_str()));
    }
}
