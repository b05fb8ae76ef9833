//! Users of a grant who try to keep their access after it was withdrawn or has expired.

use awsauth_core::document::Principal;
use awsauth_core::facts::access_entries::{AccessPolicy, AccessScope};
use awsauth_core::facts::authentication_mode::AuthenticationMode::{Api, ApiAndConfigMap};
use awsauth_core::reconcile::{
    AccessEntryFailure, ConditionKind, Config, DriftPolicy, OWNER_TAG, Reason,
};
use jiff::SignedDuration;

use super::access_entries::{VIEW, cluster, config, entry_of, policy, set_entry, terms_of};
use super::simulation::{Simulation, role, spec};

/// Two grants. The first one is withdrawn.
const TWO_GRANTS: &str = r#"
grants:
- {accounts: ["111122223333"], arns: ["*:*:*:*:*:role/a"], groups: [dev], usernames: ["*"], onWithdrawal: Revoke}
- {accounts: ["111122223333"], arns: ["*:*:*:*:*:role/b"], groups: [dev], usernames: ["*"]}
"#;

fn withdraw_first_grant(simulation: &mut Simulation) {
    simulation.config.grants.remove(0);
}

/// The user makes the object request another ARN, which it cannot get, so that its previous entry stays.
fn request_of_another_principal(mut simulation: Simulation) -> Simulation {
    simulation.create("b", spec("b", "b", &["dev"]));
    simulation.create("a", spec("a", "a", &["dev"]));
    simulation.settle();
    simulation.change("a", |spec| spec.principal = Principal::Role(role("b")));
    simulation.settle();
    assert_eq!(simulation.reason("a"), Reason::Conflict);
    withdraw_first_grant(&mut simulation);
    let events = simulation.settle();
    assert!(
        events.iter().any(|event| event.starts_with("Revoked a: ")),
        "{events:?}"
    );
    assert_eq!(simulation.reason("a"), Reason::Conflict);
    simulation
}

#[test]
fn withdrawn_entry_is_removed_although_its_object_requests_another_one() {
    let simulation = request_of_another_principal(Simulation::new(TWO_GRANTS, ""));
    assert_eq!(
        simulation.effective().into_keys().collect::<Vec<_>>(),
        [role("b")]
    );
}

#[test]
fn withdrawn_entry_is_removed_although_a_guard_refuses_what_its_object_requests() {
    let mut simulation = Simulation::new(TWO_GRANTS, "").with("a", spec("a", "a", &["dev"]));
    simulation.settle();
    // Lint refuses unknown templates.
    simulation.change("a", |new| *new = spec("b", "{{Foo}}", &["dev"]));
    simulation.settle();
    assert_eq!(simulation.reason("a"), Reason::Refused);
    assert!(simulation.effective().contains_key(&role("a")));
    withdraw_first_grant(&mut simulation);
    simulation.settle();
    let (reason, message) = simulation.ready("a");
    assert!(
        reason == Reason::Refused && message.contains("unknown-template"),
        "{message}"
    );
    assert!(simulation.effective().is_empty());
}

#[test]
fn withdrawn_access_entry_is_deleted_although_its_object_requests_another_one() {
    let simulation = request_of_another_principal(cluster(TWO_GRANTS, Api, ""));
    assert_eq!(entry_of(&simulation, "a"), None);
    assert!(entry_of(&simulation, "b").is_some());
}

#[test]
fn drift_policy_does_not_keep_an_access_entry_of_the_controller() {
    // A change that EKS carried out in part is not in the status.
    let revoking = config("").replace("  groups:", "  onWithdrawal: Revoke\n  groups:");
    for expires in [false, true] {
        let mut simulation = cluster(&revoking, Api, "").with("a", spec("a", "a", &["dev"]));
        simulation.settle();
        let expires_at = simulation.now.checked_add(SignedDuration::from_hours(1));
        simulation.change("a", |spec| {
            spec.drift = DriftPolicy::Report;
            spec.policies = vec![policy("view"), policy("edit:shop-a")];
            spec.expires_at = Some(expires_at.unwrap()).filter(|_| expires);
        });
        let mut in_part = terms_of(&simulation, "a").clone();
        in_part.policies = Some(vec![AccessPolicy {
            arn: VIEW.to_owned(),
            scope: AccessScope::Cluster,
        }]);
        set_entry(&mut simulation, &role("a"), Some(in_part));
        match expires {
            true => simulation.wait(3601),
            false => simulation.config = Config::parse(&revoking.replace("[dev,", "[x,")).unwrap(),
        }
        simulation.settle();
        assert_eq!(entry_of(&simulation, "a"), None, "expires: {expires}");
    }
}

