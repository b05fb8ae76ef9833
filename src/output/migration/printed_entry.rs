//! An access entry as the forms of other tools print it.

use awsauth_core::access_entries::migrate::{MigrationPlan, Presence};
use awsauth_core::facts::access_entries::{AccessEntry, AccessPolicy, AccessTerms, STANDARD};

/// An access entry to print.
pub(super) struct PrintedEntry<'a> {
    pub(super) entry: &'a AccessEntry,
    pub(super) terms: &'a AccessTerms,
    pub(super) presence: Presence,
}

impl PrintedEntry<'_> {
    /// Returns whether EKS has it.
    pub(super) fn exists(&self) -> bool {
        self.presence != Presence::New
    }

    /// Returns whether EKS has the entry with this policy.
    pub(super) fn has(&self, policy: &AccessPolicy) -> bool {
        match self.presence {
            Presence::New => false,
            Presence::Exists => true,
            Presence::LacksPolicy => !policy.is_cluster_admin(),
        }
    }

    /// Returns the type; `None` for the default.
    pub(super) fn kind(&self) -> Option<&str> {
        (self.terms.kind != STANDARD).then_some(&self.terms.kind)
    }

    /// Returns the username; `None` for the default. Other types set it themselves.
    pub(super) fn username(&self) -> Option<&str> {
        let username = self.terms.username.as_deref();
        username.filter(|_| self.kind().is_none())
    }

    /// Returns the groups. Other types than `STANDARD` set them themselves.
    pub(super) fn groups(&self) -> &[String] {
        match self.kind() {
            Some(_) => &[],
            None => &self.terms.groups,
        }
    }
}

/// Returns whether EKS has the access entry of this principal without its policy.
pub(super) fn lacks_policy(plan: &MigrationPlan<'_>, principal_arn: &str) -> bool {
    plan.entries().any(|(entry, presence)| {
        presence == Presence::LacksPolicy && entry.principal_arn == principal_arn
    })
}
