//! Reads access entries in the formats of eksctl, ACK, CloudFormation and the AWS CLI.

use std::collections::{BTreeMap, HashMap};

use super::error::{Fault, Reason};
use super::mapping_formats::{by_kind, unknown};
use super::validate::check_text;
use super::yaml_value::{Field, Value};
use super::{DesiredCluster, DesiredEntry, DesiredMapping, Mappings};
use crate::access_entries::NamedPolicy;
use crate::authenticator::template;
use crate::document::Principal;
use crate::facts::access_entries::{AccessEntry, AccessScope, AccessTerms, STANDARD};

/// The names of an access entry's fields in one format.
#[derive(Debug)]
pub(super) struct EntryForm {
    /// The name in messages.
    what: &'static str,
    principal: &'static str,
    username: &'static str,
    groups: &'static str,
    kind: &'static str,
    /// The list of access policies. Without it, the format has no policies.
    policies: Option<&'static PolicyForm>,
    tags: Option<&'static str>,
    cluster: Option<&'static str>,
    /// The reference to an object that has the name of the cluster.
    cluster_reference: Option<&'static str>,
    /// Whether the name of the cluster may be `{Ref: NAME}`.
    has_references: bool,
    /// Fields that EKS sets.
    ignored: &'static [&'static str],
}

#[derive(Debug)]
struct PolicyForm {
    list: &'static str,
    arn: &'static str,
    scope: &'static str,
    kind: &'static str,
    namespaces: &'static str,
}

/// <https://eksctl.io/usage/access-entries/>
pub(super) const EKSCTL: EntryForm = EntryForm {
    what: "an item of accessEntries",
    principal: "principalARN",
    username: "kubernetesUsername",
    groups: "kubernetesGroups",
    kind: "type",
    policies: Some(&POLICIES),
    tags: None,
    cluster: None,
    cluster_reference: None,
    has_references: false,
    ignored: &[],
};

/// <https://aws-controllers-k8s.github.io/community/reference/eks/v1alpha1/accessentry/>
pub(super) const ACK: EntryForm = EntryForm {
    what: "the spec of an AccessEntry",
    principal: "principalARN",
    username: "username",
    groups: "kubernetesGroups",
    kind: "type",
    policies: Some(&POLICIES),
    tags: Some("tags"),
    cluster: Some("clusterName"),
    cluster_reference: Some("clusterRef"),
    has_references: false,
    ignored: &[],
};

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-eks-accessentry.html>
pub(super) const CLOUD_FORMATION: EntryForm = EntryForm {
    what: "the properties of an AWS::EKS::AccessEntry",
    principal: "PrincipalArn",
    username: "Username",
    groups: "KubernetesGroups",
    kind: "Type",
    policies: Some(&PolicyForm {
        list: "AccessPolicies",
        arn: "PolicyArn",
        scope: "AccessScope",
        kind: "Type",
        namespaces: "Namespaces",
    }),
    tags: Some("Tags"),
    cluster: Some("ClusterName"),
    cluster_reference: None,
    has_references: true,
    ignored: &[],
};

/// <https://docs.aws.amazon.com/cli/latest/reference/eks/describe-access-entry.html>
pub(super) const AWS_CLI: EntryForm = EntryForm {
    what: "`accessEntry`",
    principal: "principalArn",
    username: "username",
    groups: "kubernetesGroups",
    kind: "type",
    policies: None,
    tags: Some("tags"),
    cluster: Some("clusterName"),
    cluster_reference: None,
    has_references: false,
    ignored: &["accessEntryArn", "createdAt", "modifiedAt"],
};

const POLICIES: PolicyForm = PolicyForm {
    list: "accessPolicies",
    arn: "policyARN",
    scope: "accessScope",
    kind: "type",
    namespaces: "namespaces",
};

/// The type of the resources in a CloudFormation template.
const RESOURCE: &str = "AWS::EKS::AccessEntry";

/// Reads the resources of a CloudFormation template that are access entries. Its other resources are ignored. A reference to a
/// parameter as the name of the cluster has the parameter's default value.
pub(super) fn resources(
    resources: Value<'_>,
    parameters: Option<Value<'_>>,
    mappings: &mut Mappings<'_>,
) -> Result<(), Fault> {
    let parameters = parameters.map(|all| all.fields("`Parameters`"));
    let parameters = parameters.transpose()?.unwrap_or_default().into_iter();
    let parameters: HashMap<&str, Value<'_>> = parameters
        .filter(|parameter| !parameter.value.is_null())
        .map(|parameter| (parameter.name, parameter.value))
        .collect();
    for resource in resources.fields("`Resources`")? {
        let fields = resource.value.fields("a resource")?;
        let named = |name: &str| fields.iter().find(|field| field.name == name);
        let kind = named("Type").map(|field| field.value.source("`Type`"));
        if kind.transpose()? != Some(RESOURCE) {
            continue;
        }
        let form = &CLOUD_FORMATION;
        let properties = named("Properties");
        let properties =
            properties.ok_or_else(|| Fault::new(resource.line, form.no_principal()))?;
        let mut entry = read(properties.value, form, mappings.source)?;
        if let Some(DesiredCluster::Reference(name)) = &entry.cluster
            && let Some(default) = default_of(name, &parameters)?
        {
            entry.cluster = Some(DesiredCluster::Name(default));
        }
        mappings.list.push(entry);
    }
    Ok(())
}

