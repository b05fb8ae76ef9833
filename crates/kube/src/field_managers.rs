//! The field managers of aws-auth.

use std::fmt;

use serde_json::Value;

use super::is_own_manager;

/// How a manager acquired its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By a create, update or patch.
    Update,
}

/// One entry of `metadata.managedFields`.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldManager {
    pub name: String,
    pub operation: Operation,
    /// The keys of `data` that it owns.
    pub keys: Vec<String>,
    /// When it last changed its fields, in RFC 3339, to the second.
    pub time: Option<String>,
}

impl FieldManager {
    /// Whether it owns this key of `data`.
    pub fn owns(&self, key: &str) -> bool {
        self.keys.iter().any(|owned| owned == key)
    }
}

/// The name, and when it last changed its fields, if that is recorded.
impl fmt::Display for FieldManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.time {
            Some(time) => write!(f, "{}, {time}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Reads `metadata.managedFields`. Ignores entries in an unknown format.
pub fn of(fields: Option<&Value>) -> Vec<FieldManager> {
    let entries = fields.and_then(Value::as_array).into_iter().flatten();
    entries
        .filter_map(|entry| {
            let owned = entry.pointer("/fieldsV1/f:data").and_then(Value::as_object);
            Some(FieldManager {
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

/// Returns the manager that changed the object last. Among several in the same second, prefers managers other than
/// awsauth, and those that still own a key of `data`.
pub fn last_writer(managers: &[FieldManager]) -> Option<&FieldManager> {
    last_of(managers.iter())
}

/// Returns the manager that changed the object, or this key of `data`, between two states: the one whose fields or time are new, so that
/// clients that write in the same second are told apart. If there is none, returns the last owner of the key, or the [last
/// writer](last_writer).
pub fn writer_between<'a>(
    before: &[FieldManager],
    after: &'a [FieldManager],
    key: Option<&str>,
) -> Option<&'a FieldManager> {
    let has_written = |now: &&FieldManager| {
        let is_known = |was: &FieldManager| {
            let is_same = (&was.name, was.operation) == (&now.name, now.operation);
            is_same && was.time == now.time && now.keys.iter().all(|key| was.owns(key))
        };
        !before.iter().any(is_known)
    };
    let written = || after.iter().filter(has_written);
    let of_key = key.and_then(|key| {
        let owns = |manager: &&FieldManager| manager.owns(key);
        last_of(written().filter(owns)).or_else(|| last_of(after.iter().filter(owns)))
    });
    of_key
        .or_else(|| last_of(written()))
        .or_else(|| last_writer(after))
}

fn last_of<'a>(managers: impl Iterator<Item = &'a FieldManager>) -> Option<&'a FieldManager> {
    managers.max_by_key(|manager| {
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
    fn last_writer_in_the_same_second_is_the_other_client() {
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

    #[test]
    fn writer_between_two_states_is_the_one_that_wrote_in_the_same_second() {
        let busy = managed("another-client", "Update", "f:mapUsers");
        let roles = |name: &str| of(Some(&json!([managed(name, "Update", "f:mapRoles"), busy])));
        let name = |before: &[FieldManager], after: &[FieldManager]| {
            writer_between(before, after, None).map(|manager| manager.name.clone())
        };
        let (first, second) = (roles("eksctl"), roles("kubectl-edit"));
        assert_eq!(name(&first, &second).as_deref(), Some("kubectl-edit"));
        assert_eq!(
            name(&second, &roles(FIELD_MANAGER)).as_deref(),
            Some(FIELD_MANAGER)
        );
        let mut later = first.clone();
        later[1].time = Some("2026-01-01T00:00:01Z".into());
        assert_eq!(name(&first, &later).as_deref(), Some("another-client"));
        // Both managers have written in between.
        let mut both = second.clone();
        both[1].time = Some("2026-01-01T00:00:02Z".into());
        let of_roles = writer_between(&first, &both, Some("mapRoles"));
        assert_eq!(of_roles.map(|manager| &*manager.name), Some("kubectl-edit"));
        assert_eq!(name(&first, &both).as_deref(), Some("another-client"));
        // Only the other manager has written: the previous writer of the key is still known.
        let of_roles = writer_between(&second, &both, Some("mapRoles"));
        assert_eq!(of_roles.map(|manager| &*manager.name), Some("kubectl-edit"));
        // A manager that wrote the same keys twice within a second cannot be detected.
        let last = last_writer(&first).map(|manager| manager.name.clone());
        assert_eq!(name(&first, &first), last);
    }
}
