//! A role with its path beside the same role without it.

use super::says_the_same;
use crate::arn::{Mended, mend};
use crate::document::SectionName;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "D05",
    name: "path-twin",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        if written.section != SectionName::Roles {
            continue;
        }
        let Mended::PathDropped { arn, path } = mend(written.principal()) else {
            continue;
        };
        let Some(twin) = context.role(&arn) else {
            continue;
        };
        let is_same = says_the_same(written.mapping, twin.mapping);
        // EKS writes both for the nodes of a managed node group, and writes them again when they are removed.
        if is_same && written.mapping.username.starts_with("system:node:") {
            continue;
        }
        let counts = if is_same {
            "which says the same"
        } else {
            "which says something else"
        };
        let message = format!(
            "with the path {path} this entry matches nobody: the one without it counts, {counts}"
        );
        let help = if is_same {
            "remove this entry"
        } else {
            "make one entry of the two, without the path"
        };
        let finding = found.entry(written, written.principal_span(), message, help);
        if let Some(finding) = finding {
            finding.other(twin.entry.line);
            if !is_same {
                finding.severity(Severity::Error);
            }
        }
    }
}
