//! A principal whose access entry has neither groups nor policies can sign in, but has no rights.

use crate::arn::Parts;
use crate::authenticator::template;
use crate::lint::access_entries::{access_entries, cluster_flags};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};
use crate::shell_quote::quoted;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "E03",
    name: "entry-without-rights",
    severity: Severity::Warning,
    needs: Needs::AccessEntries,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in access_entries(context) {
        let Some(terms) = entry.terms.as_ref().filter(|terms| !terms.is_for_nodes()) else {
            continue;
        };
        let has_no_policies = terms.policies.as_ref().is_some_and(Vec::is_empty);
        if !has_no_policies || !terms.groups.is_empty() {
            continue;
        }
        let arn = &entry.principal_arn;
        let username = template(entry, terms).username;
        let account = Parts::of(arn).map_or("", |arn| arn.account);
        let bindings = context.bindings.as_ref();
        if bindings.is_some_and(|bindings| bindings.reachable_user(&username, account).is_some()) {
            continue;
        }
        let message = format!(
            "the access entry of {arn} has neither a group nor an access policy: sign-in works, but every request is forbidden unless a binding names user {username}"
        );
        let help = format!(
            "associate a policy: aws eks associate-access-policy{} --principal-arn {} --policy-arn POLICY-ARN --access-scope type=cluster",
            cluster_flags(context),
            quoted(arn)
        );
        findings.config_map(message, help).principal = Some(arn.as_str().into());
    }
}
