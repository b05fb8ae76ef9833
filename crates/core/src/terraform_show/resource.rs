//! A Terraform resource that manages aws-auth.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::document::SectionName;

/// The resource types that write a ConfigMap:
/// <https://github.com/hashicorp/terraform-provider-kubernetes/blob/main/docs/resources/config_map_v1_data.md>.
const TYPES: [&str; 3] = [
    "kubernetes_config_map",
    "kubernetes_config_map_v1",
    "kubernetes_config_map_v1_data",
];

/// The `data` of a ConfigMap.
pub type Data = BTreeMap<String, Arc<str>>;

/// A resource that manages aws-auth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its address in the configuration, such as `module.eks.kubernetes_config_map.aws_auth[0]`.
    pub address: String,
    /// The current data; `None` if there is none or it is unknown.
    pub before: Option<Data>,
    /// The planned data, as far as it is known before the plan is applied.
    pub after: Data,
    /// The sections whose text is known only after the plan is applied.
    pub unknown: Vec<SectionName>,
    /// What the plan does to the object.
    pub object: ObjectAction,
    /// Whether it replaces existing data that the plan does not show: `force` of `kubernetes_config_map_v1_data`.
    pub takes_over: bool,
}

/// What a plan does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectAction {
    /// It is created, updated or unchanged.
    Kept,
    /// It is deleted and created again.
    Replaced,
    /// It is deleted.
    Deleted,
    /// It is removed from the state, but not deleted.
    Forgotten,
}

impl Resource {
    /// Reads an element of `resource_changes`; `None` unless it manages aws-auth.
    pub(super) fn of_change(resource: &Value) -> Option<Self> {
        let change = resource.get("change")?;
        let after = change.get("after").filter(|after| !after.is_null());
        let before = change.get("before").filter(|before| !before.is_null());
        if !is_managed(resource) || ![before, after].into_iter().flatten().any(is_aws_auth) {
            return None;
        }
        let actions: Vec<&str> = change
            .get("actions")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let object = match (actions.contains(&"delete"), actions.contains(&"create")) {
            (true, true) => ObjectAction::Replaced,
            (true, false) => ObjectAction::Deleted,
            _ if actions.contains(&"forget") => ObjectAction::Forgotten,
            _ => ObjectAction::Kept,
        };
        // A change of the name deletes the object and creates another one.
        let object = match after {
            Some(after) if !is_aws_auth(after) && !name_is_unknown(change) => ObjectAction::Deleted,
            _ => object,
        };
        let after = after.filter(|_| object != ObjectAction::Deleted);
        Some(Self {
            address: address(resource)?,
            before: before.filter(|before| is_aws_auth(before)).map(data),
            after: after.map(data).unwrap_or_default(),
            unknown: after.map_or(Vec::new(), |_| unknown(change)),
            object,
            takes_over: before.is_none() && after.is_some_and(|after| takes_over(after, change)),
        })
    }

    /// Reads an element of `planned_values` or `values`; `None` unless it manages aws-auth.
    pub(super) fn of_value(resource: &Value) -> Option<Self> {
        let values = resource.get("values")?;
        (is_managed(resource) && is_aws_auth(values)).then_some(())?;
        Some(Self {
            address: address(resource)?,
            before: None,
            after: data(values),
            unknown: Vec::new(),
            object: ObjectAction::Kept,
            takes_over: false,
        })
    }
}

fn address(resource: &Value) -> Option<String> {
    Some(resource.get("address")?.as_str()?.to_owned())
}

fn is_managed(resource: &Value) -> bool {
    let text = |key| resource.get(key).and_then(Value::as_str);
    text("mode").is_none_or(|mode| mode == "managed")
        && text("type").is_some_and(|kind| TYPES.contains(&kind))
}

/// Returns whether the `metadata` block names aws-auth in kube-system.
fn is_aws_auth(values: &Value) -> bool {
    let text = |key| {
        values
            .pointer(&format!("/metadata/0/{key}"))
            .and_then(Value::as_str)
    };
    text("name") == Some("aws-auth") && text("namespace") == Some("kube-system")
}

fn name_is_unknown(change: &Value) -> bool {
    let is_unknown =
        |key| change.pointer(&format!("/after_unknown{key}")) == Some(&Value::Bool(true));
    [
        "/metadata",
        "/metadata/0",
        "/metadata/0/name",
        "/metadata/0/namespace",
    ]
    .into_iter()
    .any(is_unknown)
}

/// Returns whether `force` is set or unknown. Without it, the API server rejects changes of fields that another client owns.
fn takes_over(after: &Value, change: &Value) -> bool {
    let is_true = |value: Option<&Value>| value == Some(&Value::Bool(true));
    is_true(after.get("force")) || is_true(change.pointer("/after_unknown/force"))
}

fn data(values: &Value) -> Data {
    let data = values.get("data").and_then(Value::as_object);
    let texts = data.into_iter().flatten();
    texts
        .filter_map(|(key, text)| Some((key.clone(), text.as_str()?.into())))
        .collect()
}

fn unknown(change: &Value) -> Vec<SectionName> {
    let data = change.pointer("/after_unknown/data");
    let is_unknown = |name: &SectionName| match data {
        Some(Value::Bool(all)) => *all,
        Some(Value::Object(keys)) => keys.get(name.key()) == Some(&Value::Bool(true)),
        _ => false,
    };
    SectionName::ALL.into_iter().filter(is_unknown).collect()
}
