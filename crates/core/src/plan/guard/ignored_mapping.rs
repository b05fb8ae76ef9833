//! Refuses mappings that have no effect.

use std::collections::BTreeMap;

use super::{Case, Guard, Notice, Refusal, Verdict};
use crate::arn::fold;
use crate::authenticator::{AccessEntries, Override, Store, User};
use crate::document::Principal;
use crate::document::edit::Edit;
use crate::facts::access_entries::AccessEntry;
use crate::facts::authentication_mode::AuthenticationMode;
use crate::plan::is_change;

const ALLOW: &str = "--allow-ignored";

/// Returns the refusal for any write if the cluster ignores aws-auth in this authentication mode; `None` if the cluster
/// reads aws-auth, or the mode is unknown.
pub fn aws_auth_is_ignored(mode: Option<AuthenticationMode>) -> Option<Refusal> {
    let api = AuthenticationMode::Api;
    (mode == Some(api)).then(|| Refusal {
        guard: Guard::Ignored,
        message: format!(
            "the authentication mode of this cluster is {}: it uses access entries only and ignores aws-auth",
            api.name()
        ),
        allow: Some(ALLOW.to_owned()),
        arn: None,
    })
}

/// Refuses all changes if the cluster ignores aws-auth, and new or changed mappings of principals that have an access entry, unless
/// that is allowed. Other requests about such principals get a notice that they have no effect.
pub(super) fn check(case: &Case<'_>, verdict: &mut Verdict) {
    let request = case.request;
    if !case.edits_aws_auth() {
        return;
    }
    if let Some(refusal) = aws_auth_is_ignored(request.facts.mode) {
        verdict
            .refusals
            .extend((!request.allow.ignored).then_some(refusal));
        return;
    }
    let Some(entries) = case.after.entries else {
        return;
    };
    if request.contents.is_some() && entries.uses_aws_auth() {
        check_replacement(case, entries, verdict);
    }
    for (number, (edit, outcome)) in case.outcomes.iter().enumerate() {
        let overridden = entries.override_for_principal(edit.principal());
        let Some(overridden @ Override::AccessEntry(entry)) =
            overridden.filter(|_| entries.uses_aws_auth())
        else {
            continue;
        };
        let is_pruned = number >= request.edits.len();
        match edit {
            Edit::Map { .. } if is_change(outcome) && !request.allow.ignored => {
                let arn = edit.principal().text();
                verdict.refuse_one(arn, Guard::Ignored, refusal_message(entry), ALLOW);
            }
            // `unmap` itself reports that the principal still has access.
            Edit::Unmap { .. } if !is_pruned => {}
            Edit::Map { .. } | Edit::Unmap { .. } | Edit::RenameGroup { .. } => {
                verdict.notices.push(Notice::NoEffect {
                    principal: edit.principal().clone(),
                    why: overridden.to_string(),
                })
            }
        }
    }
}

/// Checks a request that replaces all of aws-auth: compares the mappings that access entries override before and after
/// it.
fn check_replacement(case: &Case<'_>, entries: &AccessEntries, verdict: &mut Verdict) {
    let before = overridden(&case.before.store, entries);
    let after = overridden(&case.after.store, entries);
    for (key, overridden) in &after {
        let old = before.get(key);
        if old.is_some_and(|old| old.users == overridden.users) {
            continue;
        }
        if case.request.allow.ignored {
            verdict.notices.push(overridden.notice());
        } else {
            let arn = overridden.principal.text();
            verdict.refuse_one(arn, Guard::Ignored, refusal_message(overridden.by), ALLOW);
        }
    }
    let removed = before.iter().filter(|(key, _)| !after.contains_key(*key));
    verdict
        .notices
        .extend(removed.map(|(_, overridden)| overridden.notice()));
}

/// A principal that has an access entry, and the users that aws-auth maps it to, which have no effect.
struct OverriddenMapping<'a> {
    principal: &'a Principal,
    by: &'a AccessEntry,
    users: Vec<User>,
}

impl OverriddenMapping<'_> {
    fn notice(&self) -> Notice {
        Notice::NoEffect {
            principal: self.principal.clone(),
            why: Override::AccessEntry(self.by).to_string(),
        }
    }
}

/// Returns the mappings that access entries override, keyed by folded ARN.
fn overridden<'a>(
    store: &Store<'a>,
    entries: &'a AccessEntries,
) -> BTreeMap<String, OverriddenMapping<'a>> {
    let mut all = BTreeMap::new();
    for (arn, slot) in store.in_force() {
        let Some(by) = entries.of(arn) else {
            continue;
        };
        let mapping = all
            .entry(fold(arn).into_owned())
            .or_insert_with(|| OverriddenMapping {
                principal: &slot.mapping.principal,
                by,
                users: Vec::new(),
            });
        mapping.users.push(User::from(slot.mapping));
    }
    all
}

fn refusal_message(entry: &AccessEntry) -> String {
    format!(
        "the access entry of {} takes precedence, so the mapping would have no effect",
        entry.principal_arn
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::aws_auth_snapshot::Snapshot;
    use crate::document::edit::Groups;
    use crate::facts::access_entries::AccessTerms;
    use crate::history::Contents;
    use crate::plan::{Allowed, Plan, Request};

    const DEV: &str = "arn:aws:iam::111122223333:role/Dev";
    const OTHER: &str = "arn:aws:iam::111122223333:role/Other";
    const NODE: &str = "system:node:{{EC2PrivateDNSName}}";

    fn entries(kind: &str) -> Arc<AccessEntries> {
        let terms = AccessTerms {
            kind: kind.to_owned(),
            ..AccessTerms::default()
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
    fn mapping_without_effect_is_refused_or_reported() {
        let before = snapshot("u");
        let overridden = plan(map(DEV, "new"), &before, "STANDARD", false);
        assert_eq!(guards(&overridden), ["WG03"]);
        assert!(overridden.is_change() && overridden.access().is_empty());
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
    fn restored_mapping_without_effect_is_refused_or_reported() {
        let whole = |before: &Snapshot, after: &Snapshot, ignored: bool| {
            let request = Request {
                contents: Some(Contents::of(after)),
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

    /// The access entry must be one for nodes. With any other, nodes could not join.
    #[test]
    fn node_entry_may_be_removed_if_nodes_have_an_access_entry() {
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
