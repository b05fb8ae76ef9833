//! Facts of EKS and IAM, similar to their responses.

use std::collections::BTreeMap;

use awsauth_core::facts::iam_inventory::{Listed, Principal, Principals};
use awsauth_core::facts::node_inventory::{FargateProfile, NodeClass, NodeGroup, NodeInventory};
use awsauth_core::lint::Cluster;
use serde_json::Value;

use super::{list, text, time};

const ACCOUNT: &str = "444455556666";

/// Returns the cluster's nodes, and under `iam` the principals of its account. `None` if they are missing.
pub(super) fn cluster(object: &Value) -> Option<Cluster> {
    let known = |key: &str| object.get(key);
    let keys = ["nodegroups", "fargateProfiles", "nodeClasses", "iam"];
    keys.into_iter().find_map(known)?;
    let each = |key: &str| known(key).map(list);
    Some(Cluster {
        name: "prod".to_owned(),
        region: "eu-west-1".to_owned(),
        node_inventory: NodeInventory {
            groups: each("nodegroups").map(|all| all.map(group).collect()),
            profiles: each("fargateProfiles").map(|all| all.map(profile).collect()),
            classes: each("nodeClasses").map(|all| all.map(class).collect()),
            ..NodeInventory::default()
        },
        principals: known("iam").map(principals),
        unavailable_principals: Vec::new(),
    })
}

fn group(group: &Value) -> NodeGroup {
    NodeGroup {
        name: text(&group["nodegroupName"]),
        role: Some(text(&group["nodeRole"])),
        ami_type: group["amiType"].as_str().unwrap_or("CUSTOM").to_owned(),
        status: group["status"].as_str().unwrap_or("ACTIVE").to_owned(),
        issues: Vec::new(),
    }
}

fn profile(profile: &Value) -> FargateProfile {
    FargateProfile {
        name: text(&profile["fargateProfileName"]),
        role: Some(text(&profile["podExecutionRoleArn"])),
        status: "ACTIVE".to_owned(),
    }
}

fn class(class: &Value) -> NodeClass {
    NodeClass {
        name: text(&class["name"]),
        role: class["role"].as_str().map(str::to_owned),
        instance_profile: class["instanceProfile"].as_str().map(str::to_owned),
        ..NodeClass::default()
    }
}

fn principals(iam: &Value) -> Principals {
    let principal = |one: &Value| {
        let arn = text(&one["arn"]);
        Principal {
            name: arn.rsplit('/').next().unwrap_or_default().to_owned(),
            trust: one.get("trust").map(Value::to_string),
            created_at: time(&one["createDate"]),
            arn,
        }
    };
    let all = |key: &str| Listed::all(list(&iam[key]).map(principal).collect());
    let profiles = iam["instanceProfiles"].as_object().into_iter().flatten();
    Principals {
        account: ACCOUNT.to_owned(),
        roles: all("roles"),
        users: all("users"),
        instance_profiles: profiles
            .map(|(name, role)| (name.clone(), Some(text(role))))
            .collect::<BTreeMap<_, _>>(),
    }
}
