//! A username that changes with each access key.

use crate::authenticator::Placeholder;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U07",
    name: "access-key-template",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let template = Placeholder::AccessKeyId.text();
    for entry in context.effective() {
        if entry.username().contains(template) {
            let message = "the username changes with each access key; in versions 0.5.2 to 0.5.8 of the authenticator the caller could choose it (CVE-2022-2385)";
            let help = "write {{SessionName}} for a role, or the user's name for a user";
            findings.entry(entry, Part::Username, message, help);
        }
    }
}
