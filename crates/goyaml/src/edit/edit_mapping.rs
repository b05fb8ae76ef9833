//! Adds keys to a mapping and removes them, in the style of the other keys.

use std::ops::Range;

use super::edit_sequence::blank_before_comma;
use super::flow_collection::FlowList;
use super::lines::{break_near, indent_before, indent_below, is_break, line_at};
use super::new_value::{LineStyle, NewValue, Spacing};
use super::node_end::NodeEnd;
use super::span_tree::{NodeId, Pair, Style};
use super::splice::Splice;
use super::{Editor, Unwritable};

impl Editor<'_> {
    /// Adds keys after the last one of a mapping. `within` is the pair whose value the mapping is, and the mapping of that
    /// pair; `None` for the root of a document.
    ///
    /// # Errors
    /// If the style of the mapping does not allow it.
    pub fn add(
        &self,
        mapping: NodeId,
        within: Option<(Pair, NodeId)>,
        entries: &[(&str, NewValue<'_>)],
    ) -> Result<Vec<Splice>, Unwritable> {
        let pairs = self.tree.pairs(mapping);
        if let Some(&last) = pairs.last() {
            return if self.tree.is_flow(mapping) {
                Ok(self.add_in_flow(mapping, entries))
            } else {
                self.add_in_block(pairs[0], last, entries)
                    .map(|splice| vec![splice])
            };
        }
        let span = self.tree.node(mapping).span.clone();
        let new = NewValue::Map(entries.to_vec());
        Ok(match within {
            Some((pair, outer)) => self.fill(pair, outer, &new),
            // The braces of a whole document.
            None => vec![Splice::new(
                span,
                self.flow(&Spacing::of_empty_document(), &new),
            )],
        })
    }

    /// Sets the first value of a key whose value is `{}`, `[]`, null or absent. `outer` is the mapping of the key.
    pub fn fill(&self, pair: Pair, outer: NodeId, new: &NewValue<'_>) -> Vec<Splice> {
        let span = self.tree.node(pair.value).span.clone();
        if self.tree.is_flow(outer) {
            let spacing = self.spacing(outer);
            let text = self.flow(&spacing, new);
            let key = self.tree.node(pair.key).span.end;
            let rest = self.text[key..].trim_start();
            if !rest.starts_with(':') {
                // A key without a colon, such as `a` in `{a, b: c}`.
                return vec![Splice::insert(key, format!("{}{text}", spacing.separator))];
            }
            let is_close = self.text[..span.start].ends_with(':');
            let blank = if is_close && !self.tree.json && !spacing.is_tight() {
                " "
            } else {
                ""
            };
            return vec![Splice::new(span, format!("{blank}{text}"))];
        }
        // A block replaces what follows the colon.
        let line = line_at(self.text, span.end);
        let line_break = break_near(self.text, span.end);
        let below = indent_below(self.text, line.next);
        let column = self.tree.node(pair.key).column;
        let (mut head, mut lines) = self.block(
            new,
            column,
            LineStyle {
                line_break,
                quoted: self.quotes_keys(outer),
                below,
            },
        );
        if line.next == line.end && !lines.is_empty() {
            lines.insert_str(0, line_break);
        }
        if self.text[span.end..].starts_with('#') {
            // A comment may follow a bracket without a space, but nothing else.
            head.push(' ');
        }
        let blanks = self.text[..span.start].trim_end_matches(' ').len();
        let from = if span.is_empty() || !self.text[..blanks].ends_with(':') {
            span.start
        } else {
            blanks
        };
        vec![
            Splice::new(from..span.end, head),
            Splice::insert(line.next, lines),
        ]
    }

    /// Removes a key and its value from a mapping. `within` is the key whose value the mapping is.
    ///
    /// # Errors
    /// If the style of the mapping does not allow it.
    pub fn remove(
        &self,
        mapping: NodeId,
        pair: Pair,
        within: NodeId,
    ) -> Result<Vec<Splice>, Unwritable> {
        let pairs = self.tree.pairs(mapping);
        let at = pairs
            .iter()
            .position(|other| other.key == pair.key)
            .unwrap_or_default();
        let span = |id: NodeId| self.tree.node(id).span.clone();
        if self.tree.is_flow(mapping) {
            let nodes = pairs.iter().map(|pair| (pair.key, pair.value));
            let items = self.flow_items(nodes, Some(at));
            return Ok(FlowList::new(self.text, span(mapping), &items).change(&[]));
        }
        let start = self.own_line(pair.key)?;
        let above = at
            .checked_sub(1)
            .map(|above| self.end_of_pair(pairs[above]));
        let end = self.end_of_pair(pair).at;
        let range = self.lines_to_remove(start..end, above, pair.key)?;
        let mut splices = vec![Splice::delete(range)];
        if pairs.len() == 1 {
            let key = span(within).end;
            let colon = self.text[key..]
                .find(':')
                .map_or(key, |colon| key + colon + 1);
            splices.push(Splice::insert(colon, " {}"));
        }
        Ok(splices)
    }

    /// Returns the range to delete so that these lines are removed. `above` is the end of the value that is then right
    /// above what follows.
    pub(super) fn lines_to_remove(
        &self,
        lines: Range<usize>,
        above: Option<NodeEnd>,
        about: NodeId,
    ) -> Result<Range<usize>, Unwritable> {
        let mut end = lines.end;
        // Lines that are deep enough would become part of a block scalar above.
        if let Some((indent, keeps_blank_lines)) = above.and_then(|above| above.block) {
            if keeps_blank_lines || indent_below(self.text, end) > indent {
                end = skip_blank_lines(self.text, end);
            }
            if indent_below(self.text, end) > indent {
                return Err(self.unwritable(
                    about,
                    "the lines below it would become part of the text above",
                    "indent the comment below it less",
                ));
            }
        }
        Ok(lines.start..end)
    }

    fn add_in_flow(&self, mapping: NodeId, entries: &[(&str, NewValue<'_>)]) -> Vec<Splice> {
        let pairs = self.tree.pairs(mapping);
        let spacing = self.spacing(mapping);
        let new: Vec<_> = entries
            .iter()
            .map(|entry| self.flow_entry(&spacing, entry))
            .collect();
        let items = self.flow_items(pairs.iter().map(|pair| (pair.key, pair.value)), None);
        let range = self.tree.node(mapping).span.clone();
        let splices = FlowList::new(self.text, range, &items)
            .tight(spacing.is_tight())
            .change(&new);
        let is_bare = |pair: &Pair| {
            let (key, value) = (self.tree.node(pair.key), self.tree.node(pair.value));
            value.property.is_some() || (value.span.is_empty() && key.span.end < value.span.end)
        };
        if pairs.last().is_some_and(is_bare) {
            blank_before_comma(splices, &items)
        } else {
            splices
        }
    }

    fn add_in_block(
        &self,
        first: Pair,
        last: Pair,
        entries: &[(&str, NewValue<'_>)],
    ) -> Result<Splice, Unwritable> {
        let column = self.tree.node(first.key).column;
        let NodeEnd { mut at, block } = self.end_of_pair(last);
        let line_break = break_near(self.text, self.tree.node(last.key).span.start);
        let mut lines = String::new();
        if !self.text[..at].ends_with(is_break) {
            if block.is_some() {
                // A block scalar without a line break at its end would gain one if text followed it.
                at = self.own_line(last.key)?;
            } else {
                lines.push_str(line_break);
            }
        }
        let line_style = LineStyle {
            line_break,
            quoted: matches!(self.tree.style(first.key), Some(Style::Double)),
            below: indent_below(self.text, at),
        };
        self.push_entries(&mut lines, column, line_style, entries);
        Ok(Splice::insert(at, lines))
    }

    fn end_of_pair(&self, pair: Pair) -> NodeEnd {
        self.end_of(pair.value, self.tree.node(pair.key).column)
    }

    /// Returns the start of a key's line if nothing is before the key there.
    fn own_line(&self, key: NodeId) -> Result<usize, Unwritable> {
        let start = self.tree.node(key).span.start;
        match indent_before(self.text, start) {
            Some(indent) => Ok(start - indent.len()),
            None => Err(self.unwritable(
                key,
                "its key is not at the start of a line",
                "give the key its own line, as `key: value`",
            )),
        }
    }

    pub(super) fn unwritable(
        &self,
        key: NodeId,
        reason: &'static str,
        remedy: &'static str,
    ) -> Unwritable {
        Unwritable {
            line: self.tree.node(key).line,
            path: self.tree.scalar(key).unwrap_or_default().to_owned(),
            reason,
            remedy,
        }
    }
}

fn skip_blank_lines(text: &str, from: usize) -> usize {
    let mut line = line_at(text, from);
    while line.next > line.end
        && text[line.start..line.end]
            .trim_start_matches(' ')
            .is_empty()
    {
        line = line_at(text, line.next);
    }
    line.start
}
