//! Where lines begin and end. YAML 1.1 ends them with LF, CR, CRLF, NEL, LS and PS.

const BOM: char = '\u{feff}';

/// Whether a line ends with it.
pub(super) fn is_break(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The end of the line that `at` is in, its line break left out.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..]
        .find(is_break)
        .map_or(text.len(), |found| at + found)
}

/// The line break at `at`; empty at the end of the text.
pub(super) fn line_break(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let width = match rest.chars().next() {
        Some('\r') if rest.starts_with("\r\n") => 2,
        Some(char) if is_break(char) => char.len_utf8(),
        _ => 0,
    };
    &rest[..width]
}

/// The beginning of the line behind the one that `at` is in.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    let end = line_end(text, at);
    end + line_break(text, end).len()
}

/// The beginning of the line that ends with the line break before `line`, itself the beginning of a line.
pub(super) fn previous_line(text: &str, line: usize) -> Option<usize> {
    let before = without_break(&text[..line])?;
    Some(before.rfind(is_break).map_or(bom(text), |at| {
        at + text[at..].chars().next().map_or(0, char::len_utf8)
    }))
}

/// The text without the line break that it ends with; `None` when it ends with none.
pub(super) fn without_break(text: &str) -> Option<&str> {
    text.strip_suffix("\r\n")
        .or_else(|| text.strip_suffix(is_break))
}

/// The white space between the beginning of the line and `at`; `None` when anything else stands there.
pub(super) fn indent_before(text: &str, at: usize) -> Option<&str> {
    let start = text[..at].trim_end_matches([' ', '\t']).len();
    let begins = start == bom(text) || without_break(&text[..start]).is_some();
    begins.then(|| &text[start..at])
}

/// Whether the line at `line` is blank.
pub(super) fn is_blank(text: &str, line: usize) -> bool {
    text[line..line_end(text, line)]
        .chars()
        .all(|char| matches!(char, ' ' | '\t'))
}

/// The column of the comment that is all of the line at `line`.
pub(super) fn comment_column(text: &str, line: usize) -> Option<usize> {
    let content = &text[line..line_end(text, line)];
    let column = content.len() - content.trim_start_matches([' ', '\t']).len();
    content[column..].starts_with('#').then_some(column)
}

/// The line break right before `at`; where there is none, the one that the text uses there.
pub(super) fn break_before(text: &str, at: usize) -> &str {
    match without_break(&text[..at]) {
        Some(rest) => &text[rest.len()..at],
        None => usual_break(text, at),
    }
}

/// The line break that the text uses: the one at `at` or before it, else the first one, else a newline.
pub(super) fn usual_break(text: &str, at: usize) -> &str {
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

/// The width of the byte order mark that the text begins with.
pub(super) fn bom(text: &str) -> usize {
    if text.starts_with(BOM) {
        BOM.len_utf8()
    } else {
        0
    }
}
