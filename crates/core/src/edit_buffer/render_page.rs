//! Renders the page.

use super::data_keys::Keys;
use super::line::{CONFLICT_MARKERS, Line, NO_LINE_BREAK, line_break};
use super::remark::push_comment;
use crate::history::Contents;
use crate::line_merge::{Piece, pieces};

/// The indentation of a value with lines that could be mistaken for lines of the page.
pub(super) const INDENT: &str = "  ";

/// Renders the page with the values of these keys below a header.
pub fn page(contents: &Contents, keys: &Keys, header: &[String]) -> String {
    let texts = keys.iter().filter_map(|key| {
        let text = contents.data.get(key)?;
        let lines = text.split_inclusive('\n').collect();
        Some((key, vec![Piece::Agreed(lines)]))
    });
    render(&texts.collect::<Vec<_>>(), keys, header, "")
}

/// Renders the page with two changes of `base`. Changes to different lines are merged, conflicting ones are shown side by
/// side. `their_location` describes the location of `theirs`.
pub fn conflict_page(
    [base, ours, theirs]: [&Contents; 3],
    keys: &Keys,
    header: &[String],
    their_location: &str,
) -> String {
    let of = |contents: &'_ Contents, key: &str| contents.data.get(key).cloned();
    let mut texts = Vec::new();
    for key in keys.iter() {
        let [base, ours, theirs] = [of(base, key), of(ours, key), of(theirs, key)];
        let only = match () {
            () if base == theirs || ours == theirs => Some(ours.clone()),
            () if base == ours => Some(theirs.clone()),
            () => None,
        };
        texts.push((
            key,
            [base, ours, theirs].map(Option::unwrap_or_default),
            only,
        ));
    }
    let has_conflict = |texts: &[(&str, Vec<Piece<'_>>)]| {
        let mut all = texts.iter().flat_map(|(_, pieces)| pieces);
        all.any(|piece| matches!(piece, Piece::Conflict { .. }))
    };
    let pieces = |by_lines: bool| {
        let each = texts
            .iter()
            .filter_map(|(key, [base, ours, theirs], only)| {
                Some((
                    *key,
                    match only {
                        Some(only) => vec![Piece::Agreed(
                            only.as_ref()?.split_inclusive('\n').collect(),
                        )],
                        None if by_lines => pieces(base, ours, theirs),
                        None => pieces("", ours, theirs),
                    },
                ))
            });
        each.collect::<Vec<_>>()
    };
    let by_lines = pieces(true);
    // Even without conflicting lines, the merged text may have a meaning that neither side intended.
    let texts = if has_conflict(&by_lines) {
        by_lines
    } else {
        pieces(false)
    };
    render(&texts, keys, header, their_location)
}

fn render(
    texts: &[(&str, Vec<Piece<'_>>)],
    keys: &Keys,
    header: &[String],
    their_location: &str,
) -> String {
    let all = texts
        .iter()
        .flat_map(|(_, pieces)| pieces.iter().flat_map(Piece::lines));
    let end = line_break(all);
    let mut page = String::new();
    for line in header {
        push_comment(&mut page, line, end);
    }
    for (key, pieces) in texts {
        let mut lines = pieces.iter().flat_map(Piece::lines);
        let is_indented = lines.any(|line| Line::of(line, keys) != Line::Content);
        let opening = if is_indented { ": |" } else { ":" };
        push_comment(&mut page, "", end);
        push_all(&mut page, &[key, opening, end]);
        let put_lines = |page: &mut String, lines: &[&str], is_last: bool| {
            for line in lines {
                if is_indented && !matches!(*line, "\n" | "\r\n") {
                    page.push_str(INDENT);
                }
                page.push_str(line);
                if !line.ends_with('\n') {
                    page.push_str(end);
                    if is_last {
                        page.push_str(NO_LINE_BREAK);
                        page.push_str(end);
                    }
                }
            }
        };
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Agreed(lines) => put_lines(&mut page, lines, at + 1 == pieces.len()),
                Piece::Conflict { ours, theirs } => {
                    let [begin, middle, close] = CONFLICT_MARKERS;
                    push_all(&mut page, &[begin, " yours", end]);
                    put_lines(&mut page, ours, false);
                    push_all(&mut page, &[middle, end]);
                    put_lines(&mut page, theirs, false);
                    push_all(&mut page, &[close, " ", their_location, end]);
                }
            }
        }
    }
    page
}

fn push_all(page: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| page.push_str(part));
}
