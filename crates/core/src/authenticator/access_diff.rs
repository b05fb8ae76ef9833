//! How access changes between two documents.

use std::collections::{HashMap, HashSet};

use super::access_entries::template;
use super::{AccessEntries, EntryState, Store, User};
use crate::arn::{Parts, can_match, comparable, fold};
use crate::document::{Document, Principal};
use crate::facts::access_entries::{AccessPolicy, AccessScope};

/// The username to show for the identities of an account: the username of each is its own canonical ARN.
pub const OWN_ARN: &str = "<its own ARN>";

/// How the access of an identity, or of an account's identities, changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessChange {
    /// The ARN as the entry writes it, or the account as mapAccounts writes it.
    pub arn: String,
    /// The user before the change, with unrendered templates. Empty if it had no access; several if the authenticator could pick
    /// any of them.
    pub before: Vec<User>,
    /// The user after the change, in the same form.
    pub after: Vec<User>,
    /// The access policies of its access entry before the change; none if aws-auth applied.
    pub policies_before: Vec<AccessPolicy>,
    /// The same after the change.
    pub policies_after: Vec<AccessPolicy>,
}

impl AccessChange {
    /// Returns whether the identity gets something: another username, a group, a policy, or a wider scope of a policy.
    pub fn gives_access(&self) -> bool {
        let has_user = |user: &User| {
            let mut before = self.before.iter();
            before.any(|had| had.username == user.username && had.is_in(&user.groups))
        };
        let had = self.policies_before.iter();
        let had: HashMap<&str, &AccessScope> = had
            .map(|policy| (policy.arn.as_str(), &policy.scope))
            .collect();
        let has_policy = |policy: &AccessPolicy| {
            let had = had.get(policy.arn.as_str());
            had.is_some_and(|had| includes(had, &policy.scope))
        };
        !self.after.iter().all(has_user) || !self.policies_after.iter().all(has_policy)
    }
}

/// Returns whether a policy with the first scope gives everything that it gives with the second.
fn includes(wide: &AccessScope, narrow: &AccessScope) -> bool {
    match (wide, narrow) {
        (AccessScope::Cluster, _) => true,
        (AccessScope::Namespaces(wide), AccessScope::Namespaces(narrow)) => {
            let wide: HashSet<&String> = wide.iter().collect();
            narrow.iter().all(|namespace| wide.contains(namespace))
        }
        (AccessScope::Namespaces(_), AccessScope::Cluster) => false,
    }
}

/// Returns how access changes between two documents, in time linear in their entries.
///
/// Compares what the authenticator grants. Ignored and shadowed entries grant nothing, and neither do ARNs that no caller can
/// have and `sso` entries, whose feature gate is off by default. An identity without an entry of its own has the access of its
/// account. The order of groups does not matter.
///
/// The result has the order of `before`, then new identities in the order of `after`, then accounts.
pub fn access_diff(before: &Document, after: &Document) -> Vec<AccessChange> {
    access_changes(&Store::new(before), &Store::new(after))
}

/// Returns the same as [`access_diff`], for two stores.
pub(crate) fn access_changes(before: &Store<'_>, after: &Store<'_>) -> Vec<AccessChange> {
    let mut identities = Vec::new();
    let mut accounts = Vec::new();
    for (store, is_new) in [(before, false), (after, true)] {
        for (number, slot) in store.slots().iter().enumerate() {
            if slot.state != EntryState::Effective {
                continue;
            }
            match &slot.mapping.principal {
                Principal::Role(arn) | Principal::User(arn) => {
                    let folded = fold(arn);
                    // One identity may have several entries, and entries in both documents.
                    let first = store.own(&folded).first() == Some(&number);
                    if first && (!is_new || before.own(&folded).is_empty()) {
                        identities.extend(identity_change(arn, &folded, before, after));
                    }
                }
                Principal::Account(account) => {
                    if !is_new || before.account(account).is_none() {
                        let users = (members(before, account), members(after, account));
                        accounts.extend(change(account, users));
                    }
                }
                Principal::Sso(_) => {}
            }
        }
    }
    identities.extend(accounts);
    identities
}

fn identity_change(
    arn: &str,
    folded: &str,
    before: &Store<'_>,
    after: &Store<'_>,
) -> Option<AccessChange> {
    // Most entries do not change: skip them without a copy.
    if let (&[was], &[is]) = (before.own(folded), after.own(folded)) {
        let (was, is) = (before.slots()[was].mapping, after.slots()[is].mapping);
        if was.username == is.username && was.groups() == is.groups() {
            return None;
        }
    }
    if !can_match(arn) {
        return None;
    }
    change(arn, (users(before, arn, folded), users(after, arn, folded)))
}

/// Returns the users that an identity may become.
fn users(store: &Store<'_>, arn: &str, folded: &str) -> Vec<User> {
    let own = store.own(folded);
    if !own.is_empty() {
        let slots = own.iter().map(|&number| &store.slots()[number]);
        return slots.map(|slot| User::from(slot.mapping)).collect();
    }
    Parts::of(arn)
        .map(|parts| members(store, parts.account))
        .unwrap_or_default()
}

