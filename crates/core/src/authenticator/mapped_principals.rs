//! Every principal that can sign in, and the user that it becomes.

use std::collections::HashMap;

use super::template::{PrivateDnsName, Values};
use super::{
    AccessEntries, AccessEntryAnswer, EntryState, OWN_ARN, Placeholder, Slot, Store, User,
};
use crate::arn::{Kind, Parts, can_match, canonical, fold};
use crate::document::Principal;
use crate::facts::access_entries::AccessEntry;

/// A principal, or all principals of an account without a mapping of their own, that can sign in.
#[derive(Debug)]
pub struct MappedPrincipal<'a> {
    pub by: MappedBy<'a>,
    /// The user. The username of an account's principals is [`OWN_ARN`]. `None` if EKS did not return the access entry.
    pub user: Option<User>,
    /// The placeholders in the user, whose values each session has.
    pub missing: Vec<Placeholder>,
    /// Whether the authenticator may use another entry for the same principal.
    pub has_alternative: bool,
}

/// The source of a mapping.
#[derive(Clone, Copy, Debug)]
pub enum MappedBy<'a> {
    /// An entry of aws-auth.
    AwsAuth(&'a Slot<'a>),
    AccessEntry(&'a AccessEntry),
}

impl<'a> MappedPrincipal<'a> {
    /// Returns the ARN of the principal, or the account, as the entry writes it.
    pub fn name(&self) -> &'a str {
        match self.by {
            MappedBy::AwsAuth(slot) => slot.mapping.principal.text(),
            MappedBy::AccessEntry(entry) => &entry.principal_arn,
        }
    }

    /// Returns the account, if this is a mapping of all principals of an account.
    pub fn whole_account(&self) -> Option<&'a str> {
        match self.by {
            MappedBy::AwsAuth(slot) => match &slot.mapping.principal {
                Principal::Account(account) => Some(account),
                _ => None,
            },
            MappedBy::AccessEntry(_) => None,
        }
    }

    /// Returns the account of the principal.
    pub fn account(&self) -> &'a str {
        account(self.name())
    }
}

/// Every principal that can sign in.
#[derive(Debug)]
pub struct MappedPrincipals<'a> {
    store: &'a Store<'a>,
    access_entries: Option<&'a AccessEntries>,
    all: Vec<MappedPrincipal<'a>>,
}

impl<'a> MappedPrincipals<'a> {
    /// Returns every principal that can sign in: through an entry of aws-auth in force, in its order, then through an access
    /// entry. Leaves out entries that no principal can match, and principals whose login always fails. `sso` entries need a
    /// feature gate that is off by default.
    pub fn of(store: &'a Store<'a>, access_entries: Option<&'a AccessEntries>) -> Self {
        let mut entries_of: HashMap<_, usize> = HashMap::new();
        for (arn, _) in store.in_force() {
            *entries_of.entry(fold(arn)).or_default() += 1;
        }
        let is_hidden = |principal: &Principal| {
            let hidden = access_entries.and_then(|all| all.override_for_principal(principal));
            hidden.is_some()
        };
        let in_force = store.slots().iter().filter(|slot| {
            slot.state == EntryState::Effective && !is_hidden(&slot.mapping.principal)
        });
        let by_aws_auth = in_force.filter_map(|slot| {
            let count = entries_of.get(&fold(slot.mapping.principal.text()));
            of_slot(slot, count.is_some_and(|&count| count > 1))
        });
        let entries = access_entries.and_then(AccessEntries::all);
        let by_access_entry = entries.unwrap_or_default().iter().filter_map(of_entry);
        Self {
            store,
            access_entries,
            all: by_aws_auth.chain(by_access_entry).collect(),
        }
    }

    /// Returns all principals.
    pub fn all(&self) -> &[MappedPrincipal<'a>] {
        &self.all
    }

    /// Returns whether the principal that signs in with exactly this ARN can do so only through the mapping of its account.
    pub(crate) fn depends_on_account(&self, arn: &str) -> bool {
        let is_canonical = canonical(arn).is_ok_and(|canonical| canonical.arn == arn);
        let hidden = self.access_entries.and_then(|all| all.override_for(arn));
        is_canonical && can_match(arn) && hidden.is_none() && self.store.own(&fold(arn)).is_empty()
    }
}

fn of_slot<'a>(slot: &'a Slot<'a>, has_alternative: bool) -> Option<MappedPrincipal<'a>> {
    let mut missing = Vec::new();
    let user = match &slot.mapping.principal {
        Principal::Role(arn) | Principal::User(arn) if can_match(arn) => {
            let user = values(arn).render(&User::from(slot.mapping), &mut missing);
            user.ok()?
        }
        Principal::Account(_) => User {
            username: OWN_ARN.to_owned(),
            groups: Vec::new(),
        },
        _ => return None,
    };
    Some(MappedPrincipal {
        by: MappedBy::AwsAuth(slot),
        user: Some(user),
        missing,
        has_alternative,
    })
}

