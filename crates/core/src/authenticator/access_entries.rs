//! Access entries, which take precedence over aws-auth.

use std::collections::HashMap;
use std::fmt;

use super::User;
use super::template::Values;
use super::{Placeholder, TemplateError};
use crate::arn::{Normalized, Parts, fold, normalize};
use crate::document::Principal;
use crate::facts::access_entries::{AccessEntry, AccessTerms};
use crate::facts::authentication_mode::AuthenticationMode;

/// The access entries of a cluster, indexed by principal.
///
/// They take precedence over aws-auth: if a principal has an access entry, its aws-auth entries have no effect.
/// <https://docs.aws.amazon.com/eks/latest/userguide/migrating-access-entries.html>
#[derive(Clone, Debug)]
pub struct AccessEntries {
    mode: AuthenticationMode,
    entries: Option<Vec<AccessEntry>>,
    /// The indexes of the entries by the folded ARN that their principals sign in with.
    by_arn: HashMap<String, usize>,
}

/// Why an entry of aws-auth has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Override<'a> {
    /// The principal has this access entry.
    AccessEntry(&'a AccessEntry),
    /// The cluster ignores aws-auth.
    Mode,
}

/// The access of an identity through an access entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntryAnswer {
    pub entry: AccessEntry,
    /// The user, or why the login is refused; `None` if EKS did not return the contents of the entry.
    pub user: Option<Result<User, TemplateError>>,
    /// The placeholders in the user whose values are not known.
    pub missing: Vec<Placeholder>,
}

impl AccessEntries {
    /// Indexes the access entries of a cluster with this mode; `None` if they cannot be read. A cluster that uses only aws-auth has none.
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

    /// Returns the access entries after the entries of these principals became these, or were removed.
    #[must_use]
    pub fn with<'a>(
        &self,
        changes: impl IntoIterator<Item = (&'a str, Option<AccessEntry>)>,
    ) -> Self {
        let entries = self.entries.as_ref().map(|entries| {
            let numbered = entries.iter().enumerate();
            let mut places: HashMap<&str, usize> = numbered
                .map(|(at, entry)| (entry.principal_arn.as_str(), at))
                .collect();
            let mut changed: Vec<_> = entries.iter().cloned().map(Some).collect();
            for (principal_arn, entry) in changes {
                let at = *places.entry(principal_arn).or_insert(changed.len());
                match changed.get_mut(at) {
                    Some(place) => *place = entry,
                    None => changed.push(entry),
                }
            }
            changed.into_iter().flatten().collect()
        });
        Self::new(self.mode, entries)
    }

    /// Returns all access entries in EKS's order; `None` if they cannot be read.
    pub fn all(&self) -> Option<&[AccessEntry]> {
        self.entries.as_deref()
    }

    /// Returns the authentication mode.
    pub fn mode(&self) -> AuthenticationMode {
        self.mode
    }

    /// Returns whether aws-auth applies to principals without an access entry.
    pub fn uses_aws_auth(&self) -> bool {
        self.mode != AuthenticationMode::Api
    }

    /// Returns the access entry of the identity that signs in with this ARN. A role's ARN has no IAM path here.
    pub fn of(&self, arn: &str) -> Option<&AccessEntry> {
        let number = *self.by_arn.get(&*fold(arn))?;
        self.entries.as_ref()?.get(number)
    }

    /// Returns why aws-auth does not apply to this ARN or account; `None` if it does.
    pub(crate) fn override_for(&self, arn: &str) -> Option<Override<'_>> {
        match self.of(arn) {
            Some(entry) => Some(Override::AccessEntry(entry)),
            None => (!self.uses_aws_auth()).then_some(Override::Mode),
        }
    }

    /// Returns why an entry of aws-auth for this principal has no effect; `None` if it has one.
    pub fn override_for_principal(&self, principal: &Principal) -> Option<Override<'_>> {
        match principal {
            Principal::Role(arn) | Principal::User(arn) => self.override_for(arn),
            Principal::Account(_) | Principal::Sso(_) => {
                (!self.uses_aws_auth()).then_some(Override::Mode)
            }
        }
    }
}

impl fmt::Display for Override<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccessEntry(entry) => {
                write!(
                    f,
                    "the access entry of {} takes precedence",
                    entry.principal_arn
                )
            }
            Self::Mode => f.write_str("in authentication mode API, the cluster ignores aws-auth"),
        }
    }
}

impl AccessEntryAnswer {
    /// Renders the user of `entry` for an identity with these values.
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

    /// Returns the user, if it is known and can sign in.
    pub fn user(&self) -> Option<&User> {
        self.user.as_ref()?.as_ref().ok()
    }
}

/// Returns the user that an access entry with these terms maps its principal to, with placeholders.
pub fn template(entry: &AccessEntry, terms: &AccessTerms) -> User {
    let username = terms.username.clone();
    User {
        username: username.unwrap_or_else(|| default_username(&entry.principal_arn, terms)),
        groups: terms.groups.clone(),
    }
}

/// Returns the username that EKS sets by default:
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

/// Returns the folded ARN that the principal signs in with: STS reports roles without their path, and role names are unique ignoring case.
pub(super) fn key(principal_arn: &str) -> String {
    match normalize(principal_arn) {
        Normalized::PathDropped { arn, .. } => fold(&arn).into_owned(),
        Normalized::AsGiven | Normalized::Session { .. } => fold(principal_arn).into_owned(),
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
            ..AccessTerms::default()
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
    fn principals_are_found_by_the_arn_that_they_sign_in_with() {
        let resources = ["role/team/a/Dev", "user/team/bob", "role/Ops"];
        let entries = entries(AuthenticationMode::ApiAndConfigMap, &resources);
        for (arn, found) in [
            ("role/Dev", Some("role/team/a/Dev")),
            ("role/DEV", Some("role/team/a/Dev")),
            // STS reports no role path, so an aws-auth entry with a path is never in force and nothing overrides it.
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
    fn mode_decides_whether_access_entries_and_aws_auth_are_used() {
        use AuthenticationMode::{Api, ApiAndConfigMap, ConfigMap};
        let hidden = |mode, arn: &str| {
            let entries = entries(mode, &["role/Ops"]);
            let hidden = entries.override_for(&format!("{A}:{arn}"));
            hidden.map(|hidden| hidden.to_string())
        };
        let by_entry = Some(format!("the access entry of {A}:role/Ops takes precedence"));
        let by_mode = Some("in authentication mode API, the cluster ignores aws-auth".to_owned());
        assert_eq!(hidden(ConfigMap, "role/Ops"), None);
        assert_eq!(hidden(ApiAndConfigMap, "role/Ops"), by_entry);
        assert_eq!(hidden(ApiAndConfigMap, "role/Dev"), None);
        assert_eq!(hidden(Api, "role/Ops"), by_entry);
        assert_eq!(hidden(Api, "role/Dev"), by_mode);

        let account = Principal::Account("111122223333".to_owned());
        let both = entries(ApiAndConfigMap, &["role/Ops"]);
        assert_eq!(both.override_for_principal(&account), None);
        let unread = AccessEntries::new(Api, None);
        assert_eq!(
            unread.override_for_principal(&account),
            Some(Override::Mode)
        );
        assert_eq!(unread.all(), None);
    }

    #[test]
    fn default_usernames_are_those_of_eks() {
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
