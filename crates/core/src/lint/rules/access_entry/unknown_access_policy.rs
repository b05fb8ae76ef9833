//! EKS has its own access policies, whose ARNs have one form.

use crate::facts::access_entries::policy_fault;
use crate::lint::access_entries::access_entries;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "E04",
    name: "unknown-access-policy",
    severity: Severity::Error,
    needs: Needs::AccessEntries,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in access_entries(context) {
        let terms = entry.terms.as_ref();
        for policy in terms.into_iter().flat_map(|terms| terms.policies()) {
            if let Some(fault) = policy_fault(&policy.arn) {
                let message = format!(
                    "{} of the access entry of {} is not an access policy of EKS: {fault}",
                    policy.arn, entry.principal_arn
                );
                let help = "associate one that aws eks list-access-policies shows";
                let finding = findings.config_map(message, help);
                finding.principal = Some(entry.principal_arn.as_str().into());
            }
        }
    }
}
