//! An instance profile is not a principal: the role in it is.

use super::fault::Fault;
use crate::lint::context::{Context, Written};
use crate::lint::found::Found;
use crate::lint::nodes::signs_in_with;
use crate::lint::principals::principals;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R07",
    name: "instance-profile-arn",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for (written, fault) in context.faulty() {
        if *fault != Fault::InstanceProfile {
            continue;
        }
        let message = "an instance profile never signs in, its role does: the entry matches nobody";
        let span = written.principal_span();
        let role = role(context, written);
        let help = match &role {
            Some(role) => format!("write its role: {role}"),
            None => "write the ARN of the profile's role, whose name may be another; aws iam get-instance-profile tells it".to_owned(),
        };
        let finding = found.entry(written, span, message, help);
        if let (Some(finding), Some(role)) = (finding, role) {
            let fix = written.replaced(span, written.principal(), &role);
            finding.fix(format!("write its role, {role}"), fix);
        }
    }
}

/// The ARN that the profile's role signs in with, where IAM tells it.
fn role(context: &Context<'_>, written: &Written<'_>) -> Option<String> {
    let all = principals(context)?;
    let parts = written
        .parts()
        .filter(|parts| parts.account == all.account)?;
    let role = all.instance_profiles.get(parts.name)?.as_deref()?;
    Some(signs_in_with(role))
}
