//! The end of a node with all its children.

use std::ops::Range;

use super::Editor;
use super::block_scalar::BlockScalar;
use super::lines::{is_break, line_at};
use super::span_tree::{Kind, NodeId, Style};

/// The end of a node.
pub(super) struct NodeEnd {
    /// The end of its last line, line break included.
    pub(super) at: usize,
    /// If that line belongs to a block scalar: the column of its text, and whether the blank lines below are part of it.
    pub(super) block: Option<(usize, bool)>,
}

impl Editor<'_> {
    /// Returns the end of the value of a key, or of the item of a dash, in this column.
    pub(super) fn end_of(&self, mut value: NodeId, mut column: usize) -> NodeEnd {
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
                    let block = BlockScalar::read(self.text, start, column, 1);
                    return NodeEnd {
                        at: block.end(),
                        block: Some((block.indent(), block.keeps_blank_lines())),
                    };
                }
                _ => {
                    return NodeEnd {
                        at: line_at(self.text, node.span.end).next,
                        block: None,
                    };
                }
            }
        }
    }
}

/// Returns the start of a block scalar's header, after its anchor and tag.
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
