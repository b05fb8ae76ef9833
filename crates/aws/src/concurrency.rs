//! Runs requests concurrently, with a limit.

use std::collections::VecDeque;
use std::future::Future;
use std::io;

use tokio::task::JoinSet;

/// How many requests run at the same time.
const CONCURRENCY: usize = 8;

/// Calls `ask` for each item, several at the same time. Returns the results in the order of the items.
///
/// # Errors
/// If a task panics.
pub(super) async fn map_concurrently<I, T, F>(
    items: impl IntoIterator<Item = I>,
    ask: impl Fn(I) -> F,
) -> io::Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut left: VecDeque<(usize, I)> = items.into_iter().enumerate().collect();
    let mut answers: Vec<Option<T>> = Vec::new();
    answers.resize_with(left.len(), || None);
    let mut asked = JoinSet::new();
    loop {
        while asked.len() < CONCURRENCY
            && let Some((number, item)) = left.pop_front()
        {
            let answer = ask(item);
            asked.spawn(async move { (number, answer.await) });
        }
        let Some(answered) = asked.join_next().await else {
            return Ok(answers.into_iter().flatten().collect());
        };
        let (number, answer) = answered.map_err(io::Error::other)?;
        answers[number] = Some(answer);
    }
}
