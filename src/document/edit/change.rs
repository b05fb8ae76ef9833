//! Changes within one entry: only the values that differ are written.

use super::flow::{self, Item};
use super::lines::{indent_before, line_break, line_end, next_line, usual_break};
use super::spell::Quotes;
use super::splice::Splice;
use crate::document::{Entry, Field, Fields, Mapping, Principal, Span};

/// Why an entry cannot be changed in place.
pub(super) type Odd = &'static str;

/// An entry to change, in the text that it stands in.
pub(super) struct Change<'a> {
    pub(super) text: &'a str,
    pub(super) entry: &'a Entry,
    /// What it says now.
    pub(super) from: &'a Mapping,
    /// What it shall say.
    pub(super) to: &'a Mapping,
}

impl Change<'_> {
    pub(super) fn splices(&self) -> Result<Vec<Splice>, Odd> {
        let mut splices = Vec::new();
        if self.from.principal != self.to.principal {
            let (Some(field), Some(arn)) = (self.fields().principal, arn(&self.to.principal))
            else {
                return Err("its ARN is not written as one");
            };
            splices.push(self.respell(field.value, arn, self.fields().flow));
        }
        if self.from.username != self.to.username {
            splices.push(self.username()?);
        }
        self.groups(&mut splices)?;
        Ok(splices)
    }

    fn fields(&self) -> &Fields {
        &self.entry.fields
    }

    /// Another value in the quotes of the one that is there.
    fn respell(&self, span: Span, value: &str, in_flow: bool) -> Splice {
        let quotes = Quotes::of(&self.text[span.range()]);
        Splice::replace(span, quotes.spell(value, in_flow))
    }

    fn username(&self) -> Result<Splice, Odd> {
        let Some(field) = self.fields().username else {
            return self.new_field("username", |quotes, in_flow| {
                quotes.spell(&self.to.username, in_flow)
            });
        };
        if field.value.is_empty() {
            let value = self
                .like_principal()
                .spell(&self.to.username, self.fields().flow);
            return Ok(Splice::insert(
                self.behind_colon(field)?,
                format!(" {value}"),
            ));
        }
        let null = matches!(
            &self.text[field.value.range()],
            "~" | "null" | "Null" | "NULL"
        );
        if null {
            let value = self
                .like_principal()
                .spell(&self.to.username, self.fields().flow);
            return Ok(Splice::replace(field.value, value));
        }
        Ok(self.respell(field.value, &self.to.username, self.fields().flow))
    }

    fn like_principal(&self) -> Quotes {
        self.fields().principal.map_or(Quotes::None, |field| {
            Quotes::of(&self.text[field.value.range()])
        })
    }

    /// The place right behind the colon of a field without a value.
    fn behind_colon(&self, field: Field) -> Result<usize, Odd> {
        let between = &self.text[field.key.end..field.value.start];
        match between.trim_start_matches([' ', '\t']) {
            ":" => Ok(field.value.start),
            _ => Err("it holds a key without a colon"),
        }
    }

    /// A field that the entry does not have, behind the last of those before it.
    fn new_field(&self, name: &str, spell: impl Fn(Quotes, bool) -> String) -> Result<Splice, Odd> {
        let fields = self.fields();
        let before = match name {
            "groups" => fields.username.or(fields.principal).or(fields.sso),
            _ => fields.principal.or(fields.sso),
        };
        let before = before.ok_or("it holds no ARN")?;
        let key = Quotes::of(&self.text[before.key.range()]).spell(name, fields.flow);
        if fields.flow {
            let colon = if self.text[before.key.end..].starts_with(": ") {
                ": "
            } else {
                ":"
            };
            let colon = if key.starts_with(['"', '\'']) {
                colon
            } else {
                ": "
            };
            let comma = if self.text[before.value.end..].starts_with(",\"") {
                ","
            } else {
                ", "
            };
            let value = spell(self.like_principal(), true);
            return Ok(Splice::insert(
                before.value.end,
                format!("{comma}{key}{colon}{value}"),
            ));
        }
        let (at, line_break, indent) = self.new_line(before)?;
        let value = spell(self.like_principal(), false);
        let gap = if value.starts_with(line_break) {
            ""
        } else {
            " "
        };
        Ok(Splice::insert(
            at,
            format!("{line_break}{indent}{key}:{gap}{value}"),
        ))
    }

    /// Where a line behind this field begins: the place, the line break to put there, and the keys' indent.
    fn new_line(&self, before: Field) -> Result<(usize, &str, String), Odd> {
        let end = before.value.end.max(before.key.end);
        let at = line_end(self.text, end);
        Ok((at, usual_break(self.text, at), self.key_indent()?))
    }

    /// What stands before a key of the entry at the beginning of a line of its own.
    fn key_indent(&self) -> Result<String, Odd> {
        let start = self.entry.span.start;
        if let Some(indent) = indent_before(self.text, start) {
            return Ok(indent.to_owned());
        }
        let dash = self.entry.dash.ok_or("it begins in the middle of a line")?;
        let indent = indent_before(self.text, dash).ok_or("it begins in the middle of a line")?;
        Ok(format!("{indent}{}", " ".repeat(start - dash)))
    }

    fn groups(&self, splices: &mut Vec<Splice>) -> Result<(), Odd> {
        let (current, wanted) = (self.from.groups(), self.to.groups());
        let new: Vec<&str> = wanted
            .iter()
            .filter(|group| !current.contains(group))
            .map(String::as_str)
            .collect();
        let goes: Vec<bool> = current
            .iter()
            .map(|group| !wanted.contains(group))
            .collect();
        if new.is_empty() && !goes.contains(&true) {
            return Ok(());
        }
        let fields = self.fields();
        let Some(field) = fields.groups else {
            let spell = |quotes: Quotes, in_flow: bool| self.spelt_list(&new, quotes, in_flow);
            splices.push(self.new_field("groups", spell)?);
            return Ok(());
        };
        let written = &self.text[field.value.range()];
        if !fields.groups_are_list || fields.group_items.is_empty() {
            let quotes = self.like_principal();
            if field.value.is_empty() {
                let at = self.behind_colon(field)?;
                let in_line =
                    fields.flow || !self.text[at..line_end(self.text, at)].trim().is_empty();
                let list = if in_line {
                    flow_list(&new, quotes)
                } else {
                    self.spelt_list(&new, quotes, false)
                };
                let gap = if list.starts_with('[') { " " } else { "" };
                splices.push(Splice::insert(at, format!("{gap}{list}")));
            } else {
                splices.push(Splice::replace(field.value, flow_list(&new, quotes)));
            }
            return Ok(());
        }
        if fields.group_items.len() != current.len() {
            return Err("its groups are not written one by one");
        }
        if written.starts_with('[') {
            self.flow_groups(field.value, &goes, &new, splices);
            Ok(())
        } else {
            self.block_groups(field, &goes, &new, splices)
        }
    }

    /// A list of groups behind the colon: in brackets, or on lines of its own.
    fn spelt_list(&self, groups: &[&str], quotes: Quotes, in_flow: bool) -> String {
        let Ok(indent) = self.key_indent() else {
            return flow_list(groups, quotes);
        };
        if in_flow || groups.is_empty() {
            return flow_list(groups, quotes);
        }
        let line_break = usual_break(self.text, self.entry.span.end);
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
        splices.extend(next.map(|group| Splice::replace(span, group)));
        found
    }

    fn block_groups(
        &self,
        field: Field,
        goes: &[bool],
        new: &[&str],
        splices: &mut Vec<Splice>,
    ) -> Result<(), Odd> {
        let items = &self.fields().group_items;
        let quotes = Quotes::of(&self.text[items[items.len() - 1].span.range()]);
        let mut new = new.iter().map(|group| quotes.spell(group, false));
        let mut last_kept = None;
        for (item, goes) in items.iter().zip(goes) {
            if !goes || self.replaced(item.span, &mut new, splices) {
                last_kept = Some(item);
                continue;
            }
            let dash = item.dash.ok_or("its groups are not written one by one")?;
            let indent =
                indent_before(self.text, dash).ok_or("a group begins in the middle of a line")?;
            splices.push(self.delete_lines(dash - indent.len(), item.span.end));
        }
        match last_kept {
            None => {
                let behind = field.key.end
                    + self.text[field.key.end..]
                        .find(':')
                        .ok_or("it holds a key without a colon")?;
                splices.push(Splice::insert(behind + 1, " []"));
            }
            Some(item) => {
                let dash = item.dash.ok_or("its groups are not written one by one")?;
                let indent = indent_before(self.text, dash)
                    .ok_or("a group begins in the middle of a line")?;
                let at = line_end(self.text, item.span.end);
                let line_break = usual_break(self.text, at);
                let text: String = new
                    .map(|group| format!("{line_break}{indent}- {group}"))
                    .collect();
                if !text.is_empty() {
                    splices.push(Splice::insert(at, text));
                }
            }
        }
        Ok(())
    }

    /// Deletes whole lines; those at the end of a text without a final line break leave it without one.
    fn delete_lines(&self, start: usize, last: usize) -> Splice {
        let end = line_end(self.text, last);
        if line_break(self.text, end).is_empty() {
            let before = super::lines::without_break(&self.text[..start]).map_or(start, str::len);
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

/// The text of a principal that is written as one scalar.
pub(super) fn arn(principal: &Principal) -> Option<&str> {
    match principal {
        Principal::Role(text) | Principal::User(text) | Principal::Account(text) => Some(text),
        Principal::Sso(_) => None,
    }
}
