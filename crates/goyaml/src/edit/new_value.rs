//! Renders values to add to a file, as lines below a key or in brackets.

use std::ops::Range;

use super::Editor;
use super::lines::{break_near, is_break};
use super::scalar_style::double;
use super::span_tree::{NodeId, Style};
use super::splice::Splice;

/// A value to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewValue<'a> {
    Text(&'a str),
    List(Vec<Self>),
    Map(Vec<(&'a str, Self)>),
}

/// The style of the lines around new lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineStyle<'a> {
    pub(super) line_break: &'a str,
    /// Whether keys are in double quotes.
    pub(super) quoted: bool,
    /// The indentation that a block scalar at the end needs at least: see [`indent_below`](super::lines::indent_below).
    pub(super) below: usize,
}

/// The style of a mapping or list in brackets.
#[derive(Clone, Debug)]
pub(super) struct Spacing {
    /// The white space before keys and items.
    pub(super) lead: String,
    /// The text between a key and its value.
    pub(super) separator: String,
    /// Whether keys are in double quotes.
    pub(super) quoted: bool,
}

/// The indentation of an item below its dash.
const AFTER_DASH: usize = 2;

impl Spacing {
    /// Returns the style of an empty document in brackets, which may have to be JSON.
    pub(super) fn of_empty_document() -> Self {
        Self {
            lead: String::new(),
            separator: ": ".to_owned(),
            quoted: true,
        }
    }

    /// Returns whether no space follows a colon or comma.
    pub(super) fn is_tight(&self) -> bool {
        !self.separator.ends_with(' ')
    }

    /// Returns whether each key and item has its own line.
    fn is_spread(&self) -> bool {
        self.lead.contains(is_break)
    }
}

impl Editor<'_> {
    /// Writes a document with these keys into a file that has no content yet.
    pub fn document(&self, place: Range<usize>, entries: &[(&str, NewValue<'_>)]) -> Splice {
        let line_break = break_near(self.text, 0);
        let mut lines = String::new();
        let before = &self.text[..place.start];
        if !before.is_empty() && !before.ends_with(is_break) && before != "\u{feff}" {
            lines.push_str(line_break);
        }
        let line_style = LineStyle {
            line_break,
            quoted: false,
            below: 0,
        };
        self.push_entries(&mut lines, 0, line_style, entries);
        Splice::new(place, lines)
    }

    /// Returns what follows the colon of a key in this column, and the lines below it.
    pub(super) fn block(
        &self,
        new: &NewValue<'_>,
        column: usize,
        line_style: LineStyle<'_>,
    ) -> (String, String) {
        let mut lines = String::new();
        let head = match new {
            NewValue::Text(text) => {
                let (head, body) =
                    self.spelling
                        .spell(text, column, line_style.line_break, line_style.below);
                lines = body;
                format!(" {head}")
            }
            NewValue::Map(entries) if entries.is_empty() => " {}".to_owned(),
            NewValue::List(items) if items.is_empty() => " []".to_owned(),
            NewValue::Map(entries) => {
                self.push_entries(&mut lines, column + self.step, line_style, entries);
                String::new()
            }
            NewValue::List(items) => {
                for item in items {
                    self.push_item(&mut lines, column + self.dash, line_style, item);
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
        line_style: LineStyle<'_>,
        entries: &[(&str, NewValue<'_>)],
    ) {
        for entry in entries {
            indent(out, column);
            self.push_entry(out, column, line_style, entry);
        }
    }

    /// Appends the lines of an item whose dash is in this column.
    pub(super) fn push_item(
        &self,
        out: &mut String,
        column: usize,
        line_style: LineStyle<'_>,
        item: &NewValue<'_>,
    ) {
        indent(out, column);
        out.push('-');
        match item {
            NewValue::Map(entries) if !entries.is_empty() => {
                indent(out, AFTER_DASH - 1);
                self.push_entry(out, column + AFTER_DASH, line_style, &entries[0]);
                self.push_entries(out, column + AFTER_DASH, line_style, &entries[1..]);
            }
            NewValue::List(items) if !items.is_empty() => {
                out.push_str(line_style.line_break);
                for item in items {
                    self.push_item(out, column + AFTER_DASH, line_style, item);
                }
            }
            other => {
                let (head, lines) = self.block(other, column, line_style);
                out.push_str(&head);
                out.push_str(line_style.line_break);
                out.push_str(&lines);
            }
        }
    }

    fn push_entry(
        &self,
        out: &mut String,
        column: usize,
        line_style: LineStyle<'_>,
        (key, new): &(&str, NewValue<'_>),
    ) {
        let (head, lines) = self.block(new, column, line_style);
        out.push_str(&spell_key(key, line_style.quoted));
        out.push(':');
        out.push_str(&head);
        out.push_str(line_style.line_break);
        out.push_str(&lines);
    }

    /// Renders a value in brackets.
    pub(super) fn flow(&self, spacing: &Spacing, new: &NewValue<'_>) -> String {
        let inner = Spacing {
            lead: if spacing.is_spread() {
                format!("{}{}", spacing.lead, self.flow_step())
            } else {
                String::new()
            },
            ..spacing.clone()
        };
        let (open, parts, close): (_, Vec<String>, _) = match new {
            NewValue::Text(text) => return double(text),
            NewValue::Map(entries) => (
                '{',
                entries
                    .iter()
                    .map(|entry| self.flow_entry(&inner, entry))
                    .collect(),
                '}',
            ),
            NewValue::List(items) => (
                '[',
                items.iter().map(|item| self.flow(&inner, item)).collect(),
                ']',
            ),
        };
        let mut out = String::from(open);
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                out.push(',');
                if !spacing.is_spread() && !spacing.is_tight() {
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

    /// Renders a key and its value in brackets.
    pub(super) fn flow_entry(
        &self,
        spacing: &Spacing,
        (key, new): &(&str, NewValue<'_>),
    ) -> String {
        let key = spell_key(key, spacing.quoted);
        format!("{key}{}{}", spacing.separator, self.flow(spacing, new))
    }

    /// Returns the style of a mapping in brackets.
    pub(super) fn spacing(&self, mapping: NodeId) -> Spacing {
        let keys = self.tree.pairs(mapping).iter();
        Spacing {
            lead: self.lead(mapping, keys.map(|pair| pair.key)),
            separator: self.separator(mapping),
            quoted: self.quotes_keys(mapping),
        }
    }

    /// Returns the style of a list in brackets. `within` is the mapping that the list belongs to.
    pub(super) fn spacing_of_items(&self, list: NodeId, within: NodeId) -> Spacing {
        Spacing {
            lead: self.lead(list, self.tree.items(list).iter().copied()),
            ..self.spacing(within)
        }
    }

    /// Returns the white space before the keys or items of a mapping or list in brackets.
    fn lead(&self, brackets: NodeId, children: impl Iterator<Item = NodeId>) -> String {
        let start = |id: NodeId| self.tree.node(id).span.start;
        let children: Vec<NodeId> = children.collect();
        let space = match children[..] {
            [] => "",
            [only] => &self.text[start(brackets) + 1..start(only)],
            [.., last] => {
                // The text after the last comma.
                let before = &self.text[start(brackets)..start(last)];
                let space = before.trim_end_matches(|c| matches!(c, ' ' | '\t') || is_break(c));
                if space.ends_with(',') {
                    &before[space.len()..]
                } else {
                    " "
                }
            }
        };
        if space
            .chars()
            .all(|c| matches!(c, ' ' | '\t') || is_break(c))
        {
            space.to_owned()
        } else {
            " ".to_owned()
        }
    }

    /// Returns the text between the keys of a mapping in brackets and their values.
    fn separator(&self, mapping: NodeId) -> String {
        let between = self.tree.pairs(mapping).first().map(|pair| {
            &self.text[self.tree.node(pair.key).span.end..self.tree.node(pair.value).span.start]
        });
        match between {
            // No space is needed after quotes.
            Some(":") if self.quotes_keys(mapping) => ":".to_owned(),
            Some(" : ") => " : ".to_owned(),
            _ => ": ".to_owned(),
        }
    }

    /// Returns one level of indentation inside brackets, as the first document in brackets shows it.
    fn flow_step(&self) -> String {
        let root = self
            .tree
            .roots
            .iter()
            .copied()
            .find(|&root| self.tree.is_flow(root));
        let lead = root.map(|root| self.spacing(root).lead).unwrap_or_default();
        match lead.rsplit_once(is_break) {
            Some((_, indent)) if !indent.is_empty() => indent.to_owned(),
            _ => "  ".to_owned(),
        }
    }

    /// Returns whether new keys of a mapping need double quotes.
    pub(super) fn quotes_keys(&self, mapping: NodeId) -> bool {
        let first = self.tree.pairs(mapping).first();
        self.tree.json || first.is_some_and(|pair| self.tree.style(pair.key) == Some(Style::Double))
    }
}

fn indent(out: &mut String, column: usize) {
    out.extend(std::iter::repeat_n(' ', column));
}

fn spell_key(key: &str, quoted: bool) -> String {
    if quoted { double(key) } else { key.to_owned() }
}
