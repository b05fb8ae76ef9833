//! An `sso` entry needs what EKS does not offer.

use crate::document::Principal;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R13",
    name: "sso-block-gated",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        let Principal::Sso(sso) = &written.mapping.principal else {
            continue;
        };
        // With a partition it never counts, as R14 says.
        if !sso.partition.is_empty() {
            continue;
        }
        let message = "an sso entry counts only where the authenticator's alpha feature gate SSORoleMatch is on, which it is not by default";
        let help = format!(
            "write rolearn: arn:aws:iam::{}:role/AWSReservedSSO_{}_ and the 16 digits of the role",
            sso.account_id, sso.permission_set_name
        );
        found.entry(written, written.principal_span(), message, help);
    }
}
