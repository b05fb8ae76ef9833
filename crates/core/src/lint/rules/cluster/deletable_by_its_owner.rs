//! The tool that owns aws-auth may delete it, with all of its entries.

use crate::facts::management_markers::{ManagingTool, TERRAFORM};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::facts::Object;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N17",
    name: "deletable-by-its-owner",
    severity: Severity::Warning,
    needs: Needs::Owner,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(object) = &context.facts.object else {
        return;
    };
    match &object.managing_tool {
        Some(tool) if tool.is_kept => {}
        Some(ManagingTool {
            name,
            keep: Some(mark),
            ..
        }) => {
            let message = format!(
                "{name} owns aws-auth: an uninstall or a prune deletes it with all entries"
            );
            findings.config_map(message, format!("mark it to be kept: {mark}"));
        }
        Some(ManagingTool { name, .. }) => report_unmarked(name, findings),
        None if is_written_by_terraform(object) => report_unmarked("Terraform", findings),
        None => {}
    }
}

/// Reports an owner whose protection against deletion is not visible in the cluster.
fn report_unmarked(name: &str, findings: &mut Findings) {
    let message = format!(
        "{name} owns aws-auth: if it destroys or replaces the resource, all entries are lost"
    );
    let help = "protect the resource there, as with prevent_destroy";
    findings.config_map(message, help).severity(Severity::Note);
}

fn is_written_by_terraform(object: &Object) -> bool {
    let managers = object.field_managers.iter();
    managers
        .flat_map(|managers| &managers.all)
        .any(|manager| !manager.keys.is_empty() && TERRAFORM.contains(&manager.name.as_str()))
}