/// Returns the users that an account's identities without entries of their own become.
fn members(store: &Store<'_>, account: &str) -> Vec<User> {
    let own = User {
        username: OWN_ARN.to_owned(),
        groups: Vec::new(),
    };
    store.account(account).map(|_| own).into_iter().collect()
}

fn change(arn: &str, (before, after): (Vec<User>, Vec<User>)) -> Option<AccessChange> {
    let same = before == after || grants(&before) == grants(&after);
    (!same).then(|| AccessChange {
        arn: arn.to_owned(),
        before,
        after,
        policies_before: Vec::new(),
        policies_after: Vec::new(),
    })
}

/// The two stores of a cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stores<'a> {
    pub(crate) aws_auth: &'a Store<'a>,
    pub(crate) entries: &'a AccessEntries,
}

/// Returns how the access of principals changes whose access entries change. These are ARNs with IAM paths.
pub(crate) fn entry_access_changes<'a>(
    before: Stores<'_>,
    after: Stores<'_>,
    principals: impl IntoIterator<Item = &'a str>,
) -> Vec<AccessChange> {
    let change = |principal_arn: &str| {
        let (before, policies_before) = before.access(principal_arn);
        let (after, policies_after) = after.access(principal_arn);
        let same = grants(&before) == grants(&after)
            && scopes(&policies_before) == scopes(&policies_after);
        (!same).then(|| AccessChange {
            arn: principal_arn.to_owned(),
            before,
            after,
            policies_before,
            policies_after,
        })
    };
    principals.into_iter().filter_map(change).collect()
}

impl Stores<'_> {
    /// Returns the users that a principal may become, and its access policies.
    fn access(self, principal_arn: &str) -> (Vec<User>, Vec<AccessPolicy>) {
        let arn = comparable(principal_arn);
        if let Some(entry) = self.entries.of(&arn) {
            let terms = entry.terms.as_ref();
            let user = terms.map(|terms| template(entry, terms));
            let policies = terms.map_or(&[][..], |terms| terms.policies());
            return (user.into_iter().collect(), policies.to_vec());
        }
        match self.entries.uses_aws_auth() {
            true => (users(self.aws_auth, &arn, &fold(&arn)), Vec::new()),
            false => (Vec::new(), Vec::new()),
        }
    }
}

/// Returns the namespaces of each policy, `None` for the whole cluster, independently of order.
fn scopes(policies: &[AccessPolicy]) -> Vec<(&str, Option<Vec<&str>>)> {
    let mut all: Vec<_> = policies
        .iter()
        .map(|policy| {
            let namespaces = match &policy.scope {
                AccessScope::Cluster => None,
                AccessScope::Namespaces(names) => {
                    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
                    names.sort_unstable();
                    Some(names)
                }
            };
            (policy.arn.as_str(), namespaces)
        })
        .collect();
    all.sort_unstable();
    all
}

