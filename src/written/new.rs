//! Values that a file gains, as lines below a key or in brackets.

use std::ops::Range;

use super::Editor;
use super::lines::{break_near, is_break};
use super::spell::double;
use super::splice::Splice;

/// A value to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum New<'a> {
    Text(&'a str),
    List(Vec<Self>),
    Map(Vec<(&'a str, Self)>),
}

/// What stands around lines to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub(super) line_break: &'a str,
    /// Whether keys are in double quotes.
    pub(super) quoted: bool,
    /// How far in a block scalar at the end must at least stand: see [`indent_below`](super::lines::indent_below).
    pub(super) below: usize,
}

/// What stands between brackets, keys and values.
#[derive(Clone, Debug)]
pub(super) struct Spacing {
    /// The white space in front of keys and items.
    pub(super) lead: String,
    /// What stands between a key and its value.
    pub(super) separator: String,
    /// Whether keys are in double quotes.
    pub(super) quoted: bool,
}

/// How much further in than its dash an item stands.
const BEHIND_DASH: usize = 2;

impl Editor<'_> {
    /// A document of these keys where none says anything yet.
    pub(crate) fn document(&self, place: Range<usize>, entries: &[(&str, New<'_>)]) -> Splice {
        let line_break = break_near(self.text, 0);
        let mut lines = String::new();
        let before = &self.text[..place.start];
        if !before.is_empty() && !before.ends_with(is_break) && before != "\u{feff}" {
            lines.push_str(line_break);
        }
        let around = Around {
            line_break,
            quoted: false,
            below: 0,
        };
        self.push_entries(&mut lines, 0, around, entries);
        Splice::new(place, lines)
    }

    /// What stands behind the colon of a key in this column, and the lines below it.
    pub(super) fn block(
        &self,
        new: &New<'_>,
        column: usize,
        around: Around<'_>,
    ) -> (String, String) {
        let mut lines = String::new();
        let head = match new {
            New::Text(text) => {
                let (head, body) =
                    self.spelling
                        .spell(text, column, around.line_break, around.below);
                lines = body;
                format!(" {head}")
            }
            New::Map(entries) if entries.is_empty() => " {}".to_owned(),
            New::List(items) if items.is_empty() => " []".to_owned(),
            New::Map(entries) => {
                self.push_entries(&mut lines, column + self.step, around, entries);
                String::new()
            }
            New::List(items) => {
                for item in items {
                    self.push_item(&mut lines, column + self.dash, around, item);
                }
                String::new()
            }
        };
        (head, lines)
    }

    /// Appends the lines of these keys in this column.
    pub(super) fn push_entries(
        &self,
        out: &mut String,
        column: usize,
        around: Around<'_>,
        entries: &[(&str, New<'_>)],
    ) {
        for entry in entries {
            indent(out, column);
            self.push_entry(out, column, around, entry);
        }
    }

    /// Appends the lines of an item whose dash stands in this column.
    pub(super) fn push_item(
        &self,
        out: &mut String,
        column: usize,
        around: Around<'_>,
        item: &New<'_>,
    ) {
        indent(out, column);
        out.push('-');
        match item {
            New::Map(entries) if !entries.is_empty() => {
                indent(out, BEHIND_DASH - 1);
                self.push_entry(out, column + BEHIND_DASH, around, &entries[0]);
                self.push_entries(out, column + BEHIND_DASH, around, &entries[1..]);
            }
            New::List(items) if !items.is_empty() => {
                out.push_str(around.line_break);
                for item in items {
                    self.push_item(out, column + BEHIND_DASH, around, item);
                }
            }
            other => {
                let (head, lines) = self.block(other, column, around);
                out.push_str(&head);
                out.push_str(around.line_break);
                out.push_str(&lines);
            }
        }
    }

    fn push_entry(
        &self,
        out: &mut String,
        column: usize,
        around: Around<'_>,
        (key, new): &(&str, New<'_>),
    ) {
        let (head, lines) = self.block(new, column, around);
        out.push_str(&spell_key(key, around.quoted));
        out.push(':');
        out.push_str(&head);
        out.push_str(around.line_break);
        out.push_str(&lines);
    }

    /// A value in brackets.
    pub(super) fn flow(&self, spacing: &Spacing, new: &New<'_>) -> String {
        let inner = Spacing {
            lead: if spacing.is_spread() {
                format!("{}{}", spacing.lead, self.flow_step())
            } else {
                String::new()
            },
            ..spacing.clone()
        };
        let (open, parts, close): (_, Vec<String>, _) = match new {
            New::Text(text) => return double(text),
            New::Map(entries) => (
                '{',
                entries
                    .iter()
                    .map(|entry| self.flow_entry(&inner, entry))
                    .collect(),
                '}',
            ),
            New::List(items) => (
                '[',
                items.iter().map(|item| self.flow(&inner, item)).collect(),
                ']',
            ),
        };
        let mut out = String::from(open);
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                out.push(',');
                if !spacing.is_spread() && spacing.separator.ends_with(' ') {
                    out.push(' ');
                }
            }
            out.push_str(&inner.lead);
            out.push_str(part);
        }
        if spacing.is_spread() && !parts.is_empty() {
            out.push_str(&spacing.lead);
        }
        out.push(close);
        out
    }

    /// A key and its value in brackets.
    pub(super) fn flow_entry(&self, spacing: &Spacing, (key, new): &(&str, New<'_>)) -> String {
        let key = spell_key(key, spacing.quoted);
        format!("{key}{}{}", spacing.separator, self.flow(spacing, new))
    }
}

fn indent(out: &mut String, column: usize) {
    out.extend(std::iter::repeat_n(' ', column));
}

fn spell_key(key: &str, quoted: bool) -> String {
    if quoted { double(key) } else { key.to_owned() }
}
