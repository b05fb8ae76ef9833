//! Other clients that write aws-auth again and again: one that reverts the controller, which then backs off and reports Contested, and
//! one that changes something else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::controller::harness::{CONFIG, Harness, NODE_ENTRY, developer, eventually, role};

impl Harness {
    /// Applies aws-auth like a GitOps tool. Returns whether the API server accepted it.
    fn sync(&self, manager: &str, roles: &str, force: bool) -> bool {
        let apply = PatchParams {
            force,
            ..PatchParams::apply(manager)
        };
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapRoles": roles}});
        let (configmaps, patch) = (self.configmaps(), Patch::Apply(&object));
        let synced = self
            .runtime
            .block_on(configmaps.patch("aws-auth", &apply, &patch));
        match synced {
            Ok(_) => true,
            Err(kube::Error::Api(status)) if status.code == 409 => false,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn repeated_forced_apply_wins_and_is_reported() {
    let harness = Harness::shared();
    harness.create(NODE_ENTRY, "eks");
    let controller = harness.controller(CONFIG).wait_for_lease();
    harness.apply(&developer("ann"));
    harness.apply(&developer("bob"));
    harness.wait_for_ready("ann", "True Applied");
    harness.wait_for_ready("bob", "True Applied");

    // Without --force-conflicts, the API server rejects the apply.
    let good = harness.roles();
    let without = good.replace("username: ann", "username: theirs");
    for _ in 0..5 {
        assert!(!harness.sync("unforced", &without, false));
    }
    assert_eq!(harness.roles(), good);
    harness.wait_for_ready("ann", "True Applied");

    let before = harness.writes();
    let mut repairs = 0;
    for _ in 0..10 {
        assert!(harness.sync("argocd-controller", &without, true));
        let is_suspended = eventually("the entry is repaired, or repairs are suspended", || {
            if harness.roles() == good {
                return Some(false);
            }
            let ready = harness.ready("ann");
            (ready == "False Contested").then_some(true)
        });
        if is_suspended {
            break;
        }
        repairs += 1;
        // The metric is updated after the write.
        eventually("the repair is counted", || {
            (controller.metric("awsauth_drift_repairs_total") == Some(f64::from(repairs)))
                .then_some(())
        });
    }
    assert_eq!(repairs, 3);
    harness.wait_for_ready("ann", "False Contested");
    assert_eq!(harness.condition("ann", "Stalled"), "True Contested");
    assert_eq!(harness.roles(), without);
    eventually("the suspension is counted", || {
        (controller.metric("awsauth_contested") == Some(1.0)).then_some(())
    });
    let events = harness.events();
    assert!(events.contains("Contested ann: "), "{events}");
    assert!(events.contains("argocd-controller"), "{events}");

    // The controller no longer reverts its syncs. Other entries are still reconciled.
    for _ in 0..5 {
        assert!(harness.sync("argocd-controller", &without, true));
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(harness.writes() - before, 3);
    assert_eq!(harness.ready("bob"), "True Applied");

    // A changed spec ends the suspension.
    let mut object = developer("ann");
    object["spec"]["groups"] = json!(["developers", "view-all"]);
    harness.apply(&object);
    harness.wait_for_ready("ann", "True Applied");
    assert!(harness.roles().contains("view-all"));
    assert!(harness.roles().contains(&role("bob")));
    controller.terminate();
}

#[test]
fn objects_are_finished_beside_a_client_that_always_writes() {
    let harness = Harness::shared();
    harness.create(NODE_ENTRY, "eks");
    let _controller = harness.controller(CONFIG).wait_for_lease();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0_u32.. {
                if is_done.load(Ordering::Relaxed) {
                    return;
                }
                let users = format!("# round {round}\n[]\n");
                harness.write("mapUsers", &users, "another-client");
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        // Also ends the client if something below panics.
        let _end = Ends(&is_done);
        let names: Vec<String> = (0..10).map(|number| format!("dev-{number}")).collect();
        for name in &names {
            harness.apply(&developer(name));
        }
        for name in &names {
            harness.wait_for_ready(name, "True Applied");
        }
        for name in &names {
            harness.delete(name);
        }
        for name in &names {
            eventually("the object is gone", || {
                harness.object(name).is_null().then_some(())
            });
        }
    });
    assert_eq!(harness.roles(), NODE_ENTRY);
}

/// Several clients, each of which removes an entry once, are no conflict, even if another one writes all the time.
#[test]
fn client_that_writes_something_else_is_not_blamed_for_removals() {
    const BUSY: &str = "another-client";
    let harness = Harness::shared();
    harness.create(NODE_ENTRY, "eks");
    let config = format!("{CONFIG}protect:\n  arns: [\"{}\"]\n", role("nodes"));
    let _controller = harness.controller(&config).wait_for_lease();
    harness.apply(&developer("ann"));
    harness.wait_for_ready("ann", "True Applied");
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0_u32.. {
                if is_done.load(Ordering::Relaxed) {
                    return;
                }
                let users = format!("# round {round}\n[]\n");
                harness.write("mapUsers", &users, BUSY);
                std::thread::sleep(Duration::from_millis(25));
            }
        });
        let _end = Ends(&is_done);
        for round in 0..5 {
            harness.write("mapRoles", "[]\n", &format!("client-{round}"));
            eventually("both entries are restored", || {
                let roles = harness.roles();
                [role("nodes"), role("ann")]
                    .iter()
                    .all(|arn| roles.contains(arn))
                    .then_some(())
            });
        }
    });
    let events = harness.events();
    assert!(
        !events.contains(&format!("by field manager {BUSY}")),
        "{events}"
    );
    assert!(events.contains("ProtectedEntryRestored"), "{events}");
    assert!(events.contains("DriftRepaired ann"), "{events}");
}

/// Sets the flag when it is dropped.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
