//! The stored ConfigMap with all its fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::field_managers::{self, FieldManager};
use super::{NAME, NAMESPACE};
use awsauth_core::aws_auth_snapshot::{Change, OWNERS_ANNOTATION, Snapshot};

/// The stored object, or the fact that it does not exist. Unknown fields are preserved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    object: Option<Value>,
}

impl Live {
    /// Returns an aws-auth that does not exist.
    pub fn missing() -> Self {
        Self::default()
    }

    pub fn stored(object: Value) -> Self {
        Self {
            object: Some(object),
        }
    }

    /// Whether aws-auth exists.
    pub fn exists(&self) -> bool {
        self.object.is_some()
    }

    /// Returns the object; `None` if it does not exist.
    pub fn object(&self) -> Option<&Value> {
        self.object.as_ref()
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        self.object
            .as_ref()
            .map(|object| object.to_string().into_bytes())
            .unwrap_or_default()
    }

    /// Returns the input of plans. A missing aws-auth is treated as empty.
    pub fn snapshot(&self) -> Snapshot {
        let text = |pointer: &str| self.at(pointer).and_then(Value::as_str).map(str::to_owned);
        let texts = |pointer: &str| {
            let map = self.at(pointer).and_then(Value::as_object);
            map.into_iter()
                .flatten()
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.into())))
                .collect()
        };
        Snapshot {
            data: texts("/data"),
            binary_data: texts("/binaryData"),
            owners_annotation: self.annotation(OWNERS_ANNOTATION).map(str::to_owned),
            uid: text("/metadata/uid"),
            resource_version: text("/metadata/resourceVersion"),
        }
    }

    /// Returns the field managers.
    pub fn managers(&self) -> Vec<FieldManager> {
        field_managers::of(self.at("/metadata/managedFields"))
    }

    /// Returns the client that changed aws-auth last, if there is one.
    pub fn last_writer(&self) -> Option<FieldManager> {
        field_managers::last_writer(&self.managers()).cloned()
    }

    pub fn labels(&self) -> BTreeMap<&str, &str> {
        self.texts("/metadata/labels")
    }

    pub fn annotations(&self) -> BTreeMap<&str, &str> {
        self.texts("/metadata/annotations")
    }

    pub fn resource_version(&self) -> Option<&str> {
        self.at("/metadata/resourceVersion")?.as_str()
    }

    pub fn is_immutable(&self) -> bool {
        self.at("/immutable") == Some(&Value::Bool(true))
    }

    pub(crate) fn is_being_deleted(&self) -> bool {
        self.at("/metadata/deletionTimestamp")
            .is_some_and(|at| !at.is_null())
    }

    /// Returns the size to which the limit of a ConfigMap applies: the values of `data` and the decoded bytes of
    /// `binaryData`.
    pub fn size(&self) -> usize {
        let lengths = |pointer: &str, length: fn(&str) -> usize| -> usize {
            let map = self.at(pointer).and_then(Value::as_object);
            map.into_iter()
                .flat_map(Map::values)
                .filter_map(Value::as_str)
                .map(length)
                .sum()
        };
        let decoded = |base64: &str| base64.trim_end_matches('=').len() * 3 / 4;
        lengths("/data", str::len) + lengths("/binaryData", decoded)
    }

    /// Returns the object with only `change` applied. A missing object is created.
    pub fn with(&self, change: &Change) -> Value {
        let new = || json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME, "namespace": NAMESPACE}});
        let mut object = self.object.clone().unwrap_or_else(new);
        for (key, text) in change.texts() {
            put(&mut object, &["data"], key, text);
        }
        for (key, text) in &change.binary_data {
            put(&mut object, &["binaryData"], key, text.as_deref());
        }
        if let Some(text) = &change.owners_annotation {
            put(
                &mut object,
                &["metadata", "annotations"],
                OWNERS_ANNOTATION,
                text.as_deref(),
            );
        }
        object
    }

    /// Returns a JSON patch that turns this object into `next` if the values that plans read are still the same. Unlike a replacement,
    /// it applies after another client has changed a label, an annotation or the list of field managers.
    pub(crate) fn patch_to(&self, next: &Self) -> Vec<u8> {
        let mut operations = Vec::new();
        for (path, old) in self.plan_input() {
            operations.push(json!({"op": "test", "path": path, "value": old}));
            match next.at(&path) {
                new if new == old => {}
                Some(new) => operations.push(json!({"op": "add", "path": path, "value": new})),
                None => operations.push(json!({"op": "remove", "path": path})),
            }
        }
        // The API server compares strings as Go's encoder writes them. These characters occur only in strings.
        // https://pkg.go.dev/encoding/json#Marshal
        let escaped = Value::from(operations).to_string();
        let escaped = escaped.replace('&', "\\u0026").replace('<', "\\u003c");
        let escaped = escaped.replace('>', "\\u003e");
        let escaped = escaped.replace('\u{2028}', "\\u2028");
        escaped.replace('\u{2029}', "\\u2029").into_bytes()
    }

    /// Whether plans read the same from both objects.
    pub(crate) fn has_same_plan_input(&self, other: &Self) -> bool {
        self.plan_input() == other.plan_input()
    }

    /// Returns the fields that plans read, each with its JSON pointer.
    fn plan_input(&self) -> [(String, Option<&Value>); 4] {
        let annotations = "/metadata/annotations".to_owned();
        let owners = match self.at(&annotations) {
            Some(_) => format!("{annotations}/{}", OWNERS_ANNOTATION.replace('/', "~1")),
            None => annotations,
        };
        let paths = [
            "/metadata/uid".into(),
            "/data".into(),
            "/binaryData".into(),
            owners,
        ];
        paths.map(|path| {
            let value = self.at(&path);
            (path, value)
        })
    }

    /// Returns the snapshot after `change`.
    pub fn after(&self, change: &Change) -> Snapshot {
        Self::stored(self.with(change)).snapshot()
    }

    /// Whether the stored object already contains `change`.
    pub fn holds(&self, change: &Change) -> bool {
        let is = |pointer: &str, key: &str, text: Option<&str>| {
            let stored = self.at(pointer).and_then(|map| map.get(key));
            stored.and_then(Value::as_str) == text
        };
        let data = change.texts().all(|(key, text)| is("/data", key, text));
        let mut binary = change.binary_data.iter();
        let binary = binary.all(|(key, text)| is("/binaryData", key, text.as_deref()));
        let annotation = change.owners_annotation.as_ref();
        data && binary
            && annotation.is_none_or(|text| self.annotation(OWNERS_ANNOTATION) == text.as_deref())
    }

    fn at(&self, pointer: &str) -> Option<&Value> {
        self.object.as_ref()?.pointer(pointer)
    }

    fn annotation(&self, name: &str) -> Option<&str> {
        self.at("/metadata/annotations")?.get(name)?.as_str()
    }

    fn texts(&self, pointer: &str) -> BTreeMap<&str, &str> {
        let map = self.at(pointer).and_then(Value::as_object);
        map.into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
            .collect()
    }
}

