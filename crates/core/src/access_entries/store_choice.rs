//! Which of the two stores an edit changes.

use crate::arn::{comparable, is_same_principal};
use crate::authenticator::{AccessEntries, Store as AwsAuthStore};
use crate::document::edit::Edit;
use crate::document::{Document, Principal};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::permission_set::deleted_entries;

/// A place where access is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    AwsAuth,
    AccessEntries,
}

/// The store that the user chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreChoice {
    /// The store that the authentication mode reads. If it reads both, the one that has the principal.
    #[default]
    Auto,
    Only(Store),
}

impl StoreChoice {
    /// Returns whether a change of all mappings changes aws-auth, in a cluster with these access entries.
    pub fn includes_aws_auth(self, entries: Option<&AccessEntries>) -> bool {
        match self {
            Self::Only(store) => store == Store::AwsAuth,
            Self::Auto => entries.is_none_or(AccessEntries::uses_aws_auth),
        }
    }

    /// Returns whether a change of all mappings changes access entries.
    pub fn includes_entries(self) -> bool {
        self != Self::Only(Store::AwsAuth)
    }
}

/// Returns the store that an edit changes in [`StoreChoice::Auto`], in a cluster with these access entries.
///
/// If the cluster reads both stores, a mapping changes the access entry, which decides, and a removal first removes what is
/// in aws-auth. A principal that is in none is mapped in aws-auth. `is_permission_set` is whether the edit maps the role of a permission
/// set: if it is in none, the access entry of a deleted role of the set decides, as it is to be replaced.
pub fn store_for(
    edit: &Edit,
    document: &Document,
    entries: &AccessEntries,
    is_permission_set: bool,
) -> Store {
    match entries.mode() {
        AuthenticationMode::ConfigMap => return Store::AwsAuth,
        AuthenticationMode::Api => return Store::AccessEntries,
        AuthenticationMode::ApiAndConfigMap => {}
    }
    let (Principal::Role(arn) | Principal::User(arn)) = edit.principal() else {
        return Store::AwsAuth;
    };
    let has_entry = entries.of(&comparable(arn)).is_some();
    let stays_in_aws_auth = match edit {
        Edit::Map { .. } if is_permission_set => {
            let replaces = || !deleted_entries(arn, entries).is_empty();
            !has_entry && (is_in_aws_auth(arn, document) || !replaces())
        }
        Edit::Map { .. } | Edit::RenameGroup { .. } => !has_entry,
        Edit::Unmap { .. } => !has_entry || is_in_aws_auth(arn, document),
    };
    match stays_in_aws_auth {
        true => Store::AwsAuth,
        false => Store::AccessEntries,
    }
}

/// Returns whether aws-auth has an entry for this principal, also one without effect.
fn is_in_aws_auth(arn: &str, document: &Document) -> bool {
    let store = AwsAuthStore::new(document);
    store
        .slots()
        .iter()
        .any(|slot| match &slot.mapping.principal {
            Principal::Role(other) | Principal::User(other) => is_same_principal(other, arn),
            Principal::Account(_) | Principal::Sso(_) => false,
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::document::edit::Groups;
    use crate::facts::access_entries::AccessEntry;

    const A: &str = "arn:aws:iam::111122223333:role";

    #[test]
    fn edits_change_the_store_that_has_the_principal() {
        use AuthenticationMode::{Api, ApiAndConfigMap, ConfigMap};
        let texts = BTreeMap::from([(
            "mapRoles".to_owned(),
            format!(
                "- {{rolearn: {A}/both, username: x}}\n- {{rolearn: {A}/mapped, username: x}}\n"
            ),
        )]);
        let document = Document::read(&texts);
        let store = |mode, name: &str, is_map| {
            let entries = ["team/both", "entry"].map(|name| AccessEntry {
                principal_arn: format!("{A}/{name}"),
                terms: None,
            });
            let principal = Principal::Role(format!("{A}/{name}"));
            let edit = match is_map {
                true => Edit::Map {
                    principal,
                    username: None,
                    groups: Groups::Keep,
                },
                false => Edit::Unmap {
                    principal,
                    only_line: None,
                },
            };
            store_for(
                &edit,
                &document,
                &AccessEntries::new(mode, Some(entries.into())),
                false,
            )
        };
        for name in ["both", "mapped", "entry", "new"] {
            for is_map in [true, false] {
                assert_eq!(store(ConfigMap, name, is_map), Store::AwsAuth);
                assert_eq!(store(Api, name, is_map), Store::AccessEntries);
            }
        }
        for (name, map, unmap) in [
            ("both", Store::AccessEntries, Store::AwsAuth),
            ("other/both", Store::AccessEntries, Store::AwsAuth),
            ("mapped", Store::AwsAuth, Store::AwsAuth),
            ("entry", Store::AccessEntries, Store::AccessEntries),
            ("new", Store::AwsAuth, Store::AwsAuth),
        ] {
            assert_eq!(store(ApiAndConfigMap, name, true), map, "map {name}");
            assert_eq!(store(ApiAndConfigMap, name, false), unmap, "unmap {name}");
        }
    }
}
