//! What becomes of a change when others who keep aws-auth next come by.

use std::fmt;

use serde_json::{Map, Value};

use super::is_own_manager;
use super::live::Live;
use super::managers::{Manager, Operation};
use awsauth_core::facts::management_markers::{ManagingTool, managing_tool};
use awsauth_core::snapshot::Change;

/// The field manager of `kubectl apply` without `--server-side`.
const KUBECTL_APPLY: &str = "kubectl-client-side-apply";

/// What a manager's next sync does to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It puts its own text back.
    Overwrites,
    /// It stops with a conflict, unless it is told to force.
    Conflicts,
}

/// What tells that somebody declares a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The key is theirs, as the API server keeps record of it.
    Owned,
    /// `kubectl apply` has left what it applied in an annotation.
    LastApplied,
    /// They apply the object, and awsauth now owns the key: whether it was theirs before is not on record.
    TakenOver,
    /// The object is marked as theirs.
    Marked,
}

/// What is to be expected of somebody who declares, or may declare, the text that a write changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextSync {
    /// The manager, and the object or release that it acts for where that is known.
    pub by: String,
    /// The changed keys.
    pub keys: Vec<String>,
    /// Why it is expected.
    pub evidence: Evidence,
    /// What becomes of the change.
    pub effect: Effect,
}

impl fmt::Display for NextSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = &self.by;
        let keys = self.keys.join(" and ");
        let them = if self.keys.len() == 1 { "it" } else { "them" };
        match self.evidence {
            Evidence::Owned => write!(f, "{keys} is kept by {by}: its next sync ")?,
            Evidence::LastApplied => write!(f, "{keys} is kept by {by}: the next one ")?,
            Evidence::TakenOver => write!(
                f,
                "awsauth took {keys} over: if {by} declares {them}, its next sync "
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
    /// The way that lasts.
    pub fn hint(&self) -> &'static str {
        "make the change where it is kept: the same awsauth command with --file PATH"
    }
}

/// What the next syncs of others will do to `change`, given who managed the object before the write.
pub fn next_syncs(before: &Live, change: &Change) -> Vec<NextSync> {
    let (managers, managing_tool) = (
        before.managers(),
        managing_tool(&before.labels(), &before.annotations()),
    );
    let last_applied = last_applied(before);
    let acts = |managing_tool: &ManagingTool, manager: &Manager| {
        managing_tool.managers.contains(&manager.name.as_str())
    };
    let is_ours = |key: &str| {
        let mut managers = managers.iter();
        managers.any(|manager| is_own_manager(&manager.name) && manager.owns(key))
    };
    let changed = || change.data.keys().copied();
    let mut syncs = vec![];
    for manager in &managers {
        // What kubectl has left in its annotation says more than its fields.
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
        expect(&mut syncs, by, owned, Evidence::Owned, effect);
        let taken = changed().filter(|key| !manager.owns(key) && is_ours(key));
        expect(&mut syncs, by, taken.collect(), Evidence::TakenOver, effect);
    }
    // Marks stay even where managedFields were cleared.
    if let Some(managing_tool) = managing_tool
        && !managers.iter().any(|manager| acts(&managing_tool, manager))
    {
        let keys = changed().collect();
        expect(
            &mut syncs,
            &managing_tool.name,
            keys,
            Evidence::Marked,
            Effect::Overwrites,
        );
    }
    // kubectl keeps the annotation up to date in server-side apply, too, which overwrites nothing unasked.
    let is_server_side =
        |manager: &Manager| manager.name == "kubectl" && manager.operation == Operation::Apply;
    if let Some(applied) = last_applied
        && !managers.iter().any(is_server_side)
    {
        let is_told = |key: &str| {
            let overwrites = |sync: &NextSync| sync.effect == Effect::Overwrites;
            let has = |sync: &NextSync| sync.keys.iter().any(|told| told == key);
            syncs.iter().any(|sync| overwrites(sync) && has(sync))
        };
        let differs = |key: &str, text: Option<&str>| {
            applied
                .get(key)
                .is_some_and(|applied| applied.as_str() != text)
        };
        let put_back = change.data.iter().filter_map(|(&key, text)| {
            (differs(key, text.as_deref()) && !is_told(key)).then_some(key)
        });
        let (keys, by) = (put_back.collect(), "kubectl apply");
        expect(
            &mut syncs,
            by,
            keys,
            Evidence::LastApplied,
            Effect::Overwrites,
        );
    }
    syncs
}

/// Adds what is to be expected, once.
fn expect(
    syncs: &mut Vec<NextSync>,
    by: &str,
    keys: Vec<&str>,
    evidence: Evidence,
    effect: Effect,
) {
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

/// The `data` that a client-side apply has last applied: what it puts back where it differs.
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

/// What the manager does on its next sync; `None` for those who have none, such as `kubectl edit`.
fn effect(manager: &Manager) -> Option<Effect> {
    match (manager.operation, manager.name.as_str()) {
        (_, name) if is_own_manager(name) => None,
        // Argo CD and Flux force: <https://argo-cd.readthedocs.io/en/stable/proposals/server-side-apply/>,
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
    use crate::FIELD_MANAGER;

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
                "mapRoles is kept by kubectl: its next sync stops with a conflict, or overwrites this if it forces"
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
            ["mapRoles is kept by Flux (Kustomization infra/apps): its next sync overwrites this"]
        );
    }

    #[test]
    fn labels_tell_of_keepers_that_managed_fields_do_not() {
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
    fn a_field_that_awsauth_took_over_is_still_told_of() {
        let ours = managed(FIELD_MANAGER, "Update", "f:mapRoles");
        let flux = managed("kustomize-controller", "Apply", "f:other");
        let labels = json!({"kustomize.toolkit.fluxcd.io/name": "apps"});
        assert_eq!(
            check(json!({"labels": labels, "managedFields": [flux, ours]})),
            [
                "awsauth took mapRoles over: if Flux (Kustomization flux-system/apps) declares it, its next sync overwrites this"
            ]
        );
        // Nobody took over what the managing_tool never had.
        let other = managed("eksctl", "Update", "f:mapRoles");
        assert!(check(json!({"labels": labels, "managedFields": [flux, other]})).is_empty());
    }

    #[test]
    fn what_kubectl_applied_last_is_put_back() {
        let applied = |data: Value, managers: Value| {
            let applied = json!({ "data": data }).to_string();
            check(json!({
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied},
                "managedFields": managers,
            }))
        };
        let ours = managed(FIELD_MANAGER, "Update", "f:mapRoles");
        let theirs = managed(KUBECTL_APPLY, "Update", "f:mapRoles");
        let told = ["mapRoles is kept by kubectl apply: the next one overwrites this"];
        assert_eq!(applied(json!({"mapRoles": "x"}), json!([ours])), told);
        assert_eq!(applied(json!({"mapRoles": "x"}), json!([theirs])), told);
        // The change makes it what it is in their file.
        assert!(applied(json!({"mapRoles": ""}), json!([theirs])).is_empty());
        assert!(applied(json!({"mapUsers": "x"}), json!([ours])).is_empty());
        let argo = managed("argocd-controller", "Update", "f:mapRoles");
        assert_eq!(
            applied(json!({"mapRoles": "x"}), json!([argo])),
            ["mapRoles is kept by argocd-controller: its next sync overwrites this"]
        );
        let migrated = managed("kubectl", "Apply", "f:mapRoles");
        assert_eq!(
            applied(json!({"mapRoles": "x"}), json!([migrated])),
            [
                "mapRoles is kept by kubectl: its next sync stops with a conflict, or overwrites this if it forces"
            ]
        );
    }
}
