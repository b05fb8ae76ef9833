use super::super::facts::{Admins, Known, Open};
use super::{Case, Guard, Said, admins};
use crate::effect::{AccessEntries, template};
use crate::facts::access_entries::AccessEntry;

const ALLOW: &str = "--allow-no-admin";

/// Refuses to take away the last mapping that may do everything.
pub(super) fn check(case: &Case<'_>, said: &mut Said) {
    let request = case.request;
    let facts = &request.facts;
    // Nearly always there is one, and found at once.
    if admins::has_any(case.after, case) || admins::is_caller(case) {
        return;
    }
    let before = admins::of(case.before, case);
    if before.is_empty() {
        return;
    }
    if request.allow.no_admin {
        said.leaves_no_admin = true;
        return;
    }
    // Where there is a caller, there is somebody to ask.
    if facts.admins == Known::NotAsked && facts.caller != Known::NotAsked {
        said.open.push(Open::Admins);
        return;
    }
    match facts.access_entry_of_admin {
        Known::Is(true) => return,
        Known::NotAsked if request.access_entries.is_some() => {
            said.open.push(Open::AccessEntryOfAdmin);
            return;
        }
        Known::NotAsked | Known::Unknown { .. } | Known::Is(false) => {}
    }
    let whom = match before.as_slice() {
        [one] => format!("{one} is the last who is"),
        [first, rest @ ..] => format!("{first} and {} more are the last who are", rest.len()),
        [] => return,
    };
    let mut message = format!("{whom} known to administer this cluster, and nobody would be left");
    if let Known::Unknown { needs } = &facts.admins {
        message += &format!("; not checked: what is bound to cluster-admin, which needs {needs}");
    }
    if let Known::Unknown { needs } = &facts.access_entry_of_admin {
        message += &format!("; not checked: access entries, which needs {needs}");
    }
    said.refuse(Guard::LastAdmin, message, ALLOW);
}

/// Whether one of the access entries makes its principal an administrator; `None` when what some say is not known, and no other does.
pub fn has_admin(entries: &AccessEntries, admins: &Known<Admins>) -> Option<bool> {
    let all = entries.all()?;
    let is_admin = |entry: &AccessEntry| {
        let terms = entry.terms.as_ref()?;
        let policies = terms.policies.as_ref();
        let has_policy =
            policies.map(|policies| policies.iter().any(|policy| policy.is_cluster_admin()));
        match admins::why(&template(entry, terms), admins) {
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
