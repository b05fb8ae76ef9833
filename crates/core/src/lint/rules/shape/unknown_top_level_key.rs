//! The authenticator ignores unknown keys of `data`.

use strsim::levenshtein;

use crate::document::{ENTRY_FIELDS, SectionName};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S02",
    name: "unknown-top-level-key",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

/// The maximum length in bytes of a key that is compared with the sections. Theirs have up to 11.
const MAX_KEY: usize = 32;

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for key in context.keys {
        if SectionName::ALL
            .into_iter()
            .any(|known| known.key() == *key)
        {
            continue;
        }
        let intended = intended_section(key);
        let message = format!("the authenticator does not know the key {key} and ignores it");
        let (help, severity) = match intended {
            Some(intended) => (
                format!("write {} if that is what you mean", intended.key()),
                Severity::Error,
            ),
            None if key.eq_ignore_ascii_case("mapGroups") => (
                "map the roles that the group's members assume: IAM groups cannot be mapped"
                    .to_owned(),
                Severity::Error,
            ),
            None if ENTRY_FIELDS.contains(key) => (
                format!("indent {key} like the other fields of the entry that it belongs to"),
                Severity::Error,
            ),
            None => (
                "remove it, unless another tool needs it".to_owned(),
                Severity::Warning,
            ),
        };
        findings.key(key, message, help).severity(severity);
    }
}

/// Returns the section that was probably intended by this key.
pub(super) fn intended_section(key: &str) -> Option<SectionName> {
    if key.len() > MAX_KEY {
        return None;
    }
    let folded = key.to_ascii_lowercase();
    let distance = |known: SectionName| levenshtein(&known.key().to_ascii_lowercase(), &folded);
    SectionName::ALL
        .into_iter()
        .find(|known| distance(*known) <= 2)
}
