//! Access that was written with an expiry ends only when awsauth removes it.

use jiff::Timestamp;

use crate::access_entries::recorded_expiry;
use crate::expiry::RecordedExpiry;
use crate::lint::access_entries::access_entries;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N18",
    name: "entry-expired",
    severity: Severity::Note,
    needs: Needs::File,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(now) = context.facts.read_at else {
        return;
    };
    let expiries = context.facts.owners.expiries(context.document);
    for entry in context.entries() {
        let recorded = expiries.get(&(entry.section, entry.source.line)).copied();
        if let Some((message, help)) = problem(recorded, now) {
            findings.entry(
                entry,
                Part::Principal,
                format!("this entry {message}"),
                help,
            );
        }
    }
    for entry in access_entries(context) {
        if let Some((message, help)) = problem(recorded_expiry(entry), now) {
            let arn = &entry.principal_arn;
            let message = format!("the access entry of {arn} {message}");
            findings.config_map(message, help).principal = Some(arn.as_str().into());
        }
    }
}

/// Returns what is wrong with an expired entry, and the remedy.
fn problem(recorded: Option<RecordedExpiry>, now: Timestamp) -> Option<(String, &'static str)> {
    let RecordedExpiry { at, is_changed } = recorded.filter(|recorded| recorded.at <= now)?;
    Some(match is_changed {
        false => (
            format!("expired at {at}, and still gives access"),
            "remove it: awsauth expire",
        ),
        true => (
            format!(
                "was to expire at {at}, but has been changed in the meantime, so awsauth expire keeps it"
            ),
            "decide whether it must stay: remove it with awsauth unmap, or map it with --expires never",
        ),
    })
}
