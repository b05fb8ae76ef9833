//! Undo of a controller write, which the controller repeats.

use crate::controller::eks_facts;
use crate::controller::harness::{Harness, NODE_ENTRY, developer, eventually, role};
use crate::support::simulated_eks_api::EksService;

/// The note that the controller will write its entries again.
const NOTE: &str = "delete its object: kubectl --context admin delete aam NAME";

#[test]
fn undo_of_a_controller_write_warns_that_it_will_be_repeated() {
    let harness = Harness::shared();
    let eks = EksService::start(&eks_facts::eks_state("API_AND_CONFIG_MAP", "ACTIVE"));
    harness.create(NODE_ENTRY, "eks");
    let controller = eks_facts::start(&harness, &eks);
    harness.apply(&developer("ann"));
    harness.wait_for_ready("ann", "True Applied");
    let is_restored = || {
        let roles = harness.roles();
        (roles.contains(&role("ann")) && roles.contains(&role("nodes"))).then_some(())
    };
    let args = ["delete", "configmap", "aws-auth", "-n", "kube-system"];
    harness.cluster.kubectl(&args);
    eventually("aws-auth is restored", is_restored);

    // An undo of the restoration would remove everything.
    harness.awsauth(&["undo"]).says(
        4,
        &["would remove every entry", "hint: restore what was there"],
    );
    let nodes = role("nodes");
    let node_guard = format!("--allow-node-entry {nodes}");
    let expected = [": awsauth controller, ", NOTE];
    harness
        .awsauth(&["undo", "--whole"])
        .says(4, &[&expected[..], &[&node_guard]].concat());
    is_restored().unwrap();
    let allowed = ["--allow-node-entry", &nodes, "--allow-removals", "2"];
    harness
        .awsauth(&[&["undo", "--whole"], &allowed[..]].concat())
        .says(0, &expected);
    eventually("it is written again", is_restored);

    // Follow the note's advice.
    harness.delete("ann");
    eventually("ann is deleted", || {
        (harness.object("ann").is_null() && !harness.roles().contains(&role("ann"))).then_some(())
    });

    // The note does not appear for a user's write, unless undo reverts the controller's writes with it.
    let other = role("other");
    harness
        .awsauth(&["map", "role", &other, "--username", "other"])
        .says(0, &[]);
    let number = harness.newest_revision();
    harness.apply(&developer("bob"));
    harness.wait_for_ready("bob", "True Applied");
    let one = harness.awsauth(&["undo", &number, "--dry-run"]);
    one.says(0, &[&format!("Undoing revision {number}: awsauth map")]);
    assert!(!one.stderr.contains(NOTE), "{one:?}");
    harness
        .awsauth(&[
            "undo",
            &number,
            "--whole",
            "--dry-run",
            "--allow-removals",
            "2",
        ])
        .says(0, &[NOTE]);
    controller.terminate();
}
