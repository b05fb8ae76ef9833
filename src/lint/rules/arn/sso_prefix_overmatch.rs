//! The pattern of an `sso` entry takes in every permission set whose name goes on behind its own.

use crate::document::Principal;
use crate::lint::context::{Context, Written};
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R16",
    name: "sso-prefix-overmatch",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let sets: Vec<(String, String)> = context.mapped().filter_map(permission_set).collect();
    for written in context.mapped() {
        let Principal::Sso(sso) = &written.mapping.principal else {
            continue;
        };
        let name = &sso.permission_set_name;
        let prefix = format!("{}_", name.to_ascii_lowercase());
        let wider = sets.iter().find(|(account, other)| {
            *account == sso.account_id && other.to_ascii_lowercase().starts_with(&prefix)
        });
        // With a partition it matches nobody at all.
        if let Some((_, other)) = wider.filter(|_| sso.partition.is_empty()) {
            let message = format!(
                "where it counts, this entry takes in the permission set {other}, too: {name} is how that name begins"
            );
            let help = "write rolearn with the whole name of the role";
            found.entry(written, written.principal_span(), message, help);
        }
    }
}

/// The account and name of the permission set that an entry is for.
fn permission_set(written: &Written<'_>) -> Option<(String, String)> {
    match &written.mapping.principal {
        Principal::Sso(sso) => Some((sso.account_id.clone(), sso.permission_set_name.clone())),
        _ => {
            let parts = written.parts.filter(|parts| parts.is("iam", "role"))?;
            let (prefix, rest) = parts.name.split_once('_')?;
            let (name, _suffix) = rest.rsplit_once('_')?;
            prefix
                .eq_ignore_ascii_case("AWSReservedSSO")
                .then(|| (parts.account.to_owned(), name.to_owned()))
        }
    }
}
