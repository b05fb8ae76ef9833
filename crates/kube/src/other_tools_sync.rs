//! Predicts what other tools that manage aws-auth do to a change on their next sync.

use std::fmt;

use serde_json::{Map, Value};

use super::field_managers::{FieldManager, Operation};
use super::live_config_map::Live;
use super::{CONTROLLER, FIELD_MANAGER, is_own_manager};
use awsauth_core::aws_auth_snapshot::Change;
use awsauth_core::facts::management_markers::{ManagingTool, managing_tool};

/// The field manager of `kubectl apply` without `--server-side`.
const KUBECTL_APPLY: &str = "kubectl-client-side-apply";

/// What a manager's next sync does to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It restores its own values.
    Overwrites,
    /// It stops with a conflict, unless it forces.
    Conflicts,
}

/// Why a manager is expected to declare a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The API server records the manager as the key's owner.
    Owned,
    /// The last-applied annotation of `kubectl apply` contains the key.
    LastApplied,
    /// The manager applies the object, and the controller now owns the key. The former owner is not recorded.
    TakenOver,
    /// Labels or annotations name the manager.
    Marked,
}

/// What a manager that declares, or may declare, the changed keys will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextSync {
    /// The manager, with its object or release if known.
    pub by: String,
    /// The affected keys.
    pub keys: Vec<String>,
    /// The evidence for it.
    pub evidence: Evidence,
    /// What happens to the change.
    pub effect: Effect,
}

impl fmt::Display for NextSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = &self.by;
        let keys = self.keys.join(" and ");
        let them = if self.keys.len() == 1 { "it" } else { "them" };
        match self.evidence {
            Evidence::Owned => write!(f, "{keys} is managed by {by}: its next sync ")?,
            Evidence::LastApplied => write!(f, "{keys} is managed by {by}: the next one ")?,
            Evidence::TakenOver => write!(
                f,
                "awsauth-controller took {keys} over: if {by} declares {them}, its next sync "
            )?,
            Evidence::Marked => write!(f, "if {by} declares {keys}, its next sync ")?,
        }
        f.write_str(match self.effect {
            Effect::Overwrites => "overwrites this",
            Effect::Conflicts => "stops with a conflict, or overwrites this if it forces",
        })
    }
}

impl NextSync {
    /// Returns how to make the change permanent.
    pub fn hint(&self) -> &'static str {
        "make the change in its source: the same awsauth command with --file PATH"
    }
}

/// Returns what the next syncs of other managers will do to `change`, based on the object before the write.
///
/// A key that an earlier awsauth command took over from a manager is not reported again: that command reported it.
pub fn next_syncs(before: &Live, change: &Change) -> Vec<NextSync> {
    let (managers, managing_tool) = (
        before.managers(),
        managing_tool(&before.labels(), &before.annotations()),
    );
    let last_applied = last_applied(before);
    let acts = |managing_tool: &ManagingTool, manager: &FieldManager| {
        managing_tool.managers.contains(&manager.name.as_str())
    };
    let is_the_controllers = |key: &str| {
        let owns = |name| {
            managers
                .iter()
                .any(|manager| manager.name == name && manager.owns(key))
        };
        owns(CONTROLLER) && !owns(FIELD_MANAGER)
    };
    let changed = || change.data.keys().copied();
    let mut syncs = vec![];
    for manager in &managers {
        // kubectl's annotation is more precise than its managed fields.
        if last_applied.is_some() && manager.name == KUBECTL_APPLY {
            continue;
        }
        let Some(effect) = effect(manager) else {
            continue;
        };
        let by = match &managing_tool {
            Some(managing_tool) if acts(managing_tool, manager) => &managing_tool.name,
            _ => &manager.name,
        };
        let owned = changed().filter(|key| manager.owns(key)).collect();
        push(&mut syncs, by, owned, Evidence::Owned, effect);
        let taken = changed().filter(|key| !manager.owns(key) && is_the_controllers(key));
        push(&mut syncs, by, taken.collect(), Evidence::TakenOver, effect);
    }
    // Labels remain even if managedFields were cleared.
    if let Some(managing_tool) = managing_tool
        && !managers.iter().any(|manager| acts(&managing_tool, manager))
    {
        let keys = changed().collect();
        push(
            &mut syncs,
            &managing_tool.name,
            keys,
            Evidence::Marked,
            Effect::Overwrites,
        );
    }
    // kubectl also updates the annotation in server-side apply, which never overwrites other managers' fields by
    // default.
    let is_server_side =
        |manager: &FieldManager| manager.name == "kubectl" && manager.operation == Operation::Apply;
    if let Some(applied) = last_applied
        && !managers.iter().any(is_server_side)
    {
        let is_reported = |key: &str| {
            let overwrites = |sync: &NextSync| sync.effect == Effect::Overwrites;
            let has = |sync: &NextSync| sync.keys.iter().any(|reported| reported == key);
            syncs.iter().any(|sync| overwrites(sync) && has(sync))
        };
        let differs = |key: &str, text: Option<&str>| {
            applied
                .get(key)
                .is_some_and(|applied| applied.as_str() != text)
        };
        let put_back = change.data.iter().filter_map(|(&key, text)| {
            (differs(key, text.as_deref()) && !is_reported(key)).then_some(key)
        });
        let (keys, by) = (put_back.collect(), "kubectl apply");
        push(
            &mut syncs,
            by,
            keys,
            Evidence::LastApplied,
            Effect::Overwrites,
        );
    }
    syncs
}

