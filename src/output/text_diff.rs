//! Text diffs.

use super::style::{GAIN, HEADING, LOSS, PLACE, paint};
use awsauth_core::escape::one_line;

/// Colors a unified diff, and escapes control characters except line ends.
pub(super) fn text(unified: &str) -> String {
    let mut text = String::with_capacity(unified.len() * 2);
    for line in unified.split_inclusive('\n') {
        let body = line.trim_end_matches('\n');
        let shown = one_line(body);
        text.push_str(&match body.as_bytes().first() {
            _ if body.starts_with("+++") || body.starts_with("---") => paint(HEADING, &shown),
            Some(b'+') => paint(GAIN, &shown),
            Some(b'-') => paint(LOSS, &shown),
            Some(b'@') => paint(PLACE, &shown),
            _ => shown.into_owned(),
        });
        text.push_str(&line[body.len()..]);
    }
    text
}
