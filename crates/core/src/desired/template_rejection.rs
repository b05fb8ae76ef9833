//! Rejects unrendered Helm templates.

use super::error::{Fault, Reason};

/// Rejects text with Helm actions outside of comments.
///
/// `{{SessionName}}` and the other placeholders of the authenticator are not Helm actions, which start with `.`, `-`, or a
/// keyword.
pub(super) fn reject(text: &str) -> Result<(), Fault> {
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        let action = line
            .match_indices("{{")
            .map(|(at, _)| &line[at..])
            .find(|action| is_action(&action[2..]));
        if let Some(action) = action {
            let text = action
                .find("}}")
                .map_or(action, |end| &action[..end + 2])
                .to_owned();
            return Err(Fault::new(index + 1, Reason::Helm { text }));
        }
    }
    Ok(())
}

fn is_action(inside: &str) -> bool {
    const WORDS: [&str; 12] = [
        "if", "else", "end", "range", "with", "define", "include", "template", "block", "toYaml",
        "tpl", "printf",
    ];
    let inside = inside.trim_start();
    let word = inside
        .split(|end: char| !end.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    inside.starts_with(['.', '-', '$', '/']) || WORDS.contains(&word)
}
