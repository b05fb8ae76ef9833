//! A Terraform resource that manages aws-auth.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::address;
use crate::document::SectionName;
use crate::manifest::{Manifest, ManifestForm};

/// A resource type that writes a ConfigMap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResourceType {
    /// With `metadata` and `data`:
    /// <https://github.com/hashicorp/terraform-provider-kubernetes/blob/main/docs/resources/config_map_v1_data.md>
    ConfigMap,
    /// With the object in `manifest`:
    /// <https://github.com/hashicorp/terraform-provider-kubernetes/blob/main/docs/resources/manifest.md>
    Manifest,
    /// With the object as text in `yaml_body`:
    /// <https://github.com/gavinbunney/terraform-provider-kubectl/blob/master/docs/resources/kubectl_manifest.md>
    Text,
}

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
        let kind = ResourceType::of(resource)?;
        let change = resource.get("change")?;
        let after = change.get("after").filter(|after| !after.is_null());
        let before = change.get("before").filter(|before| !before.is_null());
        let [data_before, data_after] =
            [before, after].map(|values| values.and_then(|values| kind.aws_auth(values)));
        if data_before.is_none() && data_after.is_none() {
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
        let is_renamed = after.is_some() && data_after.is_none() && !kind.name_is_unknown(change);
        let object = if is_renamed {
            ObjectAction::Deleted
        } else {
            object
        };
        let after = after.filter(|_| object != ObjectAction::Deleted);
        Some(Self {
            address: address(resource)?.to_owned(),
            before: data_before,
            after: after.map(|after| kind.data(after)).unwrap_or_default(),
            unknown: after.map_or(Vec::new(), |_| kind.unknown(change)),
            object,
            takes_over: before.is_none() && after.is_some_and(|after| takes_over(after, change)),
        })
    }

    /// Reads an element of `planned_values` or `values`; `None` unless it manages aws-auth.
    pub(super) fn of_value(resource: &Value) -> Option<Self> {
        let data = ResourceType::of(resource)?.aws_auth(resource.get("values")?)?;
        Some(Self {
            address: address(resource)?.to_owned(),
            before: None,
            after: data,
            unknown: Vec::new(),
            object: ObjectAction::Kept,
            takes_over: false,
        })
    }
}

impl ResourceType {
    /// Returns the type of a resource; `None` unless it writes a ConfigMap.
    fn of(resource: &Value) -> Option<Self> {
        let text = |key| resource.get(key).and_then(Value::as_str);
        let is_managed = text("mode").is_none_or(|mode| mode == "managed");
        is_managed.then_some(match text("type")? {
            "kubernetes_config_map"
            | "kubernetes_config_map_v1"
            | "kubernetes_config_map_v1_data" => Self::ConfigMap,
            "kubernetes_manifest" => Self::Manifest,
            "kubectl_manifest" => Self::Text,
            _ => return None,
        })
    }

    /// Returns the data of aws-auth, if the values name aws-auth in kube-system.
    fn aws_auth(self, values: &Value) -> Option<Data> {
        let metadata = match self {
            Self::ConfigMap => values.pointer("/metadata/0")?,
            Self::Manifest => {
                let manifest = values.get("manifest")?;
                let is_config_map = manifest.get("kind")?.as_str()? == "ConfigMap";
                manifest.get("metadata").filter(|_| is_config_map)?
            }
            Self::Text => return manifest(values),
        };
        let text = |key| metadata.get(key).and_then(Value::as_str);
        let is_aws_auth =
            text("name") == Some("aws-auth") && text("namespace") == Some("kube-system");
        is_aws_auth.then(|| self.data(values))
    }

    /// Returns the known data.
    fn data(self, values: &Value) -> Data {
        let data = match self {
            Self::ConfigMap => values.get("data"),
            Self::Manifest => values.pointer("/manifest/data"),
            Self::Text => return manifest(values).unwrap_or_default(),
        };
        let texts = data.and_then(Value::as_object).into_iter().flatten();
        texts
            .filter_map(|(key, text)| Some((key.clone(), text.as_str()?.into())))
            .collect()
    }

    fn name_is_unknown(self, change: &Value) -> bool {
        let paths: &[&str] = match self {
            Self::ConfigMap => &[
                "/metadata",
                "/metadata/0",
                "/metadata/0/name",
                "/metadata/0/namespace",
            ],
            Self::Manifest => &[
                "/manifest",
                "/manifest/metadata",
                "/manifest/metadata/name",
                "/manifest/metadata/namespace",
            ],
            Self::Text => &["/yaml_body"],
        };
        paths.iter().any(|path| {
            change.pointer(&format!("/after_unknown{path}")) == Some(&Value::Bool(true))
        })
    }

    /// Returns the sections that are known only after the plan is applied.
    fn unknown(self, change: &Value) -> Vec<SectionName> {
        let data = match self {
            Self::ConfigMap => change.pointer("/after_unknown/data"),
            Self::Manifest => {
                let all = change.pointer("/after_unknown/manifest");
                all.and_then(|all| all.get("data").or(Some(all)))
            }
            Self::Text => change.pointer("/after_unknown/yaml_body"),
        };
        let is_unknown = |name: &SectionName| match data {
            Some(Value::Bool(all)) => *all,
            Some(Value::Object(keys)) => keys.get(name.key()) == Some(&Value::Bool(true)),
            _ => false,
        };
        SectionName::ALL.into_iter().filter(is_unknown).collect()
    }
}

/// Returns the data of aws-auth in `yaml_body`.
fn manifest(values: &Value) -> Option<Data> {
    let text = values.get("yaml_body")?.as_str()?;
    let (manifest, faults) = Manifest::parse_with_faults(text).ok()?;
    let is_aws_auth = !faults.is_substitute && faults.form == ManifestForm::ConfigMap;
    is_aws_auth.then(|| manifest.data().clone())
}

/// Returns whether `force` is set or unknown. Without it, the API server rejects changes of fields that another client owns.
fn takes_over(after: &Value, change: &Value) -> bool {
    let is_true = |value: Option<&Value>| value == Some(&Value::Bool(true));
    is_true(after.get("force")) || is_true(change.pointer("/after_unknown/force"))
}
