use serde_json::Value;

/// The resources of a root module and of all modules in it.
pub(super) fn resources(values: &Value) -> Vec<&Value> {
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
