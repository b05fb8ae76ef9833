//! Ctrl-C and SIGTERM.
//!
//! A thread can have a deadline, which has the same effect on its work.
//!
//! One thread receives the signals for the whole process, so that a signal is not lost while the program is in a call that
//! blocks.

use std::cell::Cell;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::sync::watch;

/// Whether a signal has arrived.
static REQUESTED: OnceLock<watch::Sender<bool>> = OnceLock::new();

/// When the first signal arrived.
static FIRST: OnceLock<Instant> = OnceLock::new();

/// Signals within this time count as one: GNU timeout sends its signal to the program and then to its process group.
const ONE_SIGNAL: Duration = Duration::from_millis(200);

/// Whether Ctrl-C is intended for another program in the same terminal.
static IGNORES_CTRL_C: AtomicBool = AtomicBool::new(false);

/// The number of changes in progress.
static CHANGES: AtomicUsize = AtomicUsize::new(0);

/// Ends the process.
static END: OnceLock<fn()> = OnceLock::new();

thread_local! {
    /// The deadline for the work on this thread.
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Completes when Ctrl-C or, on Unix, SIGTERM has arrived since the first call of this module, or when the deadline of this
/// thread has passed. From that call on, these signals do not end the process by themselves.
pub async fn requested() {
    let mut requested = state().subscribe();
    // Fails only if the sender is dropped, and it lives as long as the process.
    let signal = async { drop(requested.wait_for(|requested| *requested).await) };
    match DEADLINE.get() {
        None => signal.await,
        Some(deadline) => tokio::select! {
            () = signal => {}
            () = tokio::time::sleep_until(deadline.into()) => {}
        },
    }
}

/// Whether [`requested`] would complete.
pub fn is_requested() -> bool {
    *state().borrow() || is_past_deadline()
}

/// Whether the deadline of this thread has passed.
pub fn is_past_deadline() -> bool {
    DEADLINE
        .get()
        .is_some_and(|deadline| deadline <= Instant::now())
}

/// Sets a deadline for all later work on this thread.
pub fn set_deadline(deadline: Instant) {
    DEADLINE.set(Some(deadline));
}

/// Sets what ends the process on a second signal, unless a change is in progress.
pub fn end_on_second_signal(end: fn()) {
    let _ = END.set(end);
}

/// A change in progress, which a second signal does not interrupt.
pub struct ChangeInProgress(());

impl ChangeInProgress {
    #[expect(clippy::new_without_default, reason = "it has an effect")]
    pub fn new() -> Self {
        state();
        CHANGES.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for ChangeInProgress {
    fn drop(&mut self) {
        CHANGES.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits for a program in the same terminal, such as an editor, and ignores Ctrl-C, which is intended for that program.
pub async fn ignored_during<T>(program: impl Future<Output = T>) -> T {
    state();
    IGNORES_CTRL_C.store(true, Ordering::SeqCst);
    let done = program.await;
    IGNORES_CTRL_C.store(false, Ordering::SeqCst);
    done
}

fn state() -> &'static watch::Sender<bool> {
    REQUESTED.get_or_init(|| {
        let sender = watch::Sender::new(false);
        let requested = sender.clone();
        let (ready, is_ready) = mpsc::channel();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_io().build();
            // Without a handler, the system's default stays in force.
            if let Ok(runtime) = runtime {
                runtime.block_on(receive(&requested, ready));
            }
        });
        // An error means that the thread has ended.
        let _ = is_ready.recv();
        sender
    })
}

/// Receives signals until the process ends. Reports when it is ready.
#[cfg(unix)]
async fn receive(requested: &watch::Sender<bool>, ready: mpsc::Sender<()>) {
    use tokio::signal::unix::{SignalKind, signal};

    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return;
    };
    drop(ready);
    loop {
        tokio::select! {
            Some(()) = interrupt.recv() => on_ctrl_c(requested),
            Some(()) = terminate.recv() => on_signal(requested),
            else => return,
        }
    }
}

/// Receives signals until the process ends. Reports when it is ready.
#[cfg(windows)]
async fn receive(requested: &watch::Sender<bool>, ready: mpsc::Sender<()>) {
    let Ok(mut interrupt) = tokio::signal::windows::ctrl_c() else {
        return;
    };
    drop(ready);
    while interrupt.recv().await.is_some() {
        on_ctrl_c(requested);
    }
}

fn on_ctrl_c(requested: &watch::Sender<bool>) {
    if !IGNORES_CTRL_C.load(Ordering::SeqCst) {
        on_signal(requested);
    }
}

fn on_signal(requested: &watch::Sender<bool>) {
    let is_second = FIRST.get_or_init(Instant::now).elapsed() >= ONE_SIGNAL;
    requested.send_replace(true);
    if let Some(end) = END.get()
        && is_second
        && CHANGES.load(Ordering::SeqCst) == 0
    {
        end();
    }
}
