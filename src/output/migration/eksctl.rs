//! eksctl: `accessConfig.accessEntries` of a ClusterConfig, which has no tags.
//!
//! Source: <https://github.com/eksctl-io/eksctl/blob/main/pkg/apis/eksctl.io/v1alpha5/access_entry.go>

use std::fmt::Write;

use super::UNKNOWN_CLUSTER;
use super::printed_entry::PrintedEntry;
use crate::output::quoting::{yaml, yaml_list};
use awsauth_core::facts::access_entries::AccessScope;

/// Prints a ClusterConfig for `eksctl create accessentry -f`, which skips entries that exist.
pub(super) fn cluster_config(
    entries: &[PrintedEntry<'_>],
    cluster: Option<&str>,
    region: Option<&str>,
) -> String {
    let mut text = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n".to_owned();
    let _ = writeln!(text, "  name: {}", yaml(cluster.unwrap_or(UNKNOWN_CLUSTER)));
    let _ = writeln!(text, "  region: {}", yaml(region.unwrap_or("REGION")));
    text.push_str("accessConfig:\n  authenticationMode: API_AND_CONFIG_MAP\n");
    text.push_str(if entries.is_empty() {
        "  accessEntries: []\n"
    } else {
        "  accessEntries:\n"
    });
    for one in entries {
        if one.exists() {
            text.push_str("  # It exists.\n");
        }
        let _ = writeln!(text, "  - principalARN: {}", yaml(&one.entry.principal_arn));
        if let Some(kind) = one.kind() {
            let _ = writeln!(text, "    type: {}", yaml(kind));
        }
        if let Some(username) = one.username() {
            let _ = writeln!(text, "    kubernetesUsername: {}", yaml(username));
        }
        yaml_list(&mut text, "    ", "kubernetesGroups", one.groups());
        if !one.terms.policies().is_empty() {
            text.push_str("    accessPolicies:\n");
        }
        for policy in one.terms.policies() {
            let _ = writeln!(text, "    - policyARN: {}", yaml(&policy.arn));
            text.push_str("      accessScope:\n");
            match &policy.scope {
                AccessScope::Cluster => text.push_str("        type: cluster\n"),
                AccessScope::Namespaces(names) => {
                    text.push_str("        type: namespace\n");
                    yaml_list(&mut text, "        ", "namespaces", names);
                }
            }
        }
    }
    text
}
