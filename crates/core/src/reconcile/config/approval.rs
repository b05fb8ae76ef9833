//! What the configuration grants.

use super::{Config, Grant};
use crate::arn::{Parts, fold};
use crate::document::Principal;
use crate::reconcile::pattern::Pattern;

/// Groups that Kubernetes and EKS give a meaning begin so.
pub(super) const GROUPS_OF_KUBERNETES: &str = "system:";

/// Usernames of Kubernetes's and AWS's own parts begin so:
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
pub(super) const RESERVED_USERNAMES: [&str; 5] = ["system:", "eks:", "aws:", "amazon:", "iam:"];

/// What keeps a grant from approving a mapping, the more of it fits the greater.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Lack {
    Account,
    WholeAccount,
    Arn,
    Username,
    /// The groups that it does not name.
    Groups(std::cmp::Reverse<Vec<String>>),
}

impl Config {
    /// Whether one grant approves this mapping, whose ARN is in canonical form.
    ///
    /// # Errors
    /// What is not granted, and what to add; a fragment.
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
        let lacks = self
            .grants
            .iter()
            .map(|grant| grant.lack(account, arn, username, groups));
        let mut nearest = Lack::Account;
        for lack in lacks {
            match lack {
                None => return Ok(()),
                Some(lack) => nearest = nearest.max(lack),
            }
        }
        let who = principal.text();
        Err(match nearest {
            Lack::Account if self.grants.is_empty() => format!(
                "the controller's configuration grants nothing; add under grants: accounts: [\"{account}\"], groups: [{}]",
                groups.join(", ")
            ),
            Lack::Account => format!(
                "no grant of the controller's configuration names account {account}; add it to the accounts of one"
            ),
            Lack::WholeAccount => format!(
                "no grant of the controller's configuration for account {account} is for whole accounts; set wholeAccounts: true in one"
            ),
            Lack::Arn => format!(
                "no grant of the controller's configuration for account {account} covers {who}; add it to the arns of one"
            ),
            Lack::Username => format!(
                "no grant of the controller's configuration that covers {who} has username {}; add it to the usernames of one",
                username.unwrap_or_default()
            ),
            Lack::Groups(std::cmp::Reverse(lacking)) => format!(
                "no grant of the controller's configuration that covers {who} has {} {}; add {} to the groups of one",
                if lacking.len() == 1 {
                    "group"
                } else {
                    "groups"
                },
                lacking.join(", "),
                if lacking.len() == 1 { "it" } else { "them" },
            ),
        })
    }
}

impl Grant {
    fn lack(
        &self,
        account: &str,
        arn: Option<&str>,
        username: Option<&str>,
        groups: &[String],
    ) -> Option<Lack> {
        if !self.accounts.iter().any(|granted| granted == account) {
            return Some(Lack::Account);
        }
        let Some(arn) = arn else {
            return (!self.whole_accounts).then_some(Lack::WholeAccount);
        };
        if !self.arns.is_empty() && !self.arns.iter().any(|granted| granted.matches(arn)) {
            return Some(Lack::Arn);
        }
        let names = |name: &str| match self.usernames.as_slice() {
            [] => !may_be(name, &RESERVED_USERNAMES),
            granted => grants(granted, name, &RESERVED_USERNAMES),
        };
        if !username.is_some_and(names) {
            return Some(Lack::Username);
        }
        let is_granted = |group: &&String| !grants(&self.groups, group, &[GROUPS_OF_KUBERNETES]);
        let lacking: Vec<String> = groups.iter().filter(is_granted).cloned().collect();
        (!lacking.is_empty()).then_some(Lack::Groups(std::cmp::Reverse(lacking)))
    }
}

/// Whether one of the patterns grants a name. What may come to be a reserved name is granted only word for word.
fn grants(patterns: &[Pattern], name: &str, reserved: &[&str]) -> bool {
    let is_reserved = may_be(name, reserved);
    patterns
        .iter()
        .filter(|pattern| pattern.is_literal() || !is_reserved)
        .any(|pattern| pattern.matches(name))
}

/// Whether a name begins with one of these, or may once its placeholders are filled in: whoever signs in chooses the name of their
/// session, which holds letters, digits and `_+=,.@-`, but no colon.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
fn may_be(name: &str, reserved: &[&str]) -> bool {
    let Some((head, rest)) = name.split_once("{{") else {
        return reserved.iter().any(|prefix| name.starts_with(prefix));
    };
    let begins = |prefix: &&str| {
        name.starts_with(*prefix) || (prefix.starts_with(head) && rest.contains(':'))
    };
    reserved.iter().any(begins)
}