#[test]
fn removals_do_not_wait_for_changes_that_fail() {
    let mut simulation = cluster(&config(""), Api, "");
    for at in 0..50 {
        simulation.create(
            &format!("junk-{at}"),
            spec(&format!("j{at}"), "j", &["dev"]),
        );
    }
    simulation.create("a", spec("a", "a", &["dev"]));
    let expires_at = simulation.now.checked_add(SignedDuration::from_hours(1));
    simulation.change("a", |spec| spec.expires_at = Some(expires_at.unwrap()));
    simulation.settle();
    simulation.wait(3601);
    // All of them must be created again, and fail whenever they are due.
    for at in 0..50 {
        set_entry(&mut simulation, &role(&format!("j{at}")), None);
        let failure = AccessEntryFailure {
            generation: 1,
            is_removal: false,
            message: "cannot create it".to_owned(),
            count: 3,
            retry_at: simulation.now,
        };
        let uid = simulation.object(&format!("junk-{at}")).uid.clone();
        simulation.memory.entry_failures.insert(uid, failure);
    }
    simulation.create("new", spec("new", "new", &["dev"]));
    simulation.reconcile_until(None);
    assert_eq!(entry_of(&simulation, "a"), None);
    assert!(entry_of(&simulation, "new").is_some());
}

#[test]
fn removals_of_access_entries_do_not_wait_for_aws_auth() {
    let lines = config("backend: auto\n");
    let mut simulation = cluster(&lines, ApiAndConfigMap, "");
    simulation.create("busy", spec("busy", "busy", &["dev"]));
    simulation.create("a", spec("a", "a", &["dev"]));
    let expires_at = simulation.now.checked_add(SignedDuration::from_hours(1));
    simulation.change("a", |spec| {
        spec.policies = vec![policy("view")];
        spec.expires_at = Some(expires_at.unwrap());
    });
    simulation.settle();
    assert!(entry_of(&simulation, "a").is_some());
    simulation.wait(3601);
    // A user changes an object before each reconciliation.
    for at in 0..2 {
        let name = format!("busy-{at}");
        simulation.change("busy", |spec| spec.username = Some(name));
        simulation.reconcile_until(None);
    }
    assert_eq!(entry_of(&simulation, "a"), None);
}

#[test]
fn last_administrator_is_not_removed_from_both_stores_at_once() {
    let all = config("")
        .replace("[dev,", "[dev, \"system:masters\",")
        .replace("[view,", "[cluster-admin, view,");
    let mut simulation = cluster(&all, ApiAndConfigMap, "");
    simulation.create("first", spec("first", "first", &["system:masters"]));
    simulation.create("second", spec("second", "second", &[]));
    simulation.change("second", |spec| {
        spec.policies = vec![policy("cluster-admin")]
    });
    simulation.settle();
    set_entry(&mut simulation, &role("creator"), None);
    simulation.delete("first");
    simulation.delete("second");
    simulation.settle();
    let is_left = [
        simulation.effective().contains_key(&role("first")),
        entry_of(&simulation, "second").is_some(),
    ];
    assert_eq!(is_left.iter().filter(|is_left| **is_left).count(), 1);
}

#[test]
fn expired_object_reports_an_access_entry_that_lost_its_tag() {
    let mut simulation = cluster(&config(""), Api, "").with("a", spec("a", "a", &["dev"]));
    let expires_at = simulation.now.checked_add(SignedDuration::from_hours(1));
    simulation.change("a", |spec| spec.expires_at = Some(expires_at.unwrap()));
    simulation.settle();
    let mut untagged = terms_of(&simulation, "a").clone();
    untagged.tags.remove(OWNER_TAG);
    set_entry(&mut simulation, &role("a"), Some(untagged));
    simulation.settle();
    simulation.wait(3601);
    let events = simulation.settle();
    let (reason, message) = simulation.ready("a");
    assert_eq!(reason, Reason::Expired);
    assert!(message.contains("does not name this object"), "{message}");
    let status = &simulation.object("a").status;
    let stalled = status.condition(ConditionKind::Stalled);
    assert!(stalled.is_some_and(|stalled| stalled.is_true));
    let left = events
        .iter()
        .filter(|event| event.starts_with("EntryLeft a: "));
    assert_eq!(left.count(), 1, "{events:?}");
    // With its tag, it is deleted.
    let mut tagged = terms_of(&simulation, "a").clone();
    let uid = simulation.object("a").uid.clone();
    tagged.tags.insert(OWNER_TAG.to_owned(), uid);
    set_entry(&mut simulation, &role("a"), Some(tagged));
    simulation.settle();
    assert_eq!(entry_of(&simulation, "a"), None);
    assert_eq!(simulation.object("a").status.conditions.len(), 1);
}
