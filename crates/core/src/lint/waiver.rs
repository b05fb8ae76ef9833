//! Comments that waive findings: `# awsauth: ignore[R03] the reason`.

use super::position::PositionCursor;
use super::rule::Rule;
use crate::document::{Entry, Section, SectionName, Span};

/// The first word of a waiver, after `#`.
const MARK: &str = "awsauth:";

/// The maximum number of names that are read in one waiver: more than all rules have.
const MAX_NAMES: usize = 256;

/// A comment that waives findings.
#[derive(Clone, Debug)]
pub(super) struct Waiver<'a> {
    pub(super) section: SectionName,
    /// The comment, including `#`.
    pub(super) span: Span,
    /// The line that it applies to: its own, or the next line with content if the comment is on a line of its own.
    pub(super) line: usize,
    /// The rules that it names, by ID or name: the first [`MAX_NAMES`].
    pub(super) names: Vec<&'a str>,
    pub(super) reason: &'a str,
}

impl Waiver<'_> {
    /// Returns the rules whose findings it waives. A waiver without a reason waives nothing.
    pub(super) fn waived(&self, rules: &[&'static Rule]) -> impl Iterator<Item = &'static Rule> {
        let names = self.names.iter().filter(|_| !self.reason.is_empty());
        names.filter_map(move |name| rules.iter().find(|rule| rule.is_called(name)).copied())
    }
}

/// Returns the waivers in a section's text.
pub(super) fn of_section(section: &Section) -> Vec<Waiver<'_>> {
    let text = section.text().unwrap_or_default();
    let mut waivers: Vec<Waiver<'_>> = Vec::new();
    if !text.contains(MARK) {
        return waivers;
    }
    let mut cursor = PositionCursor::new(text);
    // The number of waivers on lines of their own for which the next line with content is not found yet.
    let mut waiting = 0;
    let mut number = 1;
    loop {
        let line = cursor.line();
        let content = line.trim();
        if !content.is_empty() && !content.starts_with('#') {
            let from = waivers.len() - waiting;
            waivers[from..]
                .iter_mut()
                .for_each(|waiver| waiver.line = number);
            waiting = 0;
        }
        if let Some((hash, names, reason)) = comment(line)
            && !is_in_value(section.entries(), cursor.line_range().start + hash)
        {
            waiting += usize::from(content.starts_with('#'));
            let start = cursor.line_range().start + hash;
            waivers.push(Waiver {
                section: section.name(),
                span: Span::new(start, start + line[hash..].trim_end().len()),
                line: number,
                names,
                reason,
            });
        }
        match cursor.next_line() {
            Some(next) => number = next,
            None => return waivers,
        }
    }
}

/// Parses the waiver on a line: the offset of its `#`, the rules that it names, and its reason.
fn comment(line: &str) -> Option<(usize, Vec<&str>, &str)> {
    let (at, _) = line.match_indices(MARK).find(|(at, _)| {
        let lead = line[..*at].trim_end().strip_suffix('#');
        lead.is_some_and(|lead| lead.is_empty() || lead.ends_with([' ', '\t']))
    })?;
    let hash = line[..at].rfind('#')?;
    let rest = line[at + MARK.len()..].trim();
    let list = rest.strip_prefix("ignore")?.trim_start();
    let (names, reason) = list
        .strip_prefix('[')
        .and_then(|list| list.split_once(']'))
        .unwrap_or(("", list));
    let names = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .take(MAX_NAMES);
    Some((hash, names.collect(), reason.trim()))
}

/// Returns whether this byte is part of a value and therefore does not begin a comment.
fn is_in_value(entries: &[Entry], at: usize) -> bool {
    let next = entries.partition_point(|entry| entry.span.start() <= at);
    let Some(entry) = next.checked_sub(1).and_then(|before| entries.get(before)) else {
        return false;
    };
    let fields = &entry.fields;
    let values = [fields.principal, fields.username].into_iter().flatten();
    let items = fields.group_items.iter().map(|item| item.span);
    values
        .map(|field| field.value)
        .chain(items)
        .any(|span| span.range().contains(&at))
}
