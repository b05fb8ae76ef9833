//! Who else keeps aws-auth, and what becomes of a change when they next come by.

use std::fmt;

use serde_json::Value;

use super::FIELD_MANAGER;
use super::live::Live;
use crate::snapshot::Change;

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

/// Reads `metadata.managedFields`; entries in a format not known are left out.
pub(crate) fn of(fields: Option<&Value>) -> Vec<Manager> {
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

/// The manager that changed the object last; among several in the same second, one other than awsauth.
pub(crate) fn last_writer(managers: &[Manager]) -> Option<&Manager> {
    managers
        .iter()
        .max_by_key(|manager| (manager.time.as_deref(), manager.name != FIELD_MANAGER))
}

/// What a manager's next sync does to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It puts its own text back.
    Overwrites,
    /// It fails with a conflict, unless it is told to force.
    Conflicts,
}

/// What is to be expected of somebody who declares the text that a write changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextSync {
    /// The manager, and the object or release that it acts for where that is known.
    pub by: String,
    /// The changed keys that it declares.
    pub keys: Vec<String>,
    /// What becomes of the change.
    pub effect: Effect,
}

impl fmt::Display for NextSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, keys, effect } = self;
        let keys = keys.join(" and ");
        match effect {
            Effect::Overwrites => write!(
                f,
                "{keys} is kept by {by}, whose next sync will overwrite this change"
            ),
            Effect::Conflicts => write!(
                f,
                "{keys} is kept by {by}, whose next sync will fail with a conflict, or overwrite this change if it forces"
            ),
        }
    }
}

impl NextSync {
    /// The way that lasts.
    pub fn hint(&self) -> &'static str {
        "make the change where it is kept: the same awsauth command with --file PATH"
    }
}

/// What the next syncs of others will do to `change`, given who managed the object before the write.
pub fn next_syncs(before: &Live, change: &Change) -> Vec<NextSync> {
    let source = source(before);
    let declared = before.managers().into_iter().filter_map(|manager| {
        let keys: Vec<String> = manager
            .keys
            .iter()
            .filter(|key| change.data.contains_key(key.as_str()))
            .cloned()
            .collect();
        let effect = effect(&manager)?;
        let by = match &source {
            Some(source) if source.managers.contains(&manager.name.as_str()) => source.name.clone(),
            _ => manager.name,
        };
        (!keys.is_empty()).then_some(NextSync { by, keys, effect })
    });
    let mut syncs: Vec<NextSync> = declared.collect();
    let keys = change.data.keys().map(|key| (*key).to_owned());
    match source {
        // Labels tell of a keeper even where managedFields were cleared.
        Some(source) if syncs.is_empty() && !change.data.is_empty() => {
            syncs.push(NextSync {
                by: source.name,
                keys: keys.collect(),
                effect: Effect::Overwrites,
            });
        }
        _ => {}
    }
    syncs
}

/// What the manager does on its next sync; `None` for those who have none, such as `kubectl edit`.
fn effect(manager: &Manager) -> Option<Effect> {
    match (manager.operation, manager.name.as_str()) {
        (_, FIELD_MANAGER) => None,
        // Both force: <https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#server-side-apply>,
        // <https://fluxcd.io/flux/faq/#what-is-the-behavior-of-kustomize-used-by-flux>.
        (
            _,
            "argocd-controller"
            | "argocd-application-controller"
            | "kustomize-controller"
            | "helm-controller",
        ) => Some(Effect::Overwrites),
        (Operation::Apply, _) => Some(Effect::Conflicts),
        (
            Operation::Update,
            "helm"
            | "Helm"
            | "Terraform"
            | "HashiCorp"
            | "kubectl-client-side-apply"
            | "pulumi-kubernetes",
        ) => Some(Effect::Overwrites),
        (Operation::Update, _) => None,
    }
}

struct Source {
    /// For people.
    name: String,
    /// The field managers that act for it.
    managers: &'static [&'static str],
}

