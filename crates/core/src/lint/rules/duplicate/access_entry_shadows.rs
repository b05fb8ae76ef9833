//! EKS checks access entries before aws-auth.

use std::collections::BTreeSet;

use crate::authenticator::{Override, User, template};
use crate::facts::access_entries::{AccessEntry, AccessScope, AccessTerms, CLUSTER_ADMIN};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::facts::groups::MASTERS;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::{Part, ResolvedEntry};
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "D06",
    name: "access-entry-shadows",
    severity: Severity::Warning,
    needs: Needs::AccessEntries,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let entries = context.facts.access_entries.as_ref();
    // If the cluster does not read aws-auth at all, N12 reports that.
    let entries = entries.filter(|entries| entries.mode() == AuthenticationMode::ApiAndConfigMap);
    let Some(entries) = entries else {
        return;
    };
    for entry in context.effective() {
        let principal = &entry.mapping.principal;
        let Some(Override::AccessEntry(access_entry)) = entries.override_for_principal(principal)
        else {
            continue;
        };
        let is_same = has_same_effect(entry, access_entry);
        // EKS creates both for managed node groups.
        let is_for_nodes = access_entry
            .terms
            .as_ref()
            .is_some_and(AccessTerms::is_for_nodes);
        if is_same && is_for_nodes {
            continue;
        }
        let (effect, severity) = if is_same {
            ("with the same effect", Severity::Note)
        } else {
            ("with a different effect", Severity::Warning)
        };
        let message = format!(
            "the access entry of {} takes precedence, {effect}: this entry has no effect",
            access_entry.principal_arn
        );
        let help = "keep one of the two: give the access entry the intended username and groups, and remove this entry";
        findings
            .entry(entry, Part::Principal, message, help)
            .severity(severity);
    }
}

/// Returns whether an access entry gives its principal the same username and groups, or equal rights.
fn has_same_effect(entry: &ResolvedEntry<'_>, access_entry: &AccessEntry) -> bool {
    let Some(terms) = &access_entry.terms else {
        return false;
    };
    let User { username, groups } = template(access_entry, terms);
    let mapping = entry.mapping;
    if terms.is_for_nodes() {
        // An access entry for nodes has the groups of its type without listing them.
        return username == mapping.username;
    }
    let is_master = |groups: &[String]| groups.iter().any(|group| group == MASTERS);
    let set = |groups: &[String]| groups.iter().cloned().collect::<BTreeSet<_>>();
    let has_no_policies = terms.policies().is_empty() && terms.policies.is_some();
    let is_cluster_admin = terms
        .policies()
        .iter()
        .any(|policy| policy.name() == CLUSTER_ADMIN && policy.scope == AccessScope::Cluster);
    (username == mapping.username && set(&groups) == set(mapping.groups()) && has_no_policies)
        || (is_cluster_admin && is_master(mapping.groups()))
}
