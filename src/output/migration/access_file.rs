//! awsauth's own file: `kind: Access`.

use std::fmt::Write;

use super::cloudformation::list;
use super::entry_form::PrintedEntry;
use super::quoting::yaml;
use awsauth_core::facts::access_entries::{AUTO_MODE, AccessScope};
use awsauth_core::facts::node_kinds::NodeKind;

/// Prints the access entries as grants.
pub(super) fn grants(entries: &[PrintedEntry<'_>]) -> String {
    let mut text = "apiVersion: awsauth.dev/v1beta1\nkind: Access\n".to_owned();
    text.push_str(if entries.is_empty() {
        "grants: []\n"
    } else {
        "grants:\n"
    });
    for one in entries {
        let _ = writeln!(text, "- arn: {}", yaml(&one.entry.principal_arn));
        if let Some(kind) = one.kind() {
            let _ = writeln!(text, "  nodes: {}", yaml(nodes(kind)));
        }
        if let Some(username) = one.username() {
            let _ = writeln!(text, "  username: {}", yaml(username));
        }
        list(&mut text, "  ", "groups", one.groups());
        if !one.terms.policies().is_empty() {
            text.push_str("  policies:\n");
        }
        for policy in one.terms.policies() {
            match &policy.scope {
                AccessScope::Cluster => {
                    let _ = writeln!(text, "  - {}", yaml(&policy.arn));
                }
                AccessScope::Namespaces(names) => {
                    let _ = writeln!(text, "  - name: {}", yaml(&policy.arn));
                    list(&mut text, "    ", "namespaces", names);
                }
            }
        }
    }
    text
}

/// Returns the kind of nodes of a type of access entries; the type itself if it has no other name.
fn nodes(kind: &str) -> &str {
    let mut kinds = NodeKind::ALL.into_iter();
    let known = kinds.find(|known| known.access_entry_type() == kind);
    match known {
        Some(known) => known.name(),
        None if kind == AUTO_MODE => "auto",
        None => kind,
    }
}
