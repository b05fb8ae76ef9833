use super::{Guard, Notice, Refusal, Request, is_change};
use crate::document::edit::{Edit, Outcome};
use crate::effect::Hidden;
use crate::facts::access_entries::AccessEntry;

/// What is said of edits about those for whom an access entry answers: a mapping that would count for nothing is refused unless that is
/// allowed; whatever else says something of them is told to change nothing. Where nothing reads aws-auth there is no more to say.
pub(super) fn of(
    outcomes: &[(Edit, Outcome)],
    request: &Request,
    refusals: &mut Vec<Refusal>,
    notices: &mut Vec<Notice>,
) {
    let Some(entries) = &request.access_entries else {
        return;
    };
    for (number, (edit, outcome)) in outcomes.iter().enumerate() {
        let hidden = entries.hide_principal(edit.principal());
        let Some(hidden @ Hidden::ByEntry(entry)) = hidden.filter(|_| entries.aws_auth_counts())
        else {
            continue;
        };
        let is_pruned = number >= request.edits.len();
        match edit {
            Edit::Map { .. } if is_change(outcome) && !request.allow_ignored => {
                refusals.push(refusal(entry));
            }
            // Who asks for an entry to go is told who else lets its principal in.
            Edit::Unmap { .. } if !is_pruned => {}
            Edit::Map { .. } | Edit::Unmap { .. } => notices.push(Notice::Hidden {
                principal: edit.principal().clone(),
                why: hidden.to_string(),
            }),
        }
    }
}

fn refusal(entry: &AccessEntry) -> Refusal {
    Refusal {
        guard: Guard::Ignored,
        message: format!(
            "the access entry of {} answers, and what aws-auth says of it counts for nothing",
            entry.principal_arn
        ),
        allow: "--allow-ignored".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::document::Principal;
    use crate::document::edit::Groups;
    use crate::effect::AccessEntries;
    use crate::facts::access_entries::AccessTerms;
    use crate::facts::auth_mode::AuthenticationMode;
    use crate::plan::Plan;
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
            allow_ignored,
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
