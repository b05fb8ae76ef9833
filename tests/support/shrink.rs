//! Shrinks inputs that show a fault.

use std::time::{Duration, Instant};

/// The time limit for one input.
const PATIENCE: Duration = Duration::from_secs(20);
/// The number of candidates per request.
const BATCH: usize = 128;

/// Returns a smaller input with the same fault: removes lines, then characters, then simplifies characters.
/// `first_faulty` returns the index of the first candidate with the fault.
pub(crate) fn shrink(
    mut text: String,
    mut first_faulty: impl FnMut(&[String]) -> Option<usize>,
) -> String {
    let begun = Instant::now();
    loop {
        let before = text.clone();
        for split in [split_lines, split_chars] {
            let mut run = split(&text).len();
            while run > 0 && begun.elapsed() < PATIENCE {
                let mut parts = split(&text);
                let mut at = 0;
                while at < parts.len() && begun.elapsed() < PATIENCE {
                    let starts: Vec<_> = (at..parts.len()).step_by(run).take(BATCH).collect();
                    let candidates: Vec<_> = starts
                        .iter()
                        .map(|start| without(&parts, *start, run))
                        .collect();
                    match first_faulty(&candidates) {
                        Some(found) => {
                            at = starts[found];
                            parts.drain(at..parts.len().min(at + run));
                        }
                        None => at += run * starts.len(),
                    }
                }
                text = parts.concat();
                run /= 2;
            }
        }
        text = plainer(&text, &mut first_faulty);
        if text == before || begun.elapsed() >= PATIENCE {
            return text;
        }
    }
}

fn split_lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_owned).collect()
}

fn split_chars(text: &str) -> Vec<String> {
    text.chars().map(String::from).collect()
}

fn without(parts: &[String], start: usize, run: usize) -> String {
    let end = parts.len().min(start + run);
    [parts[..start].concat(), parts[end..].concat()].concat()
}

/// Replaces letters, digits and non-ASCII characters with `a` if the fault remains.
fn plainer(text: &str, first_faulty: &mut impl FnMut(&[String]) -> Option<usize>) -> String {
    let mut chars = split_chars(text);
    let is_plain = |char: &str| {
        matches!(char, "a" | "\n" | " ")
            || char.starts_with(|char: char| char.is_ascii_punctuation())
    };
    for at in 0..chars.len().min(500) {
        if is_plain(&chars[at]) {
            continue;
        }
        let candidate = [&chars[..at].concat(), "a", &chars[at + 1..].concat()].concat();
        if first_faulty(&[candidate]).is_some() {
            chars[at] = "a".to_owned();
        }
    }
    chars.concat()
}
