//! Adding an item to a list, and taking one out, in the style of its neighbours.

use super::lines::{break_near, indent_below, is_break, line_start};
use super::new::{Around, New};
use super::pair::End;
use super::splice::Splice;
use super::tree::{NodeId, Pair, Style};
use super::{Editor, Unwritable};

impl Editor<'_> {
    /// Adds an item behind the last one of the list that is the value of `pair`; `outer` is the mapping of that pair.
    pub(crate) fn add_item(
        &self,
        pair: Pair,
        outer: NodeId,
        item: &New<'_>,
    ) -> Result<Vec<Splice>, Unwritable> {
        let list = pair.value;
        let Some(&last) = self.tree.items(list).last() else {
            return Ok(self.fill(pair, outer, &New::List(vec![item.clone()])));
        };
        if self.tree.is_flow(list) {
            return Ok(vec![self.add_item_in_flow(list, outer, item)]);
        }
        let column = self.tree.node(list).column;
        let End { mut at, block } = self.end_below(last, column);
        let line_break = break_near(self.text, self.tree.node(last).span.start);
        let mut lines = String::new();
        if !self.text[..at].ends_with(is_break) {
            if block.is_some() {
                // A block scalar that the end of the file cuts short would gain a newline with something behind it.
                at = self.own_line_of_item(last)?;
            } else {
                lines.push_str(line_break);
            }
        }
        let around = Around {
            line_break,
            quoted: self.tree.style(pair.key) == Some(Style::Double),
            below: indent_below(self.text, at),
        };
        self.push_item(&mut lines, column, around, item);
        Ok(vec![Splice::insert(at, lines)])
    }

    /// Takes an item out of a list that keeps others.
    pub(crate) fn remove_item(&self, list: NodeId, at: usize) -> Result<Vec<Splice>, Unwritable> {
        let items = self.tree.items(list);
        let span = |at: usize| self.tree.node(items[at]).span.clone();
        if self.tree.is_flow(list) {
            let range = if at > 0 {
                span(at - 1).end..span(at).end
            } else {
                span(0).start..span(1).start
            };
            return Ok(vec![Splice::new(range, "")]);
        }
        let start = self.own_line_of_item(items[at])?;
        let column = self.tree.node(list).column;
        let above = at
            .checked_sub(1)
            .map(|above| self.end_below(items[above], column));
        let end = self.end_below(items[at], column).at;
        let range = self.cut(start..end, above, items[at])?;
        Ok(vec![Splice::new(range, "")])
    }

    /// Where the line of an item's dash starts, when nothing else stands in front of it.
    fn own_line_of_item(&self, item: NodeId) -> Result<usize, Unwritable> {
        let node = self.tree.node(item);
        let dash = node.dash.unwrap_or(node.span.start);
        let start = line_start(self.text, dash);
        if self.text[start..dash].bytes().all(|byte| byte == b' ') {
            return Ok(start);
        }
        Err(self.unwritable(
            item,
            "its dash does not stand on a line of its own",
            "give each item of the list its own line, as `- item`",
        ))
    }
}
