//! A shell script with commands of the aws CLI and kubectl.

use std::fmt::Write;

use super::UNKNOWN_CLUSTER;
use super::entry_form::command;
use super::printed_entry::lacks_policy;
use awsauth_core::access_entries::Operation;
use awsauth_core::access_entries::migrate::{MigrationPlan, Presence};
use awsauth_core::escape::one_line;
use awsauth_core::facts::access_entries::STANDARD;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::shell_quote::quoted;

/// Prints the operations of a plan. The script stops at the first command that fails.
pub(super) fn script(
    plan: &MigrationPlan<'_>,
    comments: &str,
    cluster: Option<&str>,
    region: Option<&str>,
    kubectl: &str,
) -> String {
    let mut text = format!("#!/bin/sh\n{comments}set -eu\n");
    if let Some(region) = region {
        // Version 1 of the AWS CLI reads only the second one.
        let region = quoted(region);
        let _ = writeln!(
            text,
            "export AWS_REGION={region} AWS_DEFAULT_REGION={region}"
        );
    }
    let cluster = cluster.unwrap_or(UNKNOWN_CLUSTER);
    for (entry, _) in plan
        .entries()
        .filter(|(_, presence)| *presence != Presence::New)
    {
        let _ = writeln!(text, "# It exists: {}", one_line(&entry.principal_arn));
    }
    let is_done = |operation: &&Operation| match operation {
        Operation::CreateEntry { principal_arn, .. } => lacks_policy(plan, principal_arn),
        _ => false,
    };
    let mut is_updated = false;
    for operation in plan.operations.iter().filter(|one| !is_done(one)) {
        let command = command(operation, cluster, kubectl);
        let cluster = quoted(cluster);
        match operation {
            Operation::UpdateAuthenticationMode { to, .. } => {
                is_updated = true;
                text.push_str(CREATED_BY_EKS);
                let _ = writeln!(text, "{command}\n{}", wait_for(*to, &cluster));
            }
            Operation::CreateEntry {
                principal_arn,
                kind,
                ..
            } if is_updated && kind != STANDARD => {
                let arn = quoted(principal_arn);
                let _ = writeln!(
                    text,
                    "[ \"$(aws eks describe-access-entry --cluster-name {cluster} --principal-arn {arn} --query accessEntry.type --output text 2>/dev/null)\" = {kind} ] ||\n  {command}"
                );
            }
            _ => {
                let _ = writeln!(text, "{command}");
            }
        }
    }
    text
}

/// Precedes the update of the authentication mode.
const CREATED_BY_EKS: &str = "# With the new mode, EKS creates some access entries itself. If a later command fails with\n# ResourceInUseException, print this script again: it then has the rest.\n";

/// Returns commands that wait up to ten minutes for the mode. The cluster may be active before the update begins.
fn wait_for(mode: AuthenticationMode, cluster: &str) -> String {
    let query = "--query cluster.accessConfig.authenticationMode --output text";
    format!(
        "tries=0\n\
         until [ \"$(aws eks describe-cluster --name {cluster} {query})\" = {} ]; do\n\
         \x20 tries=$((tries + 1))\n\
         \x20 [ \"$tries\" -lt 60 ] || exit 1\n\
         \x20 sleep 10\n\
         done\n\
         aws eks wait cluster-active --name {cluster}",
        mode.name()
    )
}
