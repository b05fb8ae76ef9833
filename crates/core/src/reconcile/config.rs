//! The controller's configuration: grants, protected entries, and the webhook.

use crate::access_entries::{NamedPolicy, StoreChoice};
use crate::wildcard_pattern::Pattern;

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
    /// Where mappings are kept if the cluster reads aws-auth and access entries.
    pub backend: StoreChoice,
}

/// Mappings that objects may request. A request is approved if a single grant covers all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The accounts of the ARNs; never empty.
    pub accounts: Vec<String>,
    /// The ARNs in canonical form, without regard to letter case; if empty, all except the root user.
    pub arns: Vec<Pattern>,
    /// The groups. A pattern with `*` never matches a group that starts with `system:` or `awsauth:`, or is exempt from the webhook.
    pub groups: Vec<Pattern>,
    /// The usernames; if empty, none. A pattern with `*` never matches a username that is or may become another identity.
    pub usernames: Vec<Pattern>,
    /// The access policies. One without namespaces includes all of them.
    pub policies: Vec<NamedPolicy>,
    /// Whether whole accounts may be mapped.
    pub whole_accounts: bool,
    /// The users and groups that may use the grant; `None` for all.
    pub requesters: Option<Requesters>,
    /// What happens to entries when the configuration no longer grants them.
    pub on_withdrawal: OnWithdrawal,
    /// How much of aws-auth the entries that it covers may take, in KiB of JSON; `None` for all.
    pub max_kib: Option<u32>,
}

/// The Kubernetes users and groups that may use a grant: one match is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requesters {
    pub users: Vec<Pattern>,
    pub groups: Vec<Pattern>,
}

/// What happens to entries when the configuration no longer grants them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub enum OnWithdrawal {
    /// They are kept until their object is deleted.
    #[default]
    Keep,
    /// The controller removes them.
    Revoke,
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

impl Config {
    /// Returns whether a grant names its requesters.
    pub fn has_requesters(&self) -> bool {
        self.grants.iter().any(|grant| grant.requesters.is_some())
    }
}

impl Requesters {
    /// Returns whether a user with these groups is one of them.
    pub fn include(&self, username: &str, groups: &[String]) -> bool {
        let mut users = self.users.iter();
        users.any(|pattern| pattern.matches(username))
            || groups
                .iter()
                .any(|group| self.groups.iter().any(|pattern| pattern.matches(group)))
    }
}

impl Protect {
    /// Returns the ARNs that are listed without a wildcard.
    pub(crate) fn literal_arns(&self) -> impl Iterator<Item = &str> {
        let literal = self.arns.iter().filter(|pattern| pattern.is_literal());
        literal.map(Pattern::text)
    }

    /// Returns whether the configuration lists this ARN as protected.
    pub fn includes(&self, arn: &str) -> bool {
        let folded = crate::arn::fold(arn);
        self.arns.iter().any(|pattern| pattern.matches(&folded))
    }
}
