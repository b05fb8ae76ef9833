//! A cluster needs at least one administrator who can sign in.

use crate::arn::{Parts, can_match};
use crate::authenticator::{AccessEntries, User, template};
use crate::document::{Principal, SectionName};
use crate::facts::access_entries::{AccessEntry, AccessScope, CLUSTER_ADMIN};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::lint::bindings::Bindings;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::ResolvedEntry;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N13",
    name: "no-reachable-admin",
    severity: Severity::Error,
    needs: Needs::AllAccess,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let (Some(bindings), Some(entries)) = (&context.bindings, &context.facts.access_entries) else {
        return;
    };
    let is_admin =
        |entry: &ResolvedEntry<'_>| bindings.is_admin(entry.username(), entry.mapping.groups());
    let access_entries = entries.all().unwrap_or_default();
    let has_admin = access_entries
        .iter()
        .any(|entry| is_admin_access_entry(bindings, entry))
        || context
            .effective()
            .any(|entry| can_sign_in(entry, entries) && is_admin(entry))
        || has_admin_in_account(context, bindings, entries);
    if has_admin {
        return;
    }
    if entries.mode() == AuthenticationMode::ConfigMap {
        // No API reports the creator, or whether it still exists.
        findings
            .config_map(
                "no principal in aws-auth has full access: only the principal that created the cluster does, which no API shows",
                "as the creator, map a role of yours: awsauth map role ROLE-ARN --username admin --group system:masters",
            )
            .severity(Severity::Warning);
        return;
    }
    findings.config_map(
        "no principal in aws-auth or in an access entry has full access: a principal that may call EKS must grant it",
        format!("create an access entry with the policy {CLUSTER_ADMIN}: aws eks create-access-entry, then aws eks associate-access-policy"),
    );
}

/// Returns whether a caller can sign in with this entry.
fn can_sign_in(entry: &ResolvedEntry<'_>, entries: &AccessEntries) -> bool {
    let principal = &entry.mapping.principal;
    let is_overridden = entries.override_for_principal(principal).is_some();
    match principal {
        Principal::Role(arn) | Principal::User(arn) => !is_overridden && can_match(arn),
        Principal::Sso(_) | Principal::Account(_) => false,
    }
}

fn is_admin_access_entry(bindings: &Bindings<'_>, entry: &AccessEntry) -> bool {
    let Some(terms) = &entry.terms else {
        return false;
    };
    let User { username, groups } = template(entry, terms);
    let has_policy = terms
        .policies()
        .iter()
        .any(|policy| policy.name() == CLUSTER_ADMIN && policy.scope == AccessScope::Cluster);
    has_policy || bindings.is_admin(&username, &groups)
}

/// Returns whether a binding grants full access to a principal of a mapped account, by its ARN.
fn has_admin_in_account(
    context: &Context<'_>,
    bindings: &Bindings<'_>,
    entries: &AccessEntries,
) -> bool {
    let is_mapped = |account: &str| {
        let mut accounts = context.accounts().iter();
        accounts.any(|entry| entry.is_kept() && entry.principal() == account)
    };
    let accounts = context.document.section(SectionName::Accounts).entries();
    !accounts.is_empty()
        && entries.uses_aws_auth()
        && bindings.users().any(|(name, _)| {
            let account = Parts::of(name).map_or("", |arn| arn.account);
            is_mapped(account) && bindings.is_admin(name, &[])
        })
}
