//! Finds aws-auth in a Terraform plan or state, as printed by `terraform show -json`:
//! <https://developer.hashicorp.com/terraform/internals/json-format>.

mod resource;

use std::collections::BTreeSet;

use serde_json::Value;

pub use resource::{Data, ObjectAction, Resource};

/// Returns the resources that manage aws-auth, or `None` if the text is neither a plan nor a state.
pub fn read(text: &str) -> Option<Vec<Resource>> {
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
    let mut resources: Vec<Resource> = changes.iter().filter_map(Resource::of_change).collect();
    // A plan lists each resource twice, a state once.
    let known: BTreeSet<String> = resources
        .iter()
        .map(|resource| resource.address.clone())
        .collect();
    for tree in trees.into_iter().flatten() {
        let values = resources_of_modules(tree)
            .into_iter()
            .filter_map(Resource::of_value);
        resources.extend(values.filter(|resource| !known.contains(&resource.address)));
    }
    Some(resources)
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
