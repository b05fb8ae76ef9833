use super::{Evidence, Judged, Outcome, Rung, Skipped, remedy};
use crate::effect::Why;

pub(super) const RUNG: Rung = Rung {
    id: "M6",
    title: "near misses",
    after: &["M1", "M4"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let explained = evidence.explanation()?;
    let explanation = &explained.explanation;
    if explanation.allowed() || !explanation.answers.is_empty() || evidence.is_in() {
        return Err(Skipped::needs("somebody who is not mapped"));
    }
    let mut near = explanation.near.iter();
    let Some(near) = near.find(|near| !is_dead(&near.why)) else {
        return Outcome::ok("no entry comes near");
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
        format!("the entry nearly is for {arn}, and is not: {}", near.why),
        remedy::map(evidence, Some((&explained.document, near))),
    )
}

/// Whether the entry is for the identity, and does not count: that is M7's.
pub(super) fn is_dead(why: &Why) -> bool {
    matches!(why, Why::Ignored(_) | Why::Unreadable(_) | Why::NotRead)
}
