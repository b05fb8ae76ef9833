use crate::written::block::Block;
use crate::written::lines::is_break;
use crate::written::quoted::Quoted;
use crate::written::tree::{Pair, Style, Tree};

/// Where in the file the lines of a decoded text stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileLines {
    /// The line of the file where the scalar starts, from 1.
    start: usize,
    below: Below,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Below {
    /// All of it stands on the line where it starts.
    Same,
    /// Line by line below its header.
    Next,
    /// So far below the line where it starts.
    Each(Vec<usize>),
}

impl FileLines {
    pub(super) fn new(text: &str, tree: &Tree, pair: Pair) -> Self {
        let node = tree.node(pair.value);
        let below = match tree.style(pair.value) {
            Some(Style::Literal) => Below::Next,
            Some(Style::Folded) => {
                let block = Block::read(text, node.span.start, tree.node(pair.key).column, 1);
                Below::Each(block.folded_lines())
            }
            Some(style @ (Style::Single | Style::Double))
                if !tree.json && text[node.span.clone()].contains(is_break) =>
            {
                Below::Each(Quoted::new(text, node.span.clone(), style, tree.json).lines())
            }
            _ => Below::Same,
        };
        Self {
            start: node.line,
            below,
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
