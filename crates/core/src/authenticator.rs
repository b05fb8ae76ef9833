//! What the authenticator does with a document: which identities it maps, and to which Kubernetes user.
//!
//! The rules are those of aws-iam-authenticator 0.7: roles before users before accounts, a later role or user with the
//! same key replaces an earlier one, and ARNs are compared ignoring letter case.
//! Source: <https://github.com/kubernetes-sigs/aws-iam-authenticator/tree/v0.7.10/pkg/mapper/configmap>

mod access_diff;
mod access_entries;
mod common_fields;
mod explain;
mod lookup;
mod mapped_principals;
mod near_match;
mod node_entry;
mod node_roles;
mod sso;
mod store;
mod template;
mod template_match;
#[cfg(test)]
mod test_documents;

pub use access_diff::{AccessChange, OWN_ARN, access_diff};
pub(crate) use access_diff::{Stores, access_changes, entry_access_changes};
pub use access_entries::{AccessEntries, AccessEntryAnswer, Override, template};
pub(crate) use common_fields::CommonFields;
pub(crate) use explain::explain_in;
pub use explain::{Answer, Explanation, Question, explain};
pub use lookup::{Candidate, NOT_MAPPED, Options, Verdict};
pub use mapped_principals::{MappedBy, MappedPrincipal, MappedPrincipals};
pub use near_match::{Mismatch, NearMatch};
pub(crate) use node_entry::{Loss, LostNodes, lost_nodes};
pub use node_entry::{has_node_entry, is_node, node_entries};
pub use node_roles::{NodeRole, NodeRoles};
pub use store::{EntryState, Slot, Store};
pub use template::{Cause, Field, Placeholder, TemplateError};
pub(crate) use template_match::can_become;

use std::collections::HashSet;

use crate::document::{Mapping, SectionName};

/// The position of an entry in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub section: SectionName,
    /// Its line in the section's own text, from 1.
    pub line: usize,
    /// Its position among the section's entries, from 0, ignored ones included.
    pub index: usize,
}

/// A Kubernetes user, as the authenticator returns it to the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct User {
    /// May be empty: the authenticator allows that.
    pub username: String,
    /// In the order written, empty and repeated ones included.
    pub groups: Vec<String>,
}

impl User {
    /// Returns whether `signed_in` is this user after the API server added its own groups.
    pub fn is(&self, signed_in: &Self) -> bool {
        self.username == signed_in.username && signed_in.is_in(&self.groups)
    }

    /// Returns whether the user is in all these groups.
    pub(crate) fn is_in(&self, groups: &[String]) -> bool {
        let own: HashSet<&String> = self.groups.iter().collect();
        groups.iter().all(|group| own.contains(group))
    }
}

impl From<&Mapping> for User {
    /// Returns the user with unrendered templates.
    fn from(mapping: &Mapping) -> Self {
        Self {
            username: mapping.username.clone(),
            groups: mapping.groups().to_vec(),
        }
    }
}
