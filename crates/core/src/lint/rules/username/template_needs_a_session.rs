//! A template that needs a session, or the session of an instance, in an entry whose callers have none.

use crate::authenticator::Placeholder;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::{Part, SESSION_TEMPLATES};
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U03",
    name: "template-needs-a-session",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["G09", "N04", "N14", "U04"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let instance = Placeholder::Ec2PrivateDnsName.text();
    for entry in context.effective() {
        let is_sessionless = entry.is_sessionless();
        let names_instance = entry.username().contains(instance);
        if names_instance && is_sessionless {
            let message = format!(
                "a user has no session that is named after an instance, which {instance} needs: sign-in is rejected"
            );
            findings.entry(entry, Part::Username, message, "write the user's name");
        } else if names_instance && !entry.mapping.groups().is_empty() && !entry.has_node_group() {
            let message = format!(
                "{instance} is for nodes: sign-in is rejected unless the session name is an instance ID"
            );
            let help = "write another username, such as dev:{{SessionName}}";
            findings
                .entry(entry, Part::Groups, message, help)
                .at(entry.span(Part::Username));
        }
        if !is_sessionless {
            continue;
        }
        for (part, text) in entry.templated_values() {
            let mut templates = SESSION_TEMPLATES.into_iter().map(Placeholder::text);
            if let Some(template) = templates.find(|template| text.contains(template)) {
                let message = format!("a user has no session: {template} becomes an empty string");
                findings
                    .entry(entry, part, message, "write the user's name")
                    .severity(Severity::Warning);
            }
        }
    }
}
