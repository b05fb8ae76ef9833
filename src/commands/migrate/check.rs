//! `migrate --check`: compares the access by both stores.

use super::{Args, State, print, require_eks};
use crate::backend::Backend;
use crate::terminal::{Exit, Failure, Out};
use awsauth_core::access_entries::migrate::{Item, Verdict};
use awsauth_core::facts::groups::MASTERS;
use awsauth_core::plan::Admins;

pub(super) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    require_eks(backend)?;
    let state = State::read(backend, out)?;
    let planned = state.plan(args, backend)?;
    print(&planned, args.answer.output, backend, out)?;
    let summary = planned.summary();
    let is_there = |item: &&Item<'_>| matches!(item.verdict, Verdict::AlreadyThere { .. });
    let mut missing = summary.effective - planned.items.iter().filter(is_there).count();
    for item in planned.items.iter().filter(is_there) {
        match &state.admins {
            Some(admins) if lacks_admin_rights(item, admins) => {
                out.note(&format!(
                    "{} is no administrator by its access entry: no ClusterRoleBinding binds its groups to cluster-admin.",
                    item.name()
                ));
                missing += 1;
            }
            None if is_admin(item) => out.note(&format!(
                "Not checked: whether the groups of {} are bound to cluster-admin.",
                item.name()
            )),
            _ => {}
        }
    }
    let effective = summary.effective;
    match missing {
        0 => {
            out.note(&format!(
                "All {effective} mappings in effect have an access entry with the same access."
            ));
            Ok(Exit::Done)
        }
        missing => {
            out.note(&format!(
                "{missing} of {effective} mappings in effect have no access entry with the same access."
            ));
            Ok(Exit::No)
        }
    }
}

fn is_admin(item: &Item<'_>) -> bool {
    item.mapping.groups().iter().any(|group| group == MASTERS)
}

/// Whether an administrator of aws-auth has an access entry whose groups give no administrator's rights.
fn lacks_admin_rights(item: &Item<'_>, admins: &Admins) -> bool {
    let terms = item.entry.as_ref().and_then(|entry| entry.terms.as_ref());
    terms.is_some_and(|terms| {
        let by_policy = terms
            .policies()
            .iter()
            .any(|policy| policy.is_cluster_admin());
        let by_group = terms
            .groups
            .iter()
            .any(|group| admins.groups.contains(group));
        is_admin(item) && !by_policy && !by_group
    })
}
