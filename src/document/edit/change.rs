//! Changes within one entry: only the values that differ are written.

mod groups;

use super::lines::{indent_before, is_break, line_end, usual_break};
use super::spell::Quotes;
use super::splice::Splice;
use crate::document::{Entry, Field, Fields, Mapping, Principal, Span};

/// An entry to change, in the text that it stands in.
pub(super) struct Change<'a> {
    pub(super) text: &'a str,
    pub(super) entry: &'a Entry,
    /// What it says now.
    pub(super) from: &'a Mapping,
    /// What it shall say.
    pub(super) to: &'a Mapping,
    /// Whether it is but an example for a new entry, whose groups stand in their own order, and without quotes that
    /// only the example needed.
    pub(super) afresh: bool,
}

/// Whether any username and any groups can be written into an entry; else why not, a fragment.
pub(super) fn changeable(text: &str, entry: &Entry) -> Result<(), &'static str> {
    let fields = &entry.fields;
    if fields.repeated {
        return Err("it holds a field more than once");
    }
    if fields.mistyped {
        return Err("it holds a value of the wrong type");
    }
    let keys = [fields.principal, fields.sso, fields.username, fields.groups];
    if !keys
        .iter()
        .flatten()
        .all(|field| behind_colon(text, field).is_some())
    {
        return Err("it holds a key without a colon");
    }
    let begins_line = |at: usize| indent_before(text, at).is_some();
    if !fields.flow && !entry.dash.is_some_and(begins_line) && !begins_line(entry.span.start()) {
        return Err("it begins in the middle of a line");
    }
    let behind = &text[entry.span.end()..];
    let blanks = behind.len() - behind.trim_start().len();
    let mut lines = text[entry.span.start()..entry.span.end() + blanks].split(is_break);
    if lines.any(|line| line.contains('\t') && line.trim().is_empty()) {
        return Err("it holds a line of tabs, which may stand behind some values only");
    }
    let count = entry.mapping().map_or(0, |mapping| mapping.groups().len());
    let mut dashes = fields.group_items.iter().filter_map(|item| item.dash);
    if fields.group_items.len() != count || !dashes.all(begins_line) {
        return Err("its groups are not written one by one");
    }
    Ok(())
}

/// The place right behind the colon of a field.
fn behind_colon(text: &str, field: &Field) -> Option<usize> {
    let behind_key = &text[field.key.end()..];
    let colon = behind_key.trim_start_matches([' ', '\t']);
    colon.starts_with(':').then(|| text.len() - colon.len() + 1)
}

impl Change<'_> {
    /// What to write, for an entry that is [`changeable`].
    pub(super) fn splices(&self) -> Option<Vec<Splice>> {
        let mut splices = Vec::new();
        if self.from.principal != self.to.principal {
            let (field, arn) = (self.fields().principal?, arn(&self.to.principal)?);
            splices.push(self.respell(field.value, arn, self.fields().flow));
        }
        if self.from.username != self.to.username {
            splices.push(self.username()?);
        }
        self.groups(&mut splices)?;
        Some(splices)
    }

    fn fields(&self) -> &Fields {
        &self.entry.fields
    }

    /// Another value in the quotes of the one that is there.
    fn respell(&self, span: Span, value: &str, in_flow: bool) -> Splice {
        let quotes = Quotes::of(&self.text[span.range()]);
        self.in_place_of(span, quotes.spell(value, in_flow))
    }

    /// One scalar for another, which may be nothing behind its dash, or a block scalar no deeper than its key.
    fn in_place_of(&self, span: Span, scalar: String) -> Splice {
        let is_block = self.text[span.range()].starts_with(['|', '>']);
        let gap = if span.is_empty() {
            1
        } else if is_block && indent_before(self.text, span.start()).is_some() {
            self.key_indent().unwrap_or_default().len() + 4
        } else {
            0
        };
        // A quote may end right before a comment.
        let behind = if self.text[span.end()..].starts_with('#') {
            " "
        } else {
            ""
        };
        Splice::replace(span, " ".repeat(gap) + &scalar + behind)
    }

    fn username(&self) -> Option<Splice> {
        let flow = self.fields().flow;
        let Some(field) = self.fields().username else {
            return self.new_field("username", |quotes| quotes.spell(&self.to.username, flow));
        };
        let like_principal = || self.like_principal().spell(&self.to.username, flow);
        if field.value.is_empty() {
            let at = behind_colon(self.text, &field)?;
            return Some(Splice::insert(at, format!(" {}", like_principal())));
        }
        let needed = self.afresh
            && self.like_principal() == Quotes::None
            && Quotes::None.spell(&self.from.username, flow) != self.from.username;
        if needed {
            let value = Quotes::None.spell(&self.to.username, flow);
            return Some(self.in_place_of(field.value, value));
        }
        let null = ["~", "null", "Null", "NULL"].contains(&&self.text[field.value.range()]);
        Some(if null {
            Splice::replace(field.value, like_principal())
        } else {
            self.respell(field.value, &self.to.username, flow)
        })
    }

    fn like_principal(&self) -> Quotes {
        self.fields().principal.map_or(Quotes::None, |field| {
            Quotes::of(&self.text[field.value.range()])
        })
    }

    /// A field that the entry does not have, behind the last of those before it.
    fn new_field(&self, name: &str, spell: impl Fn(Quotes) -> String) -> Option<Splice> {
        let fields = self.fields();
        let before = match name {
            "groups" => fields.username.or(fields.principal).or(fields.sso),
            _ => fields.principal.or(fields.sso),
        };
        let before = before?;
        let key = Quotes::of(&self.text[before.key.range()]).spell(name, fields.flow);
        if fields.flow {
            let colon = if self.text[before.key.end()..].starts_with(": ") {
                ": "
            } else {
                ":"
            };
            let colon = if key.starts_with(['"', '\'']) {
                colon
            } else {
                ": "
            };
            let comma = if self.text[before.value.end()..].starts_with(",\"") {
                ","
            } else {
                ", "
            };
            let value = spell(self.like_principal());
            return Some(Splice::insert(
                before.value.end(),
                format!("{comma}{key}{colon}{value}"),
            ));
        }
        let (at, line_break, indent) = self.new_line(before)?;
        let value = spell(self.like_principal());
        let gap = if value.starts_with(line_break) {
            ""
        } else {
            " "
        };
        Some(Splice::insert(
            at,
            format!("{line_break}{indent}{key}:{gap}{value}"),
        ))
    }

    /// Where a line behind this field begins: the place, the line break to put there, and the keys' indent.
    fn new_line(&self, before: Field) -> Option<(usize, &str, String)> {
        let end = before.value.end().max(before.key.end());
        let at = line_end(self.text, end);
        Some((at, usual_break(self.text, at), self.key_indent()?))
    }

    /// What stands before a key of the entry at the beginning of a line of its own.
    fn key_indent(&self) -> Option<String> {
        let start = self.entry.span.start();
        if let Some(indent) = indent_before(self.text, start) {
            return Some(indent.to_owned());
        }
        let dash = self.entry.dash?;
        let indent = indent_before(self.text, dash)?;
        Some(format!("{indent}{}", " ".repeat(start - dash)))
    }
}

/// The text of a principal that is written as one scalar.
pub(super) fn arn(principal: &Principal) -> Option<&str> {
    match principal {
        Principal::Role(text) | Principal::User(text) | Principal::Account(text) => Some(text),
        Principal::Sso(_) => None,
    }
}