/// Returns the default value of a parameter, if it has one.
fn default_of(name: &str, parameters: &HashMap<&str, Value<'_>>) -> Result<Option<String>, Fault> {
    let Some(parameter) = parameters.get(name) else {
        return Ok(None);
    };
    let fields = parameter.fields("a parameter")?;
    let default = given(&fields, "Default");
    let default = default.map(|default| text(default, "Default"));
    Ok(default.transpose()?.map(str::to_owned))
}

impl EntryForm {
    /// Returns the error for an entry without a principal.
    pub(super) fn no_principal(&self) -> Reason {
        Reason::NoPrincipal {
            what: self.what.to_owned(),
            choices: format!("`{}`", self.principal),
        }
    }
}

/// Reads one access entry.
pub(super) fn read(
    value: Value<'_>,
    form: &EntryForm,
    source: &str,
) -> Result<DesiredMapping, Fault> {
    let fields = value.fields(form.what)?;
    let list = form.policies.map(|policies| policies.list);
    let mut known = vec![form.principal, form.username, form.groups, form.kind];
    known.extend(list);
    known.extend(form.tags);
    known.extend(form.cluster);
    known.extend(form.cluster_reference);
    refuse_unknown(&fields, form.what, &[&known[..], form.ignored].concat())?;
    let given = |name: &str| given(&fields, name);
    let text = |name: &str| {
        let field = given(name);
        let text = field.map(|field| text(field, name));
        text.transpose()
    };
    let Some(arn) = given(form.principal) else {
        return Err(Fault::new(value.line(), form.no_principal()));
    };
    let principal = by_kind(text(form.principal)?.unwrap_or_default())
        .map_err(|reason| Fault::new(arn.value.line(), reason))?;
    let kind = text(form.kind)?.unwrap_or(STANDARD);
    let groups = given(form.groups).map(|groups| list_of(groups, form.groups));
    let policies = form.policies.map(|form| policies(given(form.list), form));
    let tags = form.tags.and_then(given).map(tags);
    let cluster = cluster(&fields, form)?;
    let username = text(form.username)?.map(str::to_owned);
    Ok(DesiredMapping {
        username: match kind {
            STANDARD => Some(username.unwrap_or_else(|| default_username(&principal))),
            _ => None,
        },
        groups: match kind {
            STANDARD => Some(groups.transpose()?.unwrap_or_default()),
            _ => None,
        },
        principal,
        entry: Some(DesiredEntry {
            kind: kind.to_owned(),
            policies: policies.transpose()?,
            tags: tags.transpose()?.unwrap_or_default(),
        }),
        access: None,
        create_only: false,
        expires: None,
        cluster,
        source: source.to_owned(),
        line: value.line(),
    })
}

/// Returns the username that EKS sets if none is given.
pub(super) fn default_username(principal: &Principal) -> String {
    let entry = AccessEntry {
        principal_arn: principal.text().to_owned(),
        terms: None,
    };
    template(&entry, &AccessTerms::default()).username
}

/// Reads the cluster. Like ACK, accepts only one of its name and a reference:
/// <https://github.com/aws-controllers-k8s/eks-controller/blob/main/pkg/resource/access_entry/references.go>
fn cluster(fields: &[Field<'_>], form: &EntryForm) -> Result<Option<DesiredCluster>, Fault> {
    let name = form.cluster.and_then(|name| given(fields, name));
    let reference = form.cluster_reference.and_then(|name| given(fields, name));
    match (name, reference) {
        (Some(name), Some(reference)) => {
            let reason = Reason::TwoClusters {
                first: name.name.to_owned(),
                second: reference.name.to_owned(),
            };
            Err(Fault::new(reference.line, reason))
        }
        (Some(name), None) if form.has_references && name.value.is_map() => {
            let target = required_field(name, "Ref", &[])?;
            let target = text(target, target.name)?.to_owned();
            Ok(Some(DesiredCluster::Reference(target)))
        }
        (Some(name), None) => {
            let name = text(name, name.name)?.to_owned();
            Ok(Some(DesiredCluster::Name(name)))
        }
        (None, Some(reference)) => {
            let from = required_field(reference, "from", &[])?;
            let name = required_field(from, "name", &["namespace"])?;
            let name = text(name, name.name)?.to_owned();
            Ok(Some(DesiredCluster::AckObject(name)))
        }
        (None, None) => Ok(None),
    }
}

/// Returns a required field of a mapping that has no fields but this and the optional ones.
fn required_field<'t>(
    map: Field<'t>,
    name: &'static str,
    optional: &[&'static str],
) -> Result<Field<'t>, Fault> {
    let what = format!("`{}`", map.name);
    let fields = map.value.fields(&what)?;
    refuse_unknown(&fields, &what, &[&[name], optional].concat())?;
    let field = given(&fields, name);
    let missing = || Reason::MissingField {
        what,
        field: name.to_owned(),
    };
    field.ok_or_else(|| Fault::new(map.line, missing()))
}

