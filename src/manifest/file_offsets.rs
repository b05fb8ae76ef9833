//! Where in the file the bytes of a section's own text stand.

use std::ops::Range;

use crate::written::block::Block;
use crate::written::quoted::Quoted;
use crate::written::tree::{Pair, Style, Tree};

/// The bytes of the file at which these bytes of a decoded scalar are written. `offsets` ascend.
pub(super) fn file_offsets(
    text: &str,
    tree: &Tree,
    pair: Pair,
    decoded: &str,
    offsets: &[usize],
) -> Vec<usize> {
    let span = tree.node(pair.value).span.clone();
    match tree.style(pair.value) {
        Some(Style::Literal | Style::Folded) => {
            let block = Block::read(text, span.start, tree.node(pair.key).column, 1);
            of_pieces(block.contents(), text, decoded, offsets)
        }
        Some(style @ (Style::Single | Style::Double)) => {
            let quoted = Quoted::new(text, span, style, tree.json);
            of_steps(quoted.steps(), offsets)
        }
        _ => offsets
            .iter()
            .map(|offset| (span.start + offset).min(span.end))
            .collect(),
    }
}

/// Of a block: the contents of its lines stand in the decoded text, with white space between them.
fn of_pieces(
    pieces: impl Iterator<Item = Range<usize>>,
    text: &str,
    decoded: &str,
    offsets: &[usize],
) -> Vec<usize> {
    let mut found = Vec::with_capacity(offsets.len());
    let mut offsets = offsets.iter().peekable();
    let mut at = 0;
    let mut end = 0;
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        let rest = &decoded[at..];
        let gap = rest
            .char_indices()
            .map(|(gap, _)| gap)
            .take_while(|gap| rest[..*gap].trim().is_empty())
            .find(|gap| rest[*gap..].starts_with(&text[piece.clone()]));
        let Some(gap) = gap else { continue };
        at += gap;
        // What stands in the white space in front of a line is shown behind the line before.
        while offsets.next_if(|offset| **offset < at).is_some() {
            found.push(if end == 0 { piece.start } else { end });
        }
        while let Some(offset) = offsets.next_if(|offset| **offset <= at + piece.len()) {
            found.push(piece.start + offset - at);
        }
        at += piece.len();
        end = piece.end;
    }
    found.extend(offsets.map(|_| end));
    found
}

/// Of a quoted scalar: each step is some bytes of the file and the length of what they stand for.
fn of_steps(steps: impl Iterator<Item = (Range<usize>, usize)>, offsets: &[usize]) -> Vec<usize> {
    let mut found = Vec::with_capacity(offsets.len());
    let mut offsets = offsets.iter().peekable();
    let (mut at, mut end) = (0, 0);
    for (raw, length) in steps {
        while let Some(offset) = offsets.next_if(|offset| **offset < at + length) {
            // As it is, or one escape for all of it.
            let within = if raw.len() == length { offset - at } else { 0 };
            found.push(raw.start + within);
        }
        at += length;
        end = raw.end;
    }
    found.extend(offsets.map(|_| end));
    found
}
