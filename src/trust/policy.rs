//! A trust policy as IAM reads it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::condition::{self, Outcome};
use super::who::{Kind, Who};

/// The ways to a role's credentials that a trust policy opens:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html>
const WAYS_IN: [&str; 3] = [
    super::ASSUME_ROLE,
    "sts:AssumeRoleWithWebIdentity",
    "sts:AssumeRoleWithSAML",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    statement: Many<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: Effect,
    principal: Option<Principal>,
    not_principal: Option<Principal>,
    action: Option<Many<String>>,
    not_action: Option<Many<String>>,
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, Many<Value>>>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

/// IAM takes one value for a list of one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Many<T> {
    List(Vec<T>),
    One(T),
}

impl<T> Many<T> {
    fn as_slice(&self) -> &[T] {
        match self {
            Self::List(list) => list,
            Self::One(one) => std::slice::from_ref(one),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Principal {
    Everyone(String),
    Listed(BTreeMap<String, Many<String>>),
}

/// How a statement names the caller. The later, the more direct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grant {
    /// The account that the caller is in: the policies there then decide.
    Account,
    /// The caller's role.
    Role,
    /// Everybody, which is not bound by what the caller's own policies leave out, as its session is not.
    Everyone,
    /// The caller's session, and no other of the role.
    Session,
    /// The caller itself: a user, or a service.
    Itself,
}

/// What is in the way of a statement that is nearly right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Near {
    /// It names a principal by its unique id, so that principal was deleted.
    Deleted(String),
    /// It names another session of the same role.
    OtherSession(String),
}

/// What a trust policy says about one caller and one action.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The most direct grant whose conditions hold, or may hold: with the condition keys that decide.
    pub(super) grant: Option<(Grant, Vec<String>)>,
    /// Conditions that keep the most direct grant from holding; only when there is no grant.
    pub(super) unmet: Option<(Grant, Vec<condition::Unmet>)>,
    /// Whether a statement denies it.
    pub(super) denied: bool,
    /// Condition keys that decide whether a statement denies it.
    pub(super) maybe_denied: Vec<String>,
    pub(super) near: Vec<Near>,
}

impl Reading {
    /// How it names the caller, whether or not the conditions hold.
    pub(super) fn nearest(&self) -> Option<Grant> {
        let unmet = self.unmet.as_ref().map(|(grant, _)| *grant);
        self.grant.as_ref().map(|(grant, _)| *grant).or(unmet)
    }
}

/// Reads a policy, plain or percent-encoded as IAM's API gives it.
pub(super) fn read(
    text: &str,
    who: &Who<'_>,
    action: &str,
    context: &condition::Context<'_>,
) -> Result<Reading, String> {
    let document = document(text)?;
    let mut reading = Reading::default();
    let about = |statement: &&Statement| statement.is_about(action);
    for statement in document.statement.as_slice().iter().filter(about) {
        statement.note(who, context, &mut reading);
    }
    if reading.grant.is_some() {
        reading.unmet = None;
    }
    Ok(reading)
}

/// Everybody whom a policy names in a statement that lets the role be assumed in any way, whatever else it asks of them.
pub(super) fn named(text: &str) -> Result<Vec<String>, String> {
    let document = document(text)?;
    let lets_in = |statement: &&Statement| {
        let mut actions = WAYS_IN.into_iter();
        statement.effect == Effect::Allow && actions.any(|action| statement.is_about(action))
    };
    let mut named: Vec<String> = Vec::new();
    for statement in document.statement.as_slice().iter().filter(lets_in) {
        let listed = match &statement.principal {
            Some(Principal::Everyone(text)) => vec![text.clone()],
            Some(Principal::Listed(kinds)) => {
                let all = kinds.values().flat_map(Many::as_slice);
                all.cloned().collect()
            }
            None => vec!["*".to_owned()],
        };
        for name in listed {
            if !named.contains(&name) {
                named.push(name);
            }
        }
    }
    Ok(named)
}

fn document(text: &str) -> Result<Document, String> {
    let text = text.trim();
    let plain = if text.starts_with('%') {
        decoded(text)
    } else {
        text.to_owned()
    };
    serde_json::from_str(&plain).map_err(|error| error.to_string())
}

