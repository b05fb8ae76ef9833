//! Terraform: the input of the module `terraform-aws-modules/eks/aws`, and resources of the provider `aws`.
//!
//! Sources: <https://github.com/terraform-aws-modules/terraform-aws-eks/blob/v21.19.0/variables.tf>,
//! <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/eks_access_entry>,
//! <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/eks_access_policy_association>.

use std::fmt::Write;

use super::printed_entry::PrintedEntry;
use crate::output::quoting::{Names, hcl};
use awsauth_core::access_entries::migrate::Presence;
use awsauth_core::facts::access_entries::{AccessPolicy, AccessScope};

/// The comment before the policy that an existing entry lacks.
const MISSING: &str =
    "# The access entry exists without this policy: terraform apply associates it.\n";

/// Prints `access_entries`, and imports of entries that exist into a module with the name `eks`.
pub(super) fn module_input(entries: &[PrintedEntry<'_>], cluster: Option<&str>) -> String {
    let mut text = "access_entries = {\n".to_owned();
    let mut imports = String::new();
    let mut names = Names::default();
    for one in entries {
        let arn = &one.entry.principal_arn;
        let key = names.key(arn);
        let mut import = |resource: &str, key: &str, id: String| {
            let to = format!("module.eks.{resource}.this[{}]", hcl(key));
            import(&mut imports, &to, &id);
        };
        let cluster = cluster.filter(|_| one.exists());
        if let Some(cluster) = cluster {
            import("aws_eks_access_entry", &key, format!("{cluster}:{arn}"));
        }
        let _ = writeln!(text, "  {} = {{", hcl(&key));
        let principal = ("principal_arn", hcl(arn));
        assign(
            &mut text,
            "    ",
            std::iter::once(principal).chain(attributes(one)),
        );
        if !one.terms.policies().is_empty() {
            text.push_str("    policy_associations = {\n");
            for policy in one.terms.policies() {
                if one.presence == Presence::LacksPolicy && !one.has(policy) {
                    let _ = write!(text, "      {MISSING}");
                }
                let _ = writeln!(text, "      {} = {{", hcl(policy.name()));
                assign(&mut text, "        ", [("policy_arn", hcl(&policy.arn))]);
                text.push_str("        access_scope = {\n");
                assign(&mut text, "          ", scope(policy));
                text.push_str("        }\n      }\n");
                if let Some(cluster) = cluster.filter(|_| one.has(policy)) {
                    let key = format!("{key}_{}", policy.name());
                    let id = format!("{cluster}#{arn}#{}", policy.arn);
                    import("aws_eks_access_policy_association", &key, id);
                }
            }
            text.push_str("    }\n");
        }
        text.push_str("  }\n");
    }
    text.push_str("}\n");
    if !imports.is_empty() {
        text.push_str("\n# These exist. Put the blocks beside the block of the module, which is named eks here.\n");
        text.push_str(&imports);
    }
    text
}

/// Prints resources, and imports of entries that exist.
pub(super) fn resources(entries: &[PrintedEntry<'_>], cluster: Option<&str>) -> String {
    let mut text = String::new();
    let cluster_name = match cluster {
        Some(name) => hcl(name),
        None => {
            text.push_str("variable \"cluster_name\" {\n  type = string\n}\n\n");
            "var.cluster_name".to_owned()
        }
    };
    let cluster_name = || ("cluster_name", cluster_name.clone());
    let (mut names, mut associations) = (Names::default(), Names::default());
    for one in entries {
        let arn = &one.entry.principal_arn;
        let name = names.identifier(arn);
        let existing = cluster.filter(|_| one.exists());
        if let Some(cluster) = existing {
            let id = format!("{cluster}:{arn}");
            import(&mut text, &format!("aws_eks_access_entry.{name}"), &id);
        }
        let _ = writeln!(text, "resource \"aws_eks_access_entry\" \"{name}\" {{");
        let own = [cluster_name(), ("principal_arn", hcl(arn))];
        assign(&mut text, "  ", own.into_iter().chain(attributes(one)));
        text.push_str("}\n\n");
        for policy in one.terms.policies() {
            let association = associations.identifier(&format!("{name}_{}", policy.name()));
            if one.presence == Presence::LacksPolicy && !one.has(policy) {
                text.push_str(MISSING);
            }
            if let Some(cluster) = existing.filter(|_| one.has(policy)) {
                let id = format!("{cluster}#{arn}#{}", policy.arn);
                import(
                    &mut text,
                    &format!("aws_eks_access_policy_association.{association}"),
                    &id,
                );
            }
            let _ = writeln!(
                text,
                "resource \"aws_eks_access_policy_association\" \"{association}\" {{"
            );
            let principal = format!("aws_eks_access_entry.{name}.principal_arn");
            let own = [
                cluster_name(),
                ("principal_arn", principal),
                ("policy_arn", hcl(&policy.arn)),
            ];
            assign(&mut text, "  ", own);
            text.push_str("  access_scope {\n");
            assign(&mut text, "    ", scope(policy));
            text.push_str("  }\n}\n\n");
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Returns what the module and the resource have in common. The provider needs null groups, not an empty list, for nodes:
/// <https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2896>.
fn attributes(one: &PrintedEntry<'_>) -> impl Iterator<Item = (&'static str, String)> {
    let groups = one.groups();
    let tags = one.terms.tags.iter();
    let tags: Vec<_> = tags
        .map(|(key, value)| format!("{} = {}", hcl(key), hcl(value)))
        .collect();
    [
        ("type", one.kind().map(hcl)),
        ("user_name", one.username().map(hcl)),
        (
            "kubernetes_groups",
            (!groups.is_empty()).then(|| list(groups)),
        ),
        (
            "tags",
            (!tags.is_empty()).then(|| format!("{{ {} }}", tags.join(", "))),
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
}

fn scope(policy: &AccessPolicy) -> Vec<(&'static str, String)> {
    match &policy.scope {
        AccessScope::Cluster => vec![("type", hcl("cluster"))],
        AccessScope::Namespaces(names) => {
            vec![("type", hcl("namespace")), ("namespaces", list(names))]
        }
    }
}

/// Adds assignments, aligned as `terraform fmt` does.
fn assign(
    text: &mut String,
    indent: &str,
    pairs: impl IntoIterator<Item = (&'static str, String)>,
) {
    let pairs: Vec<_> = pairs.into_iter().collect();
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in pairs {
        let _ = writeln!(text, "{indent}{name:width$} = {value}");
    }
}

fn list(texts: &[String]) -> String {
    let texts: Vec<_> = texts.iter().map(|text| hcl(text)).collect();
    format!("[{}]", texts.join(", "))
}

fn import(text: &mut String, to: &str, id: &str) {
    let _ = writeln!(text, "import {{\n  to = {to}\n  id = {}\n}}\n", hcl(id));
}