fn of_entry(entry: &AccessEntry) -> Option<MappedPrincipal<'_>> {
    let answer = AccessEntryAnswer::new(entry, &values(&entry.principal_arn));
    Some(MappedPrincipal {
        by: MappedBy::AccessEntry(entry),
        user: answer.user.transpose().ok()?,
        missing: answer.missing,
        has_alternative: false,
    })
}

/// Returns the values that every session of a principal has.
fn values(arn: &str) -> Values<'_> {
    let is_role = canonical(arn).is_ok_and(|canonical| canonical.kind == Kind::Role);
    Values {
        account: account(arn),
        session_name: (!is_role).then_some(""),
        access_key_id: None,
        private_dns_name: PrivateDnsName::Unknown,
    }
}

/// Returns the account of an ARN; an account itself is returned as it is.
fn account(name: &str) -> &str {
    Parts::of(name).map_or(name, |parts| parts.account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticator::test_documents::{document, list};
    use crate::facts::access_entries::AccessTerms;
    use crate::facts::authentication_mode::AuthenticationMode;

    const A: &str = "arn:aws:iam::111122223333";

    /// Returns `NAME: USERNAME[GROUPS]` for each mapped principal, with `?` if there are alternatives.
    fn shown(
        roles: &str,
        users: &str,
        accounts: &str,
        entries: Option<&AccessEntries>,
    ) -> Vec<String> {
        let document = document(roles, users, accounts);
        let store = Store::new(&document);
        let show = |mapped: &MappedPrincipal<'_>| {
            let user = mapped.user.as_ref().unwrap();
            let name = mapped.name().trim_start_matches(A).to_owned();
            let alternative = if mapped.has_alternative { "?" } else { "" };
            format!("{name}: {}{:?}{alternative}", user.username, user.groups)
        };
        let all = MappedPrincipals::of(&store, entries);
        all.all().iter().map(show).collect()
    }

    #[test]
    fn principals_in_force_are_admitted() {
        let roles = list(
            "rolearn",
            &[
                (&format!("{A}:role/Dev"), "old", &[]),
                (
                    &format!("{A}:role/dev"),
                    "dev:{{AccountID}}:{{SessionName}}",
                    &["g"],
                ),
                (&format!("{A}:role/team/never"), "n", &[]),
            ],
        );
        let users = list(
            "userarn",
            &[
                (&format!("{A}:user/bob"), "bob-{{SessionName}}", &[]),
                (&format!("{A}:user/BOB"), "other", &[]),
                (&format!("{A}:user/host"), "{{EC2PrivateDNSName}}", &[]),
            ],
        );
        assert_eq!(
            shown(&roles, &users, "- '111122223333'\n", None),
            [
                ":role/dev: dev:111122223333:{{SessionName}}[\"g\"]",
                ":user/bob: bob-[]?",
                ":user/BOB: other[]?",
                "111122223333: <its own ARN>[]",
            ]
        );
    }

    #[test]
    fn access_entries_come_before_aws_auth() {
        let roles = list(
            "rolearn",
            &[
                (&format!("{A}:role/Dev"), "dev", &[]),
                (&format!("{A}:role/Ops"), "ops", &[]),
            ],
        );
        let entry = AccessEntry {
            principal_arn: format!("{A}:role/team/Dev"),
            terms: Some(AccessTerms {
                groups: vec!["devs".to_owned()],
                ..AccessTerms::default()
            }),
        };
        let entries = |mode| AccessEntries::new(mode, Some(vec![entry.clone()]));
        let by_entry =
            ":role/team/Dev: arn:aws:sts::111122223333:assumed-role/Dev/{{SessionName}}[\"devs\"]";
        let both = entries(AuthenticationMode::ApiAndConfigMap);
        assert_eq!(
            shown(&roles, "", "", Some(&both)),
            [":role/Ops: ops[]", by_entry]
        );
        let api = entries(AuthenticationMode::Api);
        assert_eq!(shown(&roles, "", "- '1'\n", Some(&api)), [by_entry]);
    }

    #[test]
    fn principal_with_an_entry_does_not_depend_on_its_account() {
        let roles = list("rolearn", &[(&format!("{A}:role/dev"), "dev", &[])]);
        let document = document(&roles, "", "- '111122223333'\n");
        let store = Store::new(&document);
        let all = MappedPrincipals::of(&store, None);
        for (resource, expected) in [
            ("role/Dev", false),
            ("role/Ops", true),
            ("role/team/Ops", false),
            ("user/team/bob", true),
            ("root", true),
            ("group/ops", false),
        ] {
            let arn = format!("{A}:{resource}");
            assert_eq!(all.depends_on_account(&arn), expected, "{arn}");
        }
    }
}
