//! Waits for a new cluster, and reports progress.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::failures::{interrupted, kind};
use crate::terminal::{Failure, Kind, Out};
use awsauth_kube::wait_for_cluster::{Awaited, Progress, wait};
use awsauth_kube::{ApiClient, interrupt};

/// Waits for a cluster that is being created.
pub(super) fn wait_for(
    runtime: &Runtime,
    client: &Arc<ApiClient>,
    time_limit: Duration,
    configmap: bool,
    out: &mut Out,
) -> Result<(), Failure> {
    if await_ready(runtime, client, time_limit, configmap, out)? {
        return Ok(());
    }
    let what = format!(
        "cannot use {}: there was no aws-auth within {} s",
        client.target(),
        time_limit.as_secs()
    );
    Err(Failure::new(Kind::Unreachable, what)
        .hint("wait longer with --wait DURATION, or leave --wait-for-configmap out to create it"))
}

/// Waits for the API server and, with `configmap`, for aws-auth. Returns whether aws-auth existed in time.
pub(super) fn await_ready(
    runtime: &Runtime,
    client: &Arc<ApiClient>,
    time_limit: Duration,
    configmap: bool,
    out: &mut Out,
) -> Result<bool, Failure> {
    let mut printed = String::new();
    let progress = |Progress {
                        awaited,
                        elapsed,
                        because,
                    }: Progress<'_>| {
        let what = match awaited {
            Awaited::ApiServer => "the API server",
            Awaited::ConfigMap => "the ConfigMap aws-auth",
        };
        let why = because.map_or_else(|| "it does not exist yet".to_owned(), ToString::to_string);
        let line = format!("Waiting for {what}: {why}");
        // Prints each line once, not on every attempt.
        if line != printed {
            out.note(&format!("{line} ({} s)", elapsed.as_secs()));
            printed = line;
        }
    };
    let ready = runtime.block_on(async {
        tokio::select! {
            ready = wait(client, time_limit, configmap, progress) => Some(ready),
            () = interrupt::requested() => None,
        }
    });
    match ready {
        None => Err(interrupted()),
        Some(Ok(ready)) => Ok(ready),
        Some(Err(error)) => Err(Failure::new(
            kind(error.kind()),
            format!("cannot use {}", client.target()),
        )
        .because(&error)
        .hint(error.hint())),
    }
}
