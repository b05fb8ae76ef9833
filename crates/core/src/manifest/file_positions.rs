//! Maps lines and bytes of a section's own text to lines and bytes of the file.

use std::ops::Range;

use goyaml::edit::block_scalar::BlockScalar;
use goyaml::edit::lines::is_break;
use goyaml::edit::quoted_scalar::QuotedScalar;
use goyaml::edit::span_tree::{NodeId, Pair, Style, Tree};

/// Where in the file the lines of a decoded section are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileLines {
    /// The line of the file where the scalar starts, from 1.
    start: usize,
    below: Below,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Below {
    /// The whole section is on the line where it starts.
    Same,
    /// The lines follow the header one by one.
    Next,
    /// Each line is this far below the line where the scalar starts.
    Each(Vec<usize>),
}

impl FileLines {
    pub(super) fn new(text: &str, tree: &Tree, pair: Pair) -> Self {
        let node = tree.node(pair.value);
        let below = match tree.style(pair.value) {
            Some(Style::Literal) => Below::Next,
            Some(Style::Folded) => {
                let block = BlockScalar::read(text, node.span.start, tree.node(pair.key).column, 1);
                Below::Each(block.folded_lines())
            }
            Some(style @ (Style::Single | Style::Double))
                if !tree.json && text[node.span.clone()].contains(is_break) =>
            {
                Below::Each(QuotedScalar::new(text, node.span.clone(), style, tree.json).lines())
            }
            _ => Below::Same,
        };
        Self {
            start: node.line,
            below,
        }
    }

    /// Returns the lines of a section that begins at this line of the file.
    pub(super) fn from(line: usize) -> Self {
        Self {
            start: line.saturating_sub(1),
            below: Below::Next,
        }
    }

    pub(super) fn file_line(&self, line: usize) -> usize {
        let line = line.max(1);
        match &self.below {
            Below::Same => self.start,
            Below::Next => self.start + line,
            Below::Each(below) => {
                self.start
                    + below
                        .get(line - 1)
                        .or(below.last())
                        .copied()
                        .unwrap_or_default()
            }
        }
    }
}

/// Returns the bytes of the file at which these bytes of a decoded scalar are written. `offsets` ascend. `column` is that of the
/// scalar's key, or of the list that it is in.
pub(super) fn file_offsets(
    text: &str,
    tree: &Tree,
    (scalar, column): (NodeId, usize),
    decoded: &str,
    offsets: &[usize],
) -> Vec<usize> {
    let span = tree.node(scalar).span.clone();
    match tree.style(scalar) {
        Some(Style::Literal | Style::Folded) => {
            let block = BlockScalar::read(text, span.start, column, 1);
            of_pieces(block.contents(), text, decoded, offsets)
        }
        Some(style @ (Style::Single | Style::Double)) => {
            let quoted = QuotedScalar::new(text, span, style, tree.json);
            of_steps(quoted.steps(), offsets)
        }
        _ => offsets
            .iter()
            .map(|offset| (span.start + offset).min(span.end))
            .collect(),
    }
}

/// Maps offsets of a block scalar. The decoded text has the contents of its lines, with white space between them.
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
        let mut is_blank = true;
        let gaps = rest.char_indices().take_while(|(_, c)| {
            let is_gap = is_blank;
            is_blank = c.is_whitespace();
            is_gap
        });
        let gap = gaps
            .map(|(gap, _)| gap)
            .find(|gap| rest[*gap..].starts_with(&text[piece.clone()]));
        let Some(gap) = gap else { continue };
        at += gap;
        // An offset in the white space before a line is mapped to the end of the line above.
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

/// Maps offsets of a quoted scalar. Each step is a range of the file and the length of its decoded text.
fn of_steps(steps: impl Iterator<Item = (Range<usize>, usize)>, offsets: &[usize]) -> Vec<usize> {
    let mut found = Vec::with_capacity(offsets.len());
    let mut offsets = offsets.iter().peekable();
    let (mut at, mut end) = (0, 0);
    for (raw, length) in steps {
        while let Some(offset) = offsets.next_if(|offset| **offset < at + length) {
            // The range is unescaped text or a single escape.
            let within = if raw.len() == length { offset - at } else { 0 };
            found.push(raw.start + within);
        }
        at += length;
        end = raw.end;
    }
    found.extend(offsets.map(|_| end));
    found
}
