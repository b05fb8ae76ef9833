//! Ctrl-C and its like.

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
