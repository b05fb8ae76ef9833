use std::pin::{Pin, pin};

use tokio::select;

/// The outcome of `main`. Meanwhile `beside` goes on; what it comes to is in `done`, if it comes to its end.
pub(super) async fn with_beside<T, B: Future>(
    main: impl Future<Output = T>,
    mut beside: Pin<&mut B>,
    done: &mut Option<B::Output>,
) -> T {
    let mut main = pin!(main);
    loop {
        select! {
            biased;
            outcome = &mut main => return outcome,
            outcome = &mut beside, if done.is_none() => *done = Some(outcome),
        }
    }
}
