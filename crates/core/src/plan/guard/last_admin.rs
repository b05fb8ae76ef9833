//! Refuses to remove the last administrator.

use super::super::guard_facts::{Admins, Known, OpenQuestion};
use super::caller_access::CallerAccess;
use super::{Case, Guard, Verdict, admins};
use crate::authenticator::{AccessEntries, template};
use crate::facts::access_entries::AccessEntry;

const ALLOW: &str = "--allow-no-admin";

/// Refuses to remove the last administrator.
pub(super) fn check(case: &Case<'_>, caller: &CallerAccess, verdict: &mut Verdict) {
    let request = case.request;
    let facts = &request.facts;
    // Usually one of the first entries is for an administrator, so this search is short.
    let remains = admins::arns(&case.after, case).next().is_some();
    if remains || admins::has_caller(case, caller) {
        return;
    }
    let mut before: Vec<&str> = admins::arns(&case.before, case).collect();
    before.extend(admins_of_changed_entries(case));
    if before.is_empty() {
        return;
    }
    if request.allow.no_admin {
        verdict.leaves_no_admin = true;
        return;
    }
    // If the caller is known, there is an API server that knows the bindings.
    if facts.admins == Known::NotRequested && facts.caller != Known::NotRequested {
        verdict.open_questions.push(OpenQuestion::Admins);
        return;
    }
    let after = case.after.entries;
    let by_entry = after.and_then(|entries| has_admin(entries, &facts.admins));
    let is_asked = facts.access_entry_of_admin != Known::NotRequested;
    match by_entry {
        Some(true) => return,
        None if after.is_some() && !is_asked => {
            verdict
                .open_questions
                .push(OpenQuestion::AccessEntryOfAdmin);
            return;
        }
        // Without changes, the answer for the entries before applies.
        None if case.entry_changes().is_empty()
            && facts.access_entry_of_admin == Known::Is(true) =>
        {
            return;
        }
        Some(false) | None => {}
    }
    let who = match before.as_slice() {
        [one] => format!("{one} is the last known administrator"),
        [first, rest @ ..] => {
            format!(
                "{first} and {} more are the last known administrators",
                rest.len()
            )
        }
        [] => return,
    };
    let mut message = format!("{who} of this cluster, and none would be left");
    if let Known::Unknown { needs } = &facts.admins {
        message += &format!("; not checked: the bindings to cluster-admin, which needs {needs}");
    }
    if let Known::Unknown { needs } = &facts.access_entry_of_admin {
        message += &format!("; not checked: access entries, which needs {needs}");
    }
    verdict.refuse(Guard::LastAdmin, message, ALLOW);
}

/// Returns the administrators through an access entry whose entry the plan changes.
fn admins_of_changed_entries<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a str> {
    let admins = &case.request.facts.admins;
    let changes = case.entry_changes().iter();
    changes.filter_map(|change| {
        let was_admin = is_admin(&change.entry_before()?, admins) == Some(true);
        was_admin.then_some(change.principal_arn.as_str())
    })
}

/// Returns whether an access entry makes its principal an administrator; `None` if some could not be read and none of the others does.
pub fn has_admin(entries: &AccessEntries, admins: &Known<Admins>) -> Option<bool> {
    let all = entries.all()?;
    let answers: Vec<Option<bool>> = all.iter().map(|entry| is_admin(entry, admins)).collect();
    if answers.contains(&Some(true)) {
        return Some(true);
    }
    (!answers.contains(&None)).then_some(false)
}

/// Returns whether an access entry makes its principal an administrator; `None` if that depends on contents that are unknown.
fn is_admin(entry: &AccessEntry, admins: &Known<Admins>) -> Option<bool> {
    let terms = entry.terms.as_ref()?;
    match admins::reason(&template(entry, terms), admins) {
        Some(_) => Some(true),
        None => {
            let policies = terms.policies.as_deref()?;
            Some(admins::policy_reason(policies).is_some())
        }
    }
}
