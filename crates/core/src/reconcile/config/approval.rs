//! Approves requested mappings by the configuration's grants.

use std::borrow::Cow;

use super::{Admission, Config, Grant, OnWithdrawal};
use crate::access_entries::NamedPolicy;
use crate::arn::{Parts, fold};
use crate::authenticator::can_become;
use crate::document::Principal;
use crate::wildcard_pattern::Pattern;

/// The prefixes of groups that have a meaning for Kubernetes or EKS, and for awsauth: members of `awsauth:break-glass` are exempt from
/// the policy awsauth-guard.
pub(super) const RESERVED_GROUP_PREFIXES: [&str; 2] = ["system:", "awsauth:"];

/// The prefixes of usernames of Kubernetes's and AWS's own components:
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
/// ARNs are the usernames of identities whose account is mapped, and of access entries.
pub(super) const RESERVED_USERNAME_PREFIXES: [&str; 6] =
    ["system:", "eks:", "aws:", "amazon:", "iam:", "arn:"];

/// Parts of usernames that are or may become an e-mail, which identity providers use as usernames.
pub(super) const EMAIL_PARTS: [&str; 2] = ["@", "{{SessionNameRaw}}"];

/// The usernames of administrators with a client certificate or, in EKS, of the cluster's creator.
const ADMINISTRATORS: [&str; 2] = ["kubernetes-admin", "kubernetes-super-admin"];

/// The first part of a request that a grant does not cover, in the order in which they are checked.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Mismatch {
    Account,
    WholeAccount,
    Arn,
    /// The root user of the account, which a grant must list.
    Root,
    /// A grant without usernames.
    NoUsernames,
    Username,
    /// The groups that are not granted. Fewer groups are a closer match.
    Groups(std::cmp::Reverse<Vec<String>>),
    /// The first access policy that is not granted.
    Policy(String),
}

impl Config {
    /// Checks whether a single grant covers this mapping, whose ARN is in canonical form.
    ///
    /// # Errors
    /// What the closest grant does not cover, and what to add to it; a sentence fragment.
    pub(crate) fn approve(
        &self,
        principal: &Principal,
        username: Option<&str>,
        groups: &[String],
        policies: &[NamedPolicy],
    ) -> Result<OnWithdrawal, String> {
        self.approve_for(principal, username, groups, policies, |_| true)
            .map(|grant| grant.on_withdrawal)
    }

    /// Returns the index of the first grant that covers this mapping.
    pub(in crate::reconcile) fn grant_of(
        &self,
        principal: &Principal,
        username: Option<&str>,
        groups: &[String],
    ) -> Option<usize> {
        let (account, arn) = account_and_arn(principal);
        let mismatch = |grant: &Grant| {
            grant.mismatch(
                account,
                arn.as_deref(),
                username,
                groups,
                &[],
                &self.admission,
            )
        };
        self.grants
            .iter()
            .position(|grant| mismatch(grant).is_none())
    }

    /// Returns the first grant that covers this mapping, of the grants for which `includes` returns true.
    pub(in crate::reconcile) fn approve_for(
        &self,
        principal: &Principal,
        username: Option<&str>,
        groups: &[String],
        policies: &[NamedPolicy],
        includes: impl Fn(&Grant) -> bool,
    ) -> Result<&Grant, String> {
        let (account, arn) = account_and_arn(principal);
        let arn = arn.as_deref();
        let mut nearest = Mismatch::Account;
        for grant in self.grants.iter().filter(|grant| includes(grant)) {
            match grant.mismatch(account, arn, username, groups, policies, &self.admission) {
                None => return Ok(grant),
                Some(mismatch) => nearest = nearest.max(mismatch),
            }
        }
        let who = principal.text();
        Err(match nearest {
            Mismatch::Account if self.grants.is_empty() => format!(
                "the controller's configuration grants nothing; ask an administrator to add under grants: accounts: [\"{account}\"], groups: [{}], usernames: [\"{}\"]",
                groups.join(", "),
                username.unwrap_or_default()
            ),
            Mismatch::Account => format!(
                "no grant in the controller's configuration contains account {account}; ask an administrator to add it to the accounts of a grant"
            ),
            Mismatch::WholeAccount => format!(
                "no grant in the controller's configuration allows mapping all of account {account}; ask an administrator to set wholeAccounts: true in a grant"
            ),
            Mismatch::Arn => format!(
                "no grant in the controller's configuration for account {account} covers {who}; ask an administrator to add it to the arns of a grant"
            ),
            Mismatch::Root => format!(
                "no grant in the controller's configuration names {who}; ask an administrator to add it to the arns of a grant: without arns, a grant does not include the root user"
            ),
            Mismatch::NoUsernames => format!(
                "the grant in the controller's configuration that covers {who} has no usernames; ask an administrator to add usernames: [\"{}\"] to it",
                username.unwrap_or_default()
            ),
            Mismatch::Username => {
                let username = username.unwrap_or_default();
                let by_name = match may_be_other_identity(username, account) {
                    true => " by its full name, because it is or may become another identity",
                    false => "",
                };
                format!(
                    "no grant in the controller's configuration that covers {who} allows username {username}; ask an administrator to add it to the usernames of a grant{by_name}"
                )
            }
            Mismatch::Groups(std::cmp::Reverse(missing)) => format!(
                "no grant in the controller's configuration that covers {who} allows {} {}; ask an administrator to add {} to the groups of a grant",
                if missing.len() == 1 {
                    "group"
                } else {
                    "groups"
                },
                missing.join(", "),
                if missing.len() == 1 { "it" } else { "them" },
            ),
            Mismatch::Policy(policy) => format!(
                "no grant in the controller's configuration that covers {who} allows the access policy {policy}; ask an administrator to add it to the policies of a grant"
            ),
        })
    }
}

