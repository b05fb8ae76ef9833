//! A user in mapRoles with `userarn`, or a role in mapUsers with `rolearn`.

use crate::arn::equal_fold;
use crate::document::{DecodeWarning, SectionName};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S09",
    name: "principal-key-of-other-list",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["S08"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.entries() {
        let (wrong, other) = match entry.section {
            SectionName::Roles => ("userarn", SectionName::Users),
            SectionName::Users => ("rolearn", SectionName::Roles),
            SectionName::Accounts => continue,
        };
        let fields = &entry.source.fields;
        if entry.is_kept() || fields.principal.is_some() || fields.sso.is_some() {
            continue;
        }
        let mut decode_warnings = entry.source.decode_warnings.iter();
        let field = decode_warnings.find_map(|warning| match warning {
            DecodeWarning::UnknownField(field) if equal_fold(entry.field_name(*field), wrong) => {
                Some(*field)
            }
            _ => None,
        });
        if let Some(field) = field {
            let message = format!(
                "{} is ignored in {}: the authenticator drops the entry",
                entry.raw(field.key),
                entry.section.key()
            );
            let help = format!("move the entry to {}", other.key());
            findings
                .entry(entry, Part::Entry, message, help)
                .at(field.key);
        }
    }
}
