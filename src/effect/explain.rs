#[cfg(test)]
mod tests;

use super::near::{self, Near};
use super::template::{PrivateDnsName, Values};
use super::{
    AccessEntries, Admitted, Hidden, NOT_MAPPED, Place, Placeholder, Standing, Store,
    TemplateError, User, sso,
};
use crate::arn::{ArnError, Kind, Mended, Parts, canonical, equal_fold, mend, to_lower};
use crate::document::{Document, Principal};

/// Whom to explain, and what is known of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    /// The ARN of a role, user, root user, role session or federated user.
    pub arn: &'a str,
    /// The session's name. A session's ARN tells it; other identities than roles have none.
    pub session_name: Option<&'a str>,
    /// The access key id.
    pub access_key_id: Option<&'a str>,
    /// The private DNS name of the EC2 instance that signs in.
    pub private_dns_name: Option<&'a str>,
    /// The account as STS reports it; else the ARN's.
    pub account: Option<&'a str>,
    /// Whether the alpha feature gate `SSORoleMatch` is on.
    pub sso_gate: bool,
    /// The cluster's access entries, which answer before aws-auth; `None` when nobody knows of any.
    pub access_entries: Option<&'a AccessEntries>,
}

/// What becomes of an identity, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The ARN that was asked about.
    pub arn: String,
    /// The ARN that the authenticator compares. It has no IAM path where it is a role's, because STS
    /// reports none.
    pub canonical_arn: String,
    /// The access entry that decides. Then no entry of aws-auth does.
    pub admitted: Option<Admitted>,
    /// Whether aws-auth is asked about those who have no access entry.
    pub aws_auth_counts: bool,
    /// What each entry of aws-auth that may decide would make of it: none, one, or several of which the authenticator
    /// picks any.
    pub answers: Vec<Answer>,
    /// The entries for this very identity that do not count because another one does, or an access entry, or nothing reads
    /// aws-auth.
    pub shadowed: Vec<Place>,
    /// The entries that nearly match, nearest first; looked for when no role or user entry decides.
    pub near: Vec<Near>,
}

/// What one entry makes of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The entry.
    pub place: Place,
    /// The user, or why the login is refused.
    pub user: Result<User, TemplateError>,
    /// The placeholders that are left in the user because the question did not give their values.
    pub missing: Vec<Placeholder>,
}

impl Explanation {
    /// Whether the identity is admitted, whichever entry decides.
    pub fn allowed(&self) -> bool {
        if let Some(admitted) = &self.admitted {
            return !matches!(admitted.user, Some(Err(_)));
        }
        !self.answers.is_empty() && self.answers.iter().all(|answer| answer.user.is_ok())
    }

    /// The users that it may become, each of whose logins is not refused, with what is left open in it.
    pub fn becomes(&self) -> impl Iterator<Item = (&User, &[Placeholder])> {
        let admitted = self.admitted.iter();
        let admitted = admitted.filter_map(|by| Some((by.user()?, by.missing.as_slice())));
        let answers = self.answers.iter();
        let answers =
            answers.filter_map(|by| Some((by.user.as_ref().ok()?, by.missing.as_slice())));
        admitted.chain(answers)
    }

    /// Why it is refused, or why the answer is not a whole one; `None` when there is nothing to say.
    pub fn reason(&self) -> Option<String> {
        if let Some(admitted) = &self.admitted {
            return match &admitted.user {
                None => Some("what its access entry says is not known".to_owned()),
                Some(Err(error)) => Some(error.cause.to_string()),
                Some(Ok(_)) => open(&admitted.missing),
            };
        }
        if !self.aws_auth_counts {
            return Some(format!("{NOT_MAPPED}: {}", Hidden::ByMode));
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
        open(&answer.missing)
    }
}

/// Which flags give these placeholders their values.
fn open(missing: &[Placeholder]) -> Option<String> {
    let flags: Vec<String> = missing
        .iter()
        .filter_map(|&missing| Some(format!("{} takes {}", missing.text(), flag(missing)?)))
        .collect();
    (!flags.is_empty()).then(|| flags.join(", "))
}

/// The flag that gives a placeholder its value; `None` for the account, which is always known.
fn flag(placeholder: Placeholder) -> Option<&'static str> {
    match placeholder {
        Placeholder::Ec2PrivateDnsName => Some("--private-dns-name"),
        Placeholder::SessionName | Placeholder::SessionNameRaw => Some("--session-name"),
        Placeholder::AccessKeyId => Some("--access-key-id"),
        Placeholder::AccountId => None,
    }
}

/// What access entries and then the authenticator would make of an identity, and which entries nearly match it.
///
/// # Errors
/// When the ARN is none that a caller can have, in the authenticator's words.
pub fn explain(document: &Document, question: &Question<'_>) -> Result<Explanation, ArnError> {
    let given = canonical(question.arn)?;
    // Consoles and the IAM API show a role's path; the caller's ARN has none.
    let canonical_arn = match mend(&given.arn) {
        Mended::PathDropped { arn, .. } => arn,
        Mended::AsGiven | Mended::Session { .. } => given.arn,
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
    let store = Store::new(document);
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
        .and_then(|entries| entries.hide(&canonical_arn));
    let mut near = Vec::new();
    if answers.is_empty() && hidden.is_none() {
        near = near::find(
            document,
            &store,
            &near::Subject::new(&canonical_arn, account),
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
    let mut shadowed = shadowed(&store, &subject, account, question.sso_gate);
    let admitted = match hidden {
        Some(Hidden::ByEntry(entry)) => Some(Admitted::new(entry, &values)),
        Some(Hidden::ByMode) | None => None,
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
        admitted,
        aws_auth_counts: question
            .access_entries
            .is_none_or(AccessEntries::aws_auth_counts),
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
        matches!(slot.standing, Standing::Shadowed { .. })
            && match &slot.mapping.principal {
                Principal::Role(arn) | Principal::User(arn) => equal_fold(arn, subject),
                Principal::Sso(matcher) => sso_gate && sso::matches(matcher, subject),
                Principal::Account(written) => written == account,
            }
    });
    shadowed.map(|slot| slot.place).collect()
}
