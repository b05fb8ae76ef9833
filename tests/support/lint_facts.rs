//! Facts for lint rules, written as Kubernetes, EKS and IAM objects.

mod aws;

use std::collections::BTreeMap;
use std::sync::Arc;

use awsauth_core::authenticator::AccessEntries;
use awsauth_core::facts::access_entries::{
    AccessEntry, AccessPolicy, AccessScope, AccessTerms, STANDARD,
};
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::management_markers::managing_tool;
use awsauth_core::lint::{Facts, FieldManager, FieldManagers, Object};
use awsauth_core::rbac::{Binding, Policy, Role, RoleKind, RoleRef, Rule, Rules, Subject};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// The time at which the ConfigMaps of the cases were read.
const READ_AT: &str = "2026-01-31T00:00:00Z";

pub(crate) type Data = BTreeMap<String, String>;

/// Reads an aws-auth and its facts: a ConfigMap, RBAC objects, and a `Cluster` as EKS describes it. Missing objects are
/// unknown facts.
pub(crate) fn read(text: &str) -> (Data, Facts) {
    let (mut data, mut facts) = (Data::new(), Facts::default());
    for document in serde_yaml::Deserializer::from_str(text) {
        let object = Value::deserialize(document).expect("YAML");
        match object["kind"].as_str().expect("a kind") {
            "ConfigMap" => {
                data = texts(&object["data"]);
                facts.object = Some(metadata(&object["metadata"]));
            }
            "Cluster" => {
                facts.access_entries = Some(Arc::new(access_entries(&object)));
                facts.is_absent = object["isAbsent"].as_bool().unwrap_or_default();
                facts.cluster = aws::cluster(&object);
            }
            kind => of_rbac(kind, &object, facts.rbac.get_or_insert_default()),
        }
    }
    (data, facts)
}

fn metadata(metadata: &Value) -> Object {
    let (labels, annotations) = (texts(&metadata["labels"]), texts(&metadata["annotations"]));
    let field_manager = |manager: &Value| FieldManager {
        name: text(&manager["manager"]),
        keys: manager["fieldsV1"]["f:data"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(key, _)| Some(key.strip_prefix("f:")?.to_owned()))
            .collect(),
        updated_at: Some(text(&manager["time"]).parse().expect("a time")),
    };
    Object {
        managing_tool: managing_tool(&refs(&labels), &refs(&annotations)),
        field_managers: Some(FieldManagers {
            all: list(&metadata["managedFields"])
                .map(field_manager)
                .collect(),
            read_at: READ_AT.parse().expect("a time"),
        }),
    }
}

fn refs(texts: &Data) -> BTreeMap<&str, &str> {
    texts
        .iter()
        .map(|(key, text)| (key.as_str(), text.as_str()))
        .collect()
}

fn access_entries(cluster: &Value) -> AccessEntries {
    let mode = AuthenticationMode::named(&text(&cluster["authenticationMode"])).expect("a mode");
    let entry = |entry: &Value| AccessEntry {
        principal_arn: text(&entry["principalArn"]),
        terms: Some(AccessTerms {
            kind: entry["type"].as_str().unwrap_or(STANDARD).to_owned(),
            username: entry["username"].as_str().map(str::to_owned),
            groups: list(&entry["groups"]).map(text).collect(),
            policies: Some(list(&entry["policies"]).map(policy).collect()),
            created_at: time(&entry["createdAt"]),
            ..AccessTerms::default()
        }),
    };
    AccessEntries::new(
        mode,
        Some(list(&cluster["accessEntries"]).map(entry).collect()),
    )
}

/// Returns the policy with this name or ARN.
fn policy(name: &Value) -> AccessPolicy {
    let name = text(name);
    AccessPolicy {
        arn: match name.starts_with("arn:") {
            true => name,
            false => format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
        },
        scope: AccessScope::Cluster,
    }
}

fn of_rbac(kind: &str, object: &Value, policy: &mut Policy) {
    let namespace = object["metadata"]["namespace"].as_str().map(str::to_owned);
    let name = text(&object["metadata"]["name"]);
    match kind {
        "ClusterRoleBinding" | "RoleBinding" => policy.bindings.push(Binding {
            namespace,
            name,
            role: RoleRef {
                kind: match object["roleRef"]["kind"].as_str() {
                    Some("Role") => RoleKind::Role,
                    _ => RoleKind::ClusterRole,
                },
                name: text(&object["roleRef"]["name"]),
            },
            subjects: list(&object["subjects"]).map(subject).collect(),
        }),
        "ClusterRole" | "Role" => {
            let rules = list(&object["rules"]).map(rule).collect();
            let role = Role { namespace, name };
            policy.roles.insert(role, Rules::Known(rules));
        }
        other => panic!("{other} is not a fact"),
    }
}

fn subject(subject: &Value) -> Subject {
    let name = text(&subject["name"]);
    match subject["kind"].as_str() {
        Some("User") => Subject::User(name),
        Some("Group") => Subject::Group(name),
        other => panic!("{other:?}"),
    }
}

fn rule(rule: &Value) -> Rule {
    let words = |key: &str| list(&rule[key]).map(text).collect();
    Rule {
        verbs: words("verbs"),
        api_groups: words("apiGroups"),
        resources: words("resources"),
        resource_names: words("resourceNames"),
        non_resource_urls: words("nonResourceURLs"),
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    Some(value.as_str()?.parse().expect("a time"))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn texts(value: &Value) -> Data {
    let pairs = value.as_object().into_iter().flatten();
    pairs
        .map(|(key, value)| (key.clone(), text(value)))
        .collect()
}
