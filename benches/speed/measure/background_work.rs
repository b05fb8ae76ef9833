//! Work that goes on in the background of a measurement.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Runs `work` while each of `threads` threads repeats `background`, which gets the thread's number and the round.
pub(crate) fn beside<T>(
    threads: usize,
    background: impl Fn(usize, u32) + Sync,
    work: impl FnOnce() -> T,
) -> T {
    let is_done = AtomicBool::new(false);
    let done = thread::scope(|scope| {
        for thread in 0..threads {
            let (background, is_done) = (&background, &is_done);
            scope.spawn(move || {
                for round in 0.. {
                    if is_done.load(Ordering::Relaxed) {
                        break;
                    }
                    background(thread, round);
                }
            });
        }
        // The threads end even if the work fails.
        let done = catch_unwind(AssertUnwindSafe(work));
        is_done.store(true, Ordering::Relaxed);
        done
    });
    done.unwrap_or_else(|panic| resume_unwind(panic))
}
