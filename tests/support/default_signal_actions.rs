//! The signals that child processes receive.

use std::fs;
use std::sync::OnceLock;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Makes child processes start with the default action for SIGINT and SIGQUIT, even if this process ignores them.
///
/// A shell without job control starts background commands with both signals ignored, and `exec` keeps that. But `exec` resets
/// signals that have a handler to the default action. So this function installs a handler that does nothing for each ignored
/// signal.
pub(crate) fn reset_for_children() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        // In its own thread, because the caller may already be in a tokio runtime.
        let installed = std::thread::spawn(install_handlers).join();
        installed.expect("handlers can be installed");
    });
}

fn install_handlers() {
    let runtime = Builder::new_current_thread().enable_io().build();
    let runtime = runtime.expect("a runtime can be built");
    let _context = runtime.enter();
    for kind in [SignalKind::interrupt(), SignalKind::quit()] {
        if is_ignored(kind) {
            // The handler remains when the value is dropped.
            drop(signal(kind).expect("a handler can be installed"));
        }
    }
}

fn is_ignored(signal: SignalKind) -> bool {
    // On Linux. On other systems, the signal counts as not ignored.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (signal.as_raw_value() - 1)) != 0)
}
