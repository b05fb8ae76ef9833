//! Timed runs and how they are shown.

use std::time::{Duration, Instant};

/// How long each of several runs of one thing took, shortest first. Never empty.
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

    /// The time within which this share of the runs ended.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() - 1) * percent / 100]
    }

    /// How many times as long as `other`, by the medians.
    pub(crate) fn over(&self, other: &Self) -> f64 {
        self.median().as_secs_f64() / other.median().as_secs_f64()
    }
}

/// Runs each of `runs` once, then each again, and so on: whatever else the machine does meanwhile meets all alike.
/// A run says itself how long it took, so that what it has to prepare is not counted.
pub(crate) fn in_turns<const N: usize>(
    rounds: usize,
    mut runs: [&mut dyn FnMut() -> Duration; N],
) -> [Samples; N] {
    // The first of each fills caches and is not counted.
    let mut taken = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (run, taken) in runs.iter_mut().zip(&mut taken) {
            let duration = run();
            if round > 0 {
                taken.push(duration);
            }
        }
    }
    taken.map(Samples::new)
}

/// How long `work` takes. What it returns is dropped afterwards.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let result = std::hint::black_box(work());
    let duration = start.elapsed();
    drop(result);
    duration
}

/// Begins a table.
pub(crate) fn heading(title: &str) {
    println!(
        "\n{title}\n{:<46}{:>10}{:>10}{:>10}{:>9}  wanted",
        "", "min", "median", "max", "ratio"
    );
}

/// A row that others are compared with, or that is only good to know.
pub(crate) fn row(label: &str, samples: &Samples) {
    println!("{label:<46}{}", times(samples));
}

/// A row as a multiple of another, and the multiple it should not exceed, if any is set.
pub(crate) fn row_over(label: &str, samples: &Samples, other: &Samples, limit: Option<f64>) {
    println!(
        "{label:<46}{}{}",
        times(samples),
        ratio(samples.over(other), limit)
    );
}

/// A row of another program as a multiple of ours, and the multiple it should reach.
pub(crate) fn row_beyond(label: &str, theirs: &Samples, ours: &Samples, wanted: f64) {
    let ratio = theirs.over(ours);
    let missed = if ratio < wanted { "  MISSED" } else { "" };
    println!(
        "{label:<46}{}{ratio:>7.2} ×  ≥ {wanted}{missed}",
        times(theirs)
    );
}

/// A row, what it takes longer than another, and how much that should not exceed.
pub(crate) fn row_more(label: &str, samples: &Samples, other: &Samples, limit: Duration) {
    let more = samples.median().saturating_sub(other.median());
    let missed = if more > limit { "  MISSED" } else { "" };
    println!(
        "{label:<46}{}{:>9}  ≤ {} more{missed}",
        times(samples),
        format!("+{}", shown(more)),
        shown(limit)
    );
}

/// A ratio as it ends a row.
pub(crate) fn ratio(ratio: f64, limit: Option<f64>) -> String {
    let wanted = limit.map_or(String::new(), |limit| {
        format!("≤ {limit}{}", if ratio > limit { "  MISSED" } else { "" })
    });
    format!("{ratio:>7.2} ×  {wanted}")
}

fn times(samples: &Samples) -> String {
    [0, 50, 100]
        .map(|percent| format!("{:>10}", shown(samples.percentile(percent))))
        .concat()
}

/// `12.3 ms`
pub(crate) fn shown(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1000.0;
    let digits = if milliseconds < 10.0 { 2 } else { 1 };
    format!("{milliseconds:.digits$} ms")
}
