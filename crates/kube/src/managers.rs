//! Who manages which fields of aws-auth.

use serde_json::Value;

use super::is_own_manager;

/// How a manager came to own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// By server-side apply: it declares what the fields should be.
    Apply,
    /// By a create, update or patch.
    Update,
}

/// One entry of `metadata.managedFields`.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// The field manager's name.
    pub name: String,
    /// How it came to own the fields.
    pub operation: Operation,
    /// The keys of `data` that it owns.
    pub keys: Vec<String>,
    /// When it last changed its fields, in RFC 3339, to the second.
    pub time: Option<String>,
}

impl Manager {
    /// Whether the key of `data` is its own.
    pub fn owns(&self, key: &str) -> bool {
        self.keys.iter().any(|owned| owned == key)
    }
}

/// Reads `metadata.managedFields`; entries in a format not known are left out.
pub fn of(fields: Option<&Value>) -> Vec<Manager> {
    let entries = fields.and_then(Value::as_array).into_iter().flatten();
    entries
        .filter_map(|entry| {
            let owned = entry.pointer("/fieldsV1/f:data").and_then(Value::as_object);
            Some(Manager {
                name: entry["manager"].as_str()?.to_owned(),
                operation: match entry["operation"].as_str()? {
                    "Apply" => Operation::Apply,
                    _ => Operation::Update,
                },
                keys: owned
                    .into_iter()
                    .flatten()
                    .filter_map(|(key, _)| Some(key.strip_prefix("f:")?.to_owned()))
                    .collect(),
                time: entry["time"].as_str().map(str::to_owned),
            })
        })
        .collect()
}

/// The manager that changed the object last; among several in the same second, one other than awsauth, and rather one whose key of `data`
/// still is its own.
pub fn last_writer(managers: &[Manager]) -> Option<&Manager> {
    managers.iter().max_by_key(|manager| {
        let is_other = !is_own_manager(&manager.name);
        (manager.time.as_deref(), is_other, !manager.keys.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::FIELD_MANAGER;

    fn managed(name: &str, operation: &str, key: &str) -> Value {
        json!({"manager": name, "operation": operation, "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}, key: {}}}})
    }

    #[test]
    fn the_last_writer_is_the_other_one() {
        let mut managers = of(Some(&json!([
            managed("eksctl", "Update", "f:mapRoles"),
            managed(FIELD_MANAGER, "Update", "f:mapRoles")
        ])));
        assert_eq!(
            last_writer(&managers).map(|manager| manager.name.as_str()),
            Some("eksctl")
        );
        let taken = json!({"manager": "eks", "operation": "Update", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:data": {".": {}}}});
        let owner = managed("argocd-controller", "Apply", "f:mapRoles");
        let both = of(Some(&json!([owner, taken])));
        assert_eq!(
            last_writer(&both).map(|manager| manager.name.as_str()),
            Some("argocd-controller")
        );
        managers[1].time = Some("2026-01-01T00:00:01Z".into());
        assert_eq!(
            last_writer(&managers).map(|manager| manager.name.as_str()),
            Some(FIELD_MANAGER)
        );
    }
}
