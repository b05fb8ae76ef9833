//! An `sso` entry with a partition matches nobody, whatever the partition.

use crate::document::Principal;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R14",
    name: "sso-partition-set",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        let Principal::Sso(sso) = &written.mapping.principal else {
            continue;
        };
        if sso.partition.is_empty() {
            continue;
        }
        let message = "the authenticator leaves the partition of an sso entry empty when it is given: the entry matches nobody";
        let help = if sso.partition == "aws" {
            "leave out partition, or better write rolearn"
        } else {
            "write rolearn in place of sso, which works in no partition but aws"
        };
        found.entry(written, written.principal_span(), message, help);
    }
}
