use std::collections::BTreeMap;

use super::{Case, Guard, Notice, Refusal, Said};
use crate::arn::fold;
use crate::document::Principal;
use crate::document::edit::Edit;
use crate::effect::{AccessEntries, Hidden, Store, User};
use crate::facts::access_entries::AccessEntry;
use crate::facts::auth_mode::AuthenticationMode;
use crate::plan::is_change;

const ALLOW: &str = "--allow-ignored";

/// Why aws-auth is not to be written at all; `None` where somebody reads it, as far as is known.
pub fn nobody_reads(mode: Option<AuthenticationMode>) -> Option<Refusal> {
    let api = AuthenticationMode::Api;
    (mode == Some(api)).then(|| Refusal {
        guard: Guard::Ignored,
        message: format!(
            "the authentication mode of this cluster is {}: access entries alone say who may enter, and nobody reads aws-auth",
            api.name()
        ),
        allow: ALLOW.to_owned(),
        about: None,
    })
}

/// What is said where nobody reads aws-auth, and of edits and changes about those for whom an access entry answers: a mapping that would
/// count for nothing is refused unless that is allowed; whatever else says something of them is told to change nothing.
pub(super) fn check(case: &Case<'_>, said: &mut Said) {
    let request = case.request;
    if let Some(refusal) = nobody_reads(request.facts.mode) {
        said.refusals
            .extend((!request.allow.ignored).then_some(refusal));
        return;
    }
    let Some(entries) = &request.access_entries else {
        return;
    };
    if request.kept.is_some() && entries.aws_auth_counts() {
        check_whole(case, entries, said);
    }
    for (number, (edit, outcome)) in case.outcomes.iter().enumerate() {
        let hidden = entries.hide_principal(edit.principal());
        let Some(hidden @ Hidden::ByEntry(entry)) = hidden.filter(|_| entries.aws_auth_counts())
        else {
            continue;
        };
        let is_pruned = number >= request.edits.len();
        match edit {
            Edit::Map { .. } if is_change(outcome) && !request.allow.ignored => {
                let arn = edit.principal().text();
                said.refuse_one(arn, Guard::Ignored, hidden_by(entry), ALLOW);
            }
            // Who asks for an entry to go is told who else lets its principal in.
            Edit::Unmap { .. } if !is_pruned => {}
            Edit::Map { .. } | Edit::Unmap { .. } => said.notices.push(Notice::Hidden {
                principal: edit.principal().clone(),
                why: hidden.to_string(),
            }),
        }
    }
}

/// The same of a plan that is no edits.
fn check_whole(case: &Case<'_>, entries: &AccessEntries, said: &mut Said) {
    let (before, after) = (Store::new(case.before), Store::new(case.after));
    let (was, is) = (hidden(&before, entries), hidden(&after, entries));
    for (key, of) in &is {
        if was.get(key).is_some_and(|was| was.users == of.users) {
            continue;
        }
        if case.request.allow.ignored {
            said.notices.push(of.notice());
        } else {
            let arn = of.principal.text();
            said.refuse_one(arn, Guard::Ignored, hidden_by(of.by), ALLOW);
        }
    }
    let gone = was.iter().filter(|(key, _)| !is.contains_key(*key));
    said.notices.extend(gone.map(|(_, of)| of.notice()));
}

/// Somebody for whom an access entry answers, and what aws-auth says of them.
struct OfHidden<'a> {
    principal: &'a Principal,
    by: &'a AccessEntry,
    users: Vec<User>,
}

impl OfHidden<'_> {
    fn notice(&self) -> Notice {
        Notice::Hidden {
            principal: self.principal.clone(),
            why: Hidden::ByEntry(self.by).to_string(),
        }
    }
}

/// All of them, by what the authenticator compares.
fn hidden<'a>(store: &Store<'a>, entries: &'a AccessEntries) -> BTreeMap<String, OfHidden<'a>> {
    let mut all = BTreeMap::new();
    for (arn, slot) in store.in_force() {
        let Some(by) = entries.of(arn) else {
            continue;
        };
        let of = all
            .entry(fold(arn).into_owned())
            .or_insert_with(|| OfHidden {
                principal: &slot.mapping.principal,
                by,
                users: Vec::new(),
            });
        of.users.push(User::from(slot.mapping));
    }
    all
}

