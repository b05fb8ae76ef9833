//! Selects entries of aws-auth and access entries by what they contain, and finds the entry that a user probably meant.

use std::collections::HashSet;
use std::fmt;

use crate::access_entries::rules::is_service_linked;
use crate::arn::{Parts, comparable, equal_fold, fold, principal_key};
use crate::authenticator::{AccessEntries, EntryState, Store, User, template};
use crate::document::edit::Edit;
use crate::document::{Document, Principal};
use crate::facts::access_entries::AccessEntry;
use crate::near_name::{misspelled, nearest};
use crate::wildcard_pattern::Pattern;

/// Conditions that an entry must meet. An absent condition is always met.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// Matches the username as written.
    pub username: Option<Pattern>,
    /// Matches one of the groups as written.
    pub group: Option<Pattern>,
    /// The account of the principal.
    pub account: Option<String>,
    /// Matches the ARN, ignoring letter case.
    pub arn: Option<Pattern>,
    /// The principals that did not sign in.
    pub unused: Option<Principals>,
}

/// A set of principals.
#[derive(Clone, Debug)]
pub struct Principals(HashSet<String>);

impl Principals {
    /// Returns the principals with these ARNs and the accounts with these IDs.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(principal_key).collect())
    }

    /// Returns whether an entry for the principal matches the same identities as one of the set.
    fn contains(&self, principal: &Principal) -> bool {
        self.0.contains(&identity(principal))
    }
}

impl Selector {
    /// Returns whether an entry of aws-auth with this principal and user matches the conditions.
    pub fn matches(&self, principal: &Principal, user: &User) -> bool {
        let (arn, account) = match principal {
            Principal::Role(arn) | Principal::User(arn) => (Some(arn.as_str()), account_of(arn)),
            Principal::Sso(sso) => (None, sso.account_id.as_str()),
            Principal::Account(account) => (None, account.as_str()),
        };
        self.matches_user(user)
            && self
                .account
                .as_ref()
                .is_none_or(|selected| selected == account)
            && self.arn.as_ref().is_none_or(|pattern| {
                let pattern = Pattern::new(fold(pattern.text()));
                arn.is_some_and(|arn| pattern.matches(&fold(arn)))
            })
            && self
                .unused
                .as_ref()
                .is_none_or(|unused| unused.contains(principal))
    }

    /// Returns whether an access entry matches the conditions.
    pub fn matches_entry(&self, entry: &AccessEntry) -> bool {
        self.matches(&principal(&entry.principal_arn), &user_of(entry))
    }

    /// Returns whether a condition is an empty string, which an unset variable in a script leaves.
    pub fn has_blank(&self) -> bool {
        let patterns = [&self.username, &self.group, &self.arn];
        let texts = patterns.into_iter().flatten().map(Pattern::text);
        let mut texts = texts.chain(self.account.as_deref());
        texts.any(|text| text.trim().is_empty())
    }

    fn matches_user(&self, user: &User) -> bool {
        let is = |pattern: &Option<Pattern>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
        };
        is(&self.username, &user.username)
            && (self.group.is_none() || user.groups.iter().any(|group| is(&self.group, group)))
    }

    /// Returns the text in the entries that a condition probably was intended to match.
    fn nearest(&self, document: &Document, entries: Option<&AccessEntries>) -> Option<String> {
        let (mut usernames, mut groups, mut arns) = (Vec::new(), Vec::new(), Vec::new());
        for (principal, user) in all(Some(document), entries) {
            usernames.push(user.username);
            groups.extend(user.groups);
            arns.extend(arn_of(&principal).map(str::to_owned));
        }
        let conditions = [
            (&self.username, usernames),
            (&self.group, groups),
            (&self.arn, arns),
        ];
        conditions.iter().find_map(|(pattern, texts)| {
            let typed = pattern.as_ref()?.text();
            let texts = texts.iter().map(String::as_str);
            nearest(typed, texts)
                .filter(|found| *found != typed)
                .map(str::to_owned)
        })
    }
}

