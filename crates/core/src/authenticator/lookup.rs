//! Looks up an identity as the authenticator does.

use super::template::{PrivateDnsName, Values};
use super::{Place, Store, TemplateError, User};
use crate::arn::{Identity, to_lower};
use std::collections::BTreeMap;

/// The authenticator's answer to an identity that no entry matches.
pub const NOT_MAPPED: &str = "identity is not mapped";

/// The authenticator's configuration, and what EC2 reports to it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether the alpha feature gate `SSORoleMatch` is on. It is off by default.
    pub sso_gate: bool,
    /// The private DNS name of each EC2 instance, by instance ID.
    pub private_dns_names: BTreeMap<String, String>,
}

/// The result for an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Empty if the login is refused with [`NOT_MAPPED`]. One if that entry applies. Several if the authenticator picks any of
    /// them, possibly a different one at the next login.
    pub candidates: Vec<Candidate>,
}

/// The result for an identity if this entry applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The entry.
    pub place: Place,
    /// The user it becomes, or why the login is refused.
    pub user: Result<User, TemplateError>,
}

impl Store<'_> {
    /// Looks up an identity as the authenticator does. The time does not depend on the number of entries.
    pub fn lookup(&self, identity: &Identity, options: &Options) -> Verdict {
        let subject = to_lower(&identity.canonical_arn);
        let values = Values {
            account: &identity.account,
            session_name: Some(&identity.session_name),
            access_key_id: Some(&identity.access_key_id),
            private_dns_name: PrivateDnsName::Of(&options.private_dns_names),
        };
        let mut candidates: Vec<Candidate> = self
            .matching(&subject, options.sso_gate)
            .into_iter()
            .map(|slot| Candidate {
                place: slot.place,
                user: values.render(&User::from(slot.mapping), &mut Vec::new()),
            })
            .collect();
        // An entry that matches but cannot be rendered does not fall back to the account.
        if candidates.is_empty()
            && let Some(slot) = self.account(&identity.account)
        {
            let user = User {
                username: identity.canonical_arn.clone(),
                groups: Vec::new(),
            };
            candidates.push(Candidate {
                place: slot.place,
                user: Ok(user),
            });
        }
        Verdict { candidates }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arn::equal_fold;
    use crate::authenticator::test_documents::{entries, store};
    use crate::document::{Mapping, Principal, SectionName, Status};
    use proptest::prelude::*;

    /// Returns the indexes of the entries that may apply, by a linear search through the stored entries.
    fn model(entries: &[(SectionName, Status)], identity: &Identity) -> Vec<usize> {
        let subject = to_lower(&identity.canonical_arn);
        let mut stored: Vec<(usize, SectionName, String)> = Vec::new();
        for (index, (section, status)) in entries.iter().enumerate() {
            let Status::Kept(Mapping { principal, .. }) = status else {
                continue;
            };
            let (Principal::Role(arn) | Principal::User(arn) | Principal::Account(arn)) = principal
            else {
                continue;
            };
            stored.retain(|(_, other, earlier)| {
                other != section
                    || match section {
                        SectionName::Roles => to_lower(earlier) != to_lower(arn),
                        _ => earlier != arn,
                    }
            });
            stored.push((index, *section, arn.clone()));
        }
        let of = |section, matches: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let found = stored
                .iter()
                .filter(|(_, other, arn)| *other == section && matches(arn));
            found.map(|(index, ..)| *index).collect()
        };
        let roles = of(SectionName::Roles, &|arn| equal_fold(arn, &subject));
        let users = of(SectionName::Users, &|arn| equal_fold(arn, &subject));
        let accounts = of(SectionName::Accounts, &|account| {
            account == identity.account
        });
        [roles, users, accounts]
            .into_iter()
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    proptest! {
        #[test]
        fn lookup_finds_the_same_entries_as_a_linear_search(
            entries in entries(),
            name in prop::sample::select(vec!["ops", "Ops", "kI", "kİ", "K\u{131}", "1"]),
            account in prop::sample::select(vec!["1", ""]),
        ) {
            let identity = Identity {
                canonical_arn: format!("arn:aws:iam::1:role/{name}"),
                account: account.to_owned(),
                user_id: String::new(),
                session_name: String::new(),
                access_key_id: String::new(),
            };
            let store = store(&entries);
            let verdict = store.lookup(&identity, &Options::default());
            let found: Vec<usize> = verdict.candidates.iter().map(|found| found.place.index).collect();
            prop_assert_eq!(found, model(&entries, &identity));
        }
    }
}
