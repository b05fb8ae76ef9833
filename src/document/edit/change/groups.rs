//! Changes to an entry's groups.

use std::collections::HashSet;

use super::{Change, behind_colon};
use crate::document::edit::flow::{self, Item};
use crate::document::edit::lines::{
    indent_before, line_break, line_end, next_line, usual_break, without_break,
};
use crate::document::edit::spell::Quotes;
use crate::document::edit::splice::Splice;
use crate::document::{Field, Span};

impl Change<'_> {
    pub(super) fn groups(&self, splices: &mut Vec<Splice>) -> Option<()> {
        let (from, to) = (self.from.groups(), self.to.groups());
        let stay = if self.afresh { &[] } else { from };
        let current: HashSet<&String> = stay.iter().collect();
        let wanted: HashSet<&String> = to.iter().filter(|_| !self.afresh).collect();
        let new: Vec<&str> = (to.iter().filter(|group| !current.contains(group)))
            .map(String::as_str)
            .collect();
        let goes: Vec<bool> = from.iter().map(|group| !wanted.contains(group)).collect();
        if new.is_empty() && !goes.contains(&true) {
            return Some(());
        }
        let fields = self.fields();
        let Some(field) = fields.groups else {
            let spell = |quotes| self.spelt_list(&new, quotes);
            splices.push(self.new_field("groups", spell)?);
            return Some(());
        };
        let is_flow = self.text[field.value.range()].starts_with('[');
        let quotes = self.like_principal();
        if field.value.is_empty() {
            let at = behind_colon(self.text, &field)?;
            let is_free = self.text[at..line_end(self.text, at)].trim().is_empty();
            let list = if is_free {
                self.spelt_list(&new, quotes)
            } else {
                flow_list(&new, quotes)
            };
            let gap = if list.starts_with('[') { " " } else { "" };
            splices.push(Splice::insert(at, format!("{gap}{list}")));
        } else if fields.group_items.is_empty() && is_flow {
            let new: Vec<_> = new.iter().map(|group| quotes.spell(group, true)).collect();
            splices.extend(flow::change(self.text, field.value, &[], &new));
        } else if fields.group_items.is_empty() {
            splices.push(Splice::replace(field.value, flow_list(&new, quotes)));
        } else if is_flow {
            self.flow_groups(field.value, &goes, &new, splices);
        } else {
            return self.block_groups(field, &goes, &new, splices);
        }
        Some(())
    }

    /// A list of groups behind the colon: in brackets, or on lines of its own.
    fn spelt_list(&self, groups: &[&str], quotes: Quotes) -> String {
        let indent = self
            .key_indent()
            .filter(|_| !self.fields().flow && !groups.is_empty());
        let Some(indent) = indent else {
            return flow_list(groups, quotes);
        };
        let line_break = usual_break(self.text, self.entry.span.end());
        groups
            .iter()
            .map(|group| format!("{line_break}{indent}  - {}", quotes.spell(group, false)))
            .collect()
    }

    fn flow_groups(&self, list: Span, goes: &[bool], new: &[&str], splices: &mut Vec<Splice>) {
        let spans: Vec<Span> = self
            .fields()
            .group_items
            .iter()
            .map(|item| item.span)
            .collect();
        let quotes = Quotes::of(&self.text[spans[spans.len() - 1].range()]);
        let mut new = new.iter().map(|group| quotes.spell(group, true));
        let items: Vec<Item> = (spans.iter().zip(goes))
            .map(|(&span, &goes)| Item {
                span,
                goes: goes && !self.replaced(span, &mut new, splices),
            })
            .collect();
        splices.extend(flow::change(
            self.text,
            list,
            &items,
            &new.collect::<Vec<_>>(),
        ));
    }

    /// Puts a new group in the place of one that goes.
    fn replaced(
        &self,
        span: Span,
        new: &mut impl Iterator<Item = String>,
        splices: &mut Vec<Splice>,
    ) -> bool {
        let next = new.next();
        let found = next.is_some();
        splices.extend(next.map(|group| self.in_place_of(span, group)));
        found
    }

    fn block_groups(
        &self,
        field: Field,
        goes: &[bool],
        new: &[&str],
        splices: &mut Vec<Splice>,
    ) -> Option<()> {
        let items = &self.fields().group_items;
        let quotes = Quotes::of(&self.text[items[items.len() - 1].span.range()]);
        let mut new = new.iter().map(|group| quotes.spell(group, false));
        let mut last_kept = None;
        for (item, goes) in items.iter().zip(goes) {
            if *goes && self.replaced(item.span, &mut new, splices) {
                // What was said of the one says nothing of the other.
                let end = line_end(self.text, item.span.end());
                if self.text[item.span.end()..end]
                    .trim_start()
                    .starts_with('#')
                {
                    splices.push(Splice::delete(item.span.end(), end));
                }
                last_kept = Some(item);
                continue;
            }
            if !goes {
                last_kept = Some(item);
                continue;
            }
            let dash = item.dash?;
            let indent = indent_before(self.text, dash)?;
            splices.push(self.delete_lines(dash - indent.len(), item.span.end()));
        }
        match last_kept {
            None => {
                splices.push(Splice::insert(behind_colon(self.text, &field)?, " []"));
            }
            Some(item) => {
                let dash = item.dash?;
                let indent = indent_before(self.text, dash)?;
                let at = line_end(self.text, item.span.end());
                let line_break = usual_break(self.text, at);
                let text: String = new
                    .map(|group| format!("{line_break}{indent}- {group}"))
                    .collect();
                if !text.is_empty() {
                    splices.push(Splice::insert(at, text));
                }
            }
        }
        Some(())
    }

    /// Deletes whole lines; those at the end of a text without a final line break leave it without one.
    fn delete_lines(&self, start: usize, last: usize) -> Splice {
        let end = line_end(self.text, last);
        if line_break(self.text, end).is_empty() {
            let before = without_break(&self.text[..start]).map_or(start, str::len);
            return Splice::delete(before, end);
        }
        Splice::delete(start, next_line(self.text, end))
    }
}

fn flow_list(groups: &[&str], quotes: Quotes) -> String {
    let items: Vec<_> = groups
        .iter()
        .map(|group| quotes.spell(group, true))
        .collect();
    format!("[{}]", items.join(", "))
}
