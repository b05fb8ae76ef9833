//! ARNs are compared as they stand: a wildcard is a letter like others.

use super::fault::Fault;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R05",
    name: "wildcard-arn",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for (written, fault) in context.faulty() {
        if *fault != Fault::Wildcard {
            continue;
        }
        let message = "ARNs are compared letter by letter, wildcards too: the entry matches nobody";
        let help = "write one entry for each role or user";
        found.entry(written, written.principal_span(), message, help);
    }
}
