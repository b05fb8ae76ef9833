//! A role is listed both with and without its IAM path.

use crate::arn::{Normalized, normalize};
use crate::document::SectionName;
use crate::lint::context::Context;
use crate::lint::entry_comparison::EffectComparison;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "D05",
    name: "role-with-and-without-path",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut effects = EffectComparison::default();
    for entry in context.mapped() {
        if entry.section != SectionName::Roles {
            continue;
        }
        let Normalized::PathDropped { arn, path } = normalize(entry.principal()) else {
            continue;
        };
        let Some(twin) = context.role_entry(&arn) else {
            continue;
        };
        let is_same = effects.is_same(entry, twin);
        // EKS writes both for the nodes of a managed node group, and restores them if they are removed.
        if is_same && entry.username().starts_with("system:node:") {
            continue;
        }
        let (difference, help, severity) = if is_same {
            (
                "gives the same username and groups",
                "remove this entry",
                Severity::Warning,
            )
        } else {
            (
                "gives a different username or groups",
                "merge the two entries, without the path",
                Severity::Error,
            )
        };
        let message = format!(
            "with the path {path}, this entry never matches; the entry without the path matches, and {difference}"
        );
        findings
            .entry(entry, Part::Principal, message, help)
            .other_line(twin.source.line)
            .severity(severity);
    }
}
