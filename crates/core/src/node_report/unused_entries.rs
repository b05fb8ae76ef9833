//! Node entries whose nodes are unknown.

use super::role_report::NodeReportInput;
use crate::arn::comparable;
use crate::authenticator::{NodeRoles, Place, Store, node_entries};
use crate::document::Mapping;
use crate::facts::groups::OF_PROXIES;
use crate::facts::node_kinds::NodeKind;

/// An entry for nodes of a role that no known node uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusedEntry<'a> {
    /// The ARN of the role as the entry has it.
    pub arn: &'a str,
    /// The place in aws-auth; `None` for an access entry.
    pub place: Option<Place>,
    /// The type of the access entry; `None` for an entry of aws-auth.
    pub kind: Option<&'a str>,
    /// Whether hybrid nodes can sign in through it.
    pub fits_hybrid_nodes: bool,
}

/// Returns the entries for nodes of roles that no known node uses.
pub(super) fn unused_entries<'a>(
    roles: &NodeRoles<'_>,
    store: &Store<'a>,
    input: &NodeReportInput<'a>,
) -> Vec<UnusedEntry<'a>> {
    let is_unused = |arn: &str| roles.get(&comparable(arn)).is_none();
    let in_aws_auth = node_entries(store).filter(|(arn, _)| is_unused(arn));
    let in_aws_auth = in_aws_auth.map(|(arn, slot)| UnusedEntry {
        arn,
        place: Some(slot.place),
        kind: None,
        fits_hybrid_nodes: is_of_hybrid_nodes(slot.mapping),
    });
    let entries = input.access_entries.and_then(|entries| entries.all());
    let entries = entries.unwrap_or_default().iter();
    let entries = entries.filter_map(|entry| {
        let terms = entry.terms.as_ref().filter(|terms| terms.is_for_nodes())?;
        is_unused(&entry.principal_arn).then_some(UnusedEntry {
            arn: &entry.principal_arn,
            place: None,
            kind: Some(&terms.kind),
            fits_hybrid_nodes: terms.kind == NodeKind::Hybrid.access_entry_type(),
        })
    });
    in_aws_auth.chain(entries).collect()
}

fn is_of_hybrid_nodes(mapping: &Mapping) -> bool {
    let mut groups = mapping.groups().iter();
    mapping.username == NodeKind::Hybrid.username()
        && !groups.any(|group| OF_PROXIES.contains(&group.as_str()))
}
