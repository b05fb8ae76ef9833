//! Identity Center gives a role another suffix when it makes it anew.

use crate::facts::principals::Named;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::principals::{known, of_permission_set, permission_set, principals};
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N11",
    name: "sso-role-regenerated",
    severity: Severity::Error,
    needs: Needs::Principals,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let Some(all) = principals(context) else {
        return;
    };
    for known in known(context).filter(|known| known.named == Named::Nowhere) {
        let (written, name) = (known.written, known.parts.name);
        let Some(set) = permission_set(name) else {
            continue;
        };
        let now = of_permission_set(all, set);
        let [first, ..] = now.as_slice() else {
            continue;
        };
        let message = format!(
            "{name} is gone, and Identity Center has made {} for the permission set {set}: the entry matches nobody",
            first.name
        );
        let help = format!("write {}", first.name);
        let span = written.principal_span();
        let fix = written.replaced(span, name, &first.name);
        if let Some(finding) = found.entry(written, span, message, help)
            && now.len() == 1
        {
            finding.fix(format!("write {} in place of {name}", first.name), fix);
        }
    }
}
