//! The authenticator drops list items that are not mappings.

use crate::document::{DecodeWarning, SectionName, Shape};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::{Part, ResolvedEntry};
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S07",
    name: "entry-not-a-mapping",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["S08"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut previous: Option<&ResolvedEntry<'_>> = None;
    for entry in context.entries() {
        let above = previous.replace(entry);
        let mut decode_warnings = entry.source.decode_warnings.iter();
        let shape = decode_warnings.find_map(|warning| match warning {
            DecodeWarning::NotAMapping(shape) => Some(*shape),
            _ => None,
        });
        let Some(shape) = shape else {
            continue;
        };
        let is = match shape {
            Shape::Null => "empty",
            shape => shape.name(),
        };
        let message = format!(
            "an entry must be a mapping, but this item is {is}: the authenticator drops it"
        );
        let is_group = shape == Shape::Text
            && entry.section != SectionName::Accounts
            && !entry.raw(entry.source.span).contains("arn:")
            && above.is_some_and(|above| above.section == entry.section);
        let help = match (shape, entry.section) {
            _ if is_group => "indent it like the other groups if it belongs to the entry above it",
            (Shape::Null, _) => "remove the empty item",
            (Shape::List, _) => "remove one of the dashes or brackets around the entries",
            (_, SectionName::Users) => "write userarn, username and groups",
            _ => "write rolearn, username and groups",
        };
        findings.entry(entry, Part::Entry, message, help);
    }
}
