//! CloudFormation: `AWS::EKS::AccessEntry`.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-eks-accessentry.html>

use std::fmt::Write;

use super::printed_entry::PrintedEntry;
use crate::output::quoting::{Names, yaml, yaml_list};
use awsauth_core::facts::access_entries::AccessScope;

/// The maximum number of resources in a template.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
const RESOURCE_LIMIT: usize = 500;

/// Prints a template. Entries that exist get the `DeletionPolicy` that [an import
/// needs](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-manually.html).
pub(super) fn template(entries: &[PrintedEntry<'_>], cluster: Option<&str>) -> String {
    let mut text = String::new();
    if entries.len() > RESOURCE_LIMIT {
        let _ = writeln!(
            text,
            "# A template may have {RESOURCE_LIMIT} resources, and this one has {}: split it.",
            entries.len()
        );
    }
    text.push_str("AWSTemplateFormatVersion: \"2010-09-09\"\n");
    let cluster_name = match cluster {
        Some(name) => yaml(name),
        None => {
            text.push_str("Parameters:\n  ClusterName:\n    Type: String\n");
            "{Ref: ClusterName}".to_owned()
        }
    };
    text.push_str(if entries.is_empty() {
        "Resources: {}\n"
    } else {
        "Resources:\n"
    });
    let mut names = Names::default();
    for one in entries {
        let _ = writeln!(text, "  {}:", names.logical_id(&one.entry.principal_arn));
        text.push_str("    Type: AWS::EKS::AccessEntry\n");
        if one.exists() {
            text.push_str("    # It exists: import it with a change set of type IMPORT.\n    DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n");
        }
        text.push_str("    Properties:\n");
        let _ = writeln!(text, "      ClusterName: {cluster_name}");
        let _ = writeln!(
            text,
            "      PrincipalArn: {}",
            yaml(&one.entry.principal_arn)
        );
        if let Some(kind) = one.kind() {
            let _ = writeln!(text, "      Type: {}", yaml(kind));
        }
        if let Some(username) = one.username() {
            let _ = writeln!(text, "      Username: {}", yaml(username));
        }
        yaml_list(&mut text, "      ", "KubernetesGroups", one.groups());
        if !one.terms.policies().is_empty() {
            text.push_str("      AccessPolicies:\n");
        }
        for policy in one.terms.policies() {
            let _ = writeln!(text, "      - PolicyArn: {}", yaml(&policy.arn));
            text.push_str("        AccessScope:\n");
            match &policy.scope {
                AccessScope::Cluster => text.push_str("          Type: cluster\n"),
                AccessScope::Namespaces(names) => {
                    text.push_str("          Type: namespace\n");
                    yaml_list(&mut text, "          ", "Namespaces", names);
                }
            }
        }
        if !one.terms.tags.is_empty() {
            text.push_str("      Tags:\n");
        }
        for (key, value) in &one.terms.tags {
            let _ = writeln!(
                text,
                "      - Key: {}\n        Value: {}",
                yaml(key),
                yaml(value)
            );
        }
    }
    text
}
