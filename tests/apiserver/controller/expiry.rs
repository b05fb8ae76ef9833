//! An object whose `expiresAt` passes.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::controller::harness::{
    CONFIG, Harness, NODE_ENTRY, developer, eventually, mapping, role,
};

/// How long after its time an entry may stay.
const LIMIT: SignedDuration = SignedDuration::from_secs(5);

fn temporary(expires_at: Timestamp) -> Value {
    let spec = json!({
        "role": role("ann"), "username": "ann", "groups": ["developers"],
        "expiresAt": expires_at.to_string(),
    });
    mapping("ann", spec)
}

#[test]
fn entry_is_removed_at_its_time_and_the_object_stays() {
    let harness = Harness::shared();
    harness.create(NODE_ENTRY, "eks");
    let controller = harness.controller(CONFIG).wait_for_lease();
    let expires_at = Timestamp::now() + SignedDuration::from_secs(15);
    harness.apply(&temporary(expires_at));
    harness.wait_for_ready("ann", "True Applied");
    while harness.roles().contains(&role("ann")) {
        assert!(Timestamp::now() < expires_at + LIMIT, "it is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Timestamp::now() >= expires_at, "it was removed early");
    assert_eq!(harness.roles(), NODE_ENTRY);
    harness.wait_for_ready("ann", "False Expired");
    assert_eq!(harness.condition("ann", "Stalled"), "");
    assert!(harness.events().contains("Expired ann: expiresAt "));
    // A restart grants nothing, and a later time grants the access again.
    controller.terminate();
    let controller = harness.controller(CONFIG).wait_for_lease();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(harness.roles(), NODE_ENTRY);
    harness.apply(&temporary(expires_at + SignedDuration::from_hours(1)));
    harness.wait_for_ready("ann", "True Applied");
    harness.delete("ann");
    controller.terminate();
}

#[test]
fn spec_that_only_the_api_server_accepts_keeps_no_entry() {
    let harness = Harness::shared();
    harness.create(NODE_ENTRY, "eks");
    let controller = harness.controller(CONFIG).wait_for_lease();
    let expires_at = Timestamp::now() + SignedDuration::from_secs(25);
    let (mut ann, mut bob) = (temporary(expires_at), developer("bob"));
    for object in [&ann, &bob] {
        harness.apply(object);
    }
    let names = ["ann", "bob"];
    for name in names {
        harness.wait_for_ready(name, "True Applied");
    }
    // The controller accepts 16 KiB.
    let policy = json!({"name": "view", "namespaces": vec!["n".repeat(63); 64]});
    for object in [&mut ann, &mut bob] {
        object["spec"]["policies"] = json!(vec![&policy; 5]);
        harness.apply(object);
    }
    for name in names {
        harness.wait_for_ready(name, "False Refused");
        assert!(harness.roles().contains(&role(name)));
    }
    harness.delete("bob");
    eventually("the object is deleted", || {
        harness.object("bob").is_null().then_some(())
    });
    assert!(!harness.roles().contains(&role("bob")));
    while harness.roles().contains(&role("ann")) {
        assert!(Timestamp::now() < expires_at + LIMIT, "it is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Timestamp::now() >= expires_at, "it was removed early");
    harness.wait_for_ready("ann", "False Expired");
    controller.terminate();
}
