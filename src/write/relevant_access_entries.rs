//! The access entries that a plan takes into account.

use std::collections::HashSet;
use std::sync::Arc;

use crate::backend::Backend;
use crate::terminal::Out;
use awsauth_core::arn::principal_key;
use awsauth_core::authenticator::{AccessEntries, Store, node_entries};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::edit::Edit;
use awsauth_core::document::{Document, Principal};
use awsauth_core::permission_set::is_deleted_sibling;

/// Reads the cluster's access entries, with details of those that matter: for the principals of the edits and those that they
/// replace, for the role that verifies the write, and for the roles that nodes sign in with through aws-auth as it is stored.
pub(crate) fn access_entries_for(
    edits: &[Edit],
    permission_set_roles: &[Principal],
    verify_as: Option<&str>,
    snapshot: Option<&Snapshot>,
    backend: &Backend,
    out: &mut Out,
) -> Option<Arc<AccessEntries>> {
    backend.eks()?;
    let principals = edits.iter().filter_map(|edit| match edit.principal() {
        Principal::Role(arn) | Principal::User(arn) => Some(arn.as_str()),
        Principal::Account(_) | Principal::Sso(_) => None,
    });
    let document = snapshot.map(|snapshot| Document::read(&snapshot.data));
    let store = document.as_ref().map(Store::new);
    let nodes = store.iter().flat_map(node_entries).map(|(arn, _)| arn);
    let relevant: HashSet<String> = principals
        .chain(verify_as)
        .chain(nodes)
        .map(principal_key)
        .collect();
    let is_replaced = |arn: &str| {
        let mut roles = permission_set_roles.iter();
        roles.any(|role| is_deleted_sibling(arn, role.text()))
    };
    let is_relevant = |arn: &str| relevant.contains(&principal_key(arn)) || is_replaced(arn);
    backend.access_entries(&is_relevant, out)
}
