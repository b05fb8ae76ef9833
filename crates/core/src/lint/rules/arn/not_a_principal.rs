//! Most resources with an ARN cannot sign in.

use crate::lint::arn_fault::ArnFault;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R08",
    name: "not-a-principal",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for (entry, fault) in context.unmatchable() {
        let (ArnFault::NotAPrincipal, Some(arn)) = (fault, entry.arn()) else {
            continue;
        };
        let is_iam = arn.service.eq_ignore_ascii_case("iam");
        let is_kind = |kinds: &[&str]| kinds.iter().any(|kind| arn.kind.eq_ignore_ascii_case(kind));
        if !is_iam && is_kind(&["role", "user"]) {
            let message = format!(
                "a {} belongs to the service iam, not {}: the entry never matches",
                arn.kind, arn.service
            );
            let help = format!(
                "write arn:{}:iam::{}:{}/{}",
                arn.partition, arn.account, arn.kind, arn.name
            );
            findings.entry(entry, Part::Principal, message, help);
            continue;
        }
        let what = match is_iam {
            true => format!("an IAM {}", arn.kind),
            false if arn.kind.is_empty() => format!("a resource of the service {}", arn.service),
            false => format!("a {} of the service {}", arn.kind, arn.service),
        };
        let message = format!("{what} cannot sign in: the entry never matches");
        let help = if arn.is("iam", "group") {
            "map the role that the members of the group assume"
        } else if is_kind(&[
            "nodegroup",
            "fargateprofile",
            "instance",
            "auto-scaling-group",
        ]) {
            "write the ARN of the role that the nodes use"
        } else {
            "write the ARN of a role or user"
        };
        findings.entry(entry, Part::Principal, message, help);
    }
}
