//! What the doctor looks at: each probe asks one thing and brings plain data home.
//!
//! Probes block, and each is sent out on a thread of its own with a limit to its time; one that is too late is left behind.

pub(crate) mod aws_auth;
pub(crate) mod command;
pub(crate) mod endpoint;
mod halves;
pub(crate) mod keys;
pub(crate) mod kubeconfig;
pub(crate) mod nodes;
pub(crate) mod plugin;
mod process;
pub(crate) mod sign_in;
pub(crate) mod sts;

use std::error::Error;
use std::future::Future;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tokio::runtime::Builder;

use crate::cluster::connect::{ConnectError, connect_as_nobody, connect_to_as_nobody};
use crate::cluster::{Environment, Flags, Place, Store};
use crate::doctor::evidence::{Probed, Trouble};
use crate::doctor::redacted;

/// How long a probe may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(2);

/// A probe that is under way.
pub(crate) struct Sent<T> {
    answer: Receiver<T>,
    end: Instant,
    limit: Duration,
}

/// Sends a probe out; it must be back by its limit, and by the end of everything.
pub(crate) fn send<T: Send + 'static>(
    limit: Duration,
    end: Instant,
    probe: impl FnOnce() -> T + Send + 'static,
) -> Sent<T> {
    let (home, answer) = channel();
    let limit = limit.min(end.saturating_duration_since(Instant::now()));
    thread::spawn(move || {
        // Nobody listens any more to one that is too late.
        let _ = home.send(probe());
    });
    Sent {
        answer,
        end: Instant::now() + limit,
        limit,
    }
}

impl<T> Sent<T> {
    /// How long it may take.
    pub(crate) fn limit(&self) -> SignedDuration {
        SignedDuration::try_from(self.limit).unwrap_or(SignedDuration::MAX)
    }

    /// Waits for it, but from now on no longer than this.
    pub(crate) fn within(self, patience: Duration) -> Probed<T> {
        let end = self.end.min(Instant::now() + patience);
        Self { end, ..self }.wait()
    }

    /// Waits for it.
    pub(crate) fn wait(self) -> Probed<T> {
        let left = self.end.saturating_duration_since(Instant::now());
        match self.answer.recv_timeout(left) {
            Ok(seen) => Probed::Seen(seen),
            Err(RecvTimeoutError::Timeout) => Probed::TooLate(self.limit()),
            Err(RecvTimeoutError::Disconnected) => {
                Probed::NotAsked("a probe that does not fail".to_owned())
            }
        }
    }
}

/// Runs what needs an async runtime.
fn in_runtime<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(work))
}

/// The way to the cluster.
#[derive(Clone)]
pub(crate) struct Way {
    /// What is chosen of a kubeconfig.
    pub(crate) flags: Flags,
    pub(crate) environment: Environment,
    /// Where EKS says that it is, where there is no kubeconfig.
    pub(crate) place: Option<Place>,
    /// When everything has to be over.
    pub(crate) end: Instant,
}

impl Way {
    /// A connection of nobody's to the chosen cluster.
    async fn nobody(&self) -> Result<Store, ConnectError> {
        let flags = Flags {
            impersonate: None,
            impersonate_groups: Vec::new(),
            ..self.flags.clone()
        };
        let nobody = match &self.place {
            Some(place) => connect_to_as_nobody(place, &flags, &self.environment).await?,
            None => connect_as_nobody(&flags, &self.environment).await?,
        };
        Ok(nobody.store)
    }
}

/// An error with its causes, each said once, and nothing secret.
pub(crate) fn words(error: &dyn Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !said.last().is_some_and(|last| last.contains(&text)) {
            said.push(text);
        }
        next = error.source();
    }
    redacted(&said.join(": "))
}

/// An error in words, and what to do about it.
fn trouble(error: &dyn Error, next: impl Into<String>) -> Trouble {
    Trouble {
        cause: words(error),
        next: next.into(),
    }
}
