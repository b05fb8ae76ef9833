//! Facts of EKS: node roles, access entries, and the authentication mode.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::controller::harness::{
    CONFIG, CONTROLLER, Controller, Harness, NODE_ENTRY, developer, eventually, role,
};
use crate::support::aws::REGION;
use crate::support::cluster::Cluster;
use crate::support::eks::NAME;
use crate::support::eks_service::EksService;
use crate::support::environment::Environment;

/// How long something is watched that must not happen.
const QUIET: Duration = Duration::from_secs(3);

pub(crate) fn world(mode: &str, status: &str) -> Value {
    json!({
        "clusters": {NAME: {
            "arn": format!("arn:aws:eks:{REGION}:111122223333:cluster/{NAME}"),
            "status": "ACTIVE",
            "endpoint": "https://127.0.0.1:1",
            "certificateAuthority": {"data": ""},
            "accessConfig": {"authenticationMode": mode},
        }},
        "entries": {NAME: [{
            "principalArn": role("hidden"), "type": "STANDARD", "username": "hidden", "kubernetesGroups": [],
        }]},
        "nodegroups": {NAME: [{
            "nodegroupName": "ng", "nodeRole": role("nodes"), "status": status,
            "amiType": "AL2023_x86_64_STANDARD", "health": {"issues": []},
        }]},
        "profiles": {NAME: []},
    })
}

pub(crate) fn start(harness: &Harness, eks: &EksService) -> Controller {
    let environment = Environment::new(harness.cluster.folder()).with("AWS_REGION", REGION);
    let environment = eks.with_keys(environment);
    let variables = environment.variables();
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let variables: Vec<_> = variables.collect();
    let controller = harness.controller_with(CONFIG, &["--cluster-name", NAME], &variables);
    eventually("EKS has told", || {
        controller
            .said()
            .contains("EKS tells all that is asked")
            .then_some(())
    });
    controller.leads()
}

#[test]
fn controller_honors_the_state_of_eks() {
    let harness = Harness::new(Cluster::start_audited(&[CONTROLLER]));
    let eks = EksService::start(&world("API_AND_CONFIG_MAP", "ACTIVE"));
    harness.create(NODE_ENTRY, "eks");
    let controller = start(&harness, &eks);
    harness.apply(&developer("ann"));
    harness.apply(&developer("hidden"));
    harness.becomes("ann", "True Applied");
    harness.becomes("hidden", "False ShadowedBy");
    let good = harness.roles();
    assert!(!good.contains(&role("hidden")), "{good}");

    // The nodes still need it.
    let begun = Instant::now();
    harness.write(
        "mapRoles",
        good.strip_prefix(NODE_ENTRY).unwrap(),
        "kubectl-edit",
    );
    eventually("the node entry is back", || {
        harness.roles().contains(&role("nodes")).then_some(())
    });
    eprintln!(
        "a removed node entry was put back after {:.2?}",
        begun.elapsed()
    );
    let events = eventually("that is told", || {
        Some(harness.events()).filter(|events| events.contains(&role("nodes")))
    });
    assert!(events.contains("kubectl-edit"), "{events}");
    assert!(
        harness
            .roles()
            .contains("system:node:{{EC2PrivateDNSName}}"),
        "{}",
        harness.roles()
    );

    // EKS removes the entry of a node group that it deletes. What it said before is old by then.
    std::thread::sleep(Duration::from_secs(6));
    eks.set(&world("API_AND_CONFIG_MAP", "DELETING"));
    let without = {
        let roles = harness.roles();
        let at = roles
            .find("- groups:\n  - system:bootstrappers")
            .or(roles.find("- groups:\n  - system:nodes"));
        let entry = at.unwrap_or_else(|| panic!("{roles}"));
        let end = roles[entry + 1..]
            .find("\n- ")
            .map_or(roles.len(), |end| entry + 1 + end + 1);
        format!("{}{}", &roles[..entry], &roles[end..])
    };
    assert!(
        !without.contains(&role("nodes")) && without.contains(&role("ann")),
        "{without}"
    );
    let writes = harness.writes();
    harness.write("mapRoles", &without, "eks");
    std::thread::sleep(QUIET);
    assert_eq!(harness.roles(), without);
    assert_eq!(harness.writes(), writes);
    harness.becomes("ann", "True Applied");
    controller.asked_to_end();

    nobody_reads_it(&harness, &eks);
}

fn nobody_reads_it(harness: &Harness, eks: &EksService) {
    eks.set(&world("API", "ACTIVE"));
    let controller = start(harness, eks);
    let writes = harness.writes();
    harness.apply(&developer("late"));
    let why = eventually("it says that it is idle", || {
        controller
            .ready_says()
            .lines()
            .find(|line| line.contains("idle"))
            .map(str::to_owned)
    });
    assert!(why.contains("API"), "{why}");
    std::thread::sleep(QUIET);
    assert_eq!(harness.writes(), writes);
    assert!(!harness.ready("late").starts_with("True"));
    controller.asked_to_end();
}
