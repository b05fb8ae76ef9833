//! A key of `data` that the authenticator does not read.

use crate::document::SectionName;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};
use strsim::levenshtein;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S02",
    name: "unknown-top-level-key",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for key in context.keys {
        let folded = key.to_ascii_lowercase();
        let known = |section: SectionName| section.key().to_ascii_lowercase();
        // In other letter case it is S01's.
        if SectionName::ALL.into_iter().any(|it| known(it) == folded) {
            continue;
        }
        let meant = SectionName::ALL
            .into_iter()
            .find(|section| levenshtein(&known(*section), &folded) <= 2);
        let message = format!("the authenticator does not know the key {key}, and never reads it");
        let (help, is_slip) = match meant {
            Some(meant) => (
                format!("write {}, if that is what is meant", meant.key()),
                true,
            ),
            None if folded == "mapgroups" => {
                let help =
                    "map the roles that the group's members assume: IAM groups can't be mapped";
                (help.to_owned(), true)
            }
            None => (
                "leave it out, unless another tool keeps it there".to_owned(),
                false,
            ),
        };
        if let Some(finding) = found.key(key, message, help).filter(|_| is_slip) {
            finding.severity(Severity::Error);
        }
    }
}