/// Sets or removes one key of the map at `path`. Creates the map if necessary.
fn put(object: &mut Value, path: &[&str], key: &str, text: Option<&str>) {
    let mut place = object;
    for step in path {
        if !place[*step].is_object() {
            if text.is_none() {
                return;
            }
            place[*step] = json!({});
        }
        place = &mut place[*step];
    }
    match (place.as_object_mut(), text) {
        (Some(map), Some(text)) => drop(map.insert(key.to_owned(), Value::from(text))),
        (Some(map), None) => drop(map.remove(key)),
        (None, _) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(text: Option<&str>) -> Change {
        Change {
            data: BTreeMap::from([("mapRoles", text.map(Into::into))]),
            ..Change::default()
        }
    }

    #[test]
    fn a_change_edits_only_its_keys() {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "future": {"field": 1.5},
            "metadata": {"name": NAME, "labels": {"a": "b"}, "resourceVersion": "7", "managedFields": [{"manager": "eksctl"}]},
            "data": {"mapRoles": "- old\n", "mapUsers": "[]", "other": "x"}, "binaryData": {"blob": "AAEC"},
        });
        let live = Live::stored(object.clone());
        let mut expected = object;
        expected["data"]["mapRoles"] = "- new\n".into();
        assert_eq!(live.with(&change(Some("- new\n"))), expected);
        expected["data"].as_object_mut().unwrap().remove("mapRoles");
        assert_eq!(live.with(&change(None)), expected);
        assert_eq!(live.size(), "- old\n".len() + "[]".len() + "x".len() + 3);
    }

    #[test]
    fn missing_objects_and_maps_are_created() {
        let mut change = change(Some("- new\n"));
        change.owners_annotation = Some(Some("{}".into()));
        let made = Live::stored(Live::missing().with(&change));
        assert!(made.holds(&change));
        assert_eq!(made.snapshot().data["mapRoles"].as_ref(), "- new\n");
        assert_eq!(made.annotations()[OWNERS_ANNOTATION], "{}");
        change.owners_annotation = Some(None);
        assert!(!made.holds(&change));
        assert!(Live::stored(made.with(&change)).holds(&change));
        // Removing a key does not create its map.
        let bare = Live::stored(json!({"metadata": {}}));
        let removal = Change {
            data: BTreeMap::from([("mapRoles", None)]),
            owners_annotation: Some(None),
            ..Change::default()
        };
        assert_eq!(bare.with(&removal), json!({"metadata": {}}));
    }
}
