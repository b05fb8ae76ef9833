//! The pattern of an `sso` entry takes in every permission set whose name goes on behind its own.

use crate::document::Principal;
use crate::lint::context::{Context, Written};
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};
use std::collections::BTreeMap;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R16",
    name: "sso-prefix-overmatch",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let all = context.mapped().filter_map(permission_set);
    // By account and folded name, so that the names that go on behind another stand next to it.
    let sets: BTreeMap<(&str, String), &str> = all
        .map(|(account, name)| ((account, name.to_ascii_lowercase()), name))
        .collect();
    for written in context.mapped() {
        let Principal::Sso(sso) = &written.mapping.principal else {
            continue;
        };
        let name = &sso.permission_set_name;
        let from = (
            sso.account_id.as_str(),
            format!("{}_", name.to_ascii_lowercase()),
        );
        let wider = sets
            .range(&from..)
            .next()
            .filter(|((account, other), _)| *account == from.0 && other.starts_with(&from.1));
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
fn permission_set<'a>(written: &Written<'a>) -> Option<(&'a str, &'a str)> {
    let mapping = written.mapping;
    if let Principal::Sso(sso) = &mapping.principal {
        return Some((&sso.account_id, &sso.permission_set_name));
    }
    let parts = written.parts().filter(|parts| parts.is("iam", "role"))?;
    let (prefix, rest) = parts.name.split_once('_')?;
    let (name, _suffix) = rest.rsplit_once('_')?;
    prefix
        .eq_ignore_ascii_case("AWSReservedSSO")
        .then_some((parts.account, name))
}
