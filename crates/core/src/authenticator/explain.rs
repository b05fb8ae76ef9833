//! Explains which Kubernetes user an identity becomes.

#[cfg(test)]
mod tests;

use super::near_match::{self, NearMatch};
use super::template::{PrivateDnsName, Values};
use super::{
    AccessEntries, AccessEntryAnswer, EntryState, NOT_MAPPED, Override, Place, Placeholder, Store,
    TemplateError, User, sso,
};
use crate::arn::{ArnError, Kind, Normalized, Parts, canonical, equal_fold, normalize, to_lower};
use crate::document::{Document, Principal};

/// The identity to explain, and what is known about it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    /// The ARN of a role, user, root user, role session or federated user.
    pub arn: &'a str,
    /// The session name. The ARN of a session contains it; only roles have sessions.
    pub session_name: Option<&'a str>,
    pub access_key_id: Option<&'a str>,
    /// The private DNS name of the EC2 instance that signs in.
    pub private_dns_name: Option<&'a str>,
    /// The account that STS reports; if `None`, that of the ARN.
    pub account: Option<&'a str>,
    /// Whether the alpha feature gate `SSORoleMatch` is on.
    pub sso_gate: bool,
    /// The cluster's access entries, which take precedence over aws-auth; `None` if unknown.
    pub access_entries: Option<&'a AccessEntries>,
}

/// What an identity becomes, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The ARN of the question.
    pub arn: String,
    /// The ARN that the authenticator compares. A role's has no IAM path, because STS does not report it.
    pub canonical_arn: String,
    /// The access entry that applies. If there is one, no aws-auth entry applies.
    pub access_entry: Option<AccessEntryAnswer>,
    /// Whether aws-auth applies to principals without an access entry.
    pub uses_aws_auth: bool,
    /// The result of each entry of aws-auth that may apply: none, one, or several of which the authenticator picks any.
    pub answers: Vec<Answer>,
    /// The entries for this identity that have no effect because another entry or an access entry applies, or the cluster ignores
    /// aws-auth.
    pub shadowed: Vec<Place>,
    /// The entries that nearly match, nearest first; filled if no role or user entry applies.
    pub near: Vec<NearMatch>,
}

/// The result of one entry for an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The entry.
    pub place: Place,
    /// The user, or why the login is refused.
    pub user: Result<User, TemplateError>,
    /// The placeholders in the user whose values the question does not give.
    pub missing: Vec<Placeholder>,
}

impl Explanation {
    /// Returns whether the identity can sign in, whichever entry applies.
    pub fn allowed(&self) -> bool {
        if let Some(mapped) = &self.access_entry {
            return !matches!(mapped.user, Some(Err(_)));
        }
        !self.answers.is_empty() && self.answers.iter().all(|answer| answer.user.is_ok())
    }

    /// Returns the users that the identity may become, each with its unresolved placeholders.
    pub fn users(&self) -> impl Iterator<Item = (&User, &[Placeholder])> {
        let mapped = self.access_entry.iter();
        let mapped = mapped.filter_map(|by| Some((by.user()?, by.missing.as_slice())));
        let answers = self.answers.iter();
        let answers =
            answers.filter_map(|by| Some((by.user.as_ref().ok()?, by.missing.as_slice())));
        mapped.chain(answers)
    }

    /// Returns why the login is refused, or why the answer is incomplete; `None` if neither applies.
    pub fn reason(&self) -> Option<String> {
        if let Some(mapped) = &self.access_entry {
            return match &mapped.user {
                None => Some("the contents of its access entry are unknown".to_owned()),
                Some(Err(error)) => Some(error.cause.to_string()),
                Some(Ok(_)) => required_flags(&mapped.missing),
            };
        }
        if !self.uses_aws_auth {
            return Some(format!("{NOT_MAPPED}: {}", Override::Mode));
        }
        let [answer] = self.answers.as_slice() else {
            return Some(match self.answers.len() {
                0 => NOT_MAPPED.to_owned(),
                count => format!("{count} entries match, and the authenticator picks any of them"),
            });
        };
        if let Err(error) = &answer.user {
            return Some(error.to_string());
        }
        required_flags(&answer.missing)
    }
}

/// Returns which flags set the values of these placeholders.
fn required_flags(missing: &[Placeholder]) -> Option<String> {
    let flags: Vec<String> = missing
        .iter()
        .filter_map(|&missing| Some(format!("{} needs {}", missing.text(), flag(missing)?)))
        .collect();
    (!flags.is_empty()).then(|| flags.join(", "))
}