impl Statement {
    fn is_about(&self, action: &str) -> bool {
        let any = |list: &Many<String>| {
            let action = action.to_ascii_lowercase();
            let mut all = list.as_slice().iter();
            all.any(|pattern| condition::like(&pattern.to_ascii_lowercase(), &action))
        };
        match (&self.action, &self.not_action) {
            (Some(list), _) => any(list),
            (None, Some(list)) => !any(list),
            (None, None) => false,
        }
    }

    fn note(&self, who: &Who<'_>, context: &condition::Context<'_>, reading: &mut Reading) {
        let grant = match (&self.principal, &self.not_principal) {
            (Some(principal), _) => principal.grant(who, &mut reading.near),
            (None, Some(others)) => match others.grant(who, &mut Vec::new()) {
                None => Some(Grant::Everyone),
                Some(_) => None,
            },
            (None, None) => None,
        };
        let Some(grant) = grant else {
            return;
        };
        let tests = self.condition.iter().flat_map(|(operator, keys)| {
            let keys = keys.iter();
            keys.map(move |(key, wanted)| (operator.as_str(), key.as_str(), wanted.as_slice()))
        });
        match (self.effect, condition::hold(tests, context)) {
            (Effect::Deny, Outcome::Holds(keys)) if keys.is_empty() => reading.denied = true,
            (Effect::Deny, Outcome::Holds(keys)) => reading.maybe_denied.extend(keys),
            (Effect::Deny, Outcome::Fails(_)) => {}
            (Effect::Allow, Outcome::Holds(keys)) => {
                // A grant without open conditions is worth more than a direct one with some.
                let worth = |(grant, keys): &(Grant, Vec<String>)| (keys.is_empty(), *grant);
                let new = (grant, keys);
                if reading
                    .grant
                    .as_ref()
                    .is_none_or(|old| worth(old) < worth(&new))
                {
                    reading.grant = Some(new);
                }
            }
            (Effect::Allow, Outcome::Fails(unmet)) => {
                if reading.unmet.as_ref().is_none_or(|(old, _)| *old < grant) {
                    reading.unmet = Some((grant, unmet));
                }
            }
        }
    }
}

impl Principal {
    fn grant(&self, who: &Who<'_>, near: &mut Vec<Near>) -> Option<Grant> {
        match self {
            Self::Everyone(text) if text == "*" => Some(Grant::Everyone),
            Self::Everyone(_) => None,
            Self::Listed(kinds) => {
                let list = |kind| kinds.get(kind).map(Many::as_slice).unwrap_or_default();
                if who.kind == Kind::Service {
                    let trimmed = |text: &str| text.trim_end_matches(".cn").to_owned();
                    let mut services = list("Service").iter();
                    let named = services.any(|named| trimmed(named) == trimmed(who.text));
                    return named.then_some(Grant::Itself);
                }
                let grants = list("AWS")
                    .iter()
                    .filter_map(|named| grant(named, who, near));
                grants.max()
            }
        }
    }
}

/// How one principal of the kind `AWS` names the caller.
fn grant(named: &str, who: &Who<'_>, near: &mut Vec<Near>) -> Option<Grant> {
    if named == "*" {
        return Some(Grant::Everyone);
    }
    if named == who.account || named == who.root() {
        return Some(Grant::Account);
    }
    if is_unique_id(named) {
        near.push(Near::Deleted(named.to_owned()));
        return None;
    }
    let other = Who::of(named);
    match (who.kind, other.kind) {
        (Kind::User | Kind::Federated, _) => (named == who.text).then_some(Grant::Itself),
        (
            Kind::Role { session, .. },
            Kind::Role {
                session: wanted, ..
            },
        ) if who.is_same_role(&other) => match (wanted, session) {
            (None, _) => Some(Grant::Role),
            (wanted, session) if wanted == session => Some(Grant::Session),
            _ => {
                near.push(Near::OtherSession(named.to_owned()));
                None
            }
        },
        _ => None,
    }
}

/// Whether it is the unique id of a role or a user, which IAM shows in place of an ARN that is no more.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>
fn is_unique_id(text: &str) -> bool {
    let id = text.split(':').next().unwrap_or_default();
    (id.starts_with("AROA") || id.starts_with("AIDA"))
        && id
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.first_chunk().filter(|_| *first == b'%');
        let code = digits
            .and_then(|pair: &[u8; 2]| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
