//! The authenticator knows its three keys in exactly one spelling.

use crate::document::SectionName;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S01",
    name: "top-level-key-case",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for key in context.keys {
        let meant = SectionName::ALL
            .into_iter()
            .map(SectionName::key)
            .find(|known| known.eq_ignore_ascii_case(key) && known != key);
        if let Some(meant) = meant {
            let help = if context.keys.contains(&meant) {
                format!("move its entries to {meant}")
            } else {
                format!("rename it to {meant}")
            };
            let message = format!(
                "{key} is not {meant}: the authenticator never reads it, so that none of its entries is in force"
            );
            found.key(key, message, help);
        }
    }
}
