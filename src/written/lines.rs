//! Lines as YAML 1.1 counts them: LF, CR, CRLF, NEL, LS and PS end one.

/// A line of the manifest: its first byte, its end before the break, and the first byte of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) next: usize,
}

/// The line, or the rest of it, that starts at this byte.
pub(crate) fn line_at(text: &str, start: usize) -> Line {
    let bytes = text.as_bytes();
    let mut at = start;
    loop {
        // The first bytes of all breaks.
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

/// The first byte of the line that holds this one.
pub(crate) fn line_start(text: &str, offset: usize) -> usize {
    let before = &text[..offset];
    before
        .char_indices()
        .rev()
        .find(|(_, c)| is_break(*c))
        .map_or(0, |(at, c)| at + c.len_utf8())
}

pub(crate) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What a break decodes to: LS and PS stay, any other is a newline.
pub(crate) fn decoded_break(raw: &str) -> char {
    raw.chars()
        .next()
        .filter(|c| matches!(c, '\u{2028}' | '\u{2029}'))
        .unwrap_or('\n')
}

/// The break that ends the line of this byte, or the first of the file where that line is the last.
pub(crate) fn break_near(text: &str, offset: usize) -> &str {
    let here = line_at(text, offset);
    let raw = &text[here.end..here.next];
    let raw = if raw.is_empty() {
        let first = line_at(text, 0);
        &text[first.end..first.next]
    } else {
        raw
    };
    match raw {
        "\n" | "\r\n" => raw,
        // A lone carriage return would become one break with a newline that follows it.
        "\r" => "\r\n",
        _ => "\n",
    }
}

/// A decoded text in lines, each with the break that ends it; a last line without one is given a newline.
pub(crate) fn decoded_lines(text: &str) -> Vec<(&str, char)> {
    let mut start = 0;
    // The first bytes of these breaks, among others.
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

/// How far in a block scalar that ends here must at least stand so that nothing behind it becomes part of it: deeper
/// than the next line that says something, and as deep as the blank lines in front of that.
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
