//! Somebody should be able to mend a cluster.

use crate::arn::{Parts, can_match};
use crate::document::{Principal, SectionName};
use crate::effect::{AccessEntries, User, template};
use crate::facts::access_entries::{AccessEntry, AccessScope, CLUSTER_ADMIN};
use crate::facts::auth_mode::AuthenticationMode;
use crate::lint::bound::Bound;
use crate::lint::context::{Context, Written};
use crate::lint::found::Found;
use crate::lint::rules::{is_admin, may_do_everything};
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N13",
    name: "no-reachable-admin",
    severity: Severity::Error,
    needs: Needs::Everybody,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let (Some(bound), Some(entries)) = (&context.bound, &context.facts.access_entries) else {
        return;
    };
    let of_entries = entries.all().unwrap_or_default();
    let is_reachable = of_entries.iter().any(|entry| is_admin_entry(bound, entry))
        || context
            .in_force()
            .any(|written| signs_in(written, entries) && is_admin(bound, written.mapping))
        || has_admin_account(context, bound, entries);
    if is_reachable {
        return;
    }
    if entries.mode() == AuthenticationMode::ConfigMap {
        // Nothing tells who that is, or whether they are still there.
        let finding = found.config_map(
            "nobody in aws-auth may do everything: only whoever created the cluster may, whom nothing shows",
            "as the creator, map a role of yours: awsauth map role ROLE-ARN --username admin --group system:masters",
        );
        if let Some(finding) = finding {
            finding.severity(Severity::Warning);
        }
        return;
    }
    found.config_map(
        "nobody in aws-auth or the access entries may do everything: who may call EKS has to let somebody in",
        format!("make an access entry with the policy {CLUSTER_ADMIN}: aws eks create-access-entry, then aws eks associate-access-policy"),
    );
}

/// Whether somebody can sign in with this entry.
fn signs_in(written: &Written<'_>, entries: &AccessEntries) -> bool {
    let principal = &written.mapping.principal;
    let is_hidden = entries.hide_principal(principal).is_some();
    match principal {
        Principal::Role(arn) | Principal::User(arn) => !is_hidden && can_match(arn),
        Principal::Sso(_) | Principal::Account(_) => false,
    }
}

fn is_admin_entry(bound: &Bound<'_>, entry: &AccessEntry) -> bool {
    let Some(terms) = &entry.terms else {
        return false;
    };
    let User { username, groups } = template(entry, terms);
    let has_policy = terms
        .policies()
        .iter()
        .any(|policy| policy.name() == CLUSTER_ADMIN && policy.scope == AccessScope::Cluster);
    has_policy || may_do_everything(bound, &username, &groups)
}

/// Whether a binding lets a principal of a mapped account do everything, by its ARN.
fn has_admin_account(context: &Context<'_>, bound: &Bound<'_>, entries: &AccessEntries) -> bool {
    let is_mapped = |account: &str| {
        let mut accounts = context.accounts().iter();
        accounts.any(|written| written.is_kept() && written.principal() == account)
    };
    let accounts = context.document.section(SectionName::Accounts).entries();
    !accounts.is_empty()
        && entries.aws_auth_counts()
        && bound.users().any(|(name, _)| {
            let account = Parts::of(name).map_or("", |parts| parts.account);
            is_mapped(account) && may_do_everything(bound, name, &[])
        })
}
