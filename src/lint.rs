//! Rules: what in an aws-auth breaks, weakens or misleads, each with what mends it.
//!
//! A rule is a pure function over the document, what the authenticator makes of it, and facts from elsewhere. It never says
//! anything else than the authenticator does: what an entry means comes from [`document`](crate::document) and
//! [`effect`](crate::effect).

mod bound;
mod change;
mod cluster;
mod context;
mod explained;
mod facts;
mod finding;
mod found;
mod mend;
mod nodes;
mod principals;
mod rule;
mod rules;
mod selection;
mod waiver;
mod walk;

pub use change::{Whole, lint_change};
pub use cluster::{Cluster, Nodes};
pub use facts::{Facts, Needs, Object, Writer, Writers};
pub use finding::{Finding, Fix, Position, Replacement, Site, Text};
pub use mend::{Mended, Texts, mend};
pub use principals::lacks_suffix;
pub use rule::{Rule, Severity};
pub use rules::RULES;
pub use selection::{Selection, UnknownRule, rule};
pub use walk::Walk;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::document::Document;
use context::Context;
use found::Found;

/// What the rules say of a document.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was found, in the order of the text.
    pub findings: Vec<Finding>,
    /// What was found, and is waived by a comment in the text.
    pub waived: Vec<Finding>,
    /// The rules that were asked for, whose facts are not known.
    pub not_checked: Vec<NotChecked>,
}

/// A rule that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChecked {
    /// The rule.
    pub rule: &'static Rule,
    /// What it lacks, and how that could be known.
    pub needs: Cow<'static, str>,
}

/// Checks the `data` of an aws-auth, and the document that was read from it.
///
/// Takes time in proportion to the text.
pub fn lint<T>(
    data: &BTreeMap<String, T>,
    document: &Document,
    facts: &Facts,
    selection: &Selection,
) -> Report {
    let keys: Vec<&str> = data.keys().map(String::as_str).collect();
    let context = Context::new(document, &keys, facts);
    let mut report = Report::default();
    let mut found = Found::default();
    for rule in RULES.into_iter().filter(|rule| selection.admits(rule)) {
        if let Some(needs) = rule.needs.lacks(facts) {
            report.not_checked.push(NotChecked { rule, needs });
            continue;
        }
        found.of(rule);
        (rule.check)(&context, &mut found);
    }
    for finding in found.located(document) {
        if context.is_waived(&finding) {
            report.waived.push(finding);
        } else {
            report.findings.push(finding);
        }
    }
    report
}