/// Returns the flag that sets the value of a placeholder; `None` for the account, which is always known.
fn flag(placeholder: Placeholder) -> Option<&'static str> {
    match placeholder {
        Placeholder::Ec2PrivateDnsName => Some("--private-dns-name"),
        Placeholder::SessionName | Placeholder::SessionNameRaw => Some("--session-name"),
        Placeholder::AccessKeyId => Some("--access-key-id"),
        Placeholder::AccountId => None,
    }
}

/// Explains which user an identity becomes through access entries and aws-auth, and which entries nearly match it.
///
/// # Errors
/// If no caller can have the ARN. The message is the authenticator's.
pub fn explain(document: &Document, question: &Question<'_>) -> Result<Explanation, ArnError> {
    explain_in(document, &Store::new(document), question)
}

/// Returns the same as [`explain`], with the store of the document.
pub(crate) fn explain_in(
    document: &Document,
    store: &Store<'_>,
    question: &Question<'_>,
) -> Result<Explanation, ArnError> {
    let given = canonical(question.arn)?;
    // Consoles and the IAM API show a role's path; the caller's ARN has none.
    let canonical_arn = match normalize(&given.arn) {
        Normalized::PathDropped { arn, .. } => arn,
        Normalized::AsGiven | Normalized::Session { .. } => given.arn,
    };
    let account = question
        .account
        .or_else(|| Parts::of(&canonical_arn).map(|parts| parts.account))
        .unwrap_or_default();
    let values = Values {
        account,
        session_name: session_name(given.kind, question),
        access_key_id: question.access_key_id,
        private_dns_name: question
            .private_dns_name
            .map_or(PrivateDnsName::Unknown, PrivateDnsName::Given),
    };
    let subject = to_lower(&canonical_arn);
    let mut answers: Vec<Answer> = store
        .matching(&subject, question.sso_gate)
        .into_iter()
        .map(|slot| {
            let mut missing = Vec::new();
            let user = values.render(&User::from(slot.mapping), &mut missing);
            Answer {
                place: slot.place,
                user,
                missing,
            }
        })
        .collect();
    let hidden = question
        .access_entries
        .and_then(|entries| entries.override_for(&canonical_arn));
    let mut near = Vec::new();
    if answers.is_empty() && hidden.is_none() {
        near = near_match::find(
            document,
            store,
            &near_match::Subject::new(&canonical_arn, account),
        );
        answers.extend(store.account(account).map(|slot| Answer {
            place: slot.place,
            user: Ok(User {
                username: canonical_arn.clone(),
                groups: Vec::new(),
            }),
            missing: Vec::new(),
        }));
    }
    let mut shadowed = shadowed(store, &subject, account, question.sso_gate);
    let access_entry = match hidden {
        Some(Override::AccessEntry(entry)) => Some(AccessEntryAnswer::new(entry, &values)),
        Some(Override::Mode) | None => None,
    };
    if hidden.is_some() {
        let account = store.account(account).filter(|_| answers.is_empty());
        let account = account.map(|slot| slot.place);
        shadowed.extend(answers.drain(..).map(|answer| answer.place).chain(account));
        shadowed.sort_unstable_by_key(|place| (place.section as usize, place.index));
    }
    Ok(Explanation {
        arn: question.arn.to_owned(),
        canonical_arn,
        access_entry,
        uses_aws_auth: question
            .access_entries
            .is_none_or(AccessEntries::uses_aws_auth),
        answers,
        shadowed,
        near,
    })
}

fn session_name<'a>(kind: Kind, question: &Question<'a>) -> Option<&'a str> {
    match kind {
        Kind::User | Kind::Root | Kind::FederatedUser => Some(""),
        Kind::Role => question.session_name,
        Kind::AssumedRole => question
            .session_name
            .or_else(|| question.arn.rsplit('/').next()),
    }
}

fn shadowed(store: &Store<'_>, subject: &str, account: &str, sso_gate: bool) -> Vec<Place> {
    let shadowed = store.slots().iter().filter(|slot| {
        matches!(slot.state, EntryState::Shadowed { .. })
            && match &slot.mapping.principal {
                Principal::Role(arn) | Principal::User(arn) => equal_fold(arn, subject),
                Principal::Sso(matcher) => sso_gate && sso::matches(matcher, subject),
                Principal::Account(written) => written == account,
            }
    });
    shadowed.map(|slot| slot.place).collect()
}
