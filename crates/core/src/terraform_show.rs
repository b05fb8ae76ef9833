//! Finds aws-auth in a Terraform plan or state, as printed by `terraform show -json`:
//! <https://developer.hashicorp.com/terraform/internals/json-format>.

mod planned_access;
mod resource;

use std::collections::BTreeSet;

use serde_json::Value;

pub use planned_access::{PlannedAccess, PlannedAccessEntry, PlannedNodes, PlannedPolicy};
pub use resource::{Data, ObjectAction, Resource};

/// What a plan or state contains about access to clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The resources that manage aws-auth.
    pub aws_auth: Vec<Resource>,
    pub access: PlannedAccess,
}

/// Returns what the text contains, or `None` if it is neither a plan nor a state.
pub fn read(text: &str) -> Option<Contents> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let root: Value = serde_json::from_str(text).ok()?;
    root.get("format_version")?.as_str()?;
    let changes = root.get("resource_changes").and_then(Value::as_array);
    let trees = ["planned_values", "values"].map(|key| root.get(key));
    if changes.is_none() && trees.iter().all(Option::is_none) {
        return None;
    }
    let changes = changes.map_or(&[][..], Vec::as_slice);
    let mut aws_auth: Vec<Resource> = changes.iter().filter_map(Resource::of_change).collect();
    // A plan lists each resource twice, a state once.
    let known: BTreeSet<&str> = changes.iter().filter_map(address).collect();
    let trees = trees.into_iter().flatten().flat_map(resources_of_modules);
    let others: Vec<&Value> = trees
        .filter(|resource| address(resource).is_none_or(|address| !known.contains(address)))
        .collect();
    let values = others.iter().copied();
    aws_auth.extend(values.clone().filter_map(Resource::of_value));
    let planned = changes
        .iter()
        .filter_map(|resource| Some((resource, resource.pointer("/change/after")?)));
    let values = values.filter_map(|resource| Some((resource, resource.get("values")?)));
    Some(Contents {
        aws_auth,
        access: PlannedAccess::of(planned.chain(values)),
    })
}

fn address(resource: &Value) -> Option<&str> {
    resource.get("address")?.as_str()
}

/// Returns the resources of the root module and of all child modules.
fn resources_of_modules(values: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    let mut modules: Vec<&Value> = values.get("root_module").into_iter().collect();
    while let Some(module) = modules.pop() {
        found.extend(list(module, "resources"));
        modules.extend(list(module, "child_modules").iter().rev());
    }
    found
}

fn list<'v>(of: &'v Value, key: &str) -> &'v [Value] {
    of.get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
