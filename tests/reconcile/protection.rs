//! Entries that are put back.

use std::sync::Arc;

use awsauth::effect::AccessEntries;
use awsauth::facts::access_entries::{AccessEntry, AccessTerms};
use awsauth::facts::auth_mode::AuthenticationMode;
use awsauth::facts::fleet::{Fleet, NodeClass, NodeGroup};
use awsauth::plan::Known;
use awsauth::reconcile::{Reason, Stage};

use super::world::{CONFIG, World, entry, node_entry, role, spec};

fn group(name: &str, status: &str) -> NodeGroup {
    NodeGroup {
        name: "ng".to_owned(),
        role: Some(role(name).replace("role/", "role/eks/")),
        ami_type: "AL2023_x86_64_STANDARD".to_owned(),
        status: status.to_owned(),
        issues: Vec::new(),
    }
}

fn fleet(groups: Vec<NodeGroup>) -> Known<Fleet> {
    Known::Is(Fleet {
        groups: Some(groups),
        profiles: Some(Vec::new()),
        classes: Some(Vec::new()),
    })
}

/// A cluster in which the entry of these nodes was seen, with an object beside it.
fn nodes() -> World {
    let mut world = World::new(CONFIG, &node_entry("n")).with("a", spec("a", "u", &["dev"]));
    world.look();
    world
}

#[test]
fn a_node_entry_is_put_back_when_nodes_need_it() {
    for left in ["", &entry("n", "alice", &["dev"])[..]] {
        let mut world = nodes();
        world.fleet = fleet(vec![group("n", "ACTIVE")]);
        world.set("mapRoles", left);
        assert!(world.decide(Stage::Preparing).asks_fleet);
        let told = world.look();
        assert!(
            told[0].starts_with("ProtectedEntryRestored aws-auth: ")
                && told[0].ends_with("it is the role of node group ng"),
            "{told:?}"
        );
        assert!(
            told[0].contains("removed by field manager kubectl-edit"),
            "{told:?}"
        );
        assert_eq!(
            world.meaning()[&role("n")][0].username,
            "system:node:{{EC2PrivateDNSName}}"
        );
        assert_eq!((world.meaning().len(), world.writes), (2, 2));
    }
}

#[test]
fn no_object_gets_what_nodes_sign_in_with_though_their_entry_is_gone() {
    let mut world = nodes().with("thief", spec("n", "mine", &["dev"]));
    for _ in 0..2 {
        world.look();
        let (reason, message) = world.said("thief");
        assert!(
            reason == Reason::Conflict && message.ends_with("so delete this object"),
            "{message}"
        );
        world.set("mapRoles", "");
    }
    assert_eq!(world.look().len(), 1, "the drift of a");
    assert!(!world.meaning().contains_key(&role("n")));
    world.fleet = fleet(vec![group("n", "ACTIVE")]);
    world.look();
    assert_eq!(
        world.meaning()[&role("n")][0].username,
        "system:node:{{EC2PrivateDNSName}}"
    );
    assert_eq!(world.reason("thief"), Reason::Conflict);
}

#[test]
fn it_is_told_once_when_that_can_t_be_known() {
    let unknown = Known::Unknown {
        needs: "permission to eks:ListNodegroups".to_owned(),
    };
    let no_groups = Known::Is(Fleet {
        groups: None,
        ..Fleet::default()
    });
    let no_classes = Known::Is(Fleet {
        groups: Some(Vec::new()),
        profiles: Some(Vec::new()),
        classes: None,
    });
    for (fleet_then, says) in [
        (Known::NotAsked, "facts about nodes"),
        (unknown, "eks:ListNodegroups"),
        (no_groups, "eks:ListNodegroups"),
        (no_classes, "ec2nodeclasses"),
    ] {
        let mut world = nodes();
        world.fleet = fleet_then;
        world.set("mapRoles", &entry("a", "u", &["dev"]));
        let told = world.look();
        assert!(
            told.len() == 1
                && told[0].starts_with("NodeEntryGone aws-auth: ")
                && told[0].contains(says),
            "{told:?}"
        );
        assert_eq!(world.writes, 1);
        // It was told, so no other write has to wait for an answer of EKS.
        assert!(!world.decide(Stage::Preparing).asks_fleet);
        // Once it can, it is put back as it was.
        world.fleet = fleet(vec![group("n", "ACTIVE")]);
        assert!(world.decide(Stage::Preparing).asks_fleet);
        world.look();
        assert_eq!((world.meaning().len(), world.writes), (2, 2));
    }
}

