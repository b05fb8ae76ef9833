//! Waits until a new cluster is ready.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::api_client::ApiClient;
use super::request_error::{Fault, RequestError};

/// The interval between two checks.
const INTERVAL: Duration = Duration::from_millis(500);
/// The interval between two checks after a long wait.
const LONG_INTERVAL: Duration = Duration::from_secs(3);
/// After this time, the wait is long.
const LONG: Duration = Duration::from_secs(15);
/// The time limit of one check. While a cluster is being created, its addresses may be unreachable.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// What the wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// The API server is ready.
    ApiServer,
    /// aws-auth exists.
    ConfigMap,
}

/// A check that did not end the wait.
#[derive(Debug)]
pub struct Progress<'a> {
    pub awaited: Awaited,
    /// The time since the start of the wait.
    pub elapsed: Duration,
    /// Why the wait continues; `None` if aws-auth does not exist yet.
    pub because: Option<&'a RequestError>,
}

/// Waits until the API server is ready and, with `configmap`, until aws-auth exists, for at most `time_limit`. Returns
/// `false` if only aws-auth was missing at the end.
///
/// # Errors
/// The last fault if the API server was not ready in time, or a permanent fault, such as rejected credentials.
pub async fn wait(
    client: &ApiClient,
    time_limit: Duration,
    configmap: bool,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<bool, RequestError> {
    let start = Instant::now();
    let deadline = start + time_limit;
    let mut awaited = Awaited::ApiServer;
    loop {
        let check_deadline = deadline.min(Instant::now() + CHECK_TIMEOUT);
        let because = match awaited {
            Awaited::ApiServer => match client.probe(check_deadline).await {
                // A denial also shows that the API server is ready.
                Ok(()) | Err(Fault::Unauthorized(_) | Fault::Forbidden(_)) if configmap => {
                    awaited = Awaited::ConfigMap;
                    continue;
                }
                Ok(()) | Err(Fault::Unauthorized(_) | Fault::Forbidden(_)) => return Ok(true),
                Err(fault) => Some(client.failed("get", fault)),
            },
            Awaited::ConfigMap => match client.read_until(check_deadline).await {
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
            Some(error) if late || !is_expected_before_ready(&error.fault) => return Err(error),
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

/// Whether a cluster that is not ready yet may cause this fault.
fn is_expected_before_ready(fault: &Fault) -> bool {
    fault.is_transient()
        || matches!(
            fault,
            Fault::UnknownHost(..)
                | Fault::ConnectTimedOut(_)
                | Fault::NoRoute(..)
                | Fault::NotFound(_)
        )
}
