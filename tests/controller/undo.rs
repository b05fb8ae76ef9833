//! What the controller wrote is taken back like any other write, and written again.

use std::process::Command;

use serde_json::Value;

use crate::desk::{CONTROLLER, Desk, NODE_ENTRY, awsauth, developer, eventually, role};
use crate::nodes;
use crate::support::cluster::Cluster;
use crate::support::eks_service::EksService;
use crate::support::run::Run;

/// What is said of the controller's entries.
const AGAIN: &str = "delete its object: kubectl delete aam NAME";

impl Desk {
    /// What somebody does by hand.
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
fn who_takes_back_what_the_controller_wrote_learns_that_it_comes_again() {
    let desk = Desk::new(Cluster::start_audited(&[CONTROLLER]));
    let eks = EksService::start(&nodes::world("API_AND_CONFIG_MAP", "ACTIVE"));
    desk.create(NODE_ENTRY, "eks");
    let controller = nodes::start(&desk, &eks);
    desk.apply(&developer("ann"));
    desk.becomes("ann", "True Applied");
    let is_whole = || {
        let roles = desk.roles();
        (roles.contains(&role("ann")) && roles.contains(&role("nodes"))).then_some(())
    };
    let args = ["delete", "configmap", "aws-auth", "-n", "kube-system"];
    desk.cluster.kubectl(&args);
    eventually("aws-auth is made again", is_whole);

    // Nodes are looked after here as everywhere.
    let nodes = role("nodes");
    let node_guard = format!("--allow-node-entry {nodes}");
    let said = [": awsauth controller, ", AGAIN];
    desk.by_hand(&["undo"])
        .says(4, &[&said[..], &[&node_guard]].concat());
    is_whole().unwrap();
    let allowed = ["--allow-node-entry", &nodes, "--allow-removals", "2"];
    desk.by_hand(&[&["undo"], &allowed[..]].concat())
        .says(0, &said);
    eventually("it is written again", is_whole);

    // As it says.
    desk.delete("ann");
    eventually("ann is gone", || {
        (desk.object("ann").is_null() && !desk.roles().contains(&role("ann"))).then_some(())
    });

    // Of what people write there is nothing of this to say, unless it is taken back with the controller's.
    let other = role("other");
    desk.by_hand(&["map", "role", &other, "--username", "other"])
        .says(0, &[]);
    let number = desk.newest_revision();
    desk.apply(&developer("bob"));
    desk.becomes("bob", "True Applied");
    let one = desk.by_hand(&["undo", &number, "--dry-run"]);
    one.says(0, &[&format!("Taking back revision {number}: awsauth map")]);
    assert!(!one.stderr.contains(AGAIN), "{one:?}");
    desk.by_hand(&[
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
