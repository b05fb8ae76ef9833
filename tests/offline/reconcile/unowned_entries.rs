//! What the controller never does: change entries that it cannot prove to be its own, or that the configuration protects.

use awsauth_core::document::{Principal, SectionName};
use awsauth_core::reconcile::{Config, EntryRecord, OwnershipRecord, Reason, Stage};

use super::simulation::{ACCOUNT, CONFIG, Crash, Simulation, entry, role, spec};

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

/// The status reports it, instead of a write that is announced again and again.
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
