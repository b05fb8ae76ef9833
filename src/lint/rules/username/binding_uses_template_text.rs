//! Bindings name users as they are once templates are filled in.

use crate::effect::{Placeholder, can_become};
use crate::lint::bound::{has_placeholder, in_words};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U08",
    name: "binding-uses-template-text",
    severity: Severity::Warning,
    needs: Needs::Bindings,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let Some(bound) = &context.bound else {
        return;
    };
    let users: Vec<_> = bound.users().collect();
    let with_at: Vec<_> = users
        .iter()
        .filter(|(name, _)| name.contains('@'))
        .collect();
    let (name, raw) = (
        Placeholder::SessionName.text(),
        Placeholder::SessionNameRaw.text(),
    );
    for written in context.in_force() {
        let username = written.mapping.username.as_str();
        if !has_placeholder(username) {
            continue;
        }
        let span = written.username_span();
        if let Some(binding) = bound.user(username).iter().min() {
            let message = format!(
                "{} names the user {username} as it stands here: the authenticator fills in what stands in braces, so that the binding reaches nobody",
                in_words(binding)
            );
            let help = "give the entry a group, and bind that";
            found.entry(written, span, message, help);
        }
        if !username.contains(name) {
            continue;
        }
        let account = written.parts().map_or("", |parts| parts.account);
        let meant = username.replace(name, raw);
        let reached = with_at.iter().find(|(user, _)| {
            can_become(&meant, user, account) && !can_become(username, user, account)
        });
        if let Some((user, binding)) = reached {
            let message = format!(
                "{} names the user {user}, which nobody becomes here: {name} has - in place of @",
                in_words(binding)
            );
            let help = format!("bind the user {}, or write {raw}", user.replace('@', "-"));
            found.entry(written, span, message, help);
        }
    }
}
