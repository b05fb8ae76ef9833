//! The kinds of lines of a page.

use super::Keys;

/// The prefix of awsauth's comments. [`read`](super::read) drops lines that begin with it.
pub const MARK: &str = "#!";

/// The line after a value whose last line has no line break. It is the only line with [`MARK`] that is not just a comment.
pub(super) const NO_LINE_BREAK: &str = "#! no line break at the end";

/// The markers of a conflict: the start, the line between both sides, and the end.
pub(super) const CONFLICT_MARKERS: [&str; 3] = ["<<<<<<<", "=======", ">>>>>>>"];

/// A kind of line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'t> {
    /// A comment of awsauth.
    Mark,
    /// [`NO_LINE_BREAK`]
    NoLineBreak,
    ConflictMarker,
    /// The key of the value below.
    Heading {
        key: &'t str,
        /// The text after the colon, with the line break.
        rest: &'t str,
    },
    /// A line of a value.
    Content,
}

impl<'t> Line<'t> {
    /// Classifies a line, given with its line break.
    pub(super) fn of(line: &'t str, keys: &Keys) -> Self {
        if line.trim_end() == NO_LINE_BREAK {
            return Self::NoLineBreak;
        }
        if line.starts_with(MARK) {
            return Self::Mark;
        }
        if CONFLICT_MARKERS.iter().any(|edge| line.starts_with(edge)) {
            return Self::ConflictMarker;
        }
        match line.split_once(':') {
            Some((key, rest)) if keys.has(key) && (rest.is_empty() || starts_blank(rest)) => {
                Self::Heading { key, rest }
            }
            _ => Self::Content,
        }
    }
}

fn starts_blank(rest: &str) -> bool {
    rest.starts_with([' ', '\t', '\r', '\n'])
}

/// Returns the line break that all lines of these values have, or else a newline.
pub(super) fn line_break<'t>(texts: impl Iterator<Item = &'t str>) -> &'static str {
    let mut lines = texts.flat_map(|text| text.split_inclusive('\n'));
    let mut ended = lines
        .by_ref()
        .filter(|line| line.ends_with('\n'))
        .peekable();
    let is_any = ended.peek().is_some();
    match is_any && ended.all(|line| line.ends_with("\r\n")) {
        true => "\r\n",
        false => "\n",
    }
}
