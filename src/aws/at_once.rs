use std::collections::VecDeque;
use std::future::Future;
use std::io;

use tokio::task::JoinSet;

/// So many questions are under way at the same time.
const AT_ONCE: usize = 8;

/// Asks about each of `items`, some of them at the same time; the answers come in the order of the items.
///
/// # Errors
/// When one of the questions breaks off.
pub(super) async fn at_once<I, T, F>(
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
        while asked.len() < AT_ONCE
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
