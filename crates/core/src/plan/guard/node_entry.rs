//! Refuses to remove or reduce node entries.

use std::collections::HashSet;

use super::{Case, Guard, State, Verdict};
use crate::arn::{comparable, equal_fold, fold};
use crate::authenticator::{AccessEntries, Loss, LostNodes, lost_nodes, node_entries};
use crate::facts::access_entries::AccessTerms;
use crate::shell_quote::quoted;

/// Refuses to remove a node entry, or to change its username or remove groups from it, unless that is allowed or its nodes sign in
/// with an access entry.
pub(super) fn check(case: &Case<'_>, verdict: &mut Verdict) {
    let request = case.request;
    let entries = case.after.entries;
    let is_allowed = |arn: &str| {
        let mut allowed = request.allow.node_entries.iter();
        allowed.any(|allowed| equal_fold(allowed, arn))
    };
    let has_access_entry = |arn: &str| {
        let entry = entries.and_then(|entries| entries.of(arn));
        let terms = entry.and_then(|entry| entry.terms.as_ref());
        terms.is_some_and(AccessTerms::is_for_nodes)
    };
    let lost = lost_nodes(&case.before.store, &case.after.store);
    for LostNodes { arn, loss, .. } in lost {
        if is_allowed(&arn) || has_access_entry(&arn) {
            continue;
        }
        let how = match loss {
            Loss::Entry => "without its entry",
            Loss::Terms => "with another username or fewer groups",
        };
        verdict.refuse_one(
            arn.as_str(),
            Guard::NodeEntry,
            format!("nodes sign in with {arn}; {how}, they would become NotReady"),
            format!("--allow-node-entry {}", quoted(&arn)),
        );
    }
    for arn in nodes_without_entry(case).filter(|arn| !is_allowed(arn)) {
        verdict.refuse_one(
            arn,
            Guard::NodeEntry,
            format!(
                "nodes sign in with {arn}; without an entry for nodes, they would become NotReady"
            ),
            format!("--allow-node-entry {}", quoted(arn)),
        );
    }
}

/// Returns the principals of nodes that neither store lets in as nodes after changes to access entries.
fn nodes_without_entry<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a str> {
    let changed = case.entry_changes().iter();
    let changed = changed.map(|change| change.principal_arn.as_str());
    let [before, after] = [&case.before, &case.after].map(nodes_of_aws_auth);
    changed.filter(move |arn| {
        is_for_nodes(&case.before, &before, arn) && !is_for_nodes(&case.after, &after, arn)
    })
}

/// Returns the folded principals of the node entries of aws-auth, if the cluster reads it.
fn nodes_of_aws_auth(state: &State<'_>) -> HashSet<String> {
    match state.entries.is_none_or(AccessEntries::uses_aws_auth) {
        true => node_entries(&state.store)
            .map(|(node, _)| fold(node).into_owned())
            .collect(),
        false => HashSet::new(),
    }
}

/// Returns whether nodes sign in as this principal.
fn is_for_nodes(state: &State<'_>, by_aws_auth: &HashSet<String>, principal_arn: &str) -> bool {
    let arn = comparable(principal_arn);
    let entry = state.entries.and_then(|entries| entries.of(&arn));
    match entry {
        Some(entry) => {
            let terms = entry.terms.as_ref();
            terms.is_some_and(AccessTerms::is_for_nodes)
        }
        None => by_aws_auth.contains(&*fold(&arn)),
    }
}
