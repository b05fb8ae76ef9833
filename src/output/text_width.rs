//! The width of text on a terminal.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// Returns the width of a string on a terminal.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Shortens a string to `limit` columns. Replaces the middle by an ellipsis, because both ends of an ARN identify it best.
pub(super) fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    if columns(text) <= limit {
        return Cow::Borrowed(text);
    }
    let kept = limit.saturating_sub(1);
    let head = take(text.chars(), kept / 3);
    let tail = take(text.chars().rev(), kept - kept / 3);
    Cow::Owned(format!("{head}…{}", tail.chars().rev().collect::<String>()))
}

fn take(chars: impl Iterator<Item = char>, limit: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= limit
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_shortened_in_the_middle() {
        let arn = "arn:aws:iam::111122223333:role/mytestrole";
        assert_eq!(shorten(arn, 41), arn);
        assert_eq!(shorten(arn, 25), "arn:aws:…:role/mytestrole");
        for limit in 1..60 {
            assert!(
                columns(&shorten("角色角色角色角色", limit)) <= limit.max(1),
                "{limit}"
            );
        }
    }
}
