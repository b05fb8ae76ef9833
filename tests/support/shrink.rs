//! Smaller texts with the same fault.

/// The smallest text found by leaving out parts of `text` and plainer characters, that still has the fault.
/// `first_faulty` is asked of many candidates at once and gives the index of the first that has it.
pub(crate) fn shrink(
    text: String,
    mut first_faulty: impl FnMut(&[String]) -> Option<usize>,
) -> String {
    let mut best = text;
    loop {
        let candidates = smaller(&best);
        let found = candidates
            .chunks(256)
            .enumerate()
            .find_map(|(chunk, some)| Some(chunk * 256 + first_faulty(some)?));
        match found {
            Some(index) => best = candidates.into_iter().nth(index).unwrap_or_default(),
            None => return best,
        }
    }
}

/// Largest cuts first: runs of lines, then runs of characters, then characters made plain.
fn smaller(text: &str) -> Vec<String> {
    let lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
    let chars: Vec<_> = text.chars().map(String::from).collect();
    let mut candidates = without_runs(&lines);
    candidates.extend(without_runs(&chars));
    for (at, char) in chars.iter().enumerate() {
        if !char.starts_with(|char: char| {
            matches!(char, 'a' | '\n' | ' ') || char.is_ascii_punctuation()
        }) {
            candidates.push([&chars[..at].concat(), "a", &chars[at + 1..].concat()].concat());
        }
    }
    candidates
}

fn without_runs(parts: &[String]) -> Vec<String> {
    let mut candidates = Vec::new();
    let mut length = parts.len();
    // In a long text single parts are not worth their number.
    let least = parts.len() / 2_000;
    while length > least {
        for start in (0..parts.len()).step_by(length) {
            let end = (start + length).min(parts.len());
            candidates.push([parts[..start].concat(), parts[end..].concat()].concat());
        }
        length /= 2;
    }
    candidates
}
