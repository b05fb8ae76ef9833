//! Entries that the controller restores.

use std::sync::Arc;

use awsauth_core::authenticator::AccessEntries;
use awsauth_core::facts::access_entries::{AccessEntry, AccessTerms};
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::node_inventory::{NodeClass, NodeGroup, NodeInventory};
use awsauth_core::plan::Known;
use awsauth_core::reconcile::{Config, Memory, Reason, Stage};

use super::simulation::{CONFIG, Simulation, entry, node_entry, role, spec};

fn group(name: &str, status: &str) -> NodeGroup {
    NodeGroup {
        name: "ng".to_owned(),
        role: Some(role(name).replace("role/", "role/eks/")),
        ami_type: "AL2023_x86_64_STANDARD".to_owned(),
        status: status.to_owned(),
        issues: Vec::new(),
    }
}

pub(super) fn node_inventory(groups: Vec<NodeGroup>) -> Known<NodeInventory> {
    Known::Is(NodeInventory {
        groups: Some(groups),
        profiles: Some(Vec::new()),
        classes: Some(Vec::new()),
        ..NodeInventory::default()
    })
}

/// A cluster with a node entry, which the controller has seen, and an object.
fn nodes() -> Simulation {
    let mut simulation =
        Simulation::new(CONFIG, &node_entry("n")).with("a", spec("a", "u", &["dev"]));
    simulation.reconcile();
    simulation
}

#[test]
fn removed_node_entry_is_restored_if_nodes_need_it() {
    for left in ["", &entry("n", "alice", &["dev"])[..]] {
        let mut simulation = nodes();
        simulation.node_inventory = node_inventory(vec![group("n", "ACTIVE")]);
        simulation.set("mapRoles", left);
        assert!(simulation.decide(Stage::Preparing).needs_fresh_inventory);
        let events = simulation.reconcile();
        assert!(
            events[0].starts_with("ProtectedEntryRestored aws-auth: ")
                && events[0].ends_with("it is the role of node group ng"),
            "{events:?}"
        );
        assert!(
            events[0].contains("removed by field manager kubectl-edit"),
            "{events:?}"
        );
        assert_eq!(
            simulation.effective()[&role("n")][0].username,
            "system:node:{{EC2PrivateDNSName}}"
        );
        assert_eq!((simulation.effective().len(), simulation.writes), (2, 2));
    }
}

#[test]
fn object_cannot_claim_a_node_role_whose_entry_is_missing() {
    let mut simulation = nodes().with("thief", spec("n", "mine", &["dev"]));
    for _ in 0..2 {
        simulation.reconcile();
        let (reason, message) = simulation.ready("thief");
        assert!(
            reason == Reason::Conflict && message.ends_with("so delete this object"),
            "{message}"
        );
        simulation.set("mapRoles", "");
    }
    assert_eq!(simulation.reconcile().len(), 1, "the drift of a");
    assert!(!simulation.effective().contains_key(&role("n")));
    simulation.node_inventory = node_inventory(vec![group("n", "ACTIVE")]);
    simulation.reconcile();
    assert_eq!(
        simulation.effective()[&role("n")][0].username,
        "system:node:{{EC2PrivateDNSName}}"
    );
    assert_eq!(simulation.reason("thief"), Reason::Conflict);
}

