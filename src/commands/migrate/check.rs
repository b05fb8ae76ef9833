//! `migrate --check`: compares the access from both stores.

use super::{Args, State, View, is_over, print, require_eks};
use crate::backend::Backend;
use crate::terminal::{Exit, Failure, Out};
use awsauth_core::access_entries::migrate::{
    Item, Verdict, is_unused_account, lacks_admin_rights, needs_binding,
};

pub(super) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    require_eks(backend)?;
    let state = State::read_or_explain(backend, out)?;
    let planned = state.plan(args, None, backend)?;
    let accounts = state.account_use(args, backend, out)?;
    let accounts = accounts.as_deref();
    let format = args.answer.output;
    print(&planned, accounts, View::Now, format, backend, out)?;
    if is_over(backend, out) {
        return Ok(Exit::Done);
    }
    let summary = planned.summary();
    let is_there = |item: &&Item<'_>| matches!(item.verdict, Verdict::AlreadyThere { .. });
    let is_unneeded = |item: &&Item<'_>| is_unused_account(item, accounts);
    let unneeded = planned.items.iter().filter(is_unneeded).count();
    let effective = summary.effective - unneeded;
    let mut missing = effective - planned.items.iter().filter(is_there).count();
    for item in planned.items.iter().filter(is_there) {
        match &state.admins {
            Some(admins) if lacks_admin_rights(item, admins) => {
                out.note(&format!(
                    "{} is not an administrator through its access entry: no ClusterRoleBinding binds its groups to cluster-admin.",
                    item.name()
                ));
                missing += 1;
            }
            None if needs_binding(item) => out.note(&format!(
                "Not checked: whether the groups of {} are bound to cluster-admin.",
                item.name()
            )),
            _ => {}
        }
    }
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
