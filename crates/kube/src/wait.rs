//! Waits for a cluster that is just being made.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::api_client::Store;
use super::request_error::{Fault, RequestError};

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(500);
/// Between two looks once the wait has become long.
const LONG_INTERVAL: Duration = Duration::from_secs(3);
/// From here on, the wait is long.
const LONG: Duration = Duration::from_secs(15);
/// A look may not take longer than this: while a cluster is made, its addresses may lead nowhere for a while.
const LOOK: Duration = Duration::from_secs(10);

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// The API server answers and calls itself ready.
    ApiServer,
    /// aws-auth exists.
    ConfigMap,
}

/// What came of a look that did not end the wait.
#[derive(Debug)]
pub struct Progress<'a> {
    /// What is still waited for.
    pub awaited: Awaited,
    /// Since when.
    pub elapsed: Duration,
    /// Why the wait goes on; `None` when aws-auth is not there yet.
    pub because: Option<&'a RequestError>,
}

/// Waits until the API server is ready, and if asked until aws-auth exists, for at most `patience`. Returns whether
/// all came to be in time where nothing but time was missing.
///
/// # Errors
/// The last fault when the API server did not get ready in time, or a fault that waiting doesn't mend, such as credentials
/// that are not accepted.
pub async fn wait(
    store: &Store,
    patience: Duration,
    configmap: bool,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<bool, RequestError> {
    let start = Instant::now();
    let deadline = start + patience;
    let mut awaited = Awaited::ApiServer;
    loop {
        let look = deadline.min(Instant::now() + LOOK);
        let because = match awaited {
            Awaited::ApiServer => match store.probe(look).await {
                // Who may not ask learns nonetheless that somebody answers.
                Ok(()) | Err(Fault::Unauthorized(_) | Fault::Forbidden(_)) if configmap => {
                    awaited = Awaited::ConfigMap;
                    continue;
                }
                Ok(()) | Err(Fault::Unauthorized(_) | Fault::Forbidden(_)) => return Ok(true),
                Err(fault) => Some(store.failed("get", fault)),
            },
            Awaited::ConfigMap => match store.read_until(look).await {
                Ok(live) if live.exists() => return Ok(true),
                Ok(_) => None,
                Err(error) => Some(error),
            },
        };
        let elapsed = start.elapsed();
        let pause = if elapsed < LONG {
            INTERVAL
        } else {
            LONG_INTERVAL
        };
        let late = Instant::now() + pause >= deadline;
        match because {
            Some(error) if late || !may_come(&error.fault) => return Err(error),
            None if late => return Ok(false),
            _ => {}
        }
        progress(Progress {
            awaited,
            elapsed,
            because: because.as_ref(),
        });
        sleep(pause).await;
    }
}

/// Whether a fault is one of those that a cluster shows before it is ready.
fn may_come(fault: &Fault) -> bool {
    fault.may_pass()
        || matches!(
            fault,
            Fault::UnknownHost(..)
                | Fault::ConnectTimedOut(_)
                | Fault::NoRoute(..)
                | Fault::NotFound(_)
        )
}
