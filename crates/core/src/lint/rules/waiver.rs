//! The L rules: the comments that waive findings.

pub(super) mod waiver_of_unknown_rule;
pub(super) mod waiver_without_reason;
