//! The access entries of a cluster, compared with the principals that IAM reports.

use super::context::Context;
use super::iam_principals::iam_principals;
use super::node_access;
use crate::facts::access_entries::AccessEntry;
use crate::facts::iam_inventory::Existence;
use crate::shell_quote::quoted;

/// Returns the access entries, if they are known.
pub(super) fn access_entries<'a>(
    context: &Context<'a>,
) -> impl Iterator<Item = &'a AccessEntry> + use<'a> {
    let entries = context.facts.access_entries.as_ref();
    entries
        .and_then(|entries| entries.all())
        .into_iter()
        .flatten()
}

/// Returns what IAM reports about an entry's principal; see [`Principals::existence`](crate::facts::iam_inventory::Principals::existence).
pub(super) fn iam_existence<'a>(
    context: &Context<'a>,
    entry: &AccessEntry,
) -> Option<Existence<'a>> {
    iam_principals(context)?.existence(&entry.principal_arn)
}

/// Returns the flags that name the cluster, for the AWS CLI.
pub(super) fn cluster_flags(context: &Context<'_>) -> String {
    let cluster = context.facts.cluster.as_ref();
    cluster.map_or_else(
        || " --cluster-name NAME".to_owned(),
        node_access::cluster_flags,
    )
}

/// Returns how to bind an entry to the present principal.
pub(super) fn recreate_help(context: &Context<'_>, entry: &AccessEntry) -> String {
    let (flags, arn) = (cluster_flags(context), quoted(&entry.principal_arn));
    format!(
        "delete it, and create it again with its groups and policies: aws eks delete-access-entry{flags} --principal-arn {arn}, then aws eks create-access-entry"
    )
}
