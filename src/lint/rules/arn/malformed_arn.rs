//! What is not made as an ARN of IAM is equals none.

use super::fault::Fault;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R01",
    name: "malformed-arn",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for (written, fault) in context.faulty() {
        let Fault::Malformed(reason) = fault else {
            continue;
        };
        let message = format!("{reason}: the entry matches nobody");
        let help = "write arn:PARTITION:iam::ACCOUNT:role/NAME, or user/NAME";
        found.entry(written, written.principal_span(), message, help);
    }
}
