//! EKS asks access entries before aws-auth.

use std::collections::BTreeSet;

use crate::effect::{Hidden, User, template};
use crate::facts::access_entries::{AccessEntry, AccessScope, AccessTerms, CLUSTER_ADMIN};
use crate::facts::auth_mode::AuthenticationMode;
use crate::facts::groups::MASTERS;
use crate::lint::context::{Context, Written};
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "D06",
    name: "access-entry-shadows",
    severity: Severity::Warning,
    needs: Needs::AccessEntries,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let entries = context.facts.access_entries.as_ref();
    // Where nobody reads aws-auth at all, N12 says so.
    let entries = entries.filter(|entries| entries.mode() == AuthenticationMode::ApiAndConfigMap);
    let Some(entries) = entries else {
        return;
    };
    for written in context.in_force() {
        let principal = &written.mapping.principal;
        let Some(Hidden::ByEntry(entry)) = entries.hide_principal(principal) else {
            continue;
        };
        let same = says_the_same(written, entry);
        // For managed node groups EKS makes both.
        if same && entry.terms.as_ref().is_some_and(AccessTerms::is_for_nodes) {
            continue;
        }
        let arn = &entry.principal_arn;
        let message = format!(
            "the access entry of {arn} answers, {}: this entry has no effect",
            if same {
                "and says the same"
            } else {
                "whatever stands here"
            }
        );
        let help =
            "keep one of the two: give the access entry what is meant here, and remove this one";
        if let Some(finding) = found.entry(written, written.principal_span(), message, help)
            && same
        {
            finding.severity(Severity::Note);
        }
    }
}

/// Whether an access entry makes the same user of its principal, or as mighty a one.
fn says_the_same(written: &Written<'_>, entry: &AccessEntry) -> bool {
    let Some(terms) = &entry.terms else {
        return false;
    };
    let User { username, groups } = template(entry, terms);
    let mapping = written.mapping;
    if terms.is_for_nodes() {
        // It has the groups of its kind without naming them.
        return username == mapping.username;
    }
    let is_admin = |groups: &[String]| groups.iter().any(|group| group == MASTERS);
    let set = |groups: &[String]| groups.iter().cloned().collect::<BTreeSet<_>>();
    let is_bare = terms.policies().is_empty() && terms.policies.is_some();
    let is_mighty = terms
        .policies()
        .iter()
        .any(|policy| policy.name() == CLUSTER_ADMIN && policy.scope == AccessScope::Cluster);
    (username == mapping.username && set(&groups) == set(mapping.groups()) && is_bare)
        || (is_mighty && is_admin(mapping.groups()))
}