fn policies(list: Option<Field<'_>>, form: &PolicyForm) -> Result<Vec<NamedPolicy>, Fault> {
    let Some(list) = list else {
        return Ok(Vec::new());
    };
    let items = list.value.items(form.list)?;
    items.map(|item| policy(item, form)).collect()
}

fn policy(value: Value<'_>, form: &PolicyForm) -> Result<NamedPolicy, Fault> {
    let what = format!("an item of {}", form.list);
    let fields = value.fields(&what)?;
    refuse_unknown(&fields, &what, &[form.arn, form.scope])?;
    let missing = |name: &str, line| {
        Fault::new(
            line,
            Reason::MissingField {
                what: what.clone(),
                field: name.to_owned(),
            },
        )
    };
    let arn = given(&fields, form.arn).ok_or_else(|| missing(form.arn, value.line()))?;
    let scope = given(&fields, form.scope).ok_or_else(|| missing(form.scope, value.line()))?;
    let scope_fields = scope.value.fields(form.scope)?;
    refuse_unknown(&scope_fields, form.scope, &[form.kind, form.namespaces])?;
    let kind = given(&scope_fields, form.kind).ok_or_else(|| missing(form.kind, scope.line))?;
    let namespaces = given(&scope_fields, form.namespaces);
    let namespaces = namespaces.map(|field| list_of(field, form.namespaces));
    let namespaces = namespaces.transpose()?.unwrap_or_default();
    let scope = match (text(kind, form.kind)?, namespaces.is_empty()) {
        ("cluster", true) => AccessScope::Cluster,
        ("namespace", false) => AccessScope::Namespaces(namespaces),
        (kind, _) => {
            let reason = Reason::PolicyScope {
                kind: kind.to_owned(),
            };
            return Err(Fault::new(scope.line, reason));
        }
    };
    Ok(NamedPolicy {
        name: text(arn, form.arn)?.to_owned(),
        scope,
    })
}

/// Reads tags: a mapping, or CloudFormation's list of keys and values.
fn tags(field: Field<'_>) -> Result<BTreeMap<String, String>, Fault> {
    let what = format!("`{}`", field.name);
    if field.value.is_map() {
        let tags = field.value.fields(&what)?.into_iter();
        return tags
            .map(|tag| Ok((tag.name.to_owned(), tag.value.source(tag.name)?.to_owned())))
            .collect();
    }
    let read = |item: Value<'_>| {
        let fields = item.fields("a tag")?;
        refuse_unknown(&fields, "a tag", &["Key", "Value"])?;
        let part = |name: &str| {
            let field = given(&fields, name);
            field.map_or(Ok(String::new()), |field| {
                field.value.source(name).map(str::to_owned)
            })
        };
        Ok((part("Key")?, part("Value")?))
    };
    field.value.items(&what)?.map(read).collect()
}

pub(super) fn list_of(field: Field<'_>, name: &str) -> Result<Vec<String>, Fault> {
    let what = format!("an item of `{name}`");
    let items = field.value.items(&format!("`{name}`"))?;
    items
        .map(|item| {
            let text = item.text(&what)?;
            check_text(&what, text).map_err(|reason| Fault::new(item.line(), reason))?;
            Ok(text.to_owned())
        })
        .collect()
}

pub(super) fn text<'t>(field: Field<'t>, name: &str) -> Result<&'t str, Fault> {
    let what = format!("`{name}`");
    let text = field.value.text(&what)?;
    check_text(&what, text).map_err(|reason| Fault::new(field.line, reason))?;
    Ok(text)
}

pub(super) fn given<'t>(fields: &[Field<'t>], name: &str) -> Option<Field<'t>> {
    let mut fields = fields.iter().copied();
    fields.find(|field| field.name == name && !field.value.is_null())
}

pub(super) fn refuse_unknown(
    fields: &[Field<'_>],
    what: &str,
    known: &[&str],
) -> Result<(), Fault> {
    match fields.iter().find(|field| !known.contains(&field.name)) {
        None => Ok(()),
        Some(field) => Err(Fault::new(
            field.line,
            unknown(field.name, what.to_owned(), known),
        )),
    }
}
