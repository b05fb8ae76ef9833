//! The processor time of a thread, which does not depend on other load on the machine.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Returns the processor time that this thread spends in `run`.
pub(crate) fn of<T>(run: impl FnOnce() -> T) -> Duration {
    let begun = now();
    std::hint::black_box(run());
    now() - begun
}

fn now() -> Duration {
    let now = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock of this thread");
    Duration::from(now)
}