/// A change of all entries that match conditions.
#[derive(Clone, Debug)]
pub enum Selection {
    /// Removes the entries, also those without effect.
    Remove(Selector),
    /// Renames a group in the entries that have it, also in those that another one shadows.
    RenameGroup { from: String, to: String },
}

impl Selection {
    /// Returns the edits of aws-auth.
    pub fn edits(&self, document: &Document) -> Vec<Edit> {
        let store = Store::new(document);
        let slots = store.slots().iter();
        let selected = slots.filter(|slot| {
            let is_kept = !matches!(slot.state, EntryState::Ignored { .. });
            match self {
                Self::Remove(selector) => {
                    selector.matches(&slot.mapping.principal, &User::from(slot.mapping))
                }
                Self::RenameGroup { from, .. } => is_kept && slot.mapping.groups().contains(from),
            }
        });
        let selected = selected.map(|slot| {
            let only_line = match self {
                Self::Remove(_) => Some(slot.place.line),
                Self::RenameGroup { .. } => None,
            };
            (&slot.mapping.principal, only_line)
        });
        let mut seen = HashSet::new();
        let distinct = selected.filter(|edit| seen.insert(*edit));
        distinct
            .map(|(principal, only_line)| self.edit(principal.clone(), only_line))
            .collect()
    }

    /// Returns the edits of access entries.
    pub fn entry_edits(&self, entries: &AccessEntries) -> Vec<Edit> {
        let entries = entries.all().unwrap_or_default().iter();
        let selected = entries.filter(|entry| match self {
            Self::Remove(selector) => selector.matches_entry(entry),
            Self::RenameGroup { from, .. } => user_of(entry).groups.contains(from),
        });
        selected
            .map(|entry| self.edit(principal(&entry.principal_arn), None))
            .collect()
    }

    fn edit(&self, principal: Principal, only_line: Option<usize>) -> Edit {
        match self {
            Self::Remove(_) => Edit::Unmap {
                principal,
                only_line,
            },
            Self::RenameGroup { from, to } => Edit::RenameGroup {
                principal,
                from: from.clone(),
                to: to.clone(),
            },
        }
    }

    /// Returns the text in the entries that a condition probably was intended to match.
    pub fn nearest(&self, document: &Document, entries: Option<&AccessEntries>) -> Option<String> {
        match self {
            Self::Remove(selector) => selector.nearest(document, entries),
            Self::RenameGroup { from, .. } => {
                let selector = Selector {
                    group: Some(from.as_str().into()),
                    ..Selector::default()
                };
                selector.nearest(document, entries)
            }
        }
    }
}

impl fmt::Display for Selection {
    /// Describes the entries that it selects, after "no entry".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let selector = match self {
            Self::Remove(selector) => selector,
            Self::RenameGroup { from, .. } => return write!(f, "has group {from}"),
        };
        let text = |pattern: &Option<Pattern>| Some(pattern.as_ref()?.text().to_owned());
        let conditions = [
            ("--username", text(&selector.username)),
            ("--group", text(&selector.group)),
            ("--account", selector.account.clone()),
            ("--arn", text(&selector.arn)),
        ];
        let conditions = conditions.into_iter();
        let conditions = conditions.filter_map(|(flag, text)| Some(format!("{flag} {}", text?)));
        let unused = selector.unused.as_ref().map(|_| "--unused".to_owned());
        let conditions: Vec<String> = unused.into_iter().chain(conditions).collect();
        write!(f, "matches {}", conditions.join(" and "))
    }
}

/// Returns the principal of an entry that probably was intended by one that has no entry: the role without its IAM path, the ARN in the
/// other list, or a similar name.
pub fn near_principal(
    missing: &Principal,
    document: Option<&Document>,
    entries: Option<&AccessEntries>,
) -> Option<Principal> {
    let arn = arn_of(missing)?;
    let compared = comparable(arn);
    let others = all(document, entries).map(|(principal, _)| principal);
    let others: Vec<Principal> = others.filter(|other| arn_of(other).is_some()).collect();
    let mut known = others.iter();
    if let Some(same) = known.find(|other| equal_fold(other.text(), &compared)) {
        return Some(same.clone());
    }
    let found = misspelled(arn, others.iter().map(Principal::text))?;
    others.iter().find(|other| other.text() == found).cloned()
}

