//! Objects that request more than aws-auth can hold.

use awsauth_core::document::Principal;
use awsauth_core::reconcile::{DeletionPolicy, Object, Reason, Stage};

use super::simulation::{CONFIG, Simulation, entry, node_entry, role, spec};

/// Returns the size of aws-auth in JSON as Go writes it.
fn json_bytes(simulation: &Simulation) -> usize {
    let texts = simulation.stored.data.values();
    texts
        .map(|text| {
            let html = text.matches(['<', '>', '&']).count();
            serde_json::to_string(&**text).expect("a string").len() + 5 * html
        })
        .sum()
}

/// Asserts that aws-auth has at most 900 KiB of JSON and 32,000 lines and items.
fn assert_within_budget(simulation: &Simulation) {
    assert!(json_bytes(simulation) <= 900 << 10);
    let texts = simulation.stored.data.values();
    let parts = texts.map(|text| text.matches(['\n', ',', '[', '{']).count());
    assert!(parts.sum::<usize>() <= 32_000);
}

/// Returns a cluster with a node entry, a protected entry, an old object, and 1,000 objects with this username.
fn flooded(username: &str) -> Simulation {
    let protected = format!("{CONFIG}protect:\n  arns: [\"{}\"]\n", role("break-glass"));
    let theirs = entry("break-glass", "ops", &["system:masters"]) + &node_entry("nodes");
    let mut simulation =
        Simulation::new(&protected, &theirs).with("old", spec("old", "u", &["dev"]));
    simulation.reconcile();
    for at in 0..1000 {
        let spec = spec(&format!("flood{at}"), username, &["dev"]);
        simulation.create(&format!("flood{at}"), spec);
    }
    simulation.reconcile();
    simulation
}

fn count(simulation: &Simulation, reason: Reason) -> usize {
    let objects = simulation.objects.iter();
    objects
        .filter(|object| object.status.reason() == Some(reason))
        .count()
}

/// Usernames that reach the limit of bytes, that of bytes in JSON, and that of lines and items.
fn usernames() -> [String; 3] {
    ["u", "<", ","].map(|char| format!("u{}u", char.repeat(1022)))
}

#[test]
fn objects_beyond_the_budget_are_refused_from_the_youngest() {
    for username in usernames() {
        let simulation = flooded(&username);
        assert_within_budget(&simulation);
        let applied = count(&simulation, Reason::Applied);
        assert!((25..900).contains(&applied), "{applied}");
        assert_eq!(applied + count(&simulation, Reason::Refused), 1001);
        for (at, object) in simulation.objects.iter().enumerate() {
            let is_applied = object.status.reason() == Some(Reason::Applied);
            assert_eq!(is_applied, at < applied, "{}", object.name);
        }
        let (_, message) = simulation.ready("flood999");
        assert!(message.starts_with("aws-auth is full: "), "{message}");
    }
}

#[test]
fn full_aws_auth_still_gets_removals_and_protected_entries() {
    let mut simulation = flooded(&usernames()[1]);
    let without_protected = simulation
        .text("mapRoles")
        .replace(&entry("break-glass", "ops", &["system:masters"]), "");
    simulation.set("mapRoles", &without_protected);
    simulation.delete("flood0");
    simulation.delete("flood999");
    let events = simulation.reconcile();
    assert!(
        events
            .iter()
            .any(|event| event.starts_with("ProtectedEntryRestored")),
        "{events:?}"
    );
    let effective = simulation.effective();
    assert!(effective.contains_key(&role("break-glass")));
    assert!(!effective.contains_key(&role("flood0")));
    assert_eq!(simulation.objects.len(), 999);
    // The space is given to the oldest refused object.
    assert_within_budget(&simulation);
    let applied = count(&simulation, Reason::Applied);
    let last = &simulation.objects[applied - 1].name;
    assert!(effective.contains_key(&role(last)));
}

#[test]
fn change_that_adds_nothing_is_applied_to_full_aws_auth() {
    let mut simulation = flooded(&usernames()[0]);
    simulation.change("old", |spec| spec.username = Some("v".to_owned()));
    simulation.change("flood1", |spec| spec.username = Some("short".to_owned()));
    simulation.change("flood999", |spec| spec.username = Some("short".to_owned()));
    simulation.reconcile();
    for name in ["old", "flood1", "flood999"] {
        assert_eq!(simulation.reason(name), Reason::Applied);
    }
    assert_within_budget(&simulation);
}

