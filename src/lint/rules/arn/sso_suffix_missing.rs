//! Identity Center ends the names of its roles with a number of its own.

use super::fault::{Fault, fault};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::principals::{lacks_suffix, of_permission_set, principals, sso_name};
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R04",
    name: "sso-suffix-missing",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        let Some(parts) = written.parts() else {
            continue;
        };
        let is_ours = parts.is("iam", "role") && lacks_suffix(parts.name);
        if !is_ours || !matches!(fault(written), None | Some(Fault::Path)) {
            continue;
        }
        let message = format!(
            "{} lacks the 16 hexadecimal digits that Identity Center ends its roles with: the entry matches nobody",
            parts.name
        );
        let span = written.principal_span();
        let all = principals(context).filter(|all| all.account == parts.account);
        let set = sso_name(parts.name).unwrap_or_default();
        let roles = all.map(|all| of_permission_set(all, set));
        let roles = roles.unwrap_or_default();
        let help = match roles.as_slice() {
            [] => "copy the role's whole name; aws iam list-roles tells it".to_owned(),
            [role] => format!("write {}", role.name),
            roles => {
                let names: Vec<_> = roles.iter().map(|role| role.name.as_str()).collect();
                format!("write the one that is meant: {}", names.join(", "))
            }
        };
        let finding = found.entry(written, span, message, help);
        if let (Some(finding), [role]) = (finding, roles.as_slice()) {
            let (old, new) = (parts.name, &role.name);
            let fix = written.replaced(span, old, new);
            finding.fix(format!("write {new} in place of {old}"), fix);
        }
    }
}
