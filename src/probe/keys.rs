use jiff::Timestamp;

use super::trouble;
use crate::aws::credentials::{self, NoCredentials, Resolved, Source, SourceError, Wish};
use crate::aws::imds::ImdsError;
use crate::aws::{AwsError, Machine, Surroundings};
use crate::doctor::evidence::{Half, Keys, NoKeys, Place, Trouble};
use crate::doctor::last_four;
use crate::trust::{self, Advice, State};

/// Searches for credentials.
pub(crate) fn search(
    wish: &Wish,
    surroundings: &Surroundings,
    now: Timestamp,
) -> Result<(Keys, Resolved), Box<NoKeys>> {
    match credentials::resolve(wish, surroundings, now) {
        Ok(resolved) => Ok((found(&resolved), resolved)),
        Err(error) if error.failed.is_none() => Err(Box::new(
            of_instance(&error, surroundings).unwrap_or_else(|| none(&error, None)),
        )),
        Err(error) => {
            let failed = error.failed.as_ref();
            let advice = failed
                .and_then(|(_, failed)| super::halves::advice(failed, wish, surroundings, now));
            Err(Box::new(none(&error, advice)))
        }
    }
}

fn found(resolved: &Resolved) -> Keys {
    Keys {
        source: resolved.source.to_string(),
        source_name: resolved.source.name(),
        key: last_four(&resolved.credentials.access_key_id),
        expiration: resolved.credentials.expiration,
        roles: resolved.roles.clone(),
        tried: resolved.tried.iter().map(ToString::to_string).collect(),
        notes: resolved.notes.clone(),
        region: resolved.region.name.clone(),
        region_from: resolved.region.from.to_string(),
    }
}

/// On an instance, its own role is what should have served when nothing else has anything.
fn of_instance(error: &NoCredentials, surroundings: &Surroundings) -> Option<NoKeys> {
    let why = error.instance.as_deref()?;
    let endpoint = surroundings.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    let is_expected = endpoint.is_some() || Machine::of(surroundings).is_ec2();
    if matches!(why, ImdsError::Disabled) || !is_expected {
        return None;
    }
    Some(NoKeys {
        place: of_imds(why),
        source: Some(Source::Instance.to_string()),
        trouble: trouble(why, why.hint()),
        tried: error.tried.iter().map(ToString::to_string).collect(),
        halves: None,
        clock_ahead: None,
    })
}

fn none(error: &NoCredentials, advice: Option<Advice>) -> NoKeys {
    let tried = error.tried.iter().map(ToString::to_string).collect();
    let Some((source, failed)) = &error.failed else {
        return NoKeys {
            place: Place::Chain,
            source: None,
            trouble: Trouble {
                cause: error.to_string(),
                next: error.hint(),
            },
            tried,
            halves: None,
            clock_ahead: None,
        };
    };
    let refused = of_aws(failed).and_then(AwsError::refused);
    let halves = advice.map(|advice| {
        let half = |half: &trust::Half| Half {
            title: half.title.clone(),
            because: half.because.clone(),
            statement: half.statement.clone(),
            is_missing: matches!(half.state, State::Lacks | State::Denies),
        };
        Box::new([half(&advice.own), half(&advice.trust)])
    });
    NoKeys {
        place: place(*source, failed),
        source: Some(source.to_string()),
        trouble: trouble(failed.as_ref(), failed.hint()),
        tried,
        halves,
        clock_ahead: refused.and_then(|refused| refused.clock_ahead),
    }
}

fn of_aws(error: &SourceError) -> Option<&AwsError> {
    match error {
        SourceError::AssumeRole { source, .. } | SourceError::WebIdentity { source, .. } => {
            Some(source)
        }
        _ => None,
    }
}

/// Which rung a failure is of.
fn place(source: Source, error: &SourceError) -> Place {
    match error {
        SourceError::Partial { .. } if source == Source::Environment => Place::Chain,
        SourceError::Time { .. } | SourceError::Expired { .. } => Place::Expired,
        SourceError::Region(_) => Place::Region,
        SourceError::NoRole | SourceError::TokenFile { .. } | SourceError::WebIdentity { .. } => {
            Place::WebIdentity
        }
        SourceError::AssumeRole { source, .. } => match source.code() {
            Some("AccessDenied" | "ValidationError" | "MalformedPolicyDocument") => {
                Place::AssumeRole
            }
            Some("ExpiredToken" | "ExpiredTokenException") => Place::Expired,
            _ => Place::Caller,
        },
        SourceError::Container(_) => Place::Container,
        SourceError::Instance(error) => of_imds(error),
        SourceError::SessionName { .. } | SourceError::Client(_) | SourceError::Runtime(_) => {
            Place::Chain
        }
        _ => Place::Profile,
    }
}

fn of_imds(error: &ImdsError) -> Place {
    match error {
        ImdsError::HopLimit { .. } | ImdsError::NoAnswer { .. } => Place::HopLimit,
        ImdsError::NoProfile { .. } => Place::NoProfile,
        ImdsError::ProfileNotFound { .. }
        | ImdsError::ProfileWithoutRole { .. }
        | ImdsError::NotTrusted { .. }
        | ImdsError::NoCredentials { .. }
        | ImdsError::Garbage { .. } => Place::NoRole,
        _ => Place::Imds,
    }
}
