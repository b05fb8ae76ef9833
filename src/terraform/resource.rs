use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::document::SectionName;

/// The types that write a ConfigMap
/// (<https://github.com/hashicorp/terraform-provider-kubernetes/blob/main/docs/resources/config_map_v1_data.md>).
const TYPES: [&str; 3] = [
    "kubernetes_config_map",
    "kubernetes_config_map_v1",
    "kubernetes_config_map_v1_data",
];

/// The texts of a ConfigMap.
pub type Data = BTreeMap<String, Arc<str>>;

/// A resource that holds aws-auth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Where it stands in the configuration, such as `module.eks.kubernetes_config_map.aws_auth[0]`.
    pub address: String,
    /// What it holds now; `None` where there is nothing, or nobody says.
    pub before: Option<Data>,
    /// What it is to hold, as far as that is known before the plan is applied.
    pub after: Data,
    /// The sections whose text is known only after the plan was applied.
    pub unknown: Vec<SectionName>,
    /// What becomes of the object itself.
    pub fate: Fate,
    /// Whether it takes over texts that are there already, and that the plan does not show: `force` of `kubernetes_config_map_v1_data`.
    pub takes_over: bool,
}

/// What a plan does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is there afterwards.
    Stays,
    /// It is deleted, and written anew.
    Replaced,
    /// It is deleted.
    Deleted,
    /// Terraform forgets it, and leaves it as it is.
    Forgotten,
}

impl Resource {
    /// One of `resource_changes`.
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
        let fate = match (actions.contains(&"delete"), actions.contains(&"create")) {
            (true, true) => Fate::Replaced,
            (true, false) => Fate::Deleted,
            _ if actions.contains(&"forget") => Fate::Forgotten,
            _ => Fate::Stays,
        };
        // A change of the name makes another object of it.
        let fate = match after {
            Some(after) if !is_aws_auth(after) && !name_is_unknown(change) => Fate::Deleted,
            _ => fate,
        };
        let after = after.filter(|_| fate != Fate::Deleted);
        Some(Self {
            address: address(resource)?,
            before: before.filter(|before| is_aws_auth(before)).map(data),
            after: after.map(data).unwrap_or_default(),
            unknown: after.map_or(Vec::new(), |_| unknown(change)),
            fate,
            takes_over: before.is_none() && after.is_some_and(|after| takes_over(after, change)),
        })
    }

    /// One of `planned_values` or `values`.
    pub(super) fn of_value(resource: &Value) -> Option<Self> {
        let values = resource.get("values")?;
        (is_managed(resource) && is_aws_auth(values)).then_some(())?;
        Some(Self {
            address: address(resource)?,
            before: None,
            after: data(values),
            unknown: Vec::new(),
            fate: Fate::Stays,
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

/// Whether its `metadata`, a block of one, names aws-auth in kube-system.
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

/// Only that type has a `force`; without it, the server refuses texts that somebody else has written.
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