#[test]
fn nothing_is_done_while_eks_deletes_a_node_group_nor_afterwards() {
    let mut world = nodes();
    world.set("mapRoles", &entry("a", "u", &["dev"]));
    // Another group has the same role.
    world.fleet = fleet(vec![group("n", "DELETING"), group("n", "ACTIVE")]);
    assert_eq!(world.look(), [""; 0]);
    assert!(world.decide(Stage::Preparing).again.is_some());
    let mut shared = world.clone();
    shared.fleet = fleet(vec![group("n", "ACTIVE")]);
    shared.look();
    assert_eq!(shared.writes, 2, "the other group needs it");
    world.fleet = fleet(Vec::new());
    let told = world.look();
    assert!(
        told.len() == 1
            && told[0].contains(
                "no node group, Fargate profile or Karpenter node class is known that needs it"
            ),
        "{told:?}"
    );
    assert_eq!(world.look(), [""; 0]);
    assert_eq!(world.writes, 1);
}

#[test]
fn what_went_while_nobody_looked_is_put_back_where_aws_auth_alone_answers() {
    let classes = vec![NodeClass {
        name: "default".to_owned(),
        role: Some(role("karpenter")),
        instance_profile: None,
    }];
    let active = |classes| {
        Known::Is(Fleet {
            groups: Some(vec![group("n", "ACTIVE")]),
            profiles: Some(Vec::new()),
            classes: Some(classes),
        })
    };
    let mut world = World::new(CONFIG, "");
    world.fleet = active(classes);
    world.look();
    assert_eq!(world.writes, 0, "nodes may have an access entry");
    world.facts.mode = Some(AuthenticationMode::ConfigMap);
    world.look();
    assert_eq!(
        world.meaning().keys().cloned().collect::<Vec<_>>(),
        [role("n")],
        "anybody who may write node classes could name any role"
    );
    assert_eq!(
        world.meaning()[&role("n")][0].groups,
        ["system:bootstrappers", "system:nodes"]
    );
    // With an access entry of their own they need none.
    let terms = AccessTerms {
        kind: "EC2_LINUX".to_owned(),
        username: None,
        groups: Vec::new(),
        policies: None,
    };
    let own = AccessEntry {
        principal_arn: role("eks/n"),
        terms: Some(terms),
    };
    let mode = AuthenticationMode::ApiAndConfigMap;
    world.facts.mode = Some(mode);
    world.entries = Some(Arc::new(AccessEntries::new(mode, Some(vec![own]))));
    world.set("mapRoles", "");
    world.look();
    assert_eq!(world.meaning().len(), 0);
}

#[test]
fn entries_named_in_the_configuration_are_put_back_and_not_fought_for() {
    let config = format!(
        "{CONFIG}protect: {{nodeEntries: false, arns: [\"arn:aws:iam::111122223333:role/Adm*\"]}}\n"
    );
    let both = format!(
        "{}{}",
        entry("admin", "admin", &["system:masters"]),
        node_entry("n")
    );
    let mut world = World::new(&config, &both);
    world.look();
    let mut told = Vec::new();
    for _ in 0..6 {
        world.set("mapRoles", "");
        told.extend(world.look());
    }
    assert_eq!((world.writes, told.len()), (3, 4), "{told:?}");
    assert!(
        told[3].starts_with("ProtectedEntryContested aws-auth: "),
        "{told:?}"
    );
    assert_eq!(world.meaning().len(), 0);
    world.pass(3601);
    world.look();
    assert_eq!(
        world.meaning().keys().cloned().collect::<Vec<_>>(),
        [role("admin")]
    );
}

#[test]
fn objects_that_go_take_the_node_entry_that_they_grant_only_where_nobody_needs_it() {
    let config = "grants: [{accounts: [\"111122223333\"], groups: [system:bootstrappers, system:nodes], usernames: [\"system:node:{{EC2PrivateDNSName}}\"]}]";
    let groups = ["system:bootstrappers", "system:nodes"];
    for (fleet, left) in [
        (fleet(Vec::new()), 0),
        (fleet(vec![group("n", "ACTIVE")]), 1),
        (Known::NotAsked, 1),
    ] {
        let mut world = World::new(config, "")
            .with("n", spec("n", "system:node:{{EC2PrivateDNSName}}", &groups));
        world.look();
        world.fleet = fleet;
        world.delete("n");
        world.look();
        assert_eq!((world.meaning().len(), world.objects.len()), (left, 0));
    }
}

#[test]
fn a_protected_entry_that_can_t_be_put_back_is_told_once() {
    let mut world = nodes();
    world.fleet = fleet(vec![group("n", "ACTIVE")]);
    let user = format!("- userarn: {}\n  username: u\n", role("n"));
    world.set("mapUsers", &user);
    world.set("mapRoles", &entry("a", "u", &["dev"]));
    let told = world.look();
    assert!(
        told.len() == 1 && told[0].starts_with("ProtectedEntryRefused aws-auth: "),
        "{told:?}"
    );
    assert_eq!((world.reason("a"), world.writes), (Reason::Applied, 1));
}
