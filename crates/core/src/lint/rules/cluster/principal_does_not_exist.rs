//! Anyone who can create a principal with this name gets the access that the entry grants.

use crate::facts::groups::MASTERS;
use crate::facts::iam_inventory::{Existence, Principals};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::iam_principals::{IamEntry, iam_entries, iam_principals};
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

/// The number of entries for which to search for a similar name. If more principals are missing, typos are not the reason.
const MAX_SEARCHES: usize = 50;

/// The number of letters that may differ in a name that was probably intended.
const MAX_DISTANCE: usize = 2;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N10",
    name: "principal-does-not-exist",
    severity: Severity::Warning,
    needs: Needs::Principals,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(all) = iam_principals(context) else {
        return;
    };
    let missing = iam_entries(context).filter(|entry| entry.named == Existence::Absent);
    for (number, IamEntry { entry, arn, .. }) in missing.enumerate() {
        let (kind, name) = (arn.kind, arn.name);
        let message = format!(
            "account {} has no {kind} {name}: anyone who can create one with this name gets the access that this entry grants",
            arn.account
        );
        let closest = (number < MAX_SEARCHES).then(|| closest(all, kind, name));
        let help = closest.flatten().map_or_else(
            || "remove the entry".to_owned(),
            |closest| format!("remove the entry, or write {closest} if that is what you mean"),
        );
        let finding = findings.entry(entry, Part::Principal, message, help);
        if entry.has_group(MASTERS) {
            finding.severity(Severity::Error);
        }
    }
}

/// Returns the most similar name of that kind, if it is similar enough.
fn closest<'a>(all: &'a Principals, kind: &str, name: &str) -> Option<&'a str> {
    let listed = if kind.eq_ignore_ascii_case("role") {
        &all.roles
    } else {
        &all.users
    };
    let name = name.to_ascii_lowercase();
    let distance = |other: &str| strsim::damerau_levenshtein(&other.to_ascii_lowercase(), &name);
    let names = listed.found().map(|principal| principal.name.as_str());
    let (distance, closest) = names.map(|other| (distance(other), other)).min()?;
    // A short name is similar to anything.
    (distance <= MAX_DISTANCE && distance * 2 < name.len()).then_some(closest)
}
