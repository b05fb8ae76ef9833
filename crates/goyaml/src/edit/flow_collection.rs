//! Changes to a sequence or mapping in brackets.

use std::ops::Range;

use super::lines::{indent_before, line_break, line_end, next_line, without_break};
use super::splice::Splice;

/// An item of a sequence, or a key and its value of a mapping.
#[derive(Clone, Debug)]
pub struct FlowItem {
    pub range: Range<usize>,
    /// Whether the change removes it.
    pub removed: bool,
}

/// A sequence or mapping in brackets, and which of its items a change removes.
#[derive(Clone, Debug)]
pub struct FlowList<'a> {
    text: &'a str,
    /// The brackets included.
    range: Range<usize>,
    items: &'a [FlowItem],
    /// Whether no space follows a comma. Decides if fewer than two items show it.
    tight: bool,
}

impl<'a> FlowList<'a> {
    /// Creates a list. The style of its commas is taken from the text in and before it.
    pub fn new(text: &'a str, range: Range<usize>, items: &'a [FlowItem]) -> Self {
        let tight = text[range.clone()].contains(",\"") || text[..range.start].ends_with("\":");
        Self {
            text,
            range,
            items,
            tight,
        }
    }

    /// Sets whether no space follows a comma, for a list of fewer than two items.
    #[must_use]
    pub(crate) fn tight(self, tight: bool) -> Self {
        Self { tight, ..self }
    }

    /// Removes the marked items and appends new ones.
    pub fn change(&self, new: &[String]) -> Vec<Splice> {
        let Some(last) = self.items.iter().rposition(|item| !item.removed) else {
            return self.replace_all(new);
        };
        let mut splices = Vec::new();
        self.remove_before(last, &mut splices);
        if last + 1 < self.items.len() {
            self.remove_after(last, new.is_empty(), &mut splices);
        }
        self.append(last, new, &mut splices);
        splices
    }

    /// Replaces all items with the new ones; comments stay.
    fn replace_all(&self, new: &[String]) -> Vec<Splice> {
        let new = new.join(", ");
        let gaps = (0..self.items.len()).map(|at| {
            let end = self
                .items
                .get(at + 1)
                .map_or(self.range.end, |next| next.range.start);
            self.items[at].range.end..end
        });
        let first = self
            .items
            .first()
            .map_or(self.range.end - 1, |first| first.range.start);
        let mut around = gaps.chain(std::iter::once(self.range.start..first));
        if !around.any(|gap| self.text[gap].contains('#')) {
            let (open, close) = self.brackets();
            return vec![Splice::new(
                self.range.clone(),
                format!("{open}{new}{close}"),
            )];
        }
        let mut splices: Vec<_> = (0..self.items.len())
            .flat_map(|at| {
                let comma = self.comma(at).map(|comma| Splice::delete(comma..comma + 1));
                let item = self.items[at].range.clone();
                std::iter::once(Splice::delete(item)).chain(comma)
            })
            .collect();
        splices.push(Splice::insert(first, new));
        splices
    }

    /// Removes the marked items before the last one that stays.
    fn remove_before(&self, last: usize, splices: &mut Vec<Splice>) {
        let mut at = 0;
        while at < last {
            if !self.items[at].removed {
                at += 1;
                continue;
            }
            let first = at;
            while self.items[at].removed {
                at += 1;
            }
            let (start, next) = (self.items[first].range.start, self.items[at].range.start);
            let lines = indent_before(self.text, start).zip(indent_before(self.text, next));
            splices.push(match (lines, self.comma(at - 1)) {
                // Whole lines: comments above the next item stay with it.
                (Some((indent, _)), Some(comma)) => {
                    Splice::delete(start - indent.len()..next_line(self.text, comma))
                }
                _ => Splice::delete(start..next),
            });
        }
    }