#[test]
fn unknown_node_roles_are_reported_once() {
    let unknown = Known::Unknown {
        needs: "permission to eks:ListNodegroups".to_owned(),
    };
    let no_groups = Known::Is(NodeInventory {
        groups: None,
        ..NodeInventory::default()
    });
    let no_classes = Known::Is(NodeInventory {
        groups: Some(Vec::new()),
        profiles: Some(Vec::new()),
        classes: None,
        ..NodeInventory::default()
    });
    for (unknown_inventory, expected) in [
        (Known::NotRequested, "facts about nodes"),
        (unknown, "eks:ListNodegroups"),
        (no_groups, "eks:ListNodegroups"),
        (no_classes, "ec2nodeclasses"),
    ] {
        let mut simulation = nodes();
        simulation.node_inventory = unknown_inventory;
        simulation.set("mapRoles", &entry("a", "u", &["dev"]));
        let events = simulation.reconcile();
        assert!(
            events.len() == 1
                && events[0].starts_with("NodeEntryGone aws-auth: ")
                && events[0].contains(expected),
            "{events:?}"
        );
        assert_eq!(simulation.writes, 1);
        // The entry is reported already, so no other write waits for EKS.
        assert!(!simulation.decide(Stage::Preparing).needs_fresh_inventory);
        // It is restored once EKS reports the node group.
        simulation.node_inventory = node_inventory(vec![group("n", "ACTIVE")]);
        assert!(simulation.decide(Stage::Preparing).needs_fresh_inventory);
        simulation.reconcile();
        assert_eq!((simulation.effective().len(), simulation.writes), (2, 2));
    }
}

#[test]
fn node_entry_is_not_restored_while_or_after_its_node_group_is_deleted() {
    let mut simulation = nodes();
    simulation.set("mapRoles", &entry("a", "u", &["dev"]));
    // Another node group has the same role.
    simulation.node_inventory = node_inventory(vec![group("n", "DELETING"), group("n", "ACTIVE")]);
    assert_eq!(simulation.reconcile(), [""; 0]);
    assert!(simulation.decide(Stage::Preparing).retry_at.is_some());
    let mut shared = simulation.clone();
    shared.node_inventory = node_inventory(vec![group("n", "ACTIVE")]);
    shared.reconcile();
    assert_eq!(shared.writes, 2, "the other group needs it");
    simulation.node_inventory = node_inventory(Vec::new());
    let events = simulation.reconcile();
    assert!(
        events.len() == 1
            && events[0]
                .contains("no known node group, Fargate profile or Karpenter node class needs it"),
        "{events:?}"
    );
    assert_eq!(simulation.reconcile(), [""; 0]);
    assert_eq!(simulation.writes, 1);
}

#[test]
fn entries_removed_while_stopped_are_restored_in_config_map_mode() {
    let classes = vec![NodeClass {
        name: "default".to_owned(),
        role: Some(role("karpenter")),
        ..NodeClass::default()
    }];
    let active = |classes| {
        Known::Is(NodeInventory {
            groups: Some(vec![group("n", "ACTIVE")]),
            profiles: Some(Vec::new()),
            classes: Some(classes),
            ..NodeInventory::default()
        })
    };
    let mut simulation = Simulation::new(CONFIG, "");
    simulation.node_inventory = active(classes);
    simulation.reconcile();
    assert_eq!(simulation.writes, 0, "nodes may have an access entry");
    simulation.facts.mode = Some(AuthenticationMode::ConfigMap);
    simulation.reconcile();
    assert_eq!(
        simulation.effective().keys().cloned().collect::<Vec<_>>(),
        [role("n")],
        "node classes could contain any role"
    );
    assert_eq!(
        simulation.effective()[&role("n")][0].groups,
        ["system:bootstrappers", "system:nodes"]
    );
    // Nodes with an access entry need no entry in aws-auth.
    let terms = AccessTerms {
        kind: "EC2_LINUX".to_owned(),
        ..AccessTerms::default()
    };
    let own = AccessEntry {
        principal_arn: role("eks/n"),
        terms: Some(terms),
    };
    let mode = AuthenticationMode::ApiAndConfigMap;
    simulation.facts.mode = Some(mode);
    simulation.entries = Some(Arc::new(AccessEntries::new(mode, Some(vec![own]))));
    simulation.set("mapRoles", "");
    simulation.reconcile();
    assert_eq!(simulation.effective().len(), 0);
}

