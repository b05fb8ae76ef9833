//! An instance profile is not a principal: the role in it is.

use super::fault::{Fault, faulty};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R07",
    name: "instance-profile-arn",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for (written, fault) in faulty(context) {
        if fault != Fault::InstanceProfile {
            continue;
        }
        let message = "an instance profile never signs in, its role does: the entry matches nobody";
        let help = "write the ARN of the profile's role, whose name may be another; aws iam get-instance-profile tells it";
        found.entry(written, written.principal_span(), message, help);
    }
}
