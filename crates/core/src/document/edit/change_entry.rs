//! Changes within one entry: only the values that differ are written.

use std::collections::HashSet;

use goyaml::edit::flow_collection::{FlowItem, FlowList};
use goyaml::edit::lines::{
    indent_before, is_break, line_break, line_end, next_line, usual_break, without_break,
};
use goyaml::edit::scalar_style::Quotes;
use goyaml::edit::splice::Splice;

use crate::document::{Entry, Field, Fields, Mapping, Principal, Span};

/// An entry to change, within its section.
pub(super) struct Change<'a> {
    pub(super) text: &'a str,
    pub(super) entry: &'a Entry,
    /// Its current mapping.
    pub(super) from: &'a Mapping,
    /// The requested mapping.
    pub(super) to: &'a Mapping,
    /// The groups that get a new name, and keep their place, quotes and comment.
    pub(super) renames: &'a [(String, String)],
    /// Whether the entry is only a template for a new one. If so, the groups are written in the order of `to`, and without quotes
    /// that only the template needed.
    pub(super) as_example: bool,
}

/// Checks that any username and any groups can be written into an entry.
///
/// # Errors
/// The reason why not, as a sentence fragment.
pub(super) fn changeable(text: &str, entry: &Entry) -> Result<(), &'static str> {
    let fields = &entry.fields;
    if fields.is_repeated {
        return Err("it has a field more than once");
    }
    if fields.is_mistyped {
        return Err("it has a value of the wrong type");
    }
    let keys = [fields.principal, fields.sso, fields.username, fields.groups];
    if !keys
        .iter()
        .flatten()
        .all(|field| after_colon(text, field).is_some())
    {
        return Err("it has a key without a colon");
    }
    let begins_line = |at: usize| indent_before(text, at).is_some();
    if !fields.is_flow && !entry.dash.is_some_and(begins_line) && !begins_line(entry.span.start()) {
        return Err("it begins in the middle of a line");
    }
    let behind = &text[entry.span.end()..];
    let blanks = behind.len() - behind.trim_start().len();
    let mut lines = text[entry.span.start()..entry.span.end() + blanks].split(is_break);
    if lines.any(|line| line.contains('\t') && line.trim().is_empty()) {
        return Err("it has a line of tabs, which YAML allows after some values only");
    }
    let count = entry.mapping().map_or(0, |mapping| mapping.groups().len());
    let mut dashes = fields.group_items.iter().filter_map(|item| item.dash);
    if fields.group_items.len() != count || !dashes.all(begins_line) {
        return Err("its groups are not written one by one");
    }
    Ok(())
}

/// Returns the offset right after the colon of a field.
fn after_colon(text: &str, field: &Field) -> Option<usize> {
    let after_key = &text[field.key.end()..];
    let colon = after_key.trim_start_matches([' ', '\t']);
    colon.starts_with(':').then(|| text.len() - colon.len() + 1)
}

