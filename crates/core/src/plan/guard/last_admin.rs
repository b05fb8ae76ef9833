//! Refuses to remove the last administrator.

use std::collections::HashSet;

use super::super::guard_facts::{Admins, Facts, Known, OpenQuestion};
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
    let is_asked = facts.access_entry_of_admin != Known::NotRequested;
    let by_entry = case.after.entries.map(|entries| by_entry(entries, facts));
    let mut dead = Vec::new();
    match by_entry {
        Some(ByEntry::Admin) => return,
        Some(ByEntry::Unchecked { arn, needs }) => {
            verdict.not_checked(
                format!("whether IAM still has {arn}, which is the last known administrator"),
                &needs,
            );
            return;
        }
        Some(ByEntry::Asks(entries)) => {
            verdict
                .open_questions
                .push(OpenQuestion::LivingPrincipal(entries));
            return;
        }
        Some(ByEntry::Unknown) if !is_asked => {
            verdict
                .open_questions
                .push(OpenQuestion::AccessEntryOfAdmin);
            return;
        }
        // Without changes, the answer for the entries before applies.
        Some(ByEntry::Unknown) | None
            if case.entry_changes().is_empty()
                && facts.access_entry_of_admin == Known::Is(true) =>
        {
            return;
        }
        Some(ByEntry::NoAdmin { dead: found }) => dead = found,
        Some(ByEntry::Unknown) | None => {}
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
    for arn in dead {
        message += &format!(
            "; the access entry of {arn} is older than its principal, or IAM has no such principal"
        );
    }
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

/// Whether an administrator has access through an access entry.
enum ByEntry {
    Admin,
    /// IAM did not return the principal of the only administrators, such as this one.
    Unchecked {
        arn: String,
        needs: String,
    },
    /// IAM was not asked for the principals of these entries.
    Asks(Vec<AccessEntry>),
    /// That depends on contents that are unknown.
    Unknown,
    /// `dead` are the principals of administrators that IAM does not have any more.
    NoAdmin {
        dead: Vec<String>,
    },
}

fn by_entry(entries: &AccessEntries, facts: &Facts) -> ByEntry {
    let Some(all) = entries.all() else {
        return ByEntry::Unknown;
    };
    let is_alive = |arn: &str| {
        let mut known = facts.living_principals.iter();
        known.find(|(of, _)| of == arn).map(|(_, answer)| answer)
    };
    let (mut to_ask, mut dead, mut unchecked, mut is_unknown) = (vec![], vec![], None, false);
    for entry in all {
        let arn = &entry.principal_arn;
        match (is_admin(entry, &facts.admins), is_alive(arn)) {
            (Some(false), _) => {}
            (None, _) => is_unknown = true,
            (Some(true), Some(Known::Is(true))) => return ByEntry::Admin,
            (Some(true), Some(Known::Is(false))) => dead.push(arn.clone()),
            (Some(true), Some(Known::Unknown { needs })) => {
                unchecked = Some((arn.clone(), needs.clone()));
            }
            // If the caller is unknown, there is no AWS to ask.
            (Some(true), _) if facts.caller == Known::NotRequested => return ByEntry::Admin,
            (Some(true), _) => to_ask.push(entry.clone()),
        }
    }
    match unchecked {
        _ if !to_ask.is_empty() => ByEntry::Asks(to_ask),
        Some((arn, needs)) => ByEntry::Unchecked { arn, needs },
        None if is_unknown => ByEntry::Unknown,
        None => ByEntry::NoAdmin { dead },
    }
}

/// Returns whether the plan takes the permissions of an administrator away from a principal, as far as the access entries are
/// known.
pub(super) fn takes_admin(case: &Case<'_>) -> bool {
    let entries = case.before.entries.and_then(AccessEntries::all);
    if entries.is_none() {
        return false;
    }
    let after: HashSet<&str> = admins::arns(&case.after, case).collect();
    let mut by_aws_auth = admins::arns(&case.before, case);
    let admins = &case.request.facts.admins;
    let is_admin = |entry: Option<AccessEntry>| {
        entry.is_some_and(|entry| is_admin(&entry, admins) == Some(true))
    };
    let mut changes = case.entry_changes().iter();
    by_aws_auth.any(|arn| !after.contains(arn))
        || changes.any(|change| is_admin(change.entry_before()) && !is_admin(change.entry_after()))
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
