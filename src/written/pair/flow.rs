//! Keys inside brackets.

use super::{New, spell_key};
use crate::written::Editor;
use crate::written::lines::is_break;
use crate::written::spell::double;
use crate::written::splice::Splice;
use crate::written::tree::{NodeId, Pair, Style};

impl Editor<'_> {
    pub(super) fn add_in_flow(
        &self,
        mapping: NodeId,
        pairs: &[Pair],
        entries: &[(&str, New<'_>)],
    ) -> Splice {
        let lead = self.lead(mapping);
        let between = match pairs {
            [_] if !lead.contains(is_break) => {
                if self.separator(mapping).ends_with(' ') {
                    " "
                } else {
                    ""
                }
            }
            _ => &lead,
        };
        let mut out = String::new();
        for (key, new) in entries {
            out.push(',');
            out.push_str(between);
            self.push_flow(
                &mut out,
                &lead,
                &self.separator(mapping),
                self.quotes_keys(mapping),
                key,
                new,
            );
        }
        let last = pairs
            .last()
            .map(|last| (self.tree.node(last.key), self.tree.node(last.value)));
        let end = last.map_or(0, |(_, value)| value.span.end);
        if last.is_some_and(|(key, value)| {
            value.property.is_some() || (value.span.is_empty() && key.span.end < end)
        }) {
            // A `,` right behind a tag or the `:` of a key would be part of it.
            out.insert(0, ' ');
        }
        Splice::insert(end, out)
    }

    fn push_flow(
        &self,
        out: &mut String,
        lead: &str,
        separator: &str,
        quoted: bool,
        key: &str,
        new: &New<'_>,
    ) {
        out.push_str(&spell_key(key, quoted));
        out.push_str(separator);
        match new {
            New::Text(text) => out.push_str(&double(text)),
            New::Map(entries) => out.push_str(&self.flow_mapping(lead, separator, quoted, entries)),
        }
    }

    /// A flow mapping whose key stands behind this white space.
    pub(super) fn flow_mapping(
        &self,
        lead: &str,
        separator: &str,
        quoted: bool,
        entries: &[(&str, New<'_>)],
    ) -> String {
        let spread = lead.contains(is_break);
        let inner = if spread {
            format!("{lead}{}", self.flow_step())
        } else {
            String::new()
        };
        let mut out = String::from("{");
        for (number, (key, new)) in entries.iter().enumerate() {
            if number > 0 {
                out.push(',');
                if !spread && separator.ends_with(' ') {
                    out.push(' ');
                }
            }
            out.push_str(&inner);
            self.push_flow(&mut out, &inner, separator, quoted, key, new);
        }
        if spread {
            out.push_str(lead);
        }
        out.push('}');
        out
    }

    /// The white space in front of the keys of a flow mapping.
    pub(super) fn lead(&self, mapping: NodeId) -> String {
        let span = |id: NodeId| self.tree.node(id).span.clone();
        let space = match self.tree.pairs(mapping) {
            [] => "",
            [only] => &self.text[span(mapping).start + 1..span(only.key).start],
            [.., before, last] => {
                let between = &self.text[span(before.value).end..span(last.key).start];
                between.split_once(',').map_or(" ", |(_, space)| space)
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

    /// What stands between the keys of a flow mapping and their values.
    pub(super) fn separator(&self, mapping: NodeId) -> String {
        let between = self.tree.pairs(mapping).first().map(|pair| {
            &self.text[self.tree.node(pair.key).span.end..self.tree.node(pair.value).span.start]
        });
        match between {
            Some(":") if self.tree.json => ":".to_owned(),
            Some(" : ") => " : ".to_owned(),
            _ => ": ".to_owned(),
        }
    }

    /// One level of indentation inside brackets, as the first document shows it.
    fn flow_step(&self) -> String {
        let root = self
            .tree
            .roots
            .iter()
            .copied()
            .find(|&root| self.is_flow(root));
        let lead = root.map(|root| self.lead(root)).unwrap_or_default();
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
