//! The entry that an object requests, normalized and validated.

use super::super::config::{Config, OnWithdrawal};
use super::super::mapping_object::{EntryRecord, Spec};
use crate::arn::{Normalized, can_match, equal_fold, fold, normalize, to_lower};
use crate::document::edit::{Edit, Groups};
use crate::document::{Mapping, Principal, SectionName};
use crate::escape::is_invisible;
use crate::facts::accounts::is_account_id;

/// The identity of an entry: its section and the value that the authenticator compares.
pub(super) type Key = (SectionName, String);

impl EntryRecord {
    /// Returns an entry of aws-auth as it was written.
    pub(super) fn of(section: SectionName, mapping: &Mapping) -> Self {
        let is_account = section == SectionName::Accounts;
        Self {
            section,
            key: mapping.principal.text().to_owned(),
            username: match is_account {
                true => String::new(),
                false => mapping.username.clone(),
            },
            groups: match is_account {
                true => Vec::new(),
                false => mapping.groups().to_vec(),
            },
        }
    }

    /// Checks whether a grant covers the entry, and returns what happens to it when that grant is withdrawn.
    ///
    /// # Errors
    /// The same error as [`Config::approve`], if no grant covers the entry.
    pub(super) fn approved_by(&self, config: &Config) -> Result<OnWithdrawal, String> {
        let is_account = self.section == SectionName::Accounts;
        let username = (!is_account).then_some(self.username.as_str());
        config.approve(&self.principal(), username, &self.groups, &[])
    }

    /// Returns the index of the first grant that covers the entry.
    pub(super) fn grant(&self, config: &Config) -> Option<usize> {
        let is_account = self.section == SectionName::Accounts;
        let username = (!is_account).then_some(self.username.as_str());
        config.grant_of(&self.principal(), username, &self.groups)
    }

    /// Returns the key of the entry.
    pub(super) fn key(&self) -> Key {
        (self.section, self.folded_key())
    }

    /// Returns the folded key, independent of the section.
    pub(in super::super) fn folded_key(&self) -> String {
        fold(&self.key).into_owned()
    }

    /// Returns the principal that the entry maps.
    pub(in super::super) fn principal(&self) -> Principal {
        principal(self.section, &self.key)
    }

    /// Returns whether a mapping has the same content; the order of groups does not matter.
    pub(super) fn matches_mapping(&self, mapping: &Mapping) -> bool {
        self.section == SectionName::Accounts
            || (self.username == mapping.username && is_same_set(&self.groups, mapping.groups()))
    }

    /// Returns whether both are the same entry with the same content.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.section == other.section
            && equal_fold(&self.key, &other.key)
            && self.username == other.username
            && is_same_set(&self.groups, &other.groups)
    }

    /// Returns the edit that writes the entry.
    pub(super) fn map(&self) -> Edit {
        let is_account = self.section == SectionName::Accounts;
        Edit::Map {
            principal: self.principal(),
            username: (!is_account).then(|| self.username.clone()),
            groups: match is_account {
                true => Groups::Keep,
                false => Groups::Set(self.groups.clone()),
            },
        }
    }

    /// Returns the edit that removes the entry.
    pub(super) fn unmap(&self) -> Edit {
        Edit::Unmap {
            principal: self.principal(),
            only_line: None,
        }
    }

    /// Converts it to a mapping.
    pub(super) fn mapping(&self) -> Mapping {
        Mapping {
            principal: self.principal(),
            username: self.username.clone(),
            groups: Some(self.groups.clone()),
        }
    }

    /// Describes its content for users.
    pub(in super::super) fn describe(&self) -> String {
        match self.section {
            SectionName::Accounts => format!("account {}", self.key),
            SectionName::Roles | SectionName::Users => {
                format!("{} to {}", self.key, describe(&self.username, &self.groups))
            }
        }
    }
}

/// Describes the resulting user.
pub(super) fn describe(username: &str, groups: &[String]) -> String {
    match groups {
        [] => format!("user {username} without groups"),
        groups => format!("user {username} with groups {}", groups.join(", ")),
    }
}

/// Returns the principal of an entry.
pub(super) fn principal(section: SectionName, key: &str) -> Principal {
    match section {
        SectionName::Roles => Principal::Role(key.to_owned()),
        SectionName::Users => Principal::User(key.to_owned()),
        SectionName::Accounts => Principal::Account(key.to_owned()),
    }
}

/// Returns the entry for a spec with this principal, with the ARN in a form that the authenticator can match.
///
/// # Errors
/// Why the ARN cannot match, and what to write instead; a sentence fragment.
pub(in super::super) fn of(principal: &Principal, spec: &Spec) -> Result<EntryRecord, String> {
    let section = principal.section();
    let key = match principal {
        Principal::Role(arn) => {
            let arn = without_path(arn)?;
            must_match(&arn, ":role/", "role")?;
            arn
        }
        Principal::User(arn) => {
            let arn = without_path(arn)?;
            if arn.contains(":role/") {
                return Err(format!("{arn} is a role: write it in spec.role"));
            }
            must_match(&arn, "", "user")?;
            arn
        }
        Principal::Account(id) if is_account_id(id) => id.clone(),
        Principal::Account(id) => {
            return Err(format!("{id:?} is not a twelve-digit account ID"));
        }
        Principal::Sso(_) => return Err("the role of the permission set is unknown".to_owned()),
    };
    let username = match (section, &spec.username) {
        (SectionName::Accounts, _) => String::new(),
        (_, Some(username)) => text("username", username)?,
        (_, None) => return Err("spec.username is missing".to_owned()),
    };
    let groups = match section {
        SectionName::Accounts => Vec::new(),
        SectionName::Roles | SectionName::Users => {
            let groups = spec.groups.iter();
            groups
                .map(|group| text("group", group))
                .collect::<Result<_, _>>()?
        }
    };
    Ok(EntryRecord {
        section,
        key,
        username,
        groups,
    })
}

fn without_path(arn: &str) -> Result<String, String> {
    match normalize(arn) {
        Normalized::AsGiven => Ok(arn.to_owned()),
        Normalized::PathDropped { arn, .. } => Ok(arn),
        Normalized::Session { role } => Err(format!(
            "{arn} is one session of a role, and only roles can be mapped: write {role} in spec.role to map all its sessions"
        )),
    }
}

fn must_match(arn: &str, part: &str, word: &str) -> Result<(), String> {
    // The authenticator stores it in lower case. For some Unicode characters, that is a different ARN.
    let is_itself = equal_fold(arn, &to_lower(arn));
    let is_visible = !arn.contains(is_invisible);
    match can_match(arn) && is_itself && is_visible && to_lower(arn).contains(part) {
        true => Ok(()),
        false => Err(format!(
            "{arn:?} is not the ARN of a {word} that can sign in: use the form arn:aws:iam::111122223333:{word}/NAME"
        )),
    }
}

fn text(what: &str, text: &str) -> Result<String, String> {
    match text.is_empty() || text.trim() != text || text.contains(is_invisible) {
        true => Err(format!(
            "the {what} {text:?} is empty, starts or ends with white space, or contains a character that is not visible"
        )),
        false => Ok(text.to_owned()),
    }
}

fn is_same_set(one: &[String], other: &[String]) -> bool {
    let contains = |all: &[String], some: &[String]| some.iter().all(|group| all.contains(group));
    one == other || (contains(one, other) && contains(other, one))
}
