//! An object that requests a mapping, as the API server returns it.

use std::borrow::Cow;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Resource;
use kube::api::ApiResource;
use kube::core::DynamicResourceScope;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The finalizer that keeps an object until its entry is removed.
pub(crate) const FINALIZER: &str = "awsauth.dev/entry";
/// The most finalizers of an object that are kept in memory. The API server does not limit their number.
pub(crate) const MAX_FINALIZERS: usize = 16;

/// An object without what the controller does not use, and with a spec and a status that are not parsed yet. A user can make an object as
/// large as etcd allows, and each label, finalizer and group takes many times its length in memory.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Fields")]
pub(crate) struct UnparsedMapping {
    /// Only names, times and versions.
    pub(crate) metadata: ObjectMeta,
    pub(crate) finalizers: Finalizers,
    pub(crate) spec: Option<Box<RawValue>>,
    pub(crate) status: Option<Box<RawValue>>,
}

/// The finalizers of an object.
#[derive(Clone, Debug)]
pub(crate) struct Finalizers {
    pub(crate) has_own: bool,
    /// All finalizers, including those of other controllers; `None` if there are more than [`MAX_FINALIZERS`].
    pub(crate) names: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    metadata: UsedMetadata,
    spec: Option<Box<RawValue>>,
    status: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UsedMetadata {
    name: Option<String>,
    uid: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    resource_version: Option<String>,
    finalizers: Option<Finalizers>,
}

impl From<Fields> for UnparsedMapping {
    fn from(fields: Fields) -> Self {
        let metadata = fields.metadata;
        Self {
            metadata: ObjectMeta {
                name: metadata.name,
                uid: metadata.uid,
                generation: metadata.generation,
                creation_timestamp: metadata.creation_timestamp,
                deletion_timestamp: metadata.deletion_timestamp,
                resource_version: metadata.resource_version,
                ..ObjectMeta::default()
            },
            finalizers: metadata.finalizers.unwrap_or_default(),
            spec: fields.spec,
            status: fields.status,
        }
    }
}

impl Default for Finalizers {
    fn default() -> Self {
        Self {
            has_own: false,
            names: Some(Vec::new()),
        }
    }
}

impl<'de> Deserialize<'de> for Finalizers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Finalizers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of finalizers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut read = Finalizers::default();
                while let Some(name) = seq.next_element::<String>()? {
                    read.has_own |= name == FINALIZER;
                    read.names = read.names.filter(|names| names.len() < MAX_FINALIZERS);
                    if let Some(names) = &mut read.names {
                        names.push(name);
                    }
                }
                Ok(read)
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

impl Resource for UnparsedMapping {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(kind: &ApiResource) -> Cow<'_, str> {
        kind.kind.as_str().into()
    }

    fn group(kind: &ApiResource) -> Cow<'_, str> {
        kind.group.as_str().into()
    }

    fn version(kind: &ApiResource) -> Cow<'_, str> {
        kind.version.as_str().into()
    }

    fn plural(kind: &ApiResource) -> Cow<'_, str> {
        kind.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
