//! Somebody who declares aws-auth and applies it again and again: it ends in Contested, and not in a war of writes.

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::desk::{CONFIG, CONTROLLER, Desk, NODE_ENTRY, developer, eventually, role};
use crate::support::cluster::Cluster;

impl Desk {
    /// What a GitOps tool does at each of its syncs. Says whether it was let.
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
fn who_forces_his_apply_wins_in_the_end_and_that_is_said() {
    let desk = Desk::new(Cluster::start_audited(&[CONTROLLER]));
    desk.create(NODE_ENTRY, "eks");
    let controller = desk.controller(CONFIG).leads();
    desk.apply(&developer("ann"));
    desk.apply(&developer("bob"));
    desk.becomes("ann", "True Applied");
    desk.becomes("bob", "True Applied");

    // Who does not force is stopped by the API server, whatever he declares.
    let good = desk.roles();
    let without = good.replace("username: ann", "username: theirs");
    for _ in 0..5 {
        assert!(!desk.sync("unforced", &without, false));
    }
    assert_eq!(desk.roles(), good);
    desk.becomes("ann", "True Applied");

    let before = desk.writes();
    let mut repairs = 0;
    for _ in 0..10 {
        assert!(desk.sync("argocd-controller", &without, true));
        let is_over = eventually("it is repaired, or left", || {
            if desk.roles() == good {
                return Some(false);
            }
            let ready = desk.ready("ann");
            (ready == "False Contested").then_some(true)
        });
        if is_over {
            break;
        }
        repairs += 1;
        // The report of the repair comes after it.
        eventually("it is reported", || {
            (controller.metric("awsauth_drift_repairs_total") == Some(f64::from(repairs)))
                .then_some(())
        });
    }
    assert_eq!(repairs, 3);
    desk.becomes("ann", "False Contested");
    assert_eq!(desk.condition("ann", "Stalled"), "True Contested");
    assert_eq!(desk.roles(), without);
    eventually("it is counted", || {
        (controller.metric("awsauth_contested") == Some(1.0)).then_some(())
    });
    let events = desk.events();
    assert!(events.contains("Contested ann: "), "{events}");
    assert!(events.contains("argocd-controller"), "{events}");

    // However often it syncs now, nobody answers; what it does not touch goes on.
    for _ in 0..5 {
        assert!(desk.sync("argocd-controller", &without, true));
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(desk.writes() - before, 3);
    assert_eq!(desk.ready("bob"), "True Applied");

    // A changed spec is a reason to try again.
    let mut object = developer("ann");
    object["spec"]["groups"] = json!(["developers", "view-all"]);
    desk.apply(&object);
    desk.becomes("ann", "True Applied");
    assert!(desk.roles().contains("view-all"));
    assert!(desk.roles().contains(&role("bob")));
    controller.asked_to_end();
}
