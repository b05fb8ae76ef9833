//! The keys of aws-auth are case-sensitive.

use crate::document::SectionName;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S01",
    name: "top-level-key-case",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["S02"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for key in context.keys {
        let intended = SectionName::ALL
            .into_iter()
            .map(SectionName::key)
            .find(|known| known.eq_ignore_ascii_case(key) && known != key);
        if let Some(intended) = intended {
            let help = if context.keys.contains(&intended) {
                format!("move its entries to {intended}")
            } else {
                format!("rename it to {intended}")
            };
            let message = format!(
                "{key} is not {intended}: the authenticator ignores it, so none of its entries has any effect"
            );
            findings.key(key, message, help);
        }
    }
}
