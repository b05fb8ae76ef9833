//! Templates that stand for something of a session, where there is none of that kind.

use super::OF_SESSION;
use crate::effect::Placeholder;
use crate::lint::context::{Context, Written};
use crate::lint::explained;
use crate::lint::found::Found;
use crate::lint::rules::group::is_of_nodes;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U03",
    name: "template-needs-a-session",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.in_force() {
        if is_refused(written) {
            let template = Placeholder::Ec2PrivateDnsName.text();
            let message = if is_sessionless(written) {
                format!(
                    "a user has no session named after an instance, which {template} stands for: the login is refused"
                )
            } else {
                format!(
                    "{template} is for nodes: every login whose session is not named after an instance is refused"
                )
            };
            let help = "write a username of its own, such as dev:{{SessionName}}";
            let help = if is_sessionless(written) {
                "write the user's name"
            } else {
                help
            };
            found.entry(written, written.username_span(), message, help);
        }
        if !is_sessionless(written) {
            continue;
        }
        for (text, span) in written.templated() {
            let named = OF_SESSION.into_iter().find(|of| text.contains(of.text()));
            if let Some(named) = named {
                let message = format!(
                    "a user has no session: {} becomes an empty text",
                    named.text()
                );
                if let Some(finding) = found.entry(written, span, message, "write the user's name")
                {
                    finding.severity(Severity::Warning);
                }
            }
        }
    }
}

/// Whether callers of this entry are no roles, and so have no session.
pub(in crate::lint) fn is_sessionless(written: &Written<'_>) -> bool {
    written.parts().is_some_and(|parts| {
        parts.is("iam", "user") || parts.is("iam", "root") || parts.is("sts", "federated-user")
    })
}

/// Whether the name of an instance is asked of callers that are none.
pub(in crate::lint) fn is_refused(written: &Written<'_>) -> bool {
    let groups = written.mapping.groups();
    let is_for_others = !groups.is_empty()
        && !groups.iter().any(|group| is_of_nodes(group))
        && !explained::has_lost_groups(written);
    let template = Placeholder::Ec2PrivateDnsName.text();
    written.mapping.username.contains(template) && (is_sessionless(written) || is_for_others)
}
