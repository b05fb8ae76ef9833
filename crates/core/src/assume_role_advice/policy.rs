//! Evaluates a trust policy as IAM does.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::condition::{self, Outcome};
use super::parsed_principal::{IamPrincipal, Kind};

/// The actions by which a trust policy allows access to a role's credentials:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html>
const ASSUME_ACTIONS: [&str; 3] = [
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
    principal: Option<PrincipalElement>,
    not_principal: Option<PrincipalElement>,
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

/// A list, or a single value instead of a list.
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
enum PrincipalElement {
    Everyone(String),
    Listed(BTreeMap<String, Many<String>>),
}

/// How a statement names the caller, from the least to the most specific.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grant {
    /// By its account: the policies in that account decide.
    Account,
    /// By its role.
    Role,
    /// By `*`. As with a session, the caller's own policies need not allow the call.
    Everyone,
    /// By its session alone.
    Session,
    /// By itself: a user or a service.
    Itself,
}

/// Why a statement almost names the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NearMatch {
    /// It has the unique id of a deleted principal.
    Deleted(String),
    /// It names another session of the same role.
    OtherSession(String),
}

/// The decision of a trust policy for one caller and one action.
#[derive(Debug, Default)]
pub(super) struct Evaluation {
    /// The most specific grant whose conditions hold, or may hold, with the unknown condition keys.
    pub(super) grant: Option<(Grant, Vec<String>)>,
    /// The conditions that keep the most specific grant from applying; only if there is no grant.
    pub(super) unmet: Option<(Grant, Vec<condition::Unmet>)>,
    /// Whether an explicit deny applies.
    pub(super) denied: bool,
    /// The condition keys that decide whether an explicit deny applies.
    pub(super) maybe_denied: Vec<String>,
    pub(super) near: Vec<NearMatch>,
}

impl Evaluation {
    /// Returns how the policy names the caller, even if the conditions do not hold.
    pub(super) fn nearest(&self) -> Option<Grant> {
        let unmet = self.unmet.as_ref().map(|(grant, _)| *grant);
        self.grant.as_ref().map(|(grant, _)| *grant).or(unmet)
    }
}

/// Evaluates a policy, plain or percent-encoded as in IAM's responses.
pub(super) fn read(
    text: &str,
    who: &IamPrincipal<'_>,
    action: &str,
    context: &condition::Context<'_>,
) -> Result<Evaluation, String> {
    let document = document(text)?;
    let mut reading = Evaluation::default();
    let about = |statement: &&Statement| statement.is_about(action);
    for statement in document.statement.as_slice().iter().filter(about) {
        statement.note(who, context, &mut reading);
    }
    if reading.grant.is_some() {
        reading.unmet = None;
    }
    Ok(reading)
}

/// Returns the principals in all statements that allow the role to be assumed in any way.
pub(super) fn named(text: &str) -> Result<Vec<String>, String> {
    let document = document(text)?;
    let allows_assuming = |statement: &&Statement| {
        let mut actions = ASSUME_ACTIONS.into_iter();
        statement.effect == Effect::Allow && actions.any(|action| statement.is_about(action))
    };
    let mut named: Vec<String> = Vec::new();
    for statement in document.statement.as_slice().iter().filter(allows_assuming) {
        let listed = match &statement.principal {
            Some(PrincipalElement::Everyone(text)) => vec![text.clone()],
            Some(PrincipalElement::Listed(kinds)) => {
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

    fn note(
        &self,
        who: &IamPrincipal<'_>,
        context: &condition::Context<'_>,
        reading: &mut Evaluation,
    ) {
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
            keys.map(move |(key, expected)| (operator.as_str(), key.as_str(), expected.as_slice()))
        });
        match (self.effect, condition::hold(tests, context)) {
            (Effect::Deny, Outcome::Holds(keys)) if keys.is_empty() => reading.denied = true,
            (Effect::Deny, Outcome::Holds(keys)) => reading.maybe_denied.extend(keys),
            (Effect::Deny, Outcome::Fails(_)) => {}
            (Effect::Allow, Outcome::Holds(keys)) => {
                // A grant without unknown conditions ranks above a more specific one with some.
                let rank = |(grant, keys): &(Grant, Vec<String>)| (keys.is_empty(), *grant);
                let new = (grant, keys);
                if reading
                    .grant
                    .as_ref()
                    .is_none_or(|old| rank(old) < rank(&new))
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

impl PrincipalElement {
    fn grant(&self, who: &IamPrincipal<'_>, near: &mut Vec<NearMatch>) -> Option<Grant> {
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

/// Returns how a principal of kind `AWS` names the caller.
fn grant(named: &str, who: &IamPrincipal<'_>, near: &mut Vec<NearMatch>) -> Option<Grant> {
    if named == "*" {
        return Some(Grant::Everyone);
    }
    if named == who.account || named == who.root() {
        return Some(Grant::Account);
    }
    if is_unique_id(named) {
        near.push(NearMatch::Deleted(named.to_owned()));
        return None;
    }
    let other = IamPrincipal::of(named);
    match (who.kind, other.kind) {
        (Kind::User | Kind::Federated, _) => (named == who.text).then_some(Grant::Itself),
        (
            Kind::Role { session, .. },
            Kind::Role {
                session: expected, ..
            },
        ) if who.is_same_role(&other) => match (expected, session) {
            (None, _) => Some(Grant::Role),
            (expected, session) if expected == session => Some(Grant::Session),
            _ => {
                near.push(NearMatch::OtherSession(named.to_owned()));
                None
            }
        },
        _ => None,
    }
}

/// Returns whether a string is the unique id of a role or user, which IAM shows in place of the ARN after its deletion.
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