#[test]
fn entry_that_would_grow_beyond_the_budget_stays_as_it_is() {
    let mut simulation = flooded(&usernames()[0]);
    simulation.change("flood1", |spec| {
        spec.username = Some(usernames()[1].clone())
    });
    simulation.reconcile();
    let (reason, message) = simulation.ready("flood1");
    assert_eq!(reason, Reason::Refused);
    assert!(message.starts_with("aws-auth is full: "), "{message}");
    let users = &simulation.effective()[&role("flood1")];
    assert_eq!(users[0].username, usernames()[0]);
    simulation.delete("flood1");
    simulation.reconcile();
    assert!(!simulation.effective().contains_key(&role("flood1")));
}

#[test]
fn order_of_objects_does_not_matter_to_the_budget() {
    let mut simulation = flooded(&usernames()[0]);
    for name in ["flood3", "flood500", "flood700"] {
        simulation.change(name, |spec| spec.username = Some("other".to_owned()));
    }
    simulation.delete("flood7");
    let mut reversed = simulation.objects.clone();
    reversed.reverse();
    for stage in [Stage::Preparing, Stage::Writing] {
        let one = simulation.decide(stage);
        let mut other = simulation.decide_about(&reversed, stage);
        let text = |plan: &Option<awsauth_core::plan::Plan>| plan.as_ref().map(|plan| plan.text());
        assert_eq!(text(&one.plan), text(&other.plan));
        other.reports.reverse();
        assert_eq!(one.reports, other.reports);
    }
}

#[test]
fn grant_with_a_limit_leaves_space_for_others() {
    let config = format!(
        "{CONFIG}  arns: [\"{}\"]\n  maxKiB: 100\n- accounts: [\"111122223333\"]\n  groups: [dev]\n  usernames: [\"*\"]\n",
        role("flood*")
    );
    let theirs = entry("flood-by-hand", "u", &["dev"]);
    let mut simulation = Simulation::new(&config, &theirs);
    for at in 0..300 {
        let mut spec = spec(&format!("flood{at}"), &usernames()[0], &["dev"]);
        spec.deletion = DeletionPolicy::Retain;
        simulation.create(&format!("flood{at}"), spec);
    }
    simulation.create("other", spec("other", "u", &["dev"]));
    simulation.reconcile();
    let size = |simulation: &Simulation| simulation.text("mapRoles").len();
    assert!(
        (90 << 10..=101 << 10).contains(&size(&simulation)),
        "{}",
        size(&simulation)
    );
    assert_eq!(simulation.reason("flood0"), Reason::Applied);
    assert_eq!(simulation.reason("other"), Reason::Applied);
    let (reason, message) = simulation.ready("flood299");
    assert_eq!(reason, Reason::Refused);
    assert!(message.contains("may take 100 KiB (maxKiB)"), "{message}");
    // Entries that are kept without an object count, too.
    let full = size(&simulation);
    let is_applied = |object: &Object| object.status.reason() == Some(Reason::Applied);
    simulation
        .objects
        .retain(|object| !is_applied(object) || object.name == "other");
    simulation.reconcile();
    assert_eq!(size(&simulation), full);
    // A move from one ARN to another is counted for the grant of the new one.
    for at in 0..200 {
        simulation.create(
            &format!("mover{at}"),
            spec(&format!("mover{at}"), &usernames()[0], &["dev"]),
        );
    }
    simulation.reconcile();
    for at in 0..200 {
        simulation.change(&format!("mover{at}"), |spec| {
            spec.principal = Principal::Role(role(&format!("flood-{at}")))
        });
    }
    simulation.reconcile();
    let limited = simulation
        .effective()
        .into_keys()
        .filter(|arn| arn.contains("flood"))
        .count();
    assert!(limited < 102, "{limited}");
}

#[test]
fn binary_data_takes_space_and_lines_of_other_keys_do_not() {
    let mut simulation = Simulation::new(CONFIG, "").with("a", spec("a", "u", &["dev"]));
    simulation.set("notes", &"\n".repeat(40_000));
    simulation.reconcile();
    assert_eq!(simulation.reason("a"), Reason::Applied);
    let binary: String = "A".repeat(900 << 10);
    simulation
        .stored
        .binary_data
        .insert("b".to_owned(), binary.into());
    simulation.create("b", spec("b", "u", &["dev"]));
    simulation.reconcile();
    let (reason, message) = simulation.ready("b");
    assert!(
        reason == Reason::Refused && message.starts_with("aws-auth is full: "),
        "{message}"
    );
}
