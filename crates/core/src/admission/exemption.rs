use super::{Review, Terms};

/// The field manager under which awsauth's commands write.
pub(super) const COMMANDS: &str = "awsauth";
/// The field manager under which the controller writes.
pub(super) const CONTROLLER: &str = "awsauth-controller";

/// Why an edit that would be refused is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// The controller made the edit; its own guards checked it against the same configuration.
    Controller,
    /// An awsauth command made the edit; its guards checked it, and the user explicitly allowed what they would have
    /// refused.
    Command,
    /// The requester is exempt: it only receives warnings.
    WarnOnly,
    /// aws-auth has the break-glass annotation.
    BreakGlass {
        /// The annotation's value: the reason.
        reason: String,
    },
    /// The requester is in an exempt group.
    BreakGlassGroup {
        /// The group.
        group: String,
    },
}

impl Passage {
    /// Returns the requester's exemption, if any.
    pub(super) fn of(review: &Review, terms: &Terms) -> Option<Self> {
        let requester = &review.requester;
        let by = |manager| review.field_manager.as_deref() == Some(manager);
        if by(CONTROLLER) && terms.controller.as_ref() == Some(&requester.username) {
            return Some(Self::Controller);
        }
        let mut patterns = terms.admission.warn_only.iter();
        if patterns.any(|pattern| pattern.matches(&requester.username)) {
            return Some(Self::WarnOnly);
        }
        // A user who replaces aws-auth from a file also removes the annotation in the same step.
        let objects = [&review.after, &review.before].into_iter().flatten();
        let mut reasons = objects.filter_map(|object| object.break_glass.as_deref());
        if let Some(reason) = reasons.find(|reason| !reason.trim().is_empty()) {
            return Some(Self::BreakGlass {
                reason: reason.trim().to_owned(),
            });
        }
        let mut groups = terms.admission.break_glass_groups.iter();
        if let Some(group) = groups.find(|group| requester.groups.contains(group)) {
            return Some(Self::BreakGlassGroup {
                group: group.clone(),
            });
        }
        by(COMMANDS).then_some(Self::Command)
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
