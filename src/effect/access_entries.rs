use std::collections::HashMap;
use std::fmt;

use super::User;
use super::template::Values;
use super::{Placeholder, TemplateError};
use crate::arn::{Mended, Parts, fold, mend};
use crate::document::Principal;
use crate::facts::access_entries::{AccessEntry, AccessTerms};
use crate::facts::auth_mode::AuthenticationMode;

/// The access entries of a cluster, ready to be looked up.
///
/// They are asked before aws-auth: where one has a principal, the aws-auth entries of this principal count for nothing.
/// <https://docs.aws.amazon.com/eks/latest/userguide/migrating-access-entries.html>
#[derive(Clone, Debug)]
pub struct AccessEntries {
    mode: AuthenticationMode,
    entries: Option<Vec<AccessEntry>>,
    /// Their numbers, by the folded ARN that their principals sign in with.
    by_arn: HashMap<String, usize>,
}

/// Why an entry of aws-auth counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden<'a> {
    /// This access entry answers for its principal.
    ByEntry(&'a AccessEntry),
    /// In this cluster nothing reads aws-auth.
    ByMode,
}

/// What an access entry makes of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The access entry.
    pub entry: AccessEntry,
    /// The user, or why the login is refused; `None` when EKS did not tell what the entry says.
    pub user: Option<Result<User, TemplateError>>,
    /// The placeholders that are left in the user because their values are not known.
    pub missing: Vec<Placeholder>,
}

impl AccessEntries {
    /// Those of a cluster of this mode; `None` when they can't be read. Where only aws-auth is asked there are none.
    pub fn new(mode: AuthenticationMode, entries: Option<Vec<AccessEntry>>) -> Self {
        let entries = match mode {
            AuthenticationMode::ConfigMap => Some(Vec::new()),
            AuthenticationMode::ApiAndConfigMap | AuthenticationMode::Api => entries,
        };
        let numbered = entries.iter().flatten().enumerate();
        let by_arn = numbered
            .map(|(number, entry)| (key(&entry.principal_arn), number))
            .collect();
        Self {
            mode,
            entries,
            by_arn,
        }
    }

    /// All of them, in EKS's order; `None` when they can't be read.
    pub fn all(&self) -> Option<&[AccessEntry]> {
        self.entries.as_deref()
    }

    /// Who answers for the cluster.
    pub fn mode(&self) -> AuthenticationMode {
        self.mode
    }

    /// Whether aws-auth is asked for those who have no access entry.
    pub fn aws_auth_counts(&self) -> bool {
        self.mode != AuthenticationMode::Api
    }

    /// The one for whoever signs in with this ARN, which has no IAM path where it is a role's.
    pub fn of(&self, arn: &str) -> Option<&AccessEntry> {
        let number = *self.by_arn.get(&*fold(arn))?;
        self.entries.as_ref()?.get(number)
    }

    /// Why aws-auth is not asked about this ARN or account; `None` when it is.
    pub fn hide(&self, arn: &str) -> Option<Hidden<'_>> {
        match self.of(arn) {
            Some(entry) => Some(Hidden::ByEntry(entry)),
            None => (!self.aws_auth_counts()).then_some(Hidden::ByMode),
        }
    }

    /// Why an entry of aws-auth for this principal counts for nothing; `None` when it counts.
    pub fn hide_principal(&self, principal: &Principal) -> Option<Hidden<'_>> {
        match principal {
            Principal::Role(arn) | Principal::User(arn) => self.hide(arn),
            Principal::Account(_) | Principal::Sso(_) => {
                (!self.aws_auth_counts()).then_some(Hidden::ByMode)
            }
        }
    }
}

impl fmt::Display for Hidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByEntry(entry) => {
                write!(f, "the access entry of {} answers", entry.principal_arn)
            }
            Self::ByMode => f.write_str("nothing reads aws-auth in mode API"),
        }
    }
}

impl Admitted {
    /// What `entry` makes of the identity with these values.
    pub(super) fn new(entry: &AccessEntry, values: &Values<'_>) -> Self {
        let mut missing = Vec::new();
        let terms = entry.terms.as_ref();
        let user = terms.map(|terms| values.render(&template(entry, terms), &mut missing));
        Self {
            entry: entry.clone(),
            user,
            missing,
        }
    }

    /// The user, if it is known and let in.
    pub fn user(&self) -> Option<&User> {
        self.user.as_ref()?.as_ref().ok()
    }
}

/// The user that an access entry with these terms makes of its principal, with its placeholders.
pub fn template(entry: &AccessEntry, terms: &AccessTerms) -> User {
    let username = terms.username.clone();
    User {
        username: username.unwrap_or_else(|| default_username(&entry.principal_arn, terms)),
        groups: terms.groups.clone(),
    }
}

