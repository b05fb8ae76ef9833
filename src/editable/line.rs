use super::Keys;

/// What begins the lines that are dropped.
pub const MARK: &str = "#!";

/// Stands behind a text whose last line has no break; of our lines the only one that means something.
pub(super) const UNENDED: &str = "#! no line break at the end";

/// Where a conflict begins, where its sides meet, and where it ends.
pub(super) const TORN: [&str; 3] = ["<<<<<<<", "=======", ">>>>>>>"];

/// What a line of the page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'t> {
    /// One of ours.
    Mark,
    /// [`UNENDED`]
    Unended,
    /// The edge of a conflict.
    Torn,
    /// Names the key whose text stands below.
    Heading {
        key: &'t str,
        /// What stands behind the colon, with the line's break.
        rest: &'t str,
    },
    /// A line of a text.
    Content,
}

impl<'t> Line<'t> {
    /// Reads a line, its break included.
    pub(super) fn of(line: &'t str, keys: &Keys) -> Self {
        if line.trim_end() == UNENDED {
            return Self::Unended;
        }
        if line.starts_with(MARK) {
            return Self::Mark;
        }
        if TORN.iter().any(|edge| line.starts_with(edge)) {
            return Self::Torn;
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

/// The break that all the lines of these texts have.
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
