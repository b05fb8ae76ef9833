//! aws-auth in what `terraform show -json` prints of a plan or a state
//! (<https://developer.hashicorp.com/terraform/internals/json-format>).

mod module;
mod resource;

use std::collections::BTreeSet;

use serde_json::Value;

pub use resource::{Data, Fate, Resource};

/// What Terraform would make of each resource that holds aws-auth, or has made of it; `None` of a text that is neither plan nor state.
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
    // A plan names its resources twice, a state once.
    let known: BTreeSet<String> = resources
        .iter()
        .map(|resource| resource.address.clone())
        .collect();
    for tree in trees.into_iter().flatten() {
        let values = module::resources(tree)
            .into_iter()
            .filter_map(Resource::of_value);
        resources.extend(values.filter(|resource| !known.contains(&resource.address)));
    }
    Some(resources)
}
