//! A shell script with commands of the aws CLI and kubectl.

use std::fmt::Write;

use super::super::escape::plain;
use super::UNKNOWN_CLUSTER;
use awsauth_core::access_entries::Operation;
use awsauth_core::access_entries::migrate::MigrationPlan;

/// Prints the operations of a plan. The script stops at the first command that fails.
pub(super) fn script(plan: &MigrationPlan<'_>, comments: &str, cluster: Option<&str>) -> String {
    let mut text = format!("#!/bin/sh\n{comments}set -eu\n");
    let cluster = cluster.unwrap_or(UNKNOWN_CLUSTER);
    for (entry, _) in plan.entries().filter(|(_, exists)| *exists) {
        let _ = writeln!(text, "# It exists: {}", plain(&entry.principal_arn));
    }
    for operation in &plan.operations {
        let _ = writeln!(text, "{}", operation.command(cluster));
        if let Operation::UpdateAuthenticationMode { .. } = operation {
            let quoted = awsauth_core::shell_quote::quoted(cluster);
            let _ = writeln!(text, "aws eks wait cluster-active --name {quoted}");
        }
    }
    text
}
