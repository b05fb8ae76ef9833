//! If several clients write a section, the last write wins.

use std::collections::BTreeSet;

use crate::document::SectionName;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

/// The field manager of EKS, which adds and removes the entries of managed node groups.
const EKS: &str = "vpcLambda";

/// The number of hours without a write after which a field manager is ignored.
const RECENT_HOURS: i64 = 30 * 24;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N16",
    name: "several-writers",
    severity: Severity::Warning,
    needs: Needs::FieldManagers,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let object = context.facts.object.as_ref();
    let Some((object, managers)) =
        object.and_then(|object| Some((object, object.field_managers.as_ref()?)))
    else {
        return;
    };
    for key in SectionName::ALL.map(SectionName::key) {
        let writers = managers.all.iter().filter(|manager| {
            let age = manager.updated_at.map(|at| managers.read_at.since(at));
            let hours = age.map_or(0, |age| age.map_or(0, |age| age.get_seconds() / 3600));
            manager.name != EKS
                && hours < RECENT_HOURS
                && manager.keys.iter().any(|owned| owned == key)
        });
        let mut names = BTreeSet::new();
        for writer in writers {
            let tool = object.managing_tool.as_ref();
            let tool = tool.filter(|tool| tool.managers.contains(&writer.name.as_str()));
            names.insert(tool.map_or(writer.name.as_str(), |tool| &tool.name));
        }
        // The tool that marks the object as its own reverts what other clients change.
        if let Some(tool) = &object.managing_tool
            && !names.is_empty()
        {
            names.insert(&tool.name);
        }
        if names.len() < 2 {
            continue;
        }
        let names: Vec<&str> = names.into_iter().collect();
        let message = format!(
            "{} write {key}: the last write wins, so entries may be lost",
            names.join(" and ")
        );
        findings.key(
            key,
            message,
            "let one of them manage it, and make all changes there",
        );
    }
}
