//! STS never reports a role's path, so an ARN with one never matches.

use crate::arn::{Normalized, normalize};
use crate::lint::arn_fault::ArnFault;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

/// The services that have access to clusters through entries for their service-linked roles, without the path:
/// <https://docs.aws.amazon.com/batch/latest/userguide/getting-started-eks.html>,
/// <https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/setting-up-cluster-access.html>
const WITH_ENTRIES: [&str; 2] = ["batch.amazonaws.com", "emr-containers.amazonaws.com"];

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R03",
    name: "role-path",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for (entry, fault) in context.unmatchable() {
        let (ArnFault::Path, Some(parts)) = (fault, entry.arn()) else {
            continue;
        };
        let path = parts.path;
        let message = format!(
            "a caller's ARN never contains the role's path {path}: the entry never matches"
        );
        if let Some(service) = path.strip_prefix("/aws-service-role/") {
            let service = service.trim_end_matches('/');
            if !WITH_ENTRIES.contains(&service) {
                let message = format!(
                    "only the service {service} can assume this role, and a caller's ARN never contains the role's path: the entry never matches"
                );
                let help = "write the role that nodes or users assume, or remove the entry";
                findings.entry(entry, Part::Principal, message, help);
                continue;
            }
        }
        let Normalized::PathDropped { arn, .. } = normalize(entry.principal()) else {
            let help = "write the role's ARN as role/NAME";
            findings.entry(entry, Part::Principal, message, help);
            continue;
        };
        // If the ARN without the path has an entry too, D05 compares the two.
        if context.role_entry(&arn).is_some() {
            continue;
        }
        let change = entry.replace(
            entry.span(Part::Principal),
            &format!("{path}{}", parts.name),
            &format!("/{}", parts.name),
        );
        findings
            .entry(
                entry,
                Part::Principal,
                message,
                format!("remove the path: {arn}"),
            )
            .fix(format!("remove the path {path}"), change);
    }
}
