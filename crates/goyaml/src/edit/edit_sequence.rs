//! Adds items to a list and removes them, in the style of the other items.

use super::block_list::{BlockItem, BlockList};
use super::flow_collection::{FlowItem, FlowList};
use super::lines::{break_near, indent_before, indent_below, is_break, usual_break, without_break};
use super::new_value::{LineStyle, NewValue};
use super::node_end::NodeEnd;
use super::span_tree::{NodeId, Pair, Style};
use super::splice::Splice;
use super::{Editor, Unwritable};

impl Editor<'_> {
    /// Adds an item after the last one of the list that is the value of `pair`. `outer` is the mapping of that pair.
    ///
    /// # Errors
    /// If the style of the list does not allow it.
    pub fn add_item(
        &self,
        pair: Pair,
        outer: NodeId,
        item: &NewValue<'_>,
    ) -> Result<Vec<Splice>, Unwritable> {
        let list = pair.value;
        let Some(&last) = self.tree.items(list).last() else {
            return Ok(self.fill(pair, outer, &NewValue::List(vec![item.clone()])));
        };
        if self.tree.is_flow(list) {
            return Ok(self.add_item_in_flow(list, outer, item));
        }
        let column = self.tree.node(list).column;
        let NodeEnd { at, block } = self.end_of(last, column);
        let is_unended = !self.text[..at].ends_with(is_break);
        let line_break = usual_break(self.text, self.tree.node(last).span.start);
        let line_style = LineStyle {
            line_break,
            quoted: self.tree.style(pair.key) == Some(Style::Double),
            below: indent_below(self.text, at),
        };
        let mut lines = String::new();
        if is_unended && block.is_some() {
            // A block scalar without a line break at its end would gain one if text followed it.
            let at = self.own_line_of_item(last)?;
            let line_style = LineStyle {
                line_break: break_near(self.text, at),
                ..line_style
            };
            self.push_item(&mut lines, column, line_style, item);
            return Ok(vec![Splice::insert(at, lines)]);
        }
        self.push_item(&mut lines, column, line_style, item);
        let new = without_break(&lines).unwrap_or(&lines)[column..].to_owned();
        self.change_block_list(list, None, &[new], last)
    }

    /// Removes an item of a list that has other items.
    ///
    /// # Errors
    /// If the style of the list does not allow it.
    pub fn remove_item(&self, list: NodeId, at: usize) -> Result<Vec<Splice>, Unwritable> {
        let items = self.tree.items(list);
        if self.tree.is_flow(list) {
            let items = self.flow_items(items.iter().map(|&item| (item, item)), Some(at));
            let range = self.tree.node(list).span.clone();
            return Ok(FlowList::new(self.text, range, &items).change(&[]));
        }
        let start = self.own_line_of_item(items[at])?;
        let column = self.tree.node(list).column;
        let above = at
            .checked_sub(1)
            .map(|above| self.end_of(items[above], column));
        let end = self.end_of(items[at], column).at;
        self.lines_to_remove(start..end, above, items[at])?;
        self.change_block_list(list, Some(at), &[], items[at])
    }

    /// Removes an item of a list with dashes and adds new ones. The text of a new item begins with its dash.
    fn change_block_list(
        &self,
        list: NodeId,
        removed: Option<usize>,
        new: &[String],
        about: NodeId,
    ) -> Result<Vec<Splice>, Unwritable> {
        let items = self.tree.items(list).iter().enumerate();
        let items: Vec<_> = items
            .map(|(at, &item)| {
                let node = self.tree.node(item);
                BlockItem {
                    dash: node.dash.unwrap_or(node.span.start),
                    range: node.span.clone(),
                    removed: removed == Some(at),
                }
            })
            .collect();
        let list = BlockList::new(self.text, &items, &|_, _| false);
        list.change(new).ok_or_else(|| self.dash_within_line(about))
    }

    fn add_item_in_flow(&self, list: NodeId, within: NodeId, item: &NewValue<'_>) -> Vec<Splice> {
        let items = self.tree.items(list);
        let spacing = self.spacing_of_items(list, within);
        let new = self.flow(&spacing, item);
        let flow_items = self.flow_items(items.iter().map(|&item| (item, item)), None);
        let range = self.tree.node(list).span.clone();
        let splices = FlowList::new(self.text, range, &flow_items)
            .tight(spacing.is_tight())
            .change(&[new]);
        let has_property = items
            .last()
            .is_some_and(|&last| self.tree.node(last).property.is_some());
        if has_property {
            blank_before_comma(splices, &flow_items)
        } else {
            splices
        }
    }

    /// Returns the items of a flow sequence, or the pairs of a flow mapping. `removed` is the index of the item to remove.
    pub(super) fn flow_items(
        &self,
        nodes: impl Iterator<Item = (NodeId, NodeId)>,
        removed: Option<usize>,
    ) -> Vec<FlowItem> {
        nodes
            .enumerate()
            .map(|(at, (first, last))| {
                let (first, last) = (&self.tree.node(first).span, &self.tree.node(last).span);
                FlowItem {
                    range: first.start..last.end.max(first.end),
                    removed: removed == Some(at),
                }
            })
            .collect()
    }

    /// Returns the start of an item's line if only white space precedes its dash.
    fn own_line_of_item(&self, item: NodeId) -> Result<usize, Unwritable> {
        let node = self.tree.node(item);
        let dash = node.dash.unwrap_or(node.span.start);
        let indent = indent_before(self.text, dash);
        indent
            .map(|indent| dash - indent.len())
            .ok_or_else(|| self.dash_within_line(item))
    }

    fn dash_within_line(&self, item: NodeId) -> Unwritable {
        self.unwritable(
            item,
            "its dash is not at the start of a line",
            "give each item of the list its own line, as `- item`",
        )
    }
}

/// Inserts a space before the comma that follows the last item. A comma directly after a tag, or after the `:` of a key, would be
/// read as part of it.
pub(super) fn blank_before_comma(mut splices: Vec<Splice>, items: &[FlowItem]) -> Vec<Splice> {
    let end = items.last().map_or(0, |last| last.range.end);
    let comma = splices
        .iter_mut()
        .find(|splice| splice.range.start == end && splice.text.starts_with(','));
    if let Some(comma) = comma {
        comma.text.insert(0, ' ');
    }
    splices
}
