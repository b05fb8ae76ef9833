//! M6: whether a similar entry does not match the identity.

use crate::authenticator::Mismatch;
use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::remedy;

pub(crate) const CHECK: Check = Check {
    id: "M6",
    title: "near misses",
    after: &["M1", "M4"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let explained = evidence.explanation()?;
    let explanation = &explained.explanation;
    if explanation.allowed() || !explanation.answers.is_empty() || evidence.is_signed_in() {
        return Err(Skipped::needs("an identity that is not mapped"));
    }
    let mut near = explanation.near.iter();
    let Some(near) = near.find(|near| !is_ignored(&near.why)) else {
        return Outcome::ok("no similar entry");
    };
    let saw = format!(
        "{} line {}: {}",
        near.section.key(),
        near.line,
        near.written
    );
    let arn = &explanation.canonical_arn;
    Outcome::problem(
        saw,
        format!("a similar entry does not match {arn}: {}", near.why),
        remedy::map(evidence, Some((&explained.document, near))),
    )
}

/// Returns whether the entry is for the identity but is ignored, which M7 reports.
pub(crate) fn is_ignored(why: &Mismatch) -> bool {
    matches!(
        why,
        Mismatch::Ignored(_) | Mismatch::Unreadable(_) | Mismatch::NotRead
    )
}