/// Adds an expected sync, unless it is already in the list.
fn push(syncs: &mut Vec<NextSync>, by: &str, keys: Vec<&str>, evidence: Evidence, effect: Effect) {
    let known = |sync: &NextSync| sync.by == by && sync.keys == keys;
    if !keys.is_empty() && !syncs.iter().any(known) {
        syncs.push(NextSync {
            by: by.to_owned(),
            keys: keys.into_iter().map(str::to_owned).collect(),
            evidence,
            effect,
        });
    }
}

/// Returns the `data` of the last client-side apply, which the next one restores.
/// <https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/#how-apply-calculates-differences-and-merges-changes>
fn last_applied(live: &Live) -> Option<Map<String, Value>> {
    let annotations = live.annotations();
    let applied = annotations.get("kubectl.kubernetes.io/last-applied-configuration")?;
    let mut applied: Value = serde_json::from_str(applied).ok()?;
    match applied["data"].take() {
        Value::Object(data) => Some(data),
        _ => Some(Map::new()),
    }
}

/// Returns what the manager does on its next sync; `None` for clients without syncs, such as `kubectl edit`.
fn effect(manager: &FieldManager) -> Option<Effect> {
    match (manager.operation, manager.name.as_str()) {
        (_, name) if is_own_manager(name) => None,
        // Argo CD and Flux force conflicts: <https://argo-cd.readthedocs.io/en/stable/proposals/server-side-apply/>,
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
            "helm" | "Helm" | "Terraform" | "HashiCorp" | KUBECTL_APPLY | "pulumi-kubernetes",
        ) => Some(Effect::Overwrites),
        (Operation::Update, _) => None,
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
    fn managers_that_apply_the_changed_key_are_reported() {
        assert_eq!(
            check(json!({"managedFields": [managed("kubectl", "Apply", "f:mapRoles")]})),
            [
                "mapRoles is managed by kubectl: its next sync stops with a conflict, or overwrites this if it forces"
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
                "mapRoles is managed by Flux (Kustomization infra/apps): its next sync overwrites this"
            ]
        );
    }

    #[test]
    fn tools_named_only_by_labels_are_reported() {
        let helm = json!({"annotations": {"meta.helm.sh/release-name": "base", "meta.helm.sh/release-namespace": "infra"}});
        assert_eq!(
            check(helm),
            ["if Helm (release infra/base) declares mapRoles, its next sync overwrites this"]
        );
        let argo = json!({"annotations": {"argocd.argoproj.io/tracking-id": "base:/ConfigMap:kube-system/aws-auth"}});
        assert_eq!(
            check(argo),
            ["if Argo CD (application base) declares mapRoles, its next sync overwrites this"]
        );
        assert!(check(json!({"labels": {"app.kubernetes.io/managed-by": "eksctl"}})).is_empty());
    }

    #[test]
    fn clients_without_syncs_are_not_reported() {
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
    fn tools_whose_field_awsauth_took_over_are_reported_once() {
        let ours = managed(CONTROLLER, "Apply", "f:mapRoles");
        let flux = managed("kustomize-controller", "Apply", "f:other");
        let labels = json!({"kustomize.toolkit.fluxcd.io/name": "apps"});
        assert_eq!(
            check(json!({"labels": labels, "managedFields": [flux, ours]})),
            [
                "awsauth-controller took mapRoles over: if Flux (Kustomization flux-system/apps) declares it, its next sync overwrites this"
            ]
        );
        // An awsauth command took it over, and reported that.
        let reported = managed(FIELD_MANAGER, "Update", "f:mapRoles");
        assert!(check(json!({"labels": labels, "managedFields": [flux, reported]})).is_empty());
        // The tool never owned this key, so awsauth did not take it over.
        let other = managed("eksctl", "Update", "f:mapRoles");
        assert!(check(json!({"labels": labels, "managedFields": [flux, other]})).is_empty());
    }

    #[test]
    fn last_applied_text_of_kubectl_is_restored() {
        let applied = |data: Value, managers: Value| {
            let applied = json!({ "data": data }).to_string();
            check(json!({
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied},
                "managedFields": managers,
            }))
        };
        let ours = managed(FIELD_MANAGER, "Update", "f:mapRoles");
        let theirs = managed(KUBECTL_APPLY, "Update", "f:mapRoles");
        let expected = ["mapRoles is managed by kubectl apply: the next one overwrites this"];
        assert_eq!(applied(json!({"mapRoles": "x"}), json!([ours])), expected);
        assert_eq!(applied(json!({"mapRoles": "x"}), json!([theirs])), expected);
        // The change matches their file.
        assert!(applied(json!({"mapRoles": ""}), json!([theirs])).is_empty());
        assert!(applied(json!({"mapUsers": "x"}), json!([ours])).is_empty());
        let argo = managed("argocd-controller", "Update", "f:mapRoles");
        assert_eq!(
            applied(json!({"mapRoles": "x"}), json!([argo])),
            ["mapRoles is managed by argocd-controller: its next sync overwrites this"]
        );
        let migrated = managed("kubectl", "Apply", "f:mapRoles");
        assert_eq!(
            applied(json!({"mapRoles": "x"}), json!([migrated])),
            [
                "mapRoles is managed by kubectl: its next sync stops with a conflict, or overwrites this if it forces"
            ]
        );
    }
}
