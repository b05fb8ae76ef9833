//! Line arithmetic. YAML 1.1 ends lines with LF, CR, CRLF, NEL, LS and PS.

const BOM: char = '\u{feff}';

/// A line: its first byte, its end before the line break, and the first byte of the next line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub start: usize,
    pub end: usize,
    pub next: usize,
}

/// Returns the line, or the rest of a line, that starts at this byte.
pub fn line_at(text: &str, start: usize) -> Line {
    let bytes = text.as_bytes();
    let mut at = start;
    loop {
        // The first bytes of all line breaks.
        let rest = bytes.get(at..).unwrap_or_default().iter();
        at += rest
            .take_while(|byte| !matches!(byte, b'\n' | b'\r' | 0xc2 | 0xe2))
            .count();
        let width = match bytes.get(at) {
            None => {
                return Line {
                    start,
                    end: at,
                    next: at,
                };
            }
            Some(b'\n') => 1,
            Some(b'\r') => 1 + usize::from(bytes.get(at + 1) == Some(&b'\n')),
            Some(0xc2) if bytes.get(at + 1) == Some(&0x85) => 2,
            Some(0xe2)
                if bytes.get(at + 1) == Some(&0x80)
                    && matches!(bytes.get(at + 2), Some(0xa8 | 0xa9)) =>
            {
                3
            }
            Some(_) => 0,
        };
        if width > 0 {
            return Line {
                start,
                end: at,
                next: at + width,
            };
        }
        at += 1;
    }
}

/// Returns whether the character ends a line.
pub fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Returns the end of the line that contains `at`, without its line break.
pub fn line_end(text: &str, at: usize) -> usize {
    line_at(text, at).end
}

/// Returns the start of the line after the one that contains `at`.
pub fn next_line(text: &str, at: usize) -> usize {
    line_at(text, at).next
}

/// Returns the line break at `at`; empty at the end of the text.
pub fn line_break(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let width = match rest.chars().next() {
        Some('\r') if rest.starts_with("\r\n") => 2,
        Some(c) if is_break(c) => c.len_utf8(),
        _ => 0,
    };
    &rest[..width]
}

/// Returns the start of the line that contains `at`, after a byte order mark.
pub fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind(is_break).map_or(bom(text), |at| {
        at + text[at..].chars().next().map_or(0, char::len_utf8)
    })
}

/// Returns the start of the line above the one that starts at `line`.
pub(crate) fn previous_line(text: &str, line: usize) -> Option<usize> {
    let before = without_break(&text[..line])?;
    Some(line_start(text, before.len()))
}

/// Removes the line break at the end of the text; `None` if there is none.
pub fn without_break(text: &str) -> Option<&str> {
    text.strip_suffix("\r\n")
        .or_else(|| text.strip_suffix(is_break))
}

/// Returns the white space between the start of the line and `at`; `None` if the line has anything else there.
pub fn indent_before(text: &str, at: usize) -> Option<&str> {
    let start = text[..at].trim_end_matches([' ', '\t']).len();
    let begins = start == bom(text) || without_break(&text[..start]).is_some();
    begins.then(|| &text[start..at])
}

/// Returns whether the line that starts at `line` is blank.
pub(crate) fn is_blank(text: &str, line: usize) -> bool {
    text[line..line_end(text, line)]
        .chars()
        .all(|c| matches!(c, ' ' | '\t'))
}

/// Returns the column of a comment that has the line at `line` to itself.
pub fn comment_column(text: &str, line: usize) -> Option<usize> {
    let content = &text[line..line_end(text, line)];
    let column = content.len() - content.trim_start_matches([' ', '\t']).len();
    content[column..].starts_with('#').then_some(column)
}

/// Returns the length of the byte order mark at the start of the text, or 0.
pub fn bom(text: &str) -> usize {
    if text.starts_with(BOM) {
        BOM.len_utf8()
    } else {
        0
    }
}

/// Returns the line break right before `at`, or else the one that the text uses there.
pub(crate) fn break_before(text: &str, at: usize) -> &str {
    match without_break(&text[..at]) {
        Some(rest) => &text[rest.len()..at],
        None => usual_break(text, at),
    }
}

/// Returns the line break that the text uses: the one that ends the line of `at`, or the one before `at`, or the
/// first one of the text, or a newline.
pub fn usual_break(text: &str, at: usize) -> &str {
    let here = line_break(text, line_end(text, at));
    if !here.is_empty() {
        return here;
    }
    match without_break(&text[..at]) {
        Some(rest) => &text[rest.len()..at],
        None => match line_break(text, line_end(text, 0)) {
            "" => "\n",
            first => first,
        },
    }
}

/// Returns the line break that the text uses near `at`, if a block scalar can have it; else a similar one.
pub fn break_near(text: &str, at: usize) -> &str {
    match usual_break(text, at) {
        found @ ("\n" | "\r\n") => found,
        // A lone carriage return would become part of a newline that follows it.
        "\r" => "\r\n",
        _ => "\n",
    }
}

/// Returns the character that a line break decodes to: LS and PS stay, any other becomes a newline.
pub(crate) fn decoded_break(raw: &str) -> char {
    raw.chars()
        .next()
        .filter(|c| matches!(c, '\u{2028}' | '\u{2029}'))
        .unwrap_or('\n')
}

/// Splits a decoded string into lines, each with the line break that ends it. A last line without one gets a newline.
pub(crate) fn decoded_lines(text: &str) -> Vec<(&str, char)> {
    let mut start = 0;
    // The first bytes of these line breaks, among others.
    let may_end = |byte: &u8| matches!(byte, b'\n' | 0xe2);
    let mut lines = Vec::with_capacity(text.bytes().filter(may_end).count() + 1);
    for (at, _) in text.bytes().enumerate().filter(|(_, byte)| may_end(byte)) {
        let Some(c @ ('\n' | '\u{2028}' | '\u{2029}')) = text[at..].chars().next() else {
            continue;
        };
        lines.push((&text[start..at], c));
        start = at + c.len_utf8();
    }
    if start < text.len() {
        lines.push((&text[start..], '\n'));
    }
    lines
}

/// Returns the indentation that a block scalar ending at `from` needs at least, so that nothing below becomes part of
/// it: more than the next line with content, and no less than the blank lines before that line.
pub(crate) fn indent_below(text: &str, from: usize) -> usize {
    let mut needed = 0;
    let mut at = from;
    loop {
        let line = line_at(text, at);
        let content = text[at..line.end].trim_start_matches(' ');
        let indent = line.end - at - content.len();
        if !content.is_empty() {
            return needed.max(indent + 1);
        }
        needed = needed.max(indent);
        if line.next == line.end {
            return needed;
        }
        at = line.next;
    }
}
