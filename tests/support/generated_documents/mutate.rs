//! Small damage to a document, as by an editor, a merge or a lost connection.

use std::ops::Range;

use fastrand::Rng;

use super::{Draw, scalars, yaml_fragments};

/// One to four mutations.
pub(super) fn some(rng: &mut Rng, mut text: String, seeds: &[String]) -> String {
    for _ in 0..=rng.weighted(&[6, 3, 1, 1]) {
        text = one(rng, text, seeds);
    }
    text
}

fn one(rng: &mut Rng, mut text: String, seeds: &[String]) -> String {
    match rng.u32(..15) {
        0 => text.truncate(place(rng, &text)),
        1 => text.replace_range(..place(rng, &text), ""),
        2 | 3 => {
            let chars = chars(rng, &text, 4);
            text.replace_range(chars, "");
        }
        4 | 5 => text.insert_str(place(rng, &text), rng.pick(&yaml_fragments::FRAGMENTS)),
        6 => text.insert(place(rng, &text), scalars::odd_char(rng)),
        7 => {
            let chars = chars(rng, &text, 1);
            text.replace_range(chars, rng.pick(&yaml_fragments::FRAGMENTS));
        }
        8 => {
            let chars = chars(rng, &text, 24);
            let copy = text[chars].to_owned();
            text.insert_str(place(rng, &text), &copy);
        }
        9 => return lines(rng, &text),
        10 => return indents(rng, &text),
        11 => {
            let scalar = scalars::written(rng, 2, false);
            let word = word(rng, &text);
            text.replace_range(word, &scalar);
        }
        12 => return swapped_words(rng, &text),
        13 if !seeds.is_empty() => {
            let other = &seeds[rng.usize(..seeds.len())];
            let (head, tail) = (place(rng, &text), place(rng, other));
            text.truncate(head);
            text.push_str(&other[tail..]);
        }
        _ => {
            let breaks = rng.pick(&[
                "\r\n", "\r", "\u{85}", "\u{2028}", "\n\n", " \n", "\t\n", "\n ",
            ]);
            return if rng.bool() {
                text.replace('\n', breaks)
            } else {
                text.replacen('\n', breaks, 1)
            };
        }
    }
    text
}

/// A position between two characters.
fn place(rng: &mut Rng, text: &str) -> usize {
    let mut at = rng.usize(..=text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A few characters.
fn chars(rng: &mut Rng, text: &str, most: usize) -> Range<usize> {
    let start = place(rng, text);
    let count = 1 + rng.usize(..most);
    start
        ..text[start..]
            .char_indices()
            .nth(count)
            .map_or(text.len(), |(at, _)| start + at)
}

fn word(rng: &mut Rng, text: &str) -> Range<usize> {
    let is_gap = |char: char| char.is_whitespace() || ":,[]{}".contains(char);
    let at = place(rng, text);
    let start = text[..at].rfind(is_gap).map_or(0, |gap| {
        gap + text[gap..].chars().next().map_or(0, char::len_utf8)
    });
    let end = text[at..].find(is_gap).map_or(text.len(), |gap| at + gap);
    start..end
}

fn swapped_words(rng: &mut Rng, text: &str) -> String {
    let (mut a, mut b) = (word(rng, text), word(rng, text));
    if b.start < a.start {
        (a, b) = (b, a);
    }
    if a.end > b.start {
        return text.to_owned();
    }
    [
        &text[..a.start],
        &text[b.clone()],
        &text[a.end..b.start],
        &text[a],
        &text[b.end..],
    ]
    .concat()
}

fn lines(rng: &mut Rng, text: &str) -> String {
    let mut lines: Vec<_> = text.split_inclusive('\n').collect();
    if lines.is_empty() {
        return String::new();
    }
    let (a, b) = (rng.usize(..lines.len()), rng.usize(..lines.len()));
    match rng.u32(..3) {
        0 => {
            lines.remove(a);
        }
        1 => lines.insert(b, lines[a]),
        _ => lines.swap(a, b),
    }
    lines.concat()
}

/// Changes the indentation of some lines.
fn indents(rng: &mut Rng, text: &str) -> String {
    let deeper = rng.pick(&[" ", "  ", "\t", "\u{a0}", "    "]);
    let (all, shallower) = (rng.one_in(4), rng.bool());
    let mut indented = String::new();
    for line in text.split_inclusive('\n') {
        if !all && !rng.one_in(3) {
            indented.push_str(line);
        } else if shallower {
            indented.push_str(line.strip_prefix(' ').unwrap_or(line));
        } else {
            indented.push_str(deeper);
            indented.push_str(line);
        }
    }
    indented
}

/// Puts a comment before the text so that an interesting position is near the end of a 512-byte chunk.
pub(super) fn at_piece_end(rng: &mut Rng, text: &str) -> String {
    let piece = 512 * (1 + rng.usize(..3));
    let padding = (piece + 8).saturating_sub(rng.usize(..16) + text.len().min(rng.usize(..64)));
    let filler = rng.pick(&["x", "x", "é", "\u{1f600}"]);
    let mut padded = format!("#{}", filler.repeat(padding / filler.len()));
    if rng.one_in(4) {
        padded.push_str(rng.pick(&["x", "xx", "\u{e9}"]));
    }
    padded.push('\n');
    if rng.bool() {
        padded = format!("{text}\n{padded}");
    } else {
        padded.push_str(text);
    }
    for _ in 0..rng.usize(..3) {
        let near = (piece + rng.usize(..12))
            .saturating_sub(6)
            .min(padded.len());
        let near = (0..=near)
            .rev()
            .find(|at| padded.is_char_boundary(*at))
            .unwrap_or(0);
        padded.insert_str(near, rng.pick(&yaml_fragments::AT_PIECE_END));
    }
    padded
}
