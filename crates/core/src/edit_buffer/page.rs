//! Renders the page.

use super::keys::Keys;
use super::line::{Line, TORN, UNENDED, line_break};
use super::remark::say;
use crate::history::{Contents, Piece, pieces};

/// The indentation of a text with lines that could be mistaken for lines of the page.
pub(super) const INDENT: &str = "  ";

/// Renders the page with the texts of these keys below a header.
pub fn page(contents: &Contents, keys: &Keys, header: &[String]) -> String {
    let texts = keys.iter().filter_map(|key| {
        let text = contents.data.get(key)?;
        let lines = text.split_inclusive('\n').collect();
        Some((key, vec![Piece::Agreed(lines)]))
    });
    whole(&texts.collect::<Vec<_>>(), keys, header, "")
}

/// Renders the page with two changes of `base`. Changes to different lines are merged, conflicting ones are shown side by
/// side. `there` describes the location of `theirs`.
pub fn torn_page(
    [base, ours, theirs]: [&Contents; 3],
    keys: &Keys,
    header: &[String],
    there: &str,
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
    let is_torn = |texts: &[(&str, Vec<Piece<'_>>)]| {
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
    // Changes to different lines may still result in something that neither side intended.
    let texts = if is_torn(&by_lines) {
        by_lines
    } else {
        pieces(false)
    };
    whole(&texts, keys, header, there)
}

fn whole(texts: &[(&str, Vec<Piece<'_>>)], keys: &Keys, header: &[String], there: &str) -> String {
    let all = texts
        .iter()
        .flat_map(|(_, pieces)| pieces.iter().flat_map(Piece::lines));
    let end = line_break(all);
    let mut page = String::new();
    for line in header {
        say(&mut page, line, end);
    }
    for (key, pieces) in texts {
        let mut lines = pieces.iter().flat_map(Piece::lines);
        let is_guarded = lines.any(|line| Line::of(line, keys) != Line::Content);
        let opening = if is_guarded { ": |" } else { ":" };
        say(&mut page, "", end);
        put(&mut page, &[key, opening, end]);
        let put_lines = |page: &mut String, lines: &[&str], is_last: bool| {
            for line in lines {
                if is_guarded && !matches!(*line, "\n" | "\r\n") {
                    page.push_str(INDENT);
                }
                page.push_str(line);
                if !line.ends_with('\n') {
                    page.push_str(end);
                    if is_last {
                        page.push_str(UNENDED);
                        page.push_str(end);
                    }
                }
            }
        };
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Agreed(lines) => put_lines(&mut page, lines, at + 1 == pieces.len()),
                Piece::Conflict { ours, theirs } => {
                    let [begin, middle, close] = TORN;
                    put(&mut page, &[begin, " yours", end]);
                    put_lines(&mut page, ours, false);
                    put(&mut page, &[middle, end]);
                    put_lines(&mut page, theirs, false);
                    put(&mut page, &[close, " ", there, end]);
                }
            }
        }
    }
    page
}

fn put(page: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| page.push_str(part));
}
