//! Undo of a controller write, which the controller repeats.

use std::process::Command;

use serde_json::Value;

use crate::controller::harness::{
    CONTROLLER, Harness, NODE_ENTRY, awsauth, developer, eventually, role,
};
use crate::controller::nodes;
use crate::support::cluster::Cluster;
use crate::support::eks_service::EksService;
use crate::support::run::Run;

/// The note about the controller's entries.
const AGAIN: &str = "delete its object: kubectl delete aam NAME";

impl Harness {
    /// A manual change.
    fn by_hand(&self, args: &[&str]) -> Run {
        let mut command = Command::new(awsauth());
        command
            .env_clear()
            .env("HOME", self.cluster.folder())
            .env("KUBECONFIG", self.cluster.kubeconfig());
        Run::of(command.args(args))
    }

    fn newest_revision(&self) -> String {
        let history = self.by_hand(&["history", "-o", "json"]).json();
        let revisions = history["revisions"].as_array().and_then(|all| all.last());
        revisions
            .map(|last: &Value| last["revision"].to_string())
            .unwrap()
    }
}

#[test]
fn undo_of_a_controller_write_warns_that_it_will_be_repeated() {
    let harness = Harness::new(Cluster::start_audited(&[CONTROLLER]));
    let eks = EksService::start(&nodes::world("API_AND_CONFIG_MAP", "ACTIVE"));
    harness.create(NODE_ENTRY, "eks");
    let controller = nodes::start(&harness, &eks);
    harness.apply(&developer("ann"));
    harness.becomes("ann", "True Applied");
    let is_whole = || {
        let roles = harness.roles();
        (roles.contains(&role("ann")) && roles.contains(&role("nodes"))).then_some(())
    };
    let args = ["delete", "configmap", "aws-auth", "-n", "kube-system"];
    harness.cluster.kubectl(&args);
    eventually("aws-auth is made again", is_whole);

    // Nodes are looked after here as everywhere.
    let nodes = role("nodes");
    let node_guard = format!("--allow-node-entry {nodes}");
    let said = [": awsauth controller, ", AGAIN];
    harness
        .by_hand(&["undo"])
        .says(4, &[&said[..], &[&node_guard]].concat());
    is_whole().unwrap();
    let allowed = ["--allow-node-entry", &nodes, "--allow-removals", "2"];
    harness
        .by_hand(&[&["undo"], &allowed[..]].concat())
        .says(0, &said);
    eventually("it is written again", is_whole);

    // As it says.
    harness.delete("ann");
    eventually("ann is gone", || {
        (harness.object("ann").is_null() && !harness.roles().contains(&role("ann"))).then_some(())
    });

    // Of what people write there is nothing of this to say, unless it is taken back with the controller's.
    let other = role("other");
    harness
        .by_hand(&["map", "role", &other, "--username", "other"])
        .says(0, &[]);
    let number = harness.newest_revision();
    harness.apply(&developer("bob"));
    harness.becomes("bob", "True Applied");
    let one = harness.by_hand(&["undo", &number, "--dry-run"]);
    one.says(0, &[&format!("Undoing revision {number}: awsauth map")]);
    assert!(!one.stderr.contains(AGAIN), "{one:?}");
    harness
        .by_hand(&[
            "undo",
            &number,
            "--whole",
            "--dry-run",
            "--allow-removals",
            "2",
        ])
        .says(0, &[AGAIN]);
    controller.asked_to_end();
}
