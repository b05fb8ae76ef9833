//! Reads one document of desired state by its kind.

use super::access_entry_formats;
use super::access_file;
use super::configmap;
use super::error::{Fault, Reason};
use super::mapping_formats::{
    self, AWS_AUTH_MAPPING, BARE, EKSCTL, Form, IAM_IDENTITY_MAPPING, LISTED, MAP_ROLES, MAP_USERS,
    unknown,
};
use super::yaml_value::{Field, Value};
use super::{DesiredCluster, Mappings};
use crate::document::{Principal, SectionName};

/// Reads one document of the stream.
pub(super) fn document(root: Value<'_>, mappings: &mut Mappings<'_>) -> Result<(), Fault> {
    if root.is_list() {
        return items(root, "the list", &BARE, mappings);
    }
    let fields = root.fields("desired state")?;
    let named = |name: &str| fields.iter().find(|field| field.name == name);
    if let Some(resources) = named("Resources") {
        let parameters = named("Parameters").map(|field| field.value);
        return access_entry_formats::resources(resources.value, parameters, mappings);
    }
    if let ([entry], Some(_)) = (fields.as_slice(), named("accessEntry")) {
        let form = &access_entry_formats::AWS_CLI;
        let entry = access_entry_formats::read(entry.value, form, mappings.source)?;
        mappings.list.push(entry);
        return Ok(());
    }
    if fields
        .iter()
        .any(|field| matches!(field.name, "kind" | "apiVersion" | "data"))
    {
        return object(root.line(), &fields, true, mappings);
    }
    if fields
        .iter()
        .any(|field| LISTED_SECTIONS.contains(&field.name))
    {
        return listing(&fields, mappings);
    }
    lists(&fields, mappings)
}

/// Returns whether a document is an object with mappings that is not a ConfigMap, or a list of mappings.
pub(super) fn is_other_form(root: Value<'_>) -> bool {
    let has_principal = |item: Value<'_>| {
        let fields = item.fields("an item").unwrap_or_default();
        fields
            .iter()
            .any(|field| matches!(field.name, "rolearn" | "userarn"))
    };
    if root.is_list() {
        return root
            .items("the list")
            .is_ok_and(|mut items| items.any(has_principal));
    }
    let fields = root.fields("desired state").unwrap_or_default();
    let kind = fields.iter().find(|field| field.name == "kind");
    let kind = kind.and_then(|kind| kind.value.source("kind").ok());
    let has = |name: &str| fields.iter().any(|field| field.name == name);
    match kind {
        Some("ClusterConfig") => has("iamIdentityMappings"),
        Some("List") => {
            let items = fields.iter().find(|field| field.name == "items");
            let items = items.and_then(|items| items.value.items("`items`").ok());
            items.is_some_and(|mut items| items.any(is_other_form))
        }
        kind => matches!(kind, Some("IAMIdentityMapping" | "AwsAuthMapping")),
    }
}

/// The lists of mappings in the output of `get -o json` and `get -o yaml`.
const LISTED_SECTIONS: [&str; 3] = ["roles", "users", "accounts"];

