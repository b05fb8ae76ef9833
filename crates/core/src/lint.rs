//! Rules that find what breaks access, weakens security or misleads the reader in an aws-auth ConfigMap.
//!
//! A rule is a pure function of the document, of how the authenticator reads it, and of facts about the cluster. It never
//! contradicts the authenticator: what an entry means comes from [`document`](crate::document) and
//! [`authenticator`](crate::authenticator).

mod access_entries;
mod apply_fixes;
mod arn_fault;
mod bindings;
mod context;
mod entry_comparison;
mod facts;
mod finding;
mod iam_principals;
mod node_access;
mod position;
mod precedence;
mod resolved_entry;
mod rule;
mod rules;
mod run_rules;
mod selection;
mod waiver;

pub use apply_fixes::{FixResult, Texts, apply_fixes};
pub use facts::{
    Change, Cluster, Facts, FieldManager, FieldManagers, Needs, NodeSources, Object, ObjectChange,
};
pub(crate) use finding::shortened_principal;
pub use finding::{Finding, Fix, Replacement, Site, Text, shortened};
pub(crate) use iam_principals::lacks_sso_suffix;
pub use position::{Position, PositionCursor};
pub use rule::{Rule, Severity};
pub use rules::RULES;
pub(crate) use rules::unfilled_placeholder;
pub(crate) use run_rules::lint_until;
pub use run_rules::{NotChecked, Report, lint};
pub use selection::{Selection, UnknownRule, rule};
