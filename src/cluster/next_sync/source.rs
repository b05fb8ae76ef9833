//! Who marks aws-auth as theirs.

use crate::cluster::live::Live;

/// Whose the object is.
pub(super) struct Source {
    /// For people.
    pub(super) name: String,
    /// The field managers that act for it.
    pub(super) managers: &'static [&'static str],
}

/// Whoever marks the object as theirs by label or annotation.
pub(super) fn source(live: &Live) -> Option<Source> {
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
