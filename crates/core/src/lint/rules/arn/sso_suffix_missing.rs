//! The name of an Identity Center role ends with a suffix that differs in each account.

use crate::lint::arn_fault::{ArnFault, arn_fault};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::iam_principals::{
    after_sso_prefix, iam_principals, lacks_sso_suffix, permission_set_roles,
};
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R04",
    name: "sso-suffix-missing",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["N10"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.mapped() {
        let Some(arn) = entry.arn() else {
            continue;
        };
        let is_incomplete = arn.is("iam", "role") && lacks_sso_suffix(arn.name);
        if !is_incomplete || !matches!(arn_fault(entry), None | Some(ArnFault::Path)) {
            continue;
        }
        let message = format!(
            "{} lacks the 16 hexadecimal digits at the end of an Identity Center role's name: the entry never matches",
            arn.name
        );
        let all = iam_principals(context).filter(|all| all.account == arn.account);
        let set = after_sso_prefix(arn.name).unwrap_or_default();
        let roles = all.map(|all| permission_set_roles(all, set));
        let roles = roles.unwrap_or_default();
        let help = match roles.as_slice() {
            [] => "copy the role's full name from aws iam list-roles".to_owned(),
            [role] => format!("write {}", role.name),
            roles => {
                let names: Vec<_> = roles.iter().map(|role| role.name.as_str()).collect();
                format!("write the intended one of {}", names.join(", "))
            }
        };
        let finding = findings.entry(entry, Part::Principal, message, help);
        if let [role] = roles.as_slice() {
            let (old, new) = (arn.name, &role.name);
            let change = entry.replace(entry.span(Part::Principal), old, new);
            finding.fix(format!("write {new} instead of {old}"), change);
        }
    }
}
