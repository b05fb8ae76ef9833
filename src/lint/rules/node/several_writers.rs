//! Of several who write a section, the last one decides.

use std::collections::BTreeSet;

use crate::document::SectionName;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N16",
    name: "several-writers",
    severity: Severity::Warning,
    needs: Needs::Writers,
    check,
};

/// EKS itself, which writes and removes the entries of managed node groups.
const EKS: &str = "vpcLambda";

/// Whoever has not written for so many hours has stopped.
const LATELY: i64 = 30 * 24;

fn check(context: &Context<'_>, found: &mut Found) {
    let object = context.facts.object.as_ref();
    let Some((object, writers)) =
        object.and_then(|object| Some((object, object.writers.as_ref()?)))
    else {
        return;
    };
    for key in SectionName::ALL.map(SectionName::key) {
        let of_key = writers.each.iter().filter(|writer| {
            let age = writer.at.map(|at| writers.read_at.since(at));
            let hours = age.map_or(0, |age| age.map_or(0, |age| age.get_seconds() / 3600));
            writer.name != EKS && hours < LATELY && writer.keys.iter().any(|owned| owned == key)
        });
        let mut names = BTreeSet::new();
        for writer in of_key {
            let keeper = object.keeper.as_ref();
            let keeper = keeper.filter(|keeper| keeper.managers.contains(&writer.name.as_str()));
            names.insert(keeper.map_or(writer.name.as_str(), |keeper| &keeper.name));
        }
        // Whoever marks the object as theirs writes again what others have changed.
        if let Some(keeper) = &object.keeper
            && !names.is_empty()
        {
            names.insert(&keeper.name);
        }
        if names.len() < 2 {
            continue;
        }
        let names: Vec<&str> = names.into_iter().collect();
        let message = format!(
            "{key} is written by {}: the last one decides, and entries come and go",
            names.join(" and ")
        );
        found.key(
            key,
            message,
            "let one of them keep it, and make changes there",
        );
    }
}