#[test]
fn configured_entries_are_restored_with_backoff() {
    let config = format!(
        "{CONFIG}protect: {{nodeEntries: false, arns: [\"arn:aws:iam::111122223333:role/Adm*\"]}}\n"
    );
    let both = format!(
        "{}{}",
        entry("admin", "admin", &["system:masters"]),
        node_entry("n")
    );
    let mut simulation = Simulation::new(&config, &both);
    simulation.reconcile();
    let mut events = Vec::new();
    for _ in 0..6 {
        simulation.set("mapRoles", "");
        events.extend(simulation.reconcile());
    }
    assert_eq!((simulation.writes, events.len()), (3, 4), "{events:?}");
    assert!(
        events[3].starts_with("ProtectedEntryContested aws-auth: "),
        "{events:?}"
    );
    assert_eq!(simulation.effective().len(), 0);
    simulation.wait(3601);
    simulation.reconcile();
    assert_eq!(
        simulation.effective().keys().cloned().collect::<Vec<_>>(),
        [role("admin")]
    );
}

#[test]
fn deleted_object_removes_its_node_entry_only_if_unused() {
    let config = "grants: [{accounts: [\"111122223333\"], groups: [system:bootstrappers, system:nodes], usernames: [\"system:node:{{EC2PrivateDNSName}}\"]}]";
    let groups = ["system:bootstrappers", "system:nodes"];
    for (node_inventory, left) in [
        (node_inventory(Vec::new()), 0),
        (node_inventory(vec![group("n", "ACTIVE")]), 1),
        (Known::NotRequested, 1),
    ] {
        let mut simulation = Simulation::new(config, "")
            .with("n", spec("n", "system:node:{{EC2PrivateDNSName}}", &groups));
        simulation.reconcile();
        simulation.node_inventory = node_inventory;
        simulation.delete("n");
        simulation.reconcile();
        assert_eq!(
            (simulation.effective().len(), simulation.objects.len()),
            (left, 0)
        );
    }
}

#[test]
fn unrestorable_entry_is_reported_once() {
    let mut simulation = nodes();
    simulation.node_inventory = node_inventory(vec![group("n", "ACTIVE")]);
    let user = format!("- userarn: {}\n  username: u\n", role("n"));
    simulation.set("mapUsers", &user);
    simulation.set("mapRoles", &entry("a", "u", &["dev"]));
    let events = simulation.reconcile();
    assert!(
        events.len() == 1 && events[0].starts_with("ProtectedEntryRefused aws-auth: "),
        "{events:?}"
    );
    assert_eq!(
        (simulation.reason("a"), simulation.writes),
        (Reason::Applied, 1)
    );
}

#[test]
fn entry_that_disappears_while_no_replica_leads_is_restored() {
    let config = format!("{CONFIG}protect:\n  arns: [\"{}\"]\n", role("ops"));
    let ops = entry("ops", "ops", &["system:masters"]);
    let with_node = ops.clone() + &node_entry("n");
    let mut simulation = Simulation::new(&config, &with_node);
    let mut standby = Memory::default();
    standby.remember_protected(&simulation.config.protect, &simulation.stored);
    // Only the entries that the configuration lists: the leader may remove others.
    assert_eq!(standby.protected.len(), 1);
    for left in ["", "- [\n"] {
        simulation.set("mapRoles", left);
        standby.remember_protected(&simulation.config.protect, &simulation.stored);
    }
    simulation.set("mapRoles", &entry("dev", "dev", &["dev"]));
    simulation.memory = standby.clone();
    simulation.reconcile();
    assert!(simulation.effective().contains_key(&role("ops")));
    // It is forgotten once the configuration does not list it.
    standby.remember_protected(&Config::default().protect, &simulation.stored);
    assert!(standby.protected.is_empty());
}

#[test]
fn removed_entries_that_no_node_needs_are_remembered_up_to_a_limit() {
    let many: String = (0..1_200)
        .map(|number| node_entry(&format!("n{number}")))
        .collect();
    let mut simulation = Simulation::new(CONFIG, &many);
    simulation.reconcile_until(None);
    assert_eq!(simulation.memory.protected.len(), 1_200);
    simulation.set("mapRoles", "");
    simulation.reconcile_until(None);
    assert_eq!(simulation.memory.protected.len(), 1_000);
}
