//! Changes to a list in brackets.

use super::lines::{indent_before, line_break, line_end, next_line};
use super::splice::Splice;
use crate::document::Span;

/// An item of the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) span: Span,
    pub(super) goes: bool,
}

struct Flow<'a> {
    text: &'a str,
    list: Span,
    items: &'a [Item],
}

/// Removes the items that go and appends new ones.
pub(super) fn change(text: &str, list: Span, items: &[Item], new: &[String]) -> Vec<Splice> {
    let flow = Flow { text, list, items };
    let Some(last) = items.iter().rposition(|item| !item.goes) else {
        return flow.replace_all(new);
    };
    let mut splices = Vec::new();
    flow.remove_before(last, &mut splices);
    if last + 1 < items.len() {
        flow.remove_after(last, new.is_empty(), &mut splices);
    }
    flow.append(last, new, &mut splices);
    splices
}

impl Flow<'_> {
    /// Puts the new items in the place of all that are there; comments stay.
    fn replace_all(&self, new: &[String]) -> Vec<Splice> {
        let new = new.join(", ");
        let gaps = (0..self.items.len()).map(|at| {
            let end = self
                .items
                .get(at + 1)
                .map_or(self.list.end(), |next| next.span.start());
            self.items[at].span.end()..end
        });
        let first = self
            .items
            .first()
            .map_or(self.list.end() - 1, |first| first.span.start());
        let mut around = gaps.chain(std::iter::once(self.list.start()..first));
        if !around.any(|gap| self.text[gap].contains('#')) {
            return vec![Splice::replace(self.list, format!("[{new}]"))];
        }
        let mut splices: Vec<_> = (0..self.items.len())
            .flat_map(|at| {
                let comma = self.comma(at).map(|comma| Splice::delete(comma, comma + 1));
                let item = self.items[at].span;
                std::iter::once(Splice::delete(item.start(), item.end())).chain(comma)
            })
            .collect();
        splices.push(Splice::insert(first, new));
        splices
    }

    /// Removes the items that go and stand before one that stays.
    fn remove_before(&self, last: usize, splices: &mut Vec<Splice>) {
        let mut at = 0;
        while at < last {
            if !self.items[at].goes {
                at += 1;
                continue;
            }
            let first = at;
            while self.items[at].goes {
                at += 1;
            }
            let (start, next) = (self.items[first].span.start(), self.items[at].span.start());
            let lines = indent_before(self.text, start).zip(indent_before(self.text, next));
            splices.push(match (lines, self.comma(at - 1)) {
                // Whole lines: what stands above the next item stays with it.
                (Some((indent, _)), Some(comma)) => {
                    Splice::delete(start - indent.len(), next_line(self.text, comma))
                }
                _ => Splice::delete(start, next),
            });
        }
    }

    /// Removes the items behind the last one that stays.
    fn remove_after(&self, last: usize, is_end: bool, splices: &mut Vec<Splice>) {
        let end = self.items.len() - 1;
        let Some(comma) = self.comma(last) else {
            return;
        };
        let trailing = self.comma(end);
        let until = trailing.map_or(self.items[end].span.end(), |comma| comma + 1);
        let keeps_comma = trailing.is_some() || !is_end;
        if !keeps_comma {
            // Behind a scalar without quotes a comment needs a blank.
            let is_plain = !self.text[..comma].ends_with(['\'', '"', ']', '}']);
            let is_comment = self.text[comma + 1..].starts_with('#');
            let blank = if is_plain && is_comment { " " } else { "" };
            splices.push(Splice::replace(Span::new(comma, comma + 1), blank));
        }
        let own_line = indent_before(self.text, self.items[last + 1].span.start()).is_some();
        let end = line_end(self.text, comma);
        let (from, to) = if !own_line {
            (comma + 1, until)
        } else if self.list.end() > line_end(self.text, until) {
            (end, line_end(self.text, until))
        } else if self.text[comma..end].contains('#') {
            // The bracket must not become a part of the comment.
            (next_line(self.text, end), until)
        } else {
            (end, until)
        };
        if from < to {
            splices.push(Splice::delete(from, to));
        }
    }

    /// Appends new items behind the last one that stays.
    fn append(&self, last: usize, new: &[String], splices: &mut Vec<Splice>) {
        if new.is_empty() {
            return;
        }
        let item = self.items[last].span;
        let is_last = last + 1 == self.items.len();
        let comma = self.comma(last);
        // A comma behind the last item of all stays the last thing of the list.
        let trailing = self.comma(self.items.len() - 1).is_some();
        let behind = comma.map_or(item.end(), |comma| comma + 1);
        let end = if trailing { "," } else { "" };
        match indent_before(self.text, item.start()) {
            Some(indent) => {
                let line = line_end(self.text, behind);
                let closes_here = is_last && self.list.end() <= line;
                let line_break = self.line_break(item.start() - indent.len());
                let separator = format!(",{line_break}{indent}");
                let text = format!("{line_break}{indent}{}{end}", new.join(&separator));
                if comma.is_none() {
                    splices.push(Splice::insert(item.end(), ","));
                }
                splices.push(Splice::insert(
                    if closes_here { behind } else { line },
                    text,
                ));
            }
            // A comment right behind the item stays behind it.
            None if self.text[behind..]
                .trim_start_matches([' ', '\t'])
                .starts_with('#') =>
            {
                let line = line_end(self.text, behind);
                let line_break = line_break(self.text, line);
                let text = format!("{line_break}  {}{end}", new.join(self.separator()));
                if comma.is_none() {
                    splices.push(Splice::insert(item.end(), ","));
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
        let before = super::lines::without_break(&self.text[..line]).map_or(line, str::len);
        match line_break(self.text, before) {
            "" => "\n",
            found => found,
        }
    }

    /// What stands between items on one line.
    fn separator(&self) -> &'static str {
        let is_tight = |pair: &[Item]| &self.text[pair[0].span.end()..pair[1].span.start()] == ",";
        let tight_inside = || {
            self.text[self.list.range()].contains(",\"")
                || self.text[..self.list.start()].ends_with("\":")
        };
        match self.items.windows(2).next_back() {
            Some(pair) if is_tight(pair) => ",",
            None if tight_inside() => ",",
            _ => ", ",
        }
    }

    /// The comma behind an item.
    fn comma(&self, item: usize) -> Option<usize> {
        let mut at = self.items[item].span.end();
        let end = self
            .items
            .get(item + 1)
            .map_or(self.list.end(), |next| next.span.start());
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
