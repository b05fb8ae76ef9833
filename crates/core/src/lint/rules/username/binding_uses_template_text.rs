//! A binding must name the user that results from a template, not the template.

use crate::authenticator::{Placeholder, can_become};
use crate::lint::bindings::{describe, has_placeholder};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U08",
    name: "binding-uses-template-text",
    severity: Severity::Warning,
    needs: Needs::Bindings,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(bindings) = &context.bindings else {
        return;
    };
    let users_with_at: Vec<_> = bindings
        .users()
        .filter(|(name, _)| name.contains('@'))
        .collect();
    let (template, raw) = (
        Placeholder::SessionName.text(),
        Placeholder::SessionNameRaw.text(),
    );
    for entry in context.effective() {
        let username = entry.username();
        if !has_placeholder(username) {
            continue;
        }
        if let Some(binding) = bindings.of_user(username).iter().min() {
            let message = format!(
                "{} names user {username} literally, but the authenticator replaces the template: the binding matches no user",
                describe(binding)
            );
            let help = "give the entry a group, and bind the group";
            findings.entry(entry, Part::Username, message, help);
        }
        if !username.contains(template) {
            continue;
        }
        let account = entry.account();
        let with_raw = username.replace(template, raw);
        let intended = users_with_at.iter().find(|(user, _)| {
            can_become(&with_raw, user, account) && !can_become(username, user, account)
        });
        if let Some((user, binding)) = intended {
            let message = format!(
                "{} names user {user}, but {template} replaces @ with -: the binding matches no user",
                describe(binding)
            );
            let help = format!("bind user {}, or write {raw}", user.replace('@', "-"));
            findings.entry(entry, Part::Username, message, help);
        }
    }
}
