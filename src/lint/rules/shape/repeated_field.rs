//! A field that an entry has twice.

use crate::document::{Oddity, Principal};
use crate::lint::context::{Context, Written};
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S13",
    name: "repeated-field",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.entries() {
        for oddity in &written.entry.oddities {
            let Oddity::Repeated { earlier, later } = oddity else {
                continue;
            };
            let (first, second) = (written.field_name(*earlier), written.field_name(*later));
            let twice = if first == second {
                format!("{second} stands here twice")
            } else {
                format!("{second} and {first} are the same field")
            };
            let message = match taken(written, second) {
                Some(taken) => format!("{twice}: the authenticator takes {taken}"),
                None => twice,
            };
            found.entry(written, later.key, message, "leave one of them");
        }
    }
}

/// What the authenticator has made of the field, where it keeps the entry.
fn taken(written: &Written<'_>, name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let taken = match name.as_str() {
        _ if !written.is_kept() => return None,
        "username" => written.mapping.username.clone(),
        "groups" => written.mapping.groups().join(", "),
        "rolearn" | "userarn" => match &written.mapping.principal {
            Principal::Role(arn) | Principal::User(arn) => arn.clone(),
            _ => return None,
        },
        _ => return None,
    };
    Some(if taken.is_empty() {
        "neither".to_owned()
    } else {
        taken
    })
}
