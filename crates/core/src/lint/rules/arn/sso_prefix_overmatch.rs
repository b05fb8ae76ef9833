//! The pattern of an `sso` entry also matches permission sets with a longer name.

use std::collections::BTreeMap;

use crate::document::Principal;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::{Part, ResolvedEntry};
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R16",
    name: "sso-prefix-overmatch",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let all = context.mapped().filter_map(permission_set);
    // Sorted by account and folded name, so that a longer name directly follows its prefix.
    let sets: BTreeMap<(&str, String), &str> = all
        .map(|(account, name)| ((account, name.to_ascii_lowercase()), name))
        .collect();
    for entry in context.mapped() {
        let Principal::Sso(sso) = &entry.mapping.principal else {
            continue;
        };
        // With a partition, the entry never matches.
        if !sso.partition.is_empty() {
            continue;
        }
        let name = &sso.permission_set_name;
        let from = (
            sso.account_id.as_str(),
            format!("{}_", name.to_ascii_lowercase()),
        );
        let longer = sets
            .range(&from..)
            .next()
            .filter(|((account, other), _)| *account == from.0 && other.starts_with(&from.1));
        if let Some((_, other)) = longer {
            let message = format!(
                "this entry also matches the permission set {other}, whose name begins with {name}_"
            );
            let help = "write rolearn with the full name of the role";
            findings.entry(entry, Part::Principal, message, help);
        }
    }
}

/// Returns the account and name of an entry's permission set.
fn permission_set<'a>(entry: &ResolvedEntry<'a>) -> Option<(&'a str, &'a str)> {
    let mapping = entry.mapping;
    if let Principal::Sso(sso) = &mapping.principal {
        return Some((&sso.account_id, &sso.permission_set_name));
    }
    let arn = entry.arn().filter(|arn| arn.is("iam", "role"))?;
    let (prefix, rest) = arn.name.split_once('_')?;
    let (name, _suffix) = rest.rsplit_once('_')?;
    prefix
        .eq_ignore_ascii_case("AWSReservedSSO")
        .then_some((arn.account, name))
}
