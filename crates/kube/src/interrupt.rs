//! Ctrl-C and SIGTERM.

use std::future::Future;

/// Completes on Ctrl-C and, on Unix, on SIGTERM. After the first poll, these signals no longer end the process by
/// themselves.
pub async fn requested() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                Ok(()) = tokio::signal::ctrl_c() => return,
                Some(()) = terminate.recv() => return,
                else => {}
            }
        }
    }
    // If no handler can be installed, the system's default stays in force.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits for a program in the same terminal, such as an editor, and ignores Ctrl-C, which is intended for that program.
pub async fn ignored_during<T>(program: impl Future<Output = T>) -> T {
    let mut program = std::pin::pin!(program);
    loop {
        tokio::select! {
            done = &mut program => return done,
            Ok(()) = tokio::signal::ctrl_c() => {}
        }
    }
}