/// Returns the role or user that aws-auth maps and whose name, the last part of its ARN, is this one or the most similar one; `None` if
/// there are several.
pub fn principal_named(name: &str, document: &Document) -> Option<Principal> {
    let principals = all(Some(document), None).map(|(principal, _)| principal);
    let principals: Vec<Principal> = principals.filter(|one| arn_of(one).is_some()).collect();
    let name_of = |one: &'_ Principal| one.text().rsplit('/').next().map(str::to_owned);
    let names: Vec<String> = principals.iter().filter_map(name_of).collect();
    let found = nearest(name, names.iter().map(String::as_str))?;
    let mut named = principals
        .iter()
        .filter(|one| name_of(one).as_deref() == Some(found));
    let first = named.next()?;
    named.next().is_none().then(|| first.clone())
}

/// Returns the principals that aws-auth maps and that are not `mentioned`, in the order of the document.
pub fn unmentioned_mappings(mentioned: &[Principal], document: &Document) -> Vec<Principal> {
    let mut seen: HashSet<String> = mentioned.iter().map(identity).collect();
    let store = Store::new(document);
    let slots = store.slots().iter();
    let kept = slots.filter(|slot| !matches!(slot.state, EntryState::Ignored { .. }));
    let principals = kept.map(|slot| &slot.mapping.principal);
    let unmentioned = principals.filter(|principal| seen.insert(identity(principal)));
    unmentioned.cloned().collect()
}

/// Returns the access entries of principals that are not `mentioned`, without those of EKS itself.
pub fn unmentioned_entries<'a>(
    mentioned: &[Principal],
    entries: &'a AccessEntries,
) -> Vec<&'a AccessEntry> {
    let mentioned: HashSet<String> = mentioned.iter().map(identity).collect();
    let entries = entries.all().unwrap_or_default().iter();
    let unmentioned = entries.filter(|entry| {
        let arn = &entry.principal_arn;
        !mentioned.contains(&identity(&principal(arn)))
            && !Parts::of(arn).is_some_and(|role| is_service_linked(&role))
    });
    unmentioned.collect()
}

/// Returns a key that is the same for principals that match the same identities.
fn identity(principal: &Principal) -> String {
    match principal {
        Principal::Role(arn) | Principal::User(arn) => principal_key(arn),
        Principal::Account(account) => account.clone(),
        Principal::Sso(sso) => format!("{}/{}", sso.account_id, sso.permission_set_name),
    }
}

/// Returns the principals and users of all entries of both stores.
fn all(
    document: Option<&Document>,
    entries: Option<&AccessEntries>,
) -> impl Iterator<Item = (Principal, User)> {
    let sections = document.into_iter().flat_map(Document::sections);
    let mapped = sections.flat_map(|section| section.entries());
    let mapped = mapped.map(|entry| {
        let mapping = entry.written_mapping();
        (mapping.principal.clone(), User::from(mapping))
    });
    let entries = entries.and_then(AccessEntries::all).unwrap_or_default();
    let entries = entries
        .iter()
        .map(|entry| (principal(&entry.principal_arn), user_of(entry)));
    mapped.chain(entries)
}

fn arn_of(principal: &Principal) -> Option<&str> {
    match principal {
        Principal::Role(arn) | Principal::User(arn) => Some(arn),
        Principal::Account(_) | Principal::Sso(_) => None,
    }
}

/// Returns the principal of an access entry.
fn principal(arn: &str) -> Principal {
    match Parts::of(arn) {
        Some(parts) if parts.is("iam", "user") => Principal::User(arn.to_owned()),
        _ => Principal::Role(arn.to_owned()),
    }
}

/// Returns the user of an access entry with unrendered templates; an empty one if EKS does not return it.
fn user_of(entry: &AccessEntry) -> User {
    let terms = entry.terms.as_ref();
    terms
        .map(|terms| template(entry, terms))
        .unwrap_or_default()
}

fn account_of(arn: &str) -> &str {
    Parts::of(arn).map_or("", |parts| parts.account)
}
