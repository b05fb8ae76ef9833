//! A user among the roles, or a role among the users.

use crate::arn::equal_fold;
use crate::document::{Field, Oddity, SectionName};
use crate::lint::context::{Context, Written};
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S09",
    name: "principal-under-wrong-key",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.entries() {
        let Some((field, other)) = under_wrong_key(written) else {
            continue;
        };
        let (here, name) = (written.section.key(), written.raw(field.key));
        let message = format!("{name} means nothing in {here}: the authenticator drops the entry");
        let help = format!("move the entry to {}", other.key());
        found.entry(written, field.key, message, help);
    }
}

/// The field of the other section by which an entry says for whom it is, and that section.
pub(super) fn under_wrong_key(written: &Written<'_>) -> Option<(Field, SectionName)> {
    let (name, other) = match written.section {
        SectionName::Roles => ("userarn", SectionName::Users),
        SectionName::Users => ("rolearn", SectionName::Roles),
        SectionName::Accounts => return None,
    };
    let fields = &written.entry.fields;
    if written.is_kept() || fields.principal.is_some() || fields.sso.is_some() {
        return None;
    }
    written
        .entry
        .oddities
        .iter()
        .find_map(|oddity| match oddity {
            Oddity::UnknownField(field) if equal_fold(written.field_name(*field), name) => {
                Some((*field, other))
            }
            _ => None,
        })
}
