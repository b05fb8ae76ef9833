//! Runs a command for several clusters at the same time.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::fleet_cluster::FleetCluster;
use crate::backend::duration;
use crate::terminal::{Captured, Exit, Failure, Kind, Out, Program, after_name};
use awsauth_kube::interrupt;

/// How long to wait after the deadline for a run to end by itself: requests to AWS and credential plugins have their own time
/// limits.
const GRACE: Duration = Duration::from_secs(5);

/// The concurrency and the time limit.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Limits {
    /// How many clusters to work on at the same time
    #[arg(
        long,
        global = true,
        env = "AWSAUTH_CONCURRENCY",
        value_name = "NUMBER",
        default_value = "10"
    )]
    pub(super) concurrency: NonZeroUsize,

    /// The time limit for the work on one cluster
    #[arg(long, global = true, env = "AWSAUTH_DEADLINE", value_name = "DURATION", value_parser = duration::parse, default_value = "1m")]
    deadline: Duration,
}

/// The result for one cluster.
pub(super) struct Run<T> {
    pub(super) cluster: String,
    pub(super) done: Result<(Exit, T), Failure>,
    pub(super) captured: Captured,
}

impl<T> Run<T> {
    pub(super) fn failed(cluster: String, failure: Failure) -> Self {
        Self {
            cluster,
            done: Err(failure),
            captured: Captured::default(),
        }
    }

    /// Returns the exit code.
    pub(super) fn exit(&self) -> Exit {
        match &self.done {
            Ok((exit, _)) => *exit,
            Err(failure) => failure.exit(),
        }
    }

    /// Returns the failure as text, each line after the cluster's name; empty if there is none.
    pub(super) fn failure_text(&self, program: Program) -> String {
        let failure = self.done.as_ref().err();
        let text = failure.map(|failure| failure.render(program));
        after_name(&self.cluster, &text.unwrap_or_default())
    }
}

/// Sends the result of a thread, even if it panics.
struct Report<T> {
    number: usize,
    cluster: String,
    run: Option<Run<T>>,
    to: Sender<(usize, Run<T>)>,
}

impl<T> Report<T> {
    fn done(mut self, done: Result<(Exit, T), Failure>, captured: Captured) {
        let cluster = self.cluster.clone();
        self.run = Some(Run {
            cluster,
            done,
            captured,
        });
        drop(self);
    }
}

impl<T> Drop for Report<T> {
    fn drop(&mut self) {
        let run = self.run.take();
        let run = run.unwrap_or_else(|| {
            let failure = Failure::new(Kind::Bug, "awsauth made a mistake");
            Run::failed(std::mem::take(&mut self.cluster), failure)
        });
        // Nothing receives a result after the deadline.
        let _ = self.to.send((self.number, run));
    }
}

/// Runs `work` for each cluster on a thread of its own. Returns the results in the order of the clusters. A cluster that is not done
/// some time after its deadline is abandoned; its request may still be under way, so `work` must not write.
pub(super) fn run_all<T: Send + 'static>(
    doing: &'static str,
    clusters: &[FleetCluster],
    limits: &Limits,
    work: impl Fn(&FleetCluster, &mut Out) -> Result<(Exit, T), Failure> + Send + Sync + 'static,
    out: &Out,
) -> Vec<Run<T>> {
    run(doing, clusters, limits, Some(GRACE), work, out)
}

/// Does the same for `work` that writes. Waits for each cluster: after the deadline, no new request is sent, and requests have
/// limits.
pub(super) fn write_all<T: Send + 'static>(
    doing: &'static str,
    clusters: &[FleetCluster],
    limits: &Limits,
    work: impl Fn(&FleetCluster, &mut Out) -> Result<(Exit, T), Failure> + Send + Sync + 'static,
    out: &Out,
) -> Vec<Run<T>> {
    run(doing, clusters, limits, None, work, out)
}

fn run<T: Send + 'static>(
    doing: &'static str,
    clusters: &[FleetCluster],
    limits: &Limits,
    grace: Option<Duration>,
    work: impl Fn(&FleetCluster, &mut Out) -> Result<(Exit, T), Failure> + Send + Sync + 'static,
    out: &Out,
) -> Vec<Run<T>> {
    let work = Arc::new(work);
    let counter = out.counter(doing, clusters.len());
    let (sender, receiver) = channel();
    let mut waiting = clusters.iter().enumerate();
    let mut running = HashMap::new();
    let mut runs: Vec<Option<Run<T>>> = Vec::new();
    runs.resize_with(clusters.len(), || None);
    loop {
        while running.len() < limits.concurrency.get()
            && let Some((number, cluster)) = waiting.next()
        {
            if interrupt::is_requested() {
                let failure = Failure::new(Kind::Interrupted, "interrupted; not started");
                runs[number] = Some(Run::failed(cluster.name.clone(), failure));
                continue;
            }
            let deadline = Instant::now() + limits.deadline;
            let report = Report {
                number,
                cluster: cluster.name.clone(),
                run: None,
                to: sender.clone(),
            };
            let (work, cluster) = (Arc::clone(&work), cluster.clone());
            let program = out
                .program()
                .with_target(cluster.target.cluster_selection());
            let mut own = Out::in_memory(program, out.verbosity());
            let started = thread::Builder::new().spawn(move || {
                interrupt::set_deadline(deadline);
                let done = work(&cluster, &mut own);
                report.done(done, own.into_captured());
            });
            match started {
                Ok(_) => drop(running.insert(number, grace.map(|grace| deadline + grace))),
                Err(error) => {
                    let failure = Failure::new(Kind::Unreachable, "cannot start a thread");
                    let name = clusters[number].name.clone();
                    runs[number] = Some(Run::failed(name, failure.because(&error)));
                }
            }
        }
        if running.is_empty() {
            break;
        }
        let next = running.values().flatten().min();
        let done = match next {
            Some(end) => receiver.recv_timeout(end.saturating_duration_since(Instant::now())),
            None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        if let Ok((number, run)) = done
            && running.remove(&number).is_some()
        {
            runs[number] = Some(run);
            counter.increment();
        }
        let now = Instant::now();
        running.retain(|&number, end| {
            let is_running = end.is_none_or(|end| end > now);
            if !is_running {
                let failure = Failure::new(Kind::Unreachable, "not done in time")
                    .hint("give each cluster more time with --deadline DURATION");
                runs[number] = Some(Run::failed(clusters[number].name.clone(), failure));
                counter.increment();
            }
            is_running
        });
    }
    runs.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_a_cluster_cannot_look_like_a_line_of_output() {
        let failure = Failure::new(Kind::Unreachable, "no route").hint("check it");
        let run: Run<()> = Run::failed("a\nerror: b\u{202e}".to_owned(), failure);
        assert_eq!(
            run.failure_text(Program::AWSAUTH),
            "a\\nerror: b\\u{202e}: error: no route\na\\nerror: b\\u{202e}: hint: check it\n"
        );
    }
}
