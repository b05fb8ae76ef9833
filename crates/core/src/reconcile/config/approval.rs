//! Approves requested mappings by the configuration's grants.

use super::{Config, Grant};
use crate::arn::{Parts, fold};
use crate::document::Principal;
use crate::reconcile::pattern::Pattern;

/// The prefix of groups that have a meaning for Kubernetes or EKS.
pub(super) const RESERVED_GROUP_PREFIX: &str = "system:";

/// The prefixes of usernames of Kubernetes's and AWS's own components:
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
pub(super) const RESERVED_USERNAME_PREFIXES: [&str; 5] =
    ["system:", "eks:", "aws:", "amazon:", "iam:"];

/// The first part of a request that a grant does not cover, in the order in which they are checked.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Mismatch {
    Account,
    WholeAccount,
    Arn,
    Username,
    /// The groups that are not granted. Fewer groups are a closer match.
    Groups(std::cmp::Reverse<Vec<String>>),
}

impl Config {
    /// Checks whether a single grant covers this mapping, whose ARN is in canonical form.
    ///
    /// # Errors
    /// What the closest grant does not cover, and what to add to it; a sentence fragment.
    pub fn approve(
        &self,
        principal: &Principal,
        username: Option<&str>,
        groups: &[String],
    ) -> Result<(), String> {
        let account = match principal {
            Principal::Role(arn) | Principal::User(arn) => {
                Parts::of(arn).map_or("", |parts| parts.account)
            }
            Principal::Account(account) => account,
            Principal::Sso(sso) => &sso.account_id,
        };
        let folded = match principal {
            Principal::Role(arn) | Principal::User(arn) => Some(fold(arn)),
            Principal::Account(_) | Principal::Sso(_) => None,
        };
        let arn = folded.as_deref();
        let mismatches = self
            .grants
            .iter()
            .map(|grant| grant.mismatch(account, arn, username, groups));
        let mut nearest = Mismatch::Account;
        for mismatch in mismatches {
            match mismatch {
                None => return Ok(()),
                Some(mismatch) => nearest = nearest.max(mismatch),
            }
        }
        let who = principal.text();
        Err(match nearest {
            Mismatch::Account if self.grants.is_empty() => format!(
                "the controller's configuration grants nothing; add under grants: accounts: [\"{account}\"], groups: [{}]",
                groups.join(", ")
            ),
            Mismatch::Account => format!(
                "no grant in the controller's configuration contains account {account}; add it to the accounts of a grant"
            ),
            Mismatch::WholeAccount => format!(
                "no grant in the controller's configuration allows mapping all of account {account}; set wholeAccounts: true in a grant"
            ),
            Mismatch::Arn => format!(
                "no grant in the controller's configuration for account {account} covers {who}; add it to the arns of a grant"
            ),
            Mismatch::Username => format!(
                "no grant in the controller's configuration that covers {who} allows username {}; add it to the usernames of a grant",
                username.unwrap_or_default()
            ),
            Mismatch::Groups(std::cmp::Reverse(missing)) => format!(
                "no grant in the controller's configuration that covers {who} allows {} {}; add {} to the groups of a grant",
                if missing.len() == 1 {
                    "group"
                } else {
                    "groups"
                },
                missing.join(", "),
                if missing.len() == 1 { "it" } else { "them" },
            ),
        })
    }
}

impl Grant {
    fn mismatch(
        &self,
        account: &str,
        arn: Option<&str>,
        username: Option<&str>,
        groups: &[String],
    ) -> Option<Mismatch> {
        if !self.accounts.iter().any(|granted| granted == account) {
            return Some(Mismatch::Account);
        }
        let Some(arn) = arn else {
            return (!self.whole_accounts).then_some(Mismatch::WholeAccount);
        };
        if !self.arns.is_empty() && !self.arns.iter().any(|granted| granted.matches(arn)) {
            return Some(Mismatch::Arn);
        }
        let allows = |name: &str| match self.usernames.as_slice() {
            [] => !may_be_reserved(name, &RESERVED_USERNAME_PREFIXES),
            granted => grants(granted, name, &RESERVED_USERNAME_PREFIXES),
        };
        if !username.is_some_and(allows) {
            return Some(Mismatch::Username);
        }
        let is_missing = |group: &&String| !grants(&self.groups, group, &[RESERVED_GROUP_PREFIX]);
        let missing: Vec<String> = groups.iter().filter(is_missing).cloned().collect();
        (!missing.is_empty()).then_some(Mismatch::Groups(std::cmp::Reverse(missing)))
    }
}

/// Returns whether one of the patterns grants a name. Only a pattern without `*` grants a name that may become a reserved one.
fn grants(patterns: &[Pattern], name: &str, reserved: &[&str]) -> bool {
    let is_reserved = may_be_reserved(name, reserved);
    patterns
        .iter()
        .filter(|pattern| pattern.is_literal() || !is_reserved)
        .any(|pattern| pattern.matches(name))
}

/// Returns whether a name starts with a reserved prefix, or may do so after the authenticator replaced its placeholders. Users choose
/// their session name, which can contain letters, digits and `_+=,.@-`, but no colon.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
fn may_be_reserved(name: &str, reserved: &[&str]) -> bool {
    let Some((head, rest)) = name.split_once("{{") else {
        return reserved.iter().any(|prefix| name.starts_with(prefix));
    };
    let may_start_with = |prefix: &&str| {
        name.starts_with(*prefix) || (prefix.starts_with(head) && rest.contains(':'))
    };
    reserved.iter().any(may_start_with)
}
