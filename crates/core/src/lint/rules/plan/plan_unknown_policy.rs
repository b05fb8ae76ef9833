//! A plan associates a policy that is not one of EKS's access policies.

use crate::facts::access_entries::policy_fault;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "P05",
    name: "plan-unknown-policy",
    severity: Severity::Error,
    needs: Needs::File,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for policy in &context.facts.planned_access.policies {
        let (address, arn) = (&policy.address, &policy.policy_arn);
        if let Some(fault) = policy_fault(arn) {
            let message = format!(
                "{arn} of {address} is not an access policy of EKS: {fault}, so EKS rejects it"
            );
            let help = "write one that aws eks list-access-policies shows";
            findings.config_map(message, help);
        }
    }
}