/// Reads the output of `get -o json` and `get -o yaml`, without the entries that have no effect.
fn listing(fields: &[Field<'_>], mappings: &mut Mappings<'_>) -> Result<(), Fault> {
    for field in fields {
        match field.name {
            "roles" | "users" => {
                let entries = field.value.items(field.name)?;
                mappings.found_list = true;
                for entry in entries {
                    if !mapping_formats::is_in_effect(entry)? {
                        continue;
                    }
                    let mut desired = mapping_formats::read(entry, &LISTED, mappings.source)?;
                    // The authenticator compares ARNs, not their kinds, so the section decides.
                    desired.principal = match (desired.principal, field.name) {
                        (Principal::User(arn), "roles") => Principal::Role(arn),
                        (Principal::Role(arn), "users") => Principal::User(arn),
                        (principal, _) => principal,
                    };
                    mappings.list.push(desired);
                }
            }
            "accounts" => accounts(field, mappings)?,
            "accessEntries"
                if field.value.is_null() || field.value.items(field.name)?.len() == 0 => {}
            "accessEntries" => return Err(Fault::new(field.line, Reason::AccessEntries)),
            // What the authenticator logged about the entries that the list lacks.
            "problems" => {}
            _ => {
                let what = "the output of get".to_owned();
                let reason = unknown(field.name, what, &LISTED_SECTIONS);
                return Err(Fault::new(field.line, reason));
            }
        }
    }
    Ok(())
}

/// Reads `mapRoles`, `mapUsers` and `mapAccounts` as real lists.
fn lists(fields: &[Field<'_>], mappings: &mut Mappings<'_>) -> Result<(), Fault> {
    for field in fields {
        match field.name {
            "mapRoles" => items(field.value, field.name, &MAP_ROLES, mappings)?,
            "mapUsers" => items(field.value, field.name, &MAP_USERS, mappings)?,
            "mapAccounts" => accounts(field, mappings)?,
            _ => {
                let known = SectionName::ALL.map(SectionName::key);
                return Err(Fault::new(
                    field.line,
                    unknown(field.name, "desired state".to_owned(), &known),
                ));
            }
        }
    }
    Ok(())
}

fn accounts(field: &Field<'_>, mappings: &mut Mappings<'_>) -> Result<(), Fault> {
    let accounts = field.value.items(field.name)?;
    mappings.found_list = true;
    for account in accounts {
        mappings
            .list
            .push(mapping_formats::account(account, mappings.source)?);
    }
    Ok(())
}

fn items(
    list: Value<'_>,
    what: &str,
    form: &Form,
    mappings: &mut Mappings<'_>,
) -> Result<(), Fault> {
    let items = list.items(what)?;
    mappings.found_list = true;
    for value in items {
        mappings
            .list
            .push(mapping_formats::read(value, form, mappings.source)?);
    }
    Ok(())
}

/// Reads a Kubernetes object, or a file of eksctl, which looks like one. A List must not contain another List.
fn object(
    line: usize,
    fields: &[Field<'_>],
    may_be_list: bool,
    mappings: &mut Mappings<'_>,
) -> Result<(), Fault> {
    let named = |name: &str| fields.iter().find(|field| field.name == name);
    let text = |name: &str| {
        named(name)
            .map(|field| field.value.source(name))
            .transpose()
    };
    let (version, kind) = (
        text("apiVersion")?.unwrap_or_default(),
        text("kind")?.unwrap_or_default(),
    );
    match (version, kind) {
        ("v1", "ConfigMap") => {
            reject_other_configmap(named("metadata"))?;
            configmap::read(fields, mappings)
        }
        ("v1", "List") if may_be_list => {
            let Some(list) = named("items") else {
                return Ok(());
            };
            let members = list.value.items("`items`")?;
            mappings.found_list |= members.len() == 0;
            for member in members {
                object(
                    member.line(),
                    &member.fields("an item of the List")?,
                    false,
                    mappings,
                )?;
            }
            Ok(())
        }
        ("eksctl.io/v1alpha5", "ClusterConfig") => cluster_config(fields, mappings),
        ("awsauth.dev/v1beta1", "Access") => access_file::read(line, fields, mappings),
        ("eks.services.k8s.aws/v1alpha1", "AccessEntry") => {
            let form = &access_entry_formats::ACK;
            let spec = spec_of(line, fields, || form.no_principal())?;
            let entry = access_entry_formats::read(spec.value, form, mappings.source)?;
            mappings.list.push(entry);
            Ok(())
        }
        ("iamauthenticator.k8s.aws/v1alpha1", "IAMIdentityMapping") => {
            spec(line, fields, &IAM_IDENTITY_MAPPING, mappings)
        }
        ("awsauth.dev/v1alpha1", "AwsAuthMapping") => {
            spec(line, fields, &AWS_AUTH_MAPPING, mappings)
        }
        (_, "") => Err(Fault::new(line, Reason::NoKind)),
        _ => {
            let line = named("kind").map_or(line, |field| field.line);
            let version = if version.is_empty() {
                "no apiVersion,"
            } else {
                version
            };
            let kind = format!("{version} {kind}");
            Err(Fault::new(line, Reason::Kind { kind }))
        }
    }
}

/// Reads an object with one mapping in its `spec`.
fn spec(
    line: usize,
    fields: &[Field<'_>],
    form: &Form,
    mappings: &mut Mappings<'_>,
) -> Result<(), Fault> {
    let spec = spec_of(line, fields, || mapping_formats::no_principal(form))?;
    mappings
        .list
        .push(mapping_formats::read(spec.value, form, mappings.source)?);
    Ok(())
}

/// Returns the `spec` of an object. `missing` is the error if there is none.
fn spec_of<'f, 't>(
    line: usize,
    fields: &'f [Field<'t>],
    missing: impl FnOnce() -> Reason,
) -> Result<&'f Field<'t>, Fault> {
    const KNOWN: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
    if let Some(field) = fields.iter().find(|field| !KNOWN.contains(&field.name)) {
        return Err(Fault::new(
            field.line,
            unknown(field.name, "the object".to_owned(), &KNOWN),
        ));
    }
    let spec = fields.iter().find(|field| field.name == "spec");
    spec.ok_or_else(|| Fault::new(line, missing()))
}

/// Reads the mappings and access entries of a file of eksctl, and the name of its cluster.
fn cluster_config(fields: &[Field<'_>], mappings: &mut Mappings<'_>) -> Result<(), Fault> {
    let named = |name: &str| fields.iter().find(|field| field.name == name);
    let metadata = named("metadata").filter(|field| field.value.is_map());
    let metadata = metadata.map(|field| field.value.fields("`metadata`"));
    let metadata = metadata.transpose()?.unwrap_or_default();
    let name = metadata
        .iter()
        .find(|field| field.name == "name" && !field.value.is_null());
    let cluster = name.map(|field| field.value.source("`name`")).transpose()?;
    let access = named("accessConfig").filter(|field| field.value.is_map());
    let access = access.map(|field| field.value.fields("`accessConfig`"));
    let access = access.transpose()?.unwrap_or_default();
    let entries = access.iter().find(|field| field.name == "accessEntries");
    let first = mappings.list.len();
    match named("iamIdentityMappings") {
        Some(list) => items(list.value, list.name, &EKSCTL, mappings)?,
        None if entries.is_none() => reject_misspelled_mappings(fields)?,
        None => {}
    }
    if let Some(entries) = entries {
        let items = entries.value.items(entries.name)?;
        mappings.found_list = true;
        for item in items {
            let form = &access_entry_formats::EKSCTL;
            let entry = access_entry_formats::read(item, form, mappings.source)?;
            mappings.list.push(entry);
        }
    }
    for mapping in &mut mappings.list[first..] {
        mapping.cluster = cluster.map(|name| DesiredCluster::Name(name.to_owned()));
    }
    Ok(())
}

fn reject_other_configmap(metadata: Option<&Field<'_>>) -> Result<(), Fault> {
    let Some(metadata) = metadata.filter(|field| !field.value.is_null()) else {
        return Ok(());
    };
    let fields = metadata.value.fields("`metadata`")?;
    let text = |name: &str, default: &str| -> Result<String, Fault> {
        let field = fields
            .iter()
            .find(|field| field.name == name && !field.value.is_null());
        field.map_or(Ok(default.to_owned()), |field| {
            field.value.source(name).map(str::to_owned)
        })
    };
    let (name, namespace) = (text("name", "aws-auth")?, text("namespace", "kube-system")?);
    if name == "aws-auth" && namespace == "kube-system" {
        return Ok(());
    }
    Err(Fault::new(
        metadata.line,
        Reason::OtherConfigMap { namespace, name },
    ))
}

/// Rejects a field of eksctl's file that is nearly named `iamIdentityMappings`. Its other fields are ignored.
fn reject_misspelled_mappings(fields: &[Field<'_>]) -> Result<(), Fault> {
    const MAPPINGS: &str = "iamIdentityMappings";
    let misspelled = fields
        .iter()
        .find(|field| mapping_formats::likeness(field.name, MAPPINGS) > 0.9);
    misspelled.map_or(Ok(()), |field| {
        let what = "the ClusterConfig".to_owned();
        Err(Fault::new(
            field.line,
            unknown(field.name, what, &[MAPPINGS]),
        ))
    })
}