impl Change<'_> {
    /// Returns the splices for an entry that is [`changeable`].
    pub(super) fn splices(&self) -> Option<Vec<Splice>> {
        let mut splices = Vec::new();
        if self.from.principal != self.to.principal {
            let (field, arn) = (self.fields().principal?, arn(&self.to.principal)?);
            splices.push(self.respell(field.value, arn, self.fields().is_flow));
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

    /// Replaces a value, keeping its quotes.
    fn respell(&self, span: Span, value: &str, in_flow: bool) -> Splice {
        let quotes = Quotes::of(&self.text[span.range()]);
        self.replace(span, quotes.spell(value, in_flow))
    }

    /// Replaces a scalar, which may be an absent value after a dash, or a block scalar no deeper than its key.
    fn replace(&self, span: Span, scalar: String) -> Splice {
        let is_block = self.text[span.range()].starts_with(['|', '>']);
        let gap = if span.is_empty() {
            1
        } else if is_block && indent_before(self.text, span.start()).is_some() {
            self.key_indent().unwrap_or_default().len() + 4
        } else {
            0
        };
        // A comment may follow a quoted scalar without a space, but not a plain one.
        let after = if self.text[span.end()..].starts_with('#') {
            " "
        } else {
            ""
        };
        Splice::new(span.range(), " ".repeat(gap) + &scalar + after)
    }

    fn username(&self) -> Option<Splice> {
        let flow = self.fields().is_flow;
        let Some(field) = self.fields().username else {
            return self.new_field("username", |quotes| quotes.spell(&self.to.username, flow));
        };
        let like_principal = || self.like_principal().spell(&self.to.username, flow);
        if field.value.is_empty() {
            let at = after_colon(self.text, &field)?;
            return Some(Splice::insert(at, format!(" {}", like_principal())));
        }
        let needed = self.as_example
            && self.like_principal() == Quotes::None
            && Quotes::None.spell(&self.from.username, flow) != self.from.username;
        if needed {
            let value = Quotes::None.spell(&self.to.username, flow);
            return Some(self.replace(field.value, value));
        }
        let null = ["~", "null", "Null", "NULL"].contains(&&self.text[field.value.range()]);
        Some(if null {
            Splice::new(field.value.range(), like_principal())
        } else {
            self.respell(field.value, &self.to.username, flow)
        })
    }

    fn like_principal(&self) -> Quotes {
        self.fields().principal.map_or(Quotes::None, |field| {
            Quotes::of(&self.text[field.value.range()])
        })
    }

    /// Adds a field that the entry does not have, after the last existing field that precedes it in the usual order.
    fn new_field(&self, name: &str, spell: impl Fn(Quotes) -> String) -> Option<Splice> {
        let fields = self.fields();
        let before = match name {
            "groups" => fields.username.or(fields.principal).or(fields.sso),
            _ => fields.principal.or(fields.sso),
        };
        let before = before?;
        let key = Quotes::of(&self.text[before.key.range()]).spell(name, fields.is_flow);
        if fields.is_flow {
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

    /// Returns where to insert a line after this field: the offset, the line break, and the indentation of the keys.
    fn new_line(&self, before: Field) -> Option<(usize, &str, String)> {
        let end = before.value.end().max(before.key.end());
        let at = line_end(self.text, end);
        Some((at, usual_break(self.text, at), self.key_indent()?))
    }

    /// Returns the indentation of the entry's keys.
    fn key_indent(&self) -> Option<String> {
        let start = self.entry.span.start();
        if let Some(indent) = indent_before(self.text, start) {
            return Some(indent.to_owned());
        }
        let dash = self.entry.dash?;
        let indent = indent_before(self.text, dash)?;
        Some(format!("{indent}{}", " ".repeat(start - dash)))
    }

    /// Renames groups in place, and returns the groups after that.
    fn renamed_groups(&self, splices: &mut Vec<Splice>) -> Vec<String> {
        let mut groups = self.from.groups().to_vec();
        let is_flow = |field: Field| self.text[field.value.range()].starts_with('[');
        let in_flow = self.fields().groups.is_some_and(is_flow);
        for (from, to) in self.renames {
            let at = groups.iter().position(|group| group == from);
            if let Some(at) = at.filter(|_| self.to.groups().contains(to) && !groups.contains(to)) {
                let span = self.fields().group_items[at].span;
                splices.push(self.respell(span, to, in_flow));
                groups[at].clone_from(to);
            }
        }
        groups
    }

    pub(super) fn groups(&self, splices: &mut Vec<Splice>) -> Option<()> {
        let renamed = self.renamed_groups(splices);
        let (from, to) = (renamed.as_slice(), self.to.groups());
        let stay = if self.as_example { &[] } else { from };
        let current: HashSet<&String> = stay.iter().collect();
        let requested: HashSet<&String> = to.iter().filter(|_| !self.as_example).collect();
        let new: Vec<&str> = (to.iter().filter(|group| !current.contains(group)))
            .map(String::as_str)
            .collect();
        let removed: Vec<bool> = from
            .iter()
            .map(|group| !requested.contains(group))
            .collect();
        if new.is_empty() && !removed.contains(&true) {
            return Some(());
        }
        let fields = self.fields();
        let Some(field) = fields.groups else {
            let spell = |quotes| self.render_list(&new, quotes);
            splices.push(self.new_field("groups", spell)?);
            return Some(());
        };
        let is_flow = self.text[field.value.range()].starts_with('[');
        let quotes = self.like_principal();
        if field.value.is_empty() {
            let at = after_colon(self.text, &field)?;
            let is_free = self.text[at..line_end(self.text, at)].trim().is_empty();
            let list = if is_free {
                self.render_list(&new, quotes)
            } else {
                flow_list(&new, quotes)
            };
            let gap = if list.starts_with('[') { " " } else { "" };
            splices.push(Splice::insert(at, format!("{gap}{list}")));
        } else if fields.group_items.is_empty() && is_flow {
            let new: Vec<_> = new.iter().map(|group| quotes.spell(group, true)).collect();
            splices.extend(FlowList::new(self.text, field.value.range(), &[]).change(&new));
        } else if fields.group_items.is_empty() {
            splices.push(Splice::new(field.value.range(), flow_list(&new, quotes)));
        } else if is_flow {
            self.flow_groups(field.value, &removed, &new, splices);
        } else {
            return self.block_groups(field, &removed, &new, splices);
        }
        Some(())
    }

    /// Renders a list of groups after the colon: in brackets, or on its own lines.
    fn render_list(&self, groups: &[&str], quotes: Quotes) -> String {
        let indent = self
            .key_indent()
            .filter(|_| !self.fields().is_flow && !groups.is_empty());
        let Some(indent) = indent else {
            return flow_list(groups, quotes);
        };
        let line_break = usual_break(self.text, self.entry.span.end());
        groups
            .iter()
            .map(|group| format!("{line_break}{indent}  - {}", quotes.spell(group, false)))
            .collect()
    }

    fn flow_groups(&self, list: Span, removed: &[bool], new: &[&str], splices: &mut Vec<Splice>) {
        let spans: Vec<Span> = self
            .fields()
            .group_items
            .iter()
            .map(|item| item.span)
            .collect();
        let quotes = Quotes::of(&self.text[spans[spans.len() - 1].range()]);
        let mut new = new.iter().map(|group| quotes.spell(group, true));
        let items: Vec<_> = (spans.iter().zip(removed))
            .map(|(&span, &removed)| FlowItem {
                range: span.range(),
                removed: removed && !self.replaced(span, &mut new, splices),
            })
            .collect();
        let list = FlowList::new(self.text, list.range(), &items);
        splices.extend(list.change(&new.collect::<Vec<_>>()));
    }

    /// Replaces a removed group with a new one, if one is left.
    fn replaced(
        &self,
        span: Span,
        new: &mut impl Iterator<Item = String>,
        splices: &mut Vec<Splice>,
    ) -> bool {
        let next = new.next();
        let found = next.is_some();
        splices.extend(next.map(|group| self.replace(span, group)));
        found
    }

    fn block_groups(
        &self,
        field: Field,
        removed: &[bool],
        new: &[&str],
        splices: &mut Vec<Splice>,
    ) -> Option<()> {
        let items = &self.fields().group_items;
        let quotes = Quotes::of(&self.text[items[items.len() - 1].span.range()]);
        let mut new = new.iter().map(|group| quotes.spell(group, false));
        let mut last_kept = None;
        for (item, removed) in items.iter().zip(removed) {
            if *removed && self.replaced(item.span, &mut new, splices) {
                // A comment about the old group does not apply to the new one.
                let end = line_end(self.text, item.span.end());
                if self.text[item.span.end()..end]
                    .trim_start()
                    .starts_with('#')
                {
                    splices.push(Splice::delete(item.span.end()..end));
                }
                last_kept = Some(item);
                continue;
            }
            if !removed {
                last_kept = Some(item);
                continue;
            }
            let dash = item.dash?;
            let indent = indent_before(self.text, dash)?;
            splices.push(self.delete_lines(dash - indent.len(), item.span.end()));
        }
        match last_kept {
            None => {
                splices.push(Splice::insert(after_colon(self.text, &field)?, " []"));
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

    /// Deletes whole lines. A section without a line break at its end stays without one.
    fn delete_lines(&self, start: usize, last: usize) -> Splice {
        let end = line_end(self.text, last);
        if line_break(self.text, end).is_empty() {
            let before = without_break(&self.text[..start]).map_or(start, str::len);
            return Splice::delete(before..end);
        }
        Splice::delete(start..next_line(self.text, end))
    }
}

fn flow_list(groups: &[&str], quotes: Quotes) -> String {
    let items: Vec<_> = groups
        .iter()
        .map(|group| quotes.spell(group, true))
        .collect();
    format!("[{}]", items.join(", "))
}

/// Returns the value of a principal that is written as one scalar.
pub(super) fn arn(principal: &Principal) -> Option<&str> {
    match principal {
        Principal::Role(text) | Principal::User(text) | Principal::Account(text) => Some(text),
        Principal::Sso(_) => None,
    }
}
