//! An instance profile is not a principal; the role in it is.

use crate::lint::arn_fault::ArnFault;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::iam_principals::iam_principals;
use crate::lint::node_access::sign_in_arn;
use crate::lint::resolved_entry::{Part, ResolvedEntry};
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R07",
    name: "instance-profile-arn",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for (entry, fault) in context.unmatchable() {
        if *fault != ArnFault::InstanceProfile {
            continue;
        }
        let message =
            "an instance profile cannot sign in, only its role can: the entry never matches";
        let role = role(context, entry);
        let help = match &role {
            Some(role) => format!("write its role: {role}"),
            None => "write the ARN of the profile's role, which often has another name: aws iam get-instance-profile".to_owned(),
        };
        let finding = findings.entry(entry, Part::Principal, message, help);
        if let Some(role) = role {
            let change = entry.replace(entry.span(Part::Principal), entry.principal(), &role);
            finding.fix(format!("write its role, {role}"), change);
        }
    }
}

/// Returns the ARN that the profile's role signs in with, if IAM reports it.
fn role(context: &Context<'_>, entry: &ResolvedEntry<'_>) -> Option<String> {
    let all = iam_principals(context)?;
    let arn = entry.arn().filter(|arn| arn.account == all.account)?;
    let role = all.instance_profiles.get(arn.name)?.as_deref()?;
    Some(sign_in_arn(role))
}
