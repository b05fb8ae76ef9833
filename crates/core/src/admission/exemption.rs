//! Exemptions: which users may make edits that would be denied.

use super::{Policy, Review};

/// The field manager under which awsauth's commands write.
pub(super) const COMMANDS: &str = "awsauth";
/// The field manager under which the controller writes.
pub(super) const CONTROLLER: &str = "awsauth-controller";

/// Why an edit is allowed that would otherwise be denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exemption {
    /// The controller made the edit; its own guards checked it against the same configuration.
    Controller,
    /// An awsauth command made the edit; its guards checked it, and the user explicitly allowed what they would have
    /// refused.
    Command,
    /// The user is exempt: it only receives warnings.
    WarnOnly,
    /// aws-auth has the break-glass annotation.
    BreakGlass {
        /// The value of the annotation.
        reason: String,
    },
    /// The user is in an exempt group.
    BreakGlassGroup { group: String },
}

impl Exemption {
    /// Returns the user's exemption, if any.
    pub(super) fn of(review: &Review, policy: &Policy) -> Option<Self> {
        let user = &review.user;
        let is_manager = |manager| review.field_manager.as_deref() == Some(manager);
        if is_manager(CONTROLLER) && policy.controller.as_ref() == Some(&user.username) {
            return Some(Self::Controller);
        }
        let mut patterns = policy.admission.warn_only.iter();
        if patterns.any(|pattern| pattern.matches(&user.username)) {
            return Some(Self::WarnOnly);
        }
        // Also checks the object before the edit: replacing aws-auth from a file removes the annotation.
        let objects = [&review.after, &review.before].into_iter().flatten();
        let mut reasons = objects.filter_map(|object| object.break_glass.as_deref());
        if let Some(reason) = reasons.find(|reason| !reason.trim().is_empty()) {
            return Some(Self::BreakGlass {
                reason: reason.trim().to_owned(),
            });
        }
        let mut groups = policy.admission.break_glass_groups.iter();
        if let Some(group) = groups.find(|group| user.groups.contains(group)) {
            return Some(Self::BreakGlassGroup {
                group: group.clone(),
            });
        }
        is_manager(COMMANDS).then_some(Self::Command)
    }

    /// Returns the reason given for the exemption, or the exempt group.
    pub(super) fn why(&self) -> Option<&str> {
        match self {
            Self::BreakGlass { reason } => Some(reason),
            Self::BreakGlassGroup { group } => Some(group),
            Self::Controller | Self::Command | Self::WarnOnly => None,
        }
    }

    /// Returns its one-word name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::Command => "command",
            Self::WarnOnly => "warn-only",
            Self::BreakGlass { .. } | Self::BreakGlassGroup { .. } => "break-glass",
        }
    }
}
