//! Refuses to remove the last administrator.

use super::super::guard_facts::{Admins, Known, OpenQuestion};
use super::caller_access::CallerAccess;
use super::{Case, Guard, Verdict, admins};
use crate::authenticator::{AccessEntries, template};
use crate::facts::access_entries::AccessEntry;

const ALLOW: &str = "--allow-no-admin";

/// Refuses to remove the last mapping of an administrator.
pub(super) fn check(case: &Case<'_>, caller: &CallerAccess, verdict: &mut Verdict) {
    let request = case.request;
    let facts = &request.facts;
    // Usually one of the first entries is for an administrator, so this search is short.
    let remains = admins::arns(&case.after.store, case).next().is_some();
    if remains || admins::has_caller(case, caller) {
        return;
    }
    let before: Vec<&str> = admins::arns(&case.before.store, case).collect();
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
    match facts.access_entry_of_admin {
        Known::Is(true) => return,
        Known::NotRequested if request.access_entries.is_some() => {
            verdict
                .open_questions
                .push(OpenQuestion::AccessEntryOfAdmin);
            return;
        }
        Known::NotRequested | Known::Unknown { .. } | Known::Is(false) => {}
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

/// Returns whether an access entry makes its principal an administrator; `None` if some could not be read and none of the others does.
pub fn has_admin(entries: &AccessEntries, admins: &Known<Admins>) -> Option<bool> {
    let all = entries.all()?;
    let is_admin = |entry: &AccessEntry| {
        let terms = entry.terms.as_ref()?;
        let policies = terms.policies.as_ref();
        let has_policy =
            policies.map(|policies| policies.iter().any(|policy| policy.is_cluster_admin()));
        match admins::reason(&template(entry, terms), admins) {
            Some(_) => Some(true),
            None => has_policy,
        }
    };
    let answers: Vec<Option<bool>> = all.iter().map(is_admin).collect();
    if answers.contains(&Some(true)) {
        return Some(true);
    }
    (!answers.contains(&None)).then_some(false)
}
