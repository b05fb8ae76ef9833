//! Which access entries a command is about.

use std::collections::HashSet;
use std::sync::Arc;

use super::principal::as_matched;
use crate::arn::{equal_fold, fold};
use crate::document::edit::Edit;
use crate::document::{Document, Principal};
use crate::edge::Out;
use crate::effect::{AccessEntries, Store, node_entries};
use crate::snapshot::Snapshot;
use crate::world::World;

/// The access entries that a plan counts in, with what those say whom the edits or `witness` are about, or with whom nodes sign in by
/// aws-auth as it is.
pub(super) fn of_edits<'e>(
    edits: impl IntoIterator<Item = &'e Edit>,
    witness: Option<&str>,
    snapshot: Option<&Snapshot>,
    world: &World,
    out: &mut Out,
) -> Option<Arc<AccessEntries>> {
    world.eks()?;
    let key = |arn: &str| fold(&as_matched(arn)).into_owned();
    let principals = edits.into_iter().filter_map(|edit| match edit.principal() {
        Principal::Role(arn) | Principal::User(arn) => Some(arn.as_str()),
        Principal::Account(_) | Principal::Sso(_) => None,
    });
    let document = snapshot.map(|snapshot| Document::read(&snapshot.data));
    let store = document.as_ref().map(Store::new);
    let nodes = store.iter().flat_map(node_entries).map(|(arn, _)| arn);
    let about: HashSet<String> = principals.chain(witness).chain(nodes).map(key).collect();
    world.access_entries(&|arn| about.contains(&key(arn)), out)
}

/// Whether an access entry is that of whoever signs in with this ARN.
pub(super) fn is_of(principal_arn: &str, arn: &str) -> bool {
    equal_fold(&as_matched(principal_arn), &as_matched(arn))
}
