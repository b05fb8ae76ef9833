//! The caller who assumes a role chooses the session name, and here with it a group.

use crate::authenticator::Placeholder;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::SESSION_TEMPLATES;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G09",
    name: "caller-chosen-group",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.effective() {
        for (part, group) in entry.groups() {
            let mut templates = SESSION_TEMPLATES.into_iter();
            let message = if templates.any(|template| group.contains(template.text())) {
                "the caller who assumes the role chooses the session name, and with it the group"
            } else if group.contains(Placeholder::AccessKeyId.text()) {
                "the group changes with each access key, so no binding can name it"
            } else {
                continue;
            };
            let help = "write the name of the group, and use one role for each group";
            findings.entry(entry, part, message, help);
        }
    }
}
