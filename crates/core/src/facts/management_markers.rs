//! Labels and annotations by which tools mark the objects that they manage, and by which users protect objects from
//! deletion.

use std::collections::BTreeMap;

/// The tool that manages an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagingTool {
    /// For messages, such as `Helm (release infra/base)`.
    pub name: String,
    /// The tool's field managers.
    pub managers: &'static [&'static str],
    /// The marker that keeps the tool from deleting the object; `None` if the tool has none.
    pub keep: Option<&'static str>,
    /// Whether the object has this marker.
    pub is_kept: bool,
}

/// Argo CD: <https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#no-prune-resources>
const ARGO_CD: &[&str] = &["argocd-controller", "argocd-application-controller"];
const ARGO_CD_OPTIONS: &str = "argocd.argoproj.io/sync-options";
/// Flux: <https://fluxcd.io/flux/components/kustomize/kustomizations/#prune>
const FLUX_PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
/// Helm: <https://helm.sh/docs/howto/charts_tips_and_tricks/#tell-helm-not-to-uninstall-a-resource>
const HELM: &[&str] = &["helm", "Helm"];
const HELM_POLICY: &str = "helm.sh/resource-policy";
/// The field managers of Terraform's providers.
pub(crate) const TERRAFORM: &[&str] = &["Terraform", "HashiCorp"];

/// The labels or annotations of an object.
type Texts<'a> = BTreeMap<&'a str, &'a str>;

/// Returns the tool that marked the object as its own.
pub fn managing_tool(labels: &Texts<'_>, annotations: &Texts<'_>) -> Option<ManagingTool> {
    let label = |name: &str| labels.get(name).copied();
    let annotation = |name: &str| annotations.get(name).copied();
    let tracked = annotation("argocd.argoproj.io/tracking-id").and_then(|id| id.split(':').next());
    if let Some(application) = tracked.or_else(|| label("argocd.argoproj.io/instance")) {
        let options = annotation(ARGO_CD_OPTIONS).unwrap_or_default();
        return Some(ManagingTool {
            name: format!("Argo CD (application {application})"),
            managers: ARGO_CD,
            keep: Some("annotation argocd.argoproj.io/sync-options: Prune=false"),
            is_kept: options
                .split(',')
                .any(|option| matches!(option.trim(), "Prune=false" | "Prune=confirm")),
        });
    }
    let helm = |name: String, managers| ManagingTool {
        name,
        managers,
        keep: Some("annotation helm.sh/resource-policy: keep"),
        is_kept: annotation(HELM_POLICY) == Some("keep"),
    };
    if let Some(name) = label("kustomize.toolkit.fluxcd.io/name") {
        let namespace = label("kustomize.toolkit.fluxcd.io/namespace").unwrap_or("flux-system");
        let marks = [label(FLUX_PRUNE), annotation(FLUX_PRUNE)];
        return Some(ManagingTool {
            name: format!("Flux (Kustomization {namespace}/{name})"),
            managers: &["kustomize-controller"],
            keep: Some("annotation kustomize.toolkit.fluxcd.io/prune: disabled"),
            is_kept: marks.contains(&Some("disabled")),
        });
    }
    if let Some(name) = label("helm.toolkit.fluxcd.io/name") {
        let namespace = label("helm.toolkit.fluxcd.io/namespace").unwrap_or("flux-system");
        let name = format!("Flux (HelmRelease {namespace}/{name})");
        return Some(helm(name, &["helm-controller", "helm"]));
    }
    if let Some(release) = annotation("meta.helm.sh/release-name") {
        let namespace = annotation("meta.helm.sh/release-namespace").unwrap_or("default");
        return Some(helm(format!("Helm (release {namespace}/{release})"), HELM));
    }
    let unmarked = |name: &str, managers| ManagingTool {
        name: name.to_owned(),
        managers,
        keep: None,
        is_kept: false,
    };
    match label("app.kubernetes.io/managed-by")? {
        "Helm" => Some(helm("Helm".to_owned(), HELM)),
        by if by.eq_ignore_ascii_case("terraform") => Some(unmarked("Terraform", TERRAFORM)),
        by if by.eq_ignore_ascii_case("pulumi") => Some(unmarked("Pulumi", &["pulumi-kubernetes"])),
        _ => None,
    }
}