    /// Removes the items after the last one that stays.
    fn remove_after(&self, last: usize, is_end: bool, splices: &mut Vec<Splice>) {
        let end = self.items.len() - 1;
        let Some(comma) = self.comma(last) else {
            return;
        };
        let trailing = self.comma(end);
        let until = trailing.map_or(self.items[end].range.end, |comma| comma + 1);
        let keeps_comma = trailing.is_some() || !is_end;
        if !keeps_comma {
            // A comment after a scalar without quotes needs a space.
            let is_plain = !self.text[..comma].ends_with(['\'', '"', ']', '}']);
            let is_comment = self.text[comma + 1..].starts_with('#');
            let blank = if is_plain && is_comment { " " } else { "" };
            splices.push(Splice::new(comma..comma + 1, blank));
        }
        let own_line = indent_before(self.text, self.items[last + 1].range.start).is_some();
        let end = line_end(self.text, comma);
        let (from, to) = if !own_line {
            (comma + 1, until)
        } else if self.range.end > line_end(self.text, until) {
            (end, line_end(self.text, until))
        } else if self.text[comma..end].contains('#') {
            // The bracket must not become part of the comment.
            (next_line(self.text, end), until)
        } else {
            (end, until)
        };
        if from < to {
            splices.push(Splice::delete(from..to));
        }
    }

    /// Appends new items after the last one that stays.
    fn append(&self, last: usize, new: &[String], splices: &mut Vec<Splice>) {
        if new.is_empty() {
            return;
        }
        let item = &self.items[last].range;
        let is_last = last + 1 == self.items.len();
        let comma = self.comma(last);
        // A trailing comma stays at the end of the list.
        let trailing = self.comma(self.items.len() - 1).is_some();
        let behind = comma.map_or(item.end, |comma| comma + 1);
        let end = if trailing { "," } else { "" };
        match indent_before(self.text, item.start) {
            Some(indent) => {
                let line = line_end(self.text, behind);
                let closes_here = is_last && self.range.end <= line;
                let line_break = self.line_break(item.start - indent.len());
                let separator = format!(",{line_break}{indent}");
                let text = format!("{line_break}{indent}{}{end}", new.join(&separator));
                if comma.is_none() {
                    splices.push(Splice::insert(item.end, ","));
                }
                splices.push(Splice::insert(
                    if closes_here { behind } else { line },
                    text,
                ));
            }
            // A comment right after the item stays with it.
            None if self.text[behind..]
                .trim_start_matches([' ', '\t'])
                .starts_with('#') =>
            {
                let line = line_end(self.text, behind);
                let line_break = line_break(self.text, line);
                let text = format!("{line_break}  {}{end}", new.join(self.separator()));
                if comma.is_none() {
                    splices.push(Splice::insert(item.end, ","));
                }
                splices.push(Splice::insert(line, text));
            }
            None => {
                let separator = self.separator();
                let gap = separator.trim_start_matches(',');
                let comma = if comma.is_none() { "," } else { "" };
                splices.push(Splice::insert(
                    behind,
                    format!("{comma}{gap}{}{end}", new.join(separator)),
                ));
            }
        }
    }

    fn line_break(&self, line: usize) -> &str {
        let before = without_break(&self.text[..line]).map_or(line, str::len);
        match line_break(self.text, before) {
            "" => "\n",
            found => found,
        }
    }

    /// Returns what separates items on one line.
    fn separator(&self) -> &'static str {
        let is_tight =
            |pair: &[FlowItem]| &self.text[pair[0].range.end..pair[1].range.start] == ",";
        match self.items.windows(2).next_back() {
            Some(pair) if is_tight(pair) => ",",
            None if self.tight => ",",
            _ => ", ",
        }
    }

    fn brackets(&self) -> (&'a str, &'a str) {
        let (start, end) = (self.range.start, self.range.end);
        (&self.text[start..start + 1], &self.text[end - 1..end])
    }

    /// Returns the offset of the comma after an item.
    fn comma(&self, item: usize) -> Option<usize> {
        let mut at = self.items[item].range.end;
        let end = self
            .items
            .get(item + 1)
            .map_or(self.range.end, |next| next.range.start);
        while at < end {
            match self.text[at..].chars().next()? {
                ',' => return Some(at),
                '#' => at = next_line(self.text, at),
                char => at += char.len_utf8(),
            }
        }
        None
    }
}
