//! The authenticator compares a session by the ARN of its role.

use crate::arn::{Normalized, can_match, normalize};
use crate::document::SectionName;
use crate::facts::accounts::is_account_id;
use crate::lint::arn_fault::ArnFault;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R06",
    name: "sts-arn-for-role",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for (entry, fault) in context.unmatchable() {
        let (ArnFault::Session, Some(arn)) = (fault, entry.arn()) else {
            continue;
        };
        let role = match normalize(entry.principal()) {
            Normalized::Session { role } => role,
            _ => format!(
                "arn:{}:iam::{}:role/{}",
                arn.partition, arn.account, arn.name
            ),
        };
        let message = "this is the ARN of a session, but the authenticator compares the ARN of its role: the entry never matches";
        if !can_match(&role) {
            findings.entry(entry, Part::Principal, message, "write the role's ARN");
            continue;
        }
        let help = match entry.section {
            SectionName::Users => {
                format!(
                    "move the entry to mapRoles as rolearn: {role}, which maps all sessions of the role"
                )
            }
            _ => format!("write {role}, which maps all sessions of the role"),
        };
        // If the role has an entry already, the fix would replace that one.
        // In mapUsers, a role is not where apply and other tools expect it.
        let is_free = context.role_entry(&role).is_none()
            && is_account_id(arn.account)
            && entry.section == SectionName::Roles;
        let change = is_free.then(|| entry.requote(entry.span(Part::Principal), &role));
        findings
            .entry(entry, Part::Principal, message, help)
            .fix("write the role's ARN", change.flatten());
    }
}
