//! The access entries of a plan in the forms of other tools.

use std::fmt::Write;

use clap::ValueEnum;

use super::printed_entry::{PrintedEntry, lacks_policy};
use super::{UNKNOWN_CLUSTER, cloudformation, eksctl, shell_script, terraform, word};
use crate::output::access_file::{Grant, access_file};
use awsauth_core::access_entries::Operation;
use awsauth_core::access_entries::migrate::{MigrationPlan, Verdict};
use awsauth_core::escape::one_line;

/// A form of access entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EntryForm {
    /// The variable access_entries of the Terraform module terraform-aws-modules/eks/aws
    TerraformModule,
    /// Resources of the Terraform provider aws
    Terraform,
    /// A CloudFormation template
    Cloudformation,
    /// A ClusterConfig of eksctl
    Eksctl,
    /// A shell script with commands of the aws CLI
    AwsCli,
    /// A file of awsauth with the kind Access
    Access,
}

/// Prints the access entries of a plan. Comments state what else is needed, and what is left out.
pub(crate) fn printed_entries(
    plan: &MigrationPlan<'_>,
    form: EntryForm,
    cluster: Option<&str>,
    region: Option<&str>,
    kubectl: &str,
) -> String {
    let entries: Vec<_> = plan
        .entries()
        .filter_map(|(entry, presence)| {
            Some(PrintedEntry {
                terms: entry.terms.as_ref()?,
                entry,
                presence,
            })
        })
        .collect();
    let comments = comments(plan, form, cluster, kubectl);
    match form {
        EntryForm::TerraformModule => comments + &terraform::module_input(&entries, cluster),
        EntryForm::Terraform => comments + &terraform::resources(&entries, cluster),
        EntryForm::Cloudformation => comments + &cloudformation::template(&entries, cluster),
        EntryForm::Eksctl => comments + &eksctl::cluster_config(&entries, cluster, region),
        EntryForm::Access => {
            let grants = entries.iter();
            let grants = grants.map(|one| Grant::of_entry(one.entry, one.terms));
            comments + &access_file(&grants.collect::<Vec<_>>())
        }
        EntryForm::AwsCli => shell_script::script(plan, &comments, cluster, region, kubectl),
    }
}

/// Returns the command for an operation. A kubectl command begins with `kubectl`, which may include the context.
pub(super) fn command(operation: &Operation, cluster: &str, kubectl: &str) -> String {
    let command = operation.command(cluster);
    match command.strip_prefix("kubectl ") {
        Some(rest) => format!("{kubectl} {rest}"),
        None => command,
    }
}

fn comments(
    plan: &MigrationPlan<'_>,
    form: EntryForm,
    cluster: Option<&str>,
    kubectl: &str,
) -> String {
    let mut text = String::new();
    let mut comment = |line: &str| {
        let _ = writeln!(text, "# {}", one_line(line));
    };
    for obstacle in &plan.obstacles {
        comment(&format!("Nothing can be migrated: {obstacle}."));
    }
    // CloudFormation and eksctl do not add a policy to an access entry that exists.
    let needs_policy = matches!(form, EntryForm::Cloudformation | EntryForm::Eksctl);
    let is_before_entries = |operation: &&Operation| match operation {
        Operation::AssociatePolicy { principal_arn, .. } => {
            needs_policy && lacks_policy(plan, principal_arn)
        }
        operation => operation.principal_arn().is_none(),
    };
    if form != EntryForm::AwsCli {
        for operation in plan.operations.iter().filter(is_before_entries) {
            let command = command(operation, cluster.unwrap_or(UNKNOWN_CLUSTER), kubectl);
            comment(&format!("Needed first: {command}"));
        }
    }
    for item in &plan.items {
        let reason = match &item.verdict {
            Verdict::Changed {
                is_accepted: false, ..
            }
            | Verdict::Conflict { .. }
            | Verdict::DeadEntry
            | Verdict::Skipped => String::new(),
            Verdict::Cannot { reason, .. } => format!(", {reason}"),
            _ => continue,
        };
        comment(&format!(
            "Left out: {}: {}{reason}",
            item.name(),
            word(&item.verdict)
        ));
    }
    text
}