fn hidden_by(entry: &AccessEntry) -> String {
    format!(
        "the access entry of {} answers, and what aws-auth says of it counts for nothing",
        entry.principal_arn
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::document::edit::Groups;
    use crate::facts::access_entries::AccessTerms;
    use crate::history::Contents;
    use crate::plan::{Allowed, Plan, Request};
    use crate::snapshot::Snapshot;

    const DEV: &str = "arn:aws:iam::111122223333:role/Dev";
    const OTHER: &str = "arn:aws:iam::111122223333:role/Other";
    const NODE: &str = "system:node:{{EC2PrivateDNSName}}";

    fn entries(kind: &str) -> Arc<AccessEntries> {
        let terms = AccessTerms {
            kind: kind.to_owned(),
            username: None,
            groups: Vec::new(),
            policies: None,
        };
        let entry = AccessEntry {
            principal_arn: "arn:aws:iam::111122223333:role/team/Dev".to_owned(),
            terms: Some(terms),
        };
        Arc::new(AccessEntries::new(
            AuthenticationMode::ApiAndConfigMap,
            Some(vec![entry]),
        ))
    }

    fn snapshot(username: &str) -> Snapshot {
        let entry = |arn| format!("- rolearn: {arn}\n  username: {username:?}\n");
        let text = entry(DEV) + &entry(OTHER);
        Snapshot {
            data: [("mapRoles".to_owned(), text.into())].into(),
            ..Snapshot::default()
        }
    }

    fn map(arn: &str, username: &str) -> Edit {
        Edit::Map {
            principal: Principal::Role(arn.to_owned()),
            username: Some(username.to_owned()),
            groups: Groups::Keep,
        }
    }

    fn plan(edit: Edit, before: &Snapshot, kind: &str, allow_ignored: bool) -> Plan {
        let request = Request {
            edits: vec![edit],
            access_entries: Some(entries(kind)),
            allow: Allowed {
                ignored: allow_ignored,
                ..Allowed::default()
            },
            ..Request::default()
        };
        Plan::new(before, &request).unwrap()
    }

    fn guards(plan: &Plan) -> Vec<&str> {
        let guards = plan.refusals.iter();
        guards.map(|refusal| refusal.guard.id()).collect()
    }

    #[test]
    fn a_mapping_that_counts_for_nothing_is_refused_or_told() {
        let before = snapshot("u");
        let hidden = plan(map(DEV, "new"), &before, "STANDARD", false);
        assert_eq!(guards(&hidden), ["WG03"]);
        assert!(hidden.is_change() && hidden.access().is_empty());
        let allowed = plan(map(DEV, "new"), &before, "STANDARD", true);
        assert_eq!((guards(&allowed), allowed.notices.len()), (vec![], 1));
        assert!(allowed.is_change() && allowed.access().is_empty());
        let unchanged = plan(map(DEV, "u"), &before, "STANDARD", false);
        assert_eq!((guards(&unchanged), unchanged.notices.len()), (vec![], 1));

        let other = plan(map(OTHER, "new"), &before, "STANDARD", false);
        assert_eq!((guards(&other), other.notices.len()), (vec![], 0));
        assert_eq!(other.access().len(), 1);
    }

    #[test]
    fn what_is_put_back_for_nothing_is_refused_or_told() {
        let whole = |before: &Snapshot, after: &Snapshot, ignored: bool| {
            let request = Request {
                kept: Some(Contents::of(after)),
                access_entries: Some(entries("STANDARD")),
                allow: Allowed {
                    ignored,
                    ..Allowed::default()
                },
                ..Request::default()
            };
            let plan = Plan::new(before, &request).unwrap();
            (plan.refusals.len(), plan.notices.len())
        };
        let none = Snapshot::default();
        let (old, new) = (snapshot("u"), snapshot("new"));
        assert_eq!(whole(&none, &new, false), (1, 0));
        assert_eq!(whole(&none, &new, true), (0, 1));
        assert_eq!(whole(&old, &new, false), (1, 0));
        assert_eq!(whole(&old, &old, false), (0, 0));
        let mut less = old.clone();
        let other = format!("- rolearn: {OTHER}\n  username: \"u\"\n");
        less.data.insert("mapRoles".to_owned(), other.into());
        assert_eq!(whole(&old, &less, false), (0, 1));
    }

    /// Only where the access entry is one for nodes: any other would not let them in.
    #[test]
    fn the_entry_of_nodes_with_an_access_entry_may_go() {
        let before = snapshot(NODE);
        let unmap = |arn: &str| Edit::Unmap {
            principal: Principal::Role(arn.to_owned()),
            only_line: None,
        };
        let gone = plan(unmap(DEV), &before, "EC2_LINUX", false);
        assert!(guards(&gone).is_empty() && gone.access().is_empty());
        assert_eq!(
            guards(&plan(unmap(DEV), &before, "STANDARD", false)),
            ["WG08"]
        );
        assert_eq!(
            guards(&plan(unmap(OTHER), &before, "EC2_LINUX", false)),
            ["WG08"]
        );
    }
}
