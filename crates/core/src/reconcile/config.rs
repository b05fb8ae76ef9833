//! The controller's configuration: grants, protected entries, and the webhook.

use super::pattern::Pattern;

mod approval;
mod parse;
#[cfg(test)]
mod tests;

/// The controller's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The mappings that objects may request. If empty, none.
    pub grants: Vec<Grant>,
    pub protect: Protect,
    pub admission: Admission,
}

/// Mappings that objects may request. A request is approved if a single grant covers all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The accounts of the ARNs; never empty.
    pub accounts: Vec<String>,
    /// The ARNs in canonical form, without regard to letter case; if empty, all.
    pub arns: Vec<Pattern>,
    /// The groups. A pattern with `*` never matches a group that starts with `system:`.
    pub groups: Vec<Pattern>,
    /// The usernames; if empty, all. A pattern with `*` never matches a username that starts with `system:`, `eks:`, `aws:`, `amazon:`
    /// or `iam:`.
    pub usernames: Vec<Pattern>,
    /// Whether whole accounts may be mapped.
    pub whole_accounts: bool,
}

/// The entries that are restored after another client removed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protect {
    /// Whether node entries that nodes need are protected.
    pub node_entries: bool,
    /// The entries of these ARNs.
    pub arns: Vec<Pattern>,
}

/// The configuration of the admission webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The usernames whose edits only trigger warnings.
    pub warn_only: Vec<Pattern>,
    /// The groups whose edits are always allowed.
    pub break_glass_groups: Vec<String>,
}

/// The error of an invalid configuration. The message contains the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// What is wrong, and where; a sentence fragment.
    pub message: String,
}

impl Default for Protect {
    fn default() -> Self {
        Self {
            node_entries: true,
            arns: Vec::new(),
        }
    }
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            warn_only: vec![Pattern::new("eks:*")],
            break_glass_groups: Vec::new(),
        }
    }
}

impl Protect {
    /// Returns whether the configuration lists this ARN as protected.
    pub fn includes(&self, arn: &str) -> bool {
        let folded = crate::arn::fold(arn);
        self.arns.iter().any(|pattern| pattern.matches(&folded))
    }
}
