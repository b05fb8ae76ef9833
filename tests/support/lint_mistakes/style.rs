//! The styles in which users and tools write maps.

use super::map_model::{Map, V};
use crate::support::lint_facts::Data;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Block,
    Flow,
    Json,
    Quoted,
}

impl Style {
    pub(crate) const ALL: [Self; 4] = [Self::Block, Self::Flow, Self::Json, Self::Quoted];

    fn scalar(self, text: &str) -> String {
        let is_plain = match self {
            Self::Block => is_plain(text, "{}*?"),
            Self::Flow => is_plain(text, ""),
            Self::Json => false,
            Self::Quoted if !text.contains('\'') && is_plain(text, "{}*? ") => {
                return format!("'{text}'");
            }
            Self::Quoted => false,
        };
        if is_plain {
            text.to_owned()
        } else {
            serde_json::to_string(text).expect("JSON")
        }
    }

    fn key(self, key: &str) -> String {
        match self {
            Self::Block | Self::Flow => key.to_owned(),
            Self::Json | Self::Quoted => format!("\"{key}\""),
        }
    }

    /// A value on one line.
    fn inline(self, value: &V) -> String {
        // In flow style, braces are syntax.
        let within = match self {
            Self::Block => Self::Flow,
            style => style,
        };
        let joined = |items: Vec<String>| items.join(", ");
        match value {
            V::Text(text) => self.scalar(text),
            V::Raw(raw) => raw.clone(),
            V::List(items) => {
                format!(
                    "[{}]",
                    joined(items.iter().map(|item| within.inline(item)).collect())
                )
            }
            V::Entry(fields) => {
                let field = |(key, value): &(String, V)| {
                    format!("{}: {}", self.key(key), within.inline(value))
                };
                format!("{{{}}}", joined(fields.iter().map(field).collect()))
            }
        }
    }

    /// An item of a section, with its line breaks.
    fn item(self, value: &V) -> String {
        let V::Entry(fields) = value else {
            return format!("- {}\n", self.inline(value));
        };
        if self == Self::Flow {
            return format!("- {}\n", self.inline(value));
        }
        let mut item = String::new();
        for (number, (key, value)) in fields.iter().enumerate() {
            let lead = if number == 0 { "- " } else { "  " };
            item += &format!("{lead}{}:", self.key(key));
            match value {
                V::List(groups) if !groups.is_empty() => {
                    item.push('\n');
                    for group in groups {
                        item += &format!("  - {}\n", self.inline(group));
                    }
                }
                value => item += &format!(" {}\n", self.inline(value)),
            }
        }
        item
    }

    fn section(self, items: &[V]) -> String {
        if self == Self::Json {
            let items: Vec<_> = items.iter().map(|item| self.inline(item)).collect();
            return format!("[{}]", items.join(",\n"));
        }
        items.iter().map(|item| self.item(item)).collect()
    }
}

fn is_plain(text: &str, more: &str) -> bool {
    let is_of_words =
        |c: char| c.is_ascii_alphanumeric() || "-_:/.@=+".contains(c) || more.contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_of_words)
        && !text.ends_with([':', ' '])
        && !["yes", "no", "on", "off", "true", "false", "null", "y", "n"].contains(&text)
}

impl Map {
    /// Returns the sections, without empty ones.
    pub(crate) fn data(&self, style: Style) -> Data {
        let sections = [
            ("mapRoles", &self.roles),
            ("mapUsers", &self.users),
            ("mapAccounts", &self.accounts),
        ];
        let there = sections.into_iter().filter(|(_, items)| !items.is_empty());
        there
            .map(|(key, items)| (key.to_owned(), style.section(items)))
            .collect()
    }
}
