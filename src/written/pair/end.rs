//! Where a key and all that stands below it end.

use std::ops::Range;

use crate::written::Editor;
use crate::written::block::Block;
use crate::written::lines::{is_break, line_at};
use crate::written::tree::{Kind, NodeId, Pair, Style};

/// Where a pair ends.
pub(in crate::written) struct End {
    /// Behind its last line.
    pub(in crate::written) at: usize,
    /// If that line is a block scalar's: the column of its text, and whether it takes in the blank lines behind it.
    pub(in crate::written) block: Option<(usize, bool)>,
}

impl Editor<'_> {
    /// Where the last line of a pair ends.
    pub(super) fn end_of(&self, pair: Pair) -> End {
        self.end_below(pair.value, self.tree.node(pair.key).column)
    }

    /// Where the last line of the value of a key, or the item of a dash, in this column ends.
    pub(in crate::written) fn end_below(&self, mut value: NodeId, mut column: usize) -> End {
        loop {
            let node = self.tree.node(value);
            match &node.kind {
                Kind::Mapping { flow: false, pairs } if !pairs.is_empty() => {
                    let last = pairs[pairs.len() - 1];
                    column = self.tree.node(last.key).column;
                    value = last.value;
                }
                Kind::Sequence { flow: false, items } if !items.is_empty() => {
                    column = node.column;
                    value = items[items.len() - 1];
                }
                Kind::Scalar {
                    style: Style::Literal | Style::Folded,
                    ..
                } => {
                    let start = skip_properties(self.text, node.span.clone());
                    let block = Block::read(self.text, start, column, 1);
                    return End {
                        at: block.end(),
                        block: Some((block.indent(), block.keeps_blank_lines())),
                    };
                }
                _ => {
                    return End {
                        at: line_at(self.text, node.span.end).next,
                        block: None,
                    };
                }
            }
        }
    }
}

/// Where a block scalar's header stands, behind an anchor and a tag.
fn skip_properties(text: &str, span: Range<usize>) -> usize {
    let mut rest = &text[span.clone()];
    while let Some(first) = rest.chars().next() {
        let ends = match first {
            '&' | '!' => rest.find(char::is_whitespace),
            '#' => rest.find(is_break),
            c if c.is_whitespace() => Some(c.len_utf8()),
            _ => None,
        };
        let Some(ends) = ends else { break };
        rest = &rest[ends..];
    }
    span.end - rest.len()
}
