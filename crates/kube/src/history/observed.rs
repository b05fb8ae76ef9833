//! Records writes by other clients that the controller observes.

use hyper::body::Bytes;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{VERSION, keys, new_history, patch, random_id, values};
use crate::HISTORY;
use crate::api_client::{ApiClient, Mode};
use crate::live_config_map::Live;
use crate::request_error::{Fault, RequestError};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::history::{Addition, Contents, Key, Revision, Who, revisions_from_newest};

/// A change to aws-auth that a watch reported.
#[derive(Clone, Copy, Debug)]
pub struct ObservedChange<'a> {
    /// The state before the change. If it is `None`, because it is unknown, the last state in the history is used.
    pub before: Option<&'a Snapshot>,
    pub after: &'a Snapshot,
    /// The field manager that wrote aws-auth, if known.
    pub manager: Option<&'a str>,
    /// Whether the field manager is awsauth. A change by awsauth is never recorded as a foreign one.
    pub is_own: bool,
}

/// The client that made a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writer {
    /// awsauth, with the user that its history names, if it does.
    Awsauth(Option<Who>),
    /// Another client. Its write is recorded as the revision with this number.
    Other(u64),
    /// There is no change: the last state in the history is the same.
    Unchanged,
}

/// Finds the writer of a change in the history. If the history does not contain the change, records it, unless it was made by awsauth.
///
/// # Errors
/// If the API server does not return the history, or rejects the revision.
pub async fn record_observed(
    client: &ApiClient,
    change: ObservedChange<'_>,
    deadline: Instant,
) -> Result<Writer, RequestError> {
    let read = client.read_named(HISTORY, deadline).await;
    let history = read.map_err(|fault| client.failed("get", fault))?;
    let after = Contents::of(change.after);
    let (before, number) = match change.before {
        Some(before) => (Contents::of(before), version(before)),
        // The number is smaller than the version of the next write, and larger than that of the last revision.
        None => (
            last_state(&history, &after),
            version(change.after).map(|after| after - 1),
        ),
    };
    if before == after {
        return Ok(Writer::Unchanged);
    }
    if let Some(writer) = recorded(&history, number, &before, &after) {
        return Ok(writer);
    }
    if change.is_own {
        return Ok(Writer::Awsauth(None));
    }
    let next = || history.resource_version()?.parse().ok();
    let number = number.or_else(next).unwrap_or_default();
    let revision = Revision {
        number,
        run: random_id(),
        before,
        after,
        who: Who {
            manager: change.manager.map(str::to_owned),
            ..Who::default()
        },
        when: Timestamp::now(),
        command: Vec::new(),
        version: VERSION.to_owned(),
        reason: None,
        undoes: None,
        is_foreign: true,
        transaction: None,
        entries: None,
    };
    let added = add(client, &history, &revision, deadline).await;
    added.map_err(|fault| client.failed("patch", fault))?;
    Ok(Writer::Other(number))
}

fn version(snapshot: &Snapshot) -> Option<u64> {
    snapshot.resource_version.as_deref()?.parse().ok()
}

/// Returns the state that the last write in the history left; missing if there is none. At most one of the writes that found the same
/// aws-auth has happened, and none of them if aws-auth still is what they found.
fn last_state(history: &Live, live: &Contents) -> Contents {
    let values = values(history);
    let mut last: Option<(u64, Contents)> = None;
    for (number, revision) in revisions_from_newest(&values) {
        match &last {
            Some((of, state)) if *of != number => return state.clone(),
            _ if revision.after == *live => return live.clone(),
            None if revision.before != *live => last = Some((number, revision.after)),
            Some(_) | None => {}
        }
    }
    last.map_or_else(Contents::default, |(_, state)| state)
}

/// Returns who made this change, if the history contains it. Without a number, only the newest revisions count: aws-auth may have been
/// created with the same content before.
fn recorded(
    history: &Live,
    number: Option<u64>,
    before: &Contents,
    after: &Contents,
) -> Option<Writer> {
    let mut values = values(history);
    let number_of = |key: &String| Some(Key::read(key)?.number());
    let number = number.or_else(|| values.keys().filter_map(number_of).max());
    values.retain(|key, _| number_of(key) == number);
    let mut revisions = revisions_from_newest(&values).map(|(_, revision)| revision);
    let found = revisions.find(|of| of.before == *before && of.after == *after);
    found.map(|revision| match revision.is_foreign {
        true => Writer::Other(revision.number),
        false => Writer::Awsauth(Some(revision.who)),
    })
}

async fn add(
    client: &ApiClient,
    history: &Live,
    revision: &Revision,
    deadline: Instant,
) -> Result<(), Fault> {
    let addition = Addition::to(keys(history), revision, None)
        .map_err(|full| Fault::TooLarge(full.to_string()))?;
    let body = patch(Some(&addition), &addition.removed, None);
    match client.patch(HISTORY, &body, deadline).await {
        Err(Fault::NotFound(_)) => {
            let object = Bytes::from(new_history(&addition).to_string());
            client.create(HISTORY, &object, Mode::Real, deadline).await
        }
        sent => sent,
    }
    .map(drop)
}
