//! Timed runs, and tables of their results.

use std::time::{Duration, Instant};

/// The durations of several runs of the same command, shortest first. Never empty.
#[derive(Clone)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    pub(crate) fn new(mut durations: Vec<Duration>) -> Self {
        assert!(!durations.is_empty(), "nothing was measured");
        durations.sort_unstable();
        Self(durations)
    }

    pub(crate) fn median(&self) -> Duration {
        self.percentile(50)
    }

    /// Returns the duration that this percentage of the runs did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() - 1) * percent / 100]
    }

    /// Returns the ratio of the medians.
    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        self.median().as_secs_f64() / other.median().as_secs_f64()
    }
}

/// Runs each of `runs` once per round, so that other load on the machine affects all of them equally. A run returns its
/// own duration, so that its preparation is not counted.
pub(crate) fn interleaved<const N: usize>(
    rounds: usize,
    mut runs: [&mut dyn FnMut() -> Duration; N],
) -> [Samples; N] {
    // The first round fills caches and is not counted.
    let mut durations = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (run, durations) in runs.iter_mut().zip(&mut durations) {
            let duration = run();
            if round > 0 {
                durations.push(duration);
            }
        }
    }
    durations.map(Samples::new)
}

/// Measures `work`, without dropping its result.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let result = std::hint::black_box(work());
    let duration = start.elapsed();
    drop(result);
    duration
}

/// Prints the head of a table.
pub(crate) fn heading(title: &str) {
    println!(
        "\n{title}\n{:<46}{:>10}{:>10}{:>10}{:>9}  goal",
        "", "min", "median", "max", "ratio"
    );
}

/// Prints a row without a goal.
pub(crate) fn row(label: &str, samples: &Samples) {
    println!("{label:<46}{}", times(samples));
}

/// Prints a row as a multiple of `other`, and the limit of that multiple.
pub(crate) fn row_at_most(label: &str, samples: &Samples, other: &Samples, limit: Option<f64>) {
    println!(
        "{label:<46}{}{}",
        times(samples),
        ratio(samples.ratio_to(other), limit)
    );
}

/// Prints a row of another program as a multiple of `ours`, and the multiple that it should at least have.
pub(crate) fn row_at_least(label: &str, theirs: &Samples, ours: &Samples, goal: f64) {
    let ratio = theirs.ratio_to(ours);
    let missed = if ratio < goal { "  MISSED" } else { "" };
    println!(
        "{label:<46}{}{ratio:>7.2} ×  ≥ {goal}{missed}",
        times(theirs)
    );
}

/// Prints a row, its difference to `other`, and the limit of that difference.
pub(crate) fn row_difference(label: &str, samples: &Samples, other: &Samples, limit: Duration) {
    let more = samples.median().saturating_sub(other.median());
    let missed = if more > limit { "  MISSED" } else { "" };
    println!(
        "{label:<46}{}{:>9}  ≤ {} more{missed}",
        times(samples),
        format!("+{}", milliseconds(more)),
        milliseconds(limit)
    );
}

/// Formats a ratio and its limit.
pub(crate) fn ratio(ratio: f64, limit: Option<f64>) -> String {
    let goal = limit.map_or(String::new(), |limit| {
        format!("≤ {limit}{}", if ratio > limit { "  MISSED" } else { "" })
    });
    format!("{ratio:>7.2} ×  {goal}")
}

fn times(samples: &Samples) -> String {
    [0, 50, 100]
        .map(|percent| format!("{:>10}", milliseconds(samples.percentile(percent))))
        .concat()
}

/// Formats a duration, such as `12.3 ms`.
pub(crate) fn milliseconds(duration: Duration) -> String {
    let value = duration.as_secs_f64() * 1000.0;
    let digits = if value < 10.0 { 2 } else { 1 };
    format!("{value:.digits$} ms")
}