/// Returns the account of a principal, and its folded ARN.
fn account_and_arn(principal: &Principal) -> (&str, Option<Cow<'_, str>>) {
    match principal {
        Principal::Role(arn) | Principal::User(arn) => {
            let account = Parts::of(arn).map_or("", |parts| parts.account);
            (account, Some(fold(arn)))
        }
        Principal::Account(account) => (account, None),
        Principal::Sso(sso) => (&sso.account_id, None),
    }
}

impl Grant {
    fn mismatch(
        &self,
        account: &str,
        arn: Option<&str>,
        username: Option<&str>,
        groups: &[String],
        policies: &[NamedPolicy],
        admission: &Admission,
    ) -> Option<Mismatch> {
        if !self.accounts.iter().any(|granted| granted == account) {
            return Some(Mismatch::Account);
        }
        let Some(arn) = arn else {
            return (!self.whole_accounts).then_some(Mismatch::WholeAccount);
        };
        match self.arns.as_slice() {
            [] if arn.ends_with(":root") => return Some(Mismatch::Root),
            [] => {}
            granted if granted.iter().any(|granted| granted.matches(arn)) => {}
            _ => return Some(Mismatch::Arn),
        }
        if self.usernames.is_empty() {
            return Some(Mismatch::NoUsernames);
        }
        let allows = |name: &str| {
            let is_literal_only = may_be_other_identity(name, account);
            grants(&self.usernames, name, is_literal_only)
        };
        if !username.is_some_and(allows) {
            return Some(Mismatch::Username);
        }
        let is_missing = |group: &&String| {
            let mut exempt = admission.break_glass_groups.iter();
            let is_literal_only = may_be_reserved(group, &RESERVED_GROUP_PREFIXES)
                || exempt.any(|exempt| can_become(group, exempt, account));
            !grants(&self.groups, group, is_literal_only)
        };
        let missing: Vec<String> = groups.iter().filter(is_missing).cloned().collect();
        if !missing.is_empty() {
            return Some(Mismatch::Groups(std::cmp::Reverse(missing)));
        }
        let is_granted = |policy: &&NamedPolicy| {
            let mut granted = self.policies.iter();
            granted.any(|granted| granted.includes(policy))
        };
        let missing = policies.iter().find(|policy| !is_granted(policy))?;
        Some(Mismatch::Policy(missing.to_string()))
    }
}

/// Returns whether one of the patterns grants a name; with `is_literal_only`, only patterns without `*` count.
fn grants(patterns: &[Pattern], name: &str, is_literal_only: bool) -> bool {
    patterns
        .iter()
        .filter(|pattern| pattern.is_literal() || !is_literal_only)
        .any(|pattern| pattern.matches(name))
}

/// Returns whether a username is that of an identity that signs in by other means, or may become it.
fn may_be_other_identity(name: &str, account: &str) -> bool {
    let mut administrators = ADMINISTRATORS.iter();
    may_be_reserved(name, &RESERVED_USERNAME_PREFIXES)
        || EMAIL_PARTS.iter().any(|part| name.contains(part))
        || administrators.any(|administrator| can_become(name, administrator, account))
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