/// The username that EKS sets where nobody chose one:
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
fn default_username(arn: &str, terms: &AccessTerms) -> String {
    match Parts::of(arn) {
        _ if terms.kind.starts_with("EC2") => "system:node:{{EC2PrivateDNSName}}".to_owned(),
        _ if terms.is_for_nodes() => "system:node:{{SessionName}}".to_owned(),
        Some(parts) if parts.is("iam", "role") => format!(
            "arn:{}:sts::{}:assumed-role/{}/{{{{SessionName}}}}",
            parts.partition, parts.account, parts.name
        ),
        _ => arn.to_owned(),
    }
}

/// What its principal signs in with, folded: STS reports no path of a role, and names differ by more than letter case.
pub(super) fn key(principal_arn: &str) -> String {
    match mend(principal_arn) {
        Mended::PathDropped { arn, .. } => fold(&arn).into_owned(),
        Mended::AsGiven | Mended::Session { .. } => fold(principal_arn).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::access_entries::STANDARD;

    const A: &str = "arn:aws:iam::111122223333";

    fn terms(kind: &str) -> AccessTerms {
        AccessTerms {
            kind: kind.to_owned(),
            username: None,
            groups: Vec::new(),
            policies: None,
        }
    }

    fn entries(mode: AuthenticationMode, resources: &[&str]) -> AccessEntries {
        let entries = resources.iter().map(|resource| AccessEntry {
            principal_arn: format!("{A}:{resource}"),
            terms: None,
        });
        AccessEntries::new(mode, Some(entries.collect()))
    }

    /// A role is found by its name, a user with its path.
    #[test]
    fn principals_are_found_by_what_they_sign_in_with() {
        let resources = ["role/team/a/Dev", "user/team/bob", "role/Ops"];
        let entries = entries(AuthenticationMode::ApiAndConfigMap, &resources);
        for (arn, found) in [
            ("role/Dev", Some("role/team/a/Dev")),
            ("role/DEV", Some("role/team/a/Dev")),
            // No caller has a role's path, so an aws-auth entry with one is no more hidden than it is in force.
            ("role/team/a/Dev", None),
            ("role/a/Dev", None),
            ("role/Ops", Some("role/Ops")),
            ("user/team/bob", Some("user/team/bob")),
            ("user/bob", None),
            ("user/Dev", None),
            ("role/Deva", None),
        ] {
            let answer = entries.of(&format!("{A}:{arn}"));
            let answer = answer.map(|entry| entry.principal_arn.clone());
            assert_eq!(answer, found.map(|found| format!("{A}:{found}")), "{arn}");
        }
        assert_eq!(entries.of("arn:aws:iam::444455556666:role/Ops"), None);
    }

    #[test]
    fn the_mode_says_who_is_asked() {
        use AuthenticationMode::{Api, ApiAndConfigMap, ConfigMap};
        let hidden = |mode, arn: &str| {
            let entries = entries(mode, &["role/Ops"]);
            let hidden = entries.hide(&format!("{A}:{arn}"));
            hidden.map(|hidden| hidden.to_string())
        };
        let by_entry = Some(format!("the access entry of {A}:role/Ops answers"));
        let by_mode = Some("nothing reads aws-auth in mode API".to_owned());
        assert_eq!(hidden(ConfigMap, "role/Ops"), None);
        assert_eq!(hidden(ApiAndConfigMap, "role/Ops"), by_entry);
        assert_eq!(hidden(ApiAndConfigMap, "role/Dev"), None);
        assert_eq!(hidden(Api, "role/Ops"), by_entry);
        assert_eq!(hidden(Api, "role/Dev"), by_mode);

        let account = Principal::Account("111122223333".to_owned());
        let both = entries(ApiAndConfigMap, &["role/Ops"]);
        assert_eq!(both.hide_principal(&account), None);
        let unread = AccessEntries::new(Api, None);
        assert_eq!(unread.hide_principal(&account), Some(Hidden::ByMode));
        assert_eq!(unread.all(), None);
    }

    #[test]
    fn usernames_are_those_that_eks_sets() {
        for (resource, kind, username) in [
            ("user/team/bob", STANDARD, format!("{A}:user/team/bob")),
            (
                "role/team/Dev",
                STANDARD,
                "arn:aws:sts::111122223333:assumed-role/Dev/{{SessionName}}".to_owned(),
            ),
            (
                "role/n",
                "EC2_LINUX",
                "system:node:{{EC2PrivateDNSName}}".to_owned(),
            ),
            (
                "role/n",
                "EC2_WINDOWS",
                "system:node:{{EC2PrivateDNSName}}".to_owned(),
            ),
            (
                "role/n",
                "EC2",
                "system:node:{{EC2PrivateDNSName}}".to_owned(),
            ),
            (
                "role/n",
                "FARGATE_LINUX",
                "system:node:{{SessionName}}".to_owned(),
            ),
            (
                "role/n",
                "HYBRID_LINUX",
                "system:node:{{SessionName}}".to_owned(),
            ),
        ] {
            let entry = AccessEntry {
                principal_arn: format!("{A}:{resource}"),
                terms: None,
            };
            assert_eq!(template(&entry, &terms(kind)).username, username, "{kind}");
        }
    }
}