/// Whoever marks the object as theirs by label or annotation.
fn source(live: &Live) -> Option<Source> {
    let (labels, annotations) = (live.labels(), live.annotations());
    let label = |name: &str| labels.get(name).copied();
    let annotation = |name: &str| annotations.get(name).copied();
    if let Some(id) = annotation("argocd.argoproj.io/tracking-id") {
        let application = id.split(':').next().unwrap_or(id);
        return Some(Source {
            name: format!("Argo CD (application {application})"),
            managers: &["argocd-controller", "argocd-application-controller"],
        });
    }
    if let Some(application) = label("argocd.argoproj.io/instance") {
        return Some(Source {
            name: format!("Argo CD (application {application})"),
            managers: &["argocd-controller", "argocd-application-controller"],
        });
    }
    if let Some(name) = label("kustomize.toolkit.fluxcd.io/name") {
        let namespace = label("kustomize.toolkit.fluxcd.io/namespace").unwrap_or("flux-system");
        return Some(Source {
            name: format!("Flux (Kustomization {namespace}/{name})"),
            managers: &["kustomize-controller"],
        });
    }
    if let Some(name) = label("helm.toolkit.fluxcd.io/name") {
        let namespace = label("helm.toolkit.fluxcd.io/namespace").unwrap_or("flux-system");
        return Some(Source {
            name: format!("Flux (HelmRelease {namespace}/{name})"),
            managers: &["helm-controller", "helm"],
        });
    }
    if let Some(release) = annotation("meta.helm.sh/release-name") {
        let namespace = annotation("meta.helm.sh/release-namespace").unwrap_or("default");
        return Some(Source {
            name: format!("Helm (release {namespace}/{release})"),
            managers: &["helm", "Helm"],
        });
    }
    match label("app.kubernetes.io/managed-by")? {
        "Helm" => Some(Source {
            name: "Helm".into(),
            managers: &["helm", "Helm"],
        }),
        by if by.eq_ignore_ascii_case("terraform") => Some(Source {
            name: "Terraform".into(),
            managers: &["Terraform", "HashiCorp"],
        }),
        by if by.eq_ignore_ascii_case("pulumi") => Some(Source {
            name: "Pulumi".into(),
            managers: &["pulumi-kubernetes"],
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn check(metadata: Value) -> Vec<String> {
        let change = Change {
            data: BTreeMap::from([("mapRoles", Some("".into()))]),
            ..Change::default()
        };
        let live = Live::stored(json!({ "metadata": metadata }));
        next_syncs(&live, &change)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn managed(name: &str, operation: &str, key: &str) -> Value {
        json!({"manager": name, "operation": operation, "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}, key: {}}}})
    }

    #[test]
    fn appliers_of_the_changed_key_are_told_of() {
        assert_eq!(
            check(json!({"managedFields": [managed("kubectl", "Apply", "f:mapRoles")]})),
            [
                "mapRoles is kept by kubectl, whose next sync will fail with a conflict, or overwrite this change if it forces"
            ]
        );
        assert!(
            check(json!({"managedFields": [managed("kubectl", "Apply", "f:mapUsers")]})).is_empty()
        );
        assert_eq!(
            check(json!({
                "labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "infra"},
                "managedFields": [managed("kustomize-controller", "Apply", "f:mapRoles"), managed("kubectl-edit", "Update", "f:mapRoles")],
            })),
            [
                "mapRoles is kept by Flux (Kustomization infra/apps), whose next sync will overwrite this change"
            ]
        );
    }

    #[test]
    fn labels_tell_of_keepers_that_managed_fields_do_not() {
        let helm = json!({"annotations": {"meta.helm.sh/release-name": "base", "meta.helm.sh/release-namespace": "infra"}});
        assert_eq!(
            check(helm),
            [
                "mapRoles is kept by Helm (release infra/base), whose next sync will overwrite this change"
            ]
        );
        let argo = json!({"annotations": {"argocd.argoproj.io/tracking-id": "base:/ConfigMap:kube-system/aws-auth"}});
        assert_eq!(
            check(argo),
            [
                "mapRoles is kept by Argo CD (application base), whose next sync will overwrite this change"
            ]
        );
        assert!(check(json!({"labels": {"app.kubernetes.io/managed-by": "eksctl"}})).is_empty());
    }

    #[test]
    fn those_who_write_once_have_no_next_sync() {
        for name in [
            "eksctl",
            "vpcLambda",
            "kubectl-edit",
            "kubectl-patch",
            FIELD_MANAGER,
        ] {
            assert!(
                check(json!({"managedFields": [managed(name, "Update", "f:mapRoles")]})).is_empty(),
                "{name}"
            );
        }
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
        managers[1].time = Some("2026-01-01T00:00:01Z".into());
        assert_eq!(
            last_writer(&managers).map(|manager| manager.name.as_str()),
            Some(FIELD_MANAGER)
        );
    }
}
