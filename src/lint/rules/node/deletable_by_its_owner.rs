//! Whoever owns aws-auth may delete it, and all entries with it.

use crate::facts::keepers::{Keeper, TERRAFORM};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Object, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N17",
    name: "deletable-by-its-owner",
    severity: Severity::Warning,
    needs: Needs::Keeper,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let Some(object) = &context.facts.object else {
        return;
    };
    match &object.keeper {
        Some(keeper) if keeper.is_kept => {}
        Some(Keeper {
            name,
            keep: Some(mark),
            ..
        }) => {
            let message = format!(
                "{name} owns aws-auth: an uninstall or a prune deletes it, and with it every entry"
            );
            found.config_map(message, format!("mark it as one to keep: {mark}"));
        }
        Some(Keeper { name, .. }) => unmarked(name, found),
        None if has_terraform(object) => unmarked("Terraform", found),
        None => {}
    }
}

/// Of whom no mark in the cluster says whether they would delete it.
fn unmarked(name: &str, found: &mut Found) {
    let message = format!(
        "{name} owns aws-auth: where it destroys or replaces the resource, every entry goes with it"
    );
    let help = "protect the resource there, as with prevent_destroy";
    if let Some(finding) = found.config_map(message, help) {
        finding.severity(Severity::Note);
    }
}

fn has_terraform(object: &Object) -> bool {
    let writers = object.writers.iter().flat_map(|writers| &writers.each);
    writers
        .into_iter()
        .any(|writer| !writer.keys.is_empty() && TERRAFORM.contains(&writer.name.as_str()))
}
