use super::{Review, Terms};

/// The field manager under which awsauth's commands write.
pub(super) const COMMANDS: &str = "awsauth";
/// The field manager under which the controller writes.
pub(super) const CONTROLLER: &str = "awsauth-controller";

/// Why an edit is let through that would be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// The controller has made it: its own guards have judged, by the same configuration.
    Controller,
    /// A command of awsauth has made it: its guards have judged, and whoever ran it has allowed what they would have refused, in so many
    /// words.
    Command,
    /// They are one of those who are only ever warned.
    WarnOnly,
    /// aws-auth has the annotation, which says why.
    BreakGlass {
        /// Why.
        reason: String,
    },
    /// They are in this group.
    BreakGlassGroup {
        /// Which.
        group: String,
    },
}

impl Passage {
    /// The way through for whoever asks, if there is one.
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
        // Whoever replaces aws-auth by a file takes the annotation away in the same step.
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

    /// What somebody has said for it, or which group it was.
    pub(super) fn why(&self) -> Option<&str> {
        match self {
            Self::BreakGlass { reason } => Some(reason),
            Self::BreakGlassGroup { group } => Some(group),
            Self::Controller | Self::Command | Self::WarnOnly => None,
        }
    }

    /// Its name in one word.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::Command => "command",
            Self::WarnOnly => "warn-only",
            Self::BreakGlass { .. } | Self::BreakGlassGroup { .. } => "break-glass",
        }
    }
}
