//! An `sso` entry needs a feature gate that is disabled by default and that EKS does not offer.

use crate::document::Principal;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R13",
    name: "sso-block-gated",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.mapped() {
        let Principal::Sso(sso) = &entry.mapping.principal else {
            continue;
        };
        let message = "an sso entry has an effect only if the authenticator's alpha feature gate SSORoleMatch is enabled; it is disabled by default";
        let help = format!(
            "write rolearn: arn:aws:iam::{}:role/AWSReservedSSO_{}_ followed by the 16 digits of the role",
            sso.account_id, sso.permission_set_name
        );
        findings.entry(entry, Part::Principal, message, help);
    }
}
