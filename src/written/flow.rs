//! Keys and items inside brackets.

use super::Editor;
use super::lines::is_break;
use super::new::{New, Spacing};
use super::splice::Splice;
use super::tree::{NodeId, Pair, Style};

impl Spacing {
    /// That of a document in brackets which holds nothing yet; it may be meant to be JSON.
    pub(super) fn of_nothing() -> Self {
        Self {
            lead: String::new(),
            separator: ": ".to_owned(),
            quoted: true,
        }
    }

    /// Whether keys and items stand on lines of their own.
    pub(super) fn is_spread(&self) -> bool {
        self.lead.contains(is_break)
    }
}

impl Editor<'_> {
    pub(super) fn add_in_flow(
        &self,
        mapping: NodeId,
        pairs: &[Pair],
        entries: &[(&str, New<'_>)],
    ) -> Splice {
        let spacing = self.spacing(mapping);
        let parts = entries.iter().map(|entry| self.flow_entry(&spacing, entry));
        let last = pairs.last().map(|last| last.value);
        let mut splice = self.append(&spacing, pairs.len(), last, parts);
        let is_bare = |pair: &Pair| {
            let (key, value) = (self.tree.node(pair.key), self.tree.node(pair.value));
            value.property.is_some() || (value.span.is_empty() && key.span.end < value.span.end)
        };
        if pairs.last().is_some_and(is_bare) {
            // A `,` right behind a tag or the `:` of a key would be part of it.
            splice.text.insert(0, ' ');
        }
        splice
    }

    /// Adds an item to a list in brackets that has some; `within` is the mapping that the list belongs to.
    pub(super) fn add_item_in_flow(&self, list: NodeId, within: NodeId, item: &New<'_>) -> Splice {
        let items = self.tree.items(list);
        let spacing = Spacing {
            lead: self.lead(list, items.iter().copied()),
            ..self.spacing(within)
        };
        let part = self.flow(&spacing, item);
        let mut splice = self.append(&spacing, items.len(), items.last().copied(), [part]);
        if items
            .last()
            .is_some_and(|&last| self.tree.node(last).property.is_some())
        {
            splice.text.insert(0, ' ');
        }
        splice
    }

    /// Puts parts behind the last child of some brackets.
    fn append(
        &self,
        spacing: &Spacing,
        children: usize,
        last: Option<NodeId>,
        parts: impl IntoIterator<Item = String>,
    ) -> Splice {
        let between = match children {
            1 if !spacing.is_spread() && spacing.separator.ends_with(' ') => " ",
            1 if !spacing.is_spread() => "",
            _ => &spacing.lead,
        };
        let mut out = String::new();
        for part in parts {
            out.push(',');
            out.push_str(between);
            out.push_str(&part);
        }
        let end = last.map_or(0, |last| self.tree.node(last).span.end);
        Splice::insert(end, out)
    }

    /// How a mapping in brackets is spaced.
    pub(super) fn spacing(&self, mapping: NodeId) -> Spacing {
        let keys = self.tree.pairs(mapping).iter();
        Spacing {
            lead: self.lead(mapping, keys.map(|pair| pair.key)),
            separator: self.separator(mapping),
            quoted: self.quotes_keys(mapping),
        }
    }

    /// The white space in front of the keys or items of some brackets.
    fn lead(&self, brackets: NodeId, children: impl Iterator<Item = NodeId>) -> String {
        let start = |id: NodeId| self.tree.node(id).span.start;
        let children: Vec<NodeId> = children.collect();
        let space = match children[..] {
            [] => "",
            [only] => &self.text[start(brackets) + 1..start(only)],
            [.., last] => {
                // What follows the last comma.
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

    /// What stands between the keys of a mapping in brackets and their values.
    fn separator(&self, mapping: NodeId) -> String {
        let between = self.tree.pairs(mapping).first().map(|pair| {
            &self.text[self.tree.node(pair.key).span.end..self.tree.node(pair.value).span.start]
        });
        match between {
            // Behind quotes no blank is needed.
            Some(":") if self.quotes_keys(mapping) => ":".to_owned(),
            Some(" : ") => " : ".to_owned(),
            _ => ": ".to_owned(),
        }
    }

    /// One level of indentation inside brackets, as the first document shows it.
    pub(super) fn flow_step(&self) -> String {
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

    pub(super) fn quotes_keys(&self, mapping: NodeId) -> bool {
        let first = self.tree.pairs(mapping).first();
        self.tree.json || first.is_some_and(|pair| self.tree.style(pair.key) == Some(Style::Double))
    }
}
