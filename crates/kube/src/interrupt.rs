//! Ctrl-C and its like.

use std::future::Future;

/// Completes when the process is asked to end: by Ctrl-C, and on Unix by SIGTERM too. From the first poll on, these
/// signals no longer end the process by themselves.
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
    // Where signals can't be had, the system's own handling stays in force.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits for a program that runs at the same terminal, and is the one that Ctrl-C is meant for.
pub async fn left_to<T>(program: impl Future<Output = T>) -> T {
    let mut program = std::pin::pin!(program);
    loop {
        tokio::select! {
            done = &mut program => return done,
            Ok(()) = tokio::signal::ctrl_c() => {}
        }
    }
}
