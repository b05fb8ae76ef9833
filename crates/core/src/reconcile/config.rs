use super::pattern::Pattern;

mod approval;
mod read;
#[cfg(test)]
mod tests;

/// What the controller is told: whom it may admit as what, what it protects, and whom admission only warns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// What may be granted. Without any, nothing.
    pub grants: Vec<Grant>,
    /// What is put back.
    pub protect: Protect,
    /// What the admission guard is told.
    pub admission: Admission,
}

/// What may be granted to whom. An object is approved when one grant approves all of what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The accounts, twelve digits each, that ARNs are in. There is one at least.
    pub accounts: Vec<String>,
    /// The ARNs, in canonical form and in any letter case; any when there are none.
    pub arns: Vec<Pattern>,
    /// The groups. A pattern with `*` never matches one that begins with `system:`.
    pub groups: Vec<Pattern>,
    /// The usernames; any when there are none. Only one without `*` matches a username that begins with `system:`, `eks:`,
    /// `aws:`, `amazon:` or `iam:`.
    pub usernames: Vec<Pattern>,
    /// Whether whole accounts may be mapped.
    pub whole_accounts: bool,
}

/// What is put back when somebody removes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protect {
    /// Node entries, when nodes need them.
    pub node_entries: bool,
    /// The entries of these ARNs.
    pub arns: Vec<Pattern>,
}

/// What the admission guard is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The users that are warned and never denied.
    pub warn_only: Vec<Pattern>,
    /// The groups whose edits are let through, and recorded.
    pub break_glass_groups: Vec<String>,
}

/// Why a configuration was not taken. Its text names the line, from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// What is wrong and where; a fragment.
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
    /// Whether the entry of this ARN is protected by name.
    pub fn names(&self, arn: &str) -> bool {
        let folded = crate::arn::fold(arn);
        self.arns.iter().any(|pattern| pattern.matches(&folded))
    }
}