/// Returns what users are granted, independently of the order of users and groups.
fn grants(users: &[User]) -> Vec<(&str, Vec<&str>)> {
    let mut grants: Vec<_> = users
        .iter()
        .map(|user| {
            let mut groups: Vec<&str> = user.groups.iter().map(String::as_str).collect();
            groups.sort_unstable();
            groups.dedup();
            (user.username.as_str(), groups)
        })
        .collect();
    grants.sort_unstable();
    grants.dedup();
    grants
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arn::Identity;
    use crate::authenticator::Options;
    use crate::authenticator::test_documents::{document, entries, list, store};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const DEV: &str = "arn:aws:iam::111122223333:role/Dev";
    const BOB: &str = "arn:aws:iam::111122223333:user/bob";
    const UPPER_BOB: &str = "arn:aws:iam::111122223333:user/BOB";

    fn roles(entries: &[(&str, &str, &[&str])]) -> String {
        list("rolearn", entries)
    }

    fn users(entries: &[(&str, &str, &[&str])]) -> String {
        list("userarn", entries)
    }

    /// Returns each change as `ARN: before → after`, users as `username[groups]`, none as `-`.
    fn diff(before: [&str; 3], after: [&str; 3]) -> Vec<String> {
        let [before, after] =
            [before, after].map(|[roles, users, accounts]| document(roles, users, accounts));
        let show = |users: &[User]| {
            let shown = users
                .iter()
                .map(|user| format!("{}{:?}", user.username, user.groups));
            let shown = shown.collect::<Vec<_>>().join(" or ");
            if shown.is_empty() {
                "-".to_owned()
            } else {
                shown.replace('"', "")
            }
        };
        let changes = access_diff(&before, &after);
        let lines = changes.iter().map(|change| {
            format!(
                "{}: {} → {}",
                change.arn,
                show(&change.before),
                show(&change.after)
            )
        });
        lines.collect()
    }

    #[test]
    fn changes_are_listed_in_document_order() {
        let before = roles(&[
            (DEV, "dev", &["a"]),
            ("arn:aws:iam::111122223333:role/x", "x", &[]),
        ]);
        let after = roles(&[
            ("arn:aws:iam::111122223333:role/new", "n", &["b"]),
            (DEV, "dev", &["a", "b"]),
        ]);
        assert_eq!(
            diff([&before, "", ""], [&after, "", ""]),
            [
                format!("{DEV}: dev[a] → dev[a, b]"),
                "arn:aws:iam::111122223333:role/x: x[] → -".to_owned(),
                "arn:aws:iam::111122223333:role/new: - → n[b]".to_owned(),
            ]
        );
        assert!(diff([&after, "", ""], [&after, "", ""]).is_empty());
    }

    #[test]
    fn entry_without_effect_is_no_change() {
        let before = roles(&[(DEV, "dev", &["a", "b"])]);
        for after in [
            roles(&[(DEV, "dev", &["b", "a", "a"])]),
            roles(&[(DEV, "old", &[]), (&DEV.to_uppercase(), "dev", &["a", "b"])]),
            format!("{before}- username: dropped\n"),
            before.clone()
                + &roles(&[("arn:aws:iam::111122223333:role/team/Dev", "never", &["x"])]),
            before.clone()
                + &roles(&[(
                    "arn:aws:sts::111122223333:assumed-role/Dev/s",
                    "never",
                    &["x"],
                )]),
            format!(
                "{before}- {{sso: {{permissionSetName: A, accountID: '111122223333'}}, username: u}}\n"
            ),
        ] {
            assert!(
                diff([&before, "", ""], [&after, "", ""]).is_empty(),
                "{after}"
            );
        }
    }

    #[test]
    fn unreadable_section_removes_all_access() {
        let before = roles(&[(DEV, "dev", &[])]);
        let broken = format!("{before}- [\n");
        assert_eq!(
            diff([&before, "", ""], [&broken, "", ""]),
            [format!("{DEV}: dev[] → -")]
        );
    }

    #[test]
    fn account_admits_identities_without_an_entry() {
        let entry = roles(&[(DEV, "dev", &["a"])]);
        let account = "- '111122223333'\n";
        assert_eq!(
            diff([&entry, "", account], ["", "", account]),
            [format!("{DEV}: dev[a] → {OWN_ARN}[]")]
        );
        assert_eq!(
            diff([&entry, "", ""], [&entry, "", account]),
            [format!("111122223333: - → {OWN_ARN}[]")]
        );
        assert_eq!(
            diff([&entry, "", account], ["", "", "[]"]),
            [
                format!("{DEV}: dev[a] → -"),
                format!("111122223333: {OWN_ARN}[] → -")
            ]
        );
    }

    #[test]
    fn users_that_differ_in_case_are_one_identity_and_roles_take_precedence() {
        let both = users(&[(BOB, "one", &[]), (UPPER_BOB, "two", &[])]);
        let one = users(&[(BOB, "one", &[])]);
        let role = roles(&[(UPPER_BOB, "role", &[])]);
        assert_eq!(
            diff(["", &both, ""], ["", &one, ""]),
            [format!("{BOB}: one[] or two[] → one[]")]
        );
        assert_eq!(
            diff(["", &one, ""], [&role, &one, ""]),
            [format!("{BOB}: one[] → role[]")]
        );
        assert!(diff([&role, &one, ""], [&role, &both, ""]).is_empty());
    }

    /// Returns the usernames that an identity may get when it signs in.
    fn signed_in(store: &Store<'_>, arn: &str) -> BTreeSet<String> {
        let identity = Identity {
            canonical_arn: arn.to_owned(),
            account: "1".to_owned(),
            user_id: String::new(),
            session_name: String::new(),
            access_key_id: String::new(),
        };
        let candidates = store.lookup(&identity, &Options::default()).candidates;
        let users = candidates
            .into_iter()
            .filter_map(|candidate| candidate.user.ok());
        users.map(|user| user.username).collect()
    }

    proptest! {
        /// An identity with an entry of its own is listed if and only if the result of its sign-in differs.
        #[test]
        fn identity_is_listed_if_its_sign_in_changes(before in entries(), after in entries()) {
            let (before, after) = (store(&before), store(&after));
            let changes = access_changes(&before, &after);
            for arn in ["arn:aws:iam::111122223333:role/Ops", "arn:aws:iam::111122223333:role/ki", "arn:aws:iam::111122223333:role/1"] {
                let differs = signed_in(&before, arn) != signed_in(&after, arn);
                let own = |store: &Store<'_>| !store.own(&fold(arn)).is_empty();
                let listed = changes.iter().any(|change| fold(&change.arn) == fold(arn));
                prop_assert_eq!(listed, differs && (own(&before) || own(&after)), "{}", arn);
            }
        }
    }
}
