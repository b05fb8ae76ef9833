//! Facts of EKS: node roles, access entries, and the authentication mode.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::controller::harness::{
    CONFIG, Controller, Harness, NODE_ENTRY, developer, eventually, role,
};
use crate::support::eks::NAME;
use crate::support::environment::Environment;
use crate::support::simulated_aws::REGION;
use crate::support::simulated_eks_api::EksService;

/// How long to wait for changes that must not happen.
const QUIET: Duration = Duration::from_secs(3);

pub(crate) fn eks_state(mode: &str, status: &str) -> Value {
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
    // IAM cannot be reached, which only the path of a role would need.
    let environment = eks
        .with_keys(environment)
        .with("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:1");
    let variables = environment.variables();
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let variables: Vec<_> = variables.collect();
    let controller = harness.controller_with(CONFIG, &["--cluster-name", NAME], &variables);
    eventually("EKS has responded", || {
        controller
            .log()
            .contains("everything that was requested")
            .then_some(())
    });
    controller.wait_for_lease()
}

#[test]
fn controller_honors_the_state_of_eks() {
    let harness = Harness::shared();
    let eks = EksService::start(&eks_state("API_AND_CONFIG_MAP", "ACTIVE"));
    harness.create(NODE_ENTRY, "eks");
    let controller = start(&harness, &eks);
    harness.apply(&developer("ann"));
    harness.apply(&developer("hidden"));
    harness.wait_for_ready("ann", "True Applied");
    harness.wait_for_ready("hidden", "False ShadowedBy");
    let good = harness.roles();
    assert!(!good.contains(&role("hidden")), "{good}");

    // The nodes still need the entry.
    let begun = Instant::now();
    harness.write(
        "mapRoles",
        good.strip_prefix(NODE_ENTRY).unwrap(),
        "kubectl-edit",
    );
    eventually("the node entry is restored", || {
        harness.roles().contains(&role("nodes")).then_some(())
    });
    eprintln!(
        "a removed node entry was restored after {:.2?}",
        begun.elapsed()
    );
    let events = eventually("an event reports it", || {
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

    // EKS removes the entry of a node group that it deletes. The controller's previous response from EKS is stale by then. IAM does
    // not answer here, so the controller asks again from time to time.
    let mut asked = 0;
    while asked != eks.requests().len() {
        asked = eks.requests().len();
        std::thread::sleep(Duration::from_secs(6));
    }
    eks.set(&eks_state("API_AND_CONFIG_MAP", "DELETING"));
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
    harness.wait_for_ready("ann", "True Applied");
    controller.terminate();

    mode_api_skips_writes(&harness, &eks);
}

fn mode_api_skips_writes(harness: &Harness, eks: &EksService) {
    // Without the access entries, the controller can only wait.
    let mut state = eks_state("API", "ACTIVE");
    state["denied"] =
        json!({"ListAccessEntries": "not authorized to perform: eks:ListAccessEntries"});
    eks.set(&state);
    let controller = start(harness, eks);
    let writes = harness.writes();
    harness.apply(&developer("late"));
    let why = eventually("/readyz reports that the controller is idle", || {
        controller
            .readyz()
            .lines()
            .find(|line| line.contains("idle"))
            .map(str::to_owned)
    });
    assert!(why.contains("API"), "{why}");
    std::thread::sleep(QUIET);
    assert_eq!(harness.writes(), writes);
    assert!(!harness.ready("late").starts_with("True"));
    controller.terminate();
}
