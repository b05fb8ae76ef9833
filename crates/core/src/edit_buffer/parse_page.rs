//! Reads the page back into the values of `data`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::line::Line;
use super::render_page::INDENT;
use super::{Keys, Remark};
use crate::history::Contents;

/// The values of a page.
#[derive(Clone, Debug, Default)]
pub struct PageTexts {
    texts: BTreeMap<String, Part>,
}

#[derive(Clone, Debug, Default)]
struct Part {
    text: String,
    /// The line of its key on the page.
    heading: usize,
    /// The line on the page of each line of the value, from 1.
    lines: Vec<usize>,
    is_indented: bool,
    /// The length of the value before the line [`NO_LINE_BREAK`](super::line::NO_LINE_BREAK), and the length of that line's line
    /// break.
    unended: Option<(usize, usize)>,
}

impl PageTexts {
    /// Returns whether the page has no values.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Returns all of aws-auth: these values, and everything of `before` that is not on the page.
    #[must_use]
    pub fn contents(&self, before: &Contents, keys: &Keys) -> Contents {
        let mut contents = before.existing();
        contents.data.retain(|key, _| !keys.has(key));
        let texts = self.texts.iter();
        let texts = texts.map(|(key, part)| (key.clone(), Arc::from(part.text.as_str())));
        contents.data.extend(texts);
        contents
    }

    /// Returns the line on the page, from 1, of this byte of a key's text.
    pub fn line_of(&self, key: &str, offset: usize) -> Option<usize> {
        let part = self.texts.get(key)?;
        let before = part.text.as_bytes().get(..offset).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let found = part.lines.get(line).or(part.lines.last());
        Some(found.copied().unwrap_or(part.heading))
    }

    /// Returns the line on the page of this key.
    pub fn heading_of(&self, key: &str) -> Option<usize> {
        Some(self.texts.get(key)?.heading)
    }
}

/// Reads a page. An unchanged page results in the values that it was rendered from.
///
/// # Errors
/// Lines that belong to no value.
pub fn read(page: &str, keys: &Keys) -> Result<PageTexts, Vec<Remark>> {
    let mut parts = PageTexts::default();
    let mut remarks = Vec::new();
    let mut current: Option<String> = None;
    let mut is_before_keys = false;
    // Some editors add a byte order mark.
    let page = page.strip_prefix('\u{feff}').unwrap_or(page);
    for (number, line) in (1..).zip(page.split_inclusive('\n')) {
        let mut wrong = |what: String| remarks.push(Remark::new(Some(number), what));
        let part = current.as_ref().and_then(|key| parts.texts.get_mut(key));
        match (Line::of(line, keys), part) {
            (Line::Mark, _) | (Line::NoLineBreak, None) => {}
            (Line::NoLineBreak, Some(part)) => {
                let line_break = line.len() - line.trim_end_matches(['\r', '\n']).len();
                part.unended = Some((part.text.len(), line_break));
            }
            (Line::ConflictMarker, _) => wrong(
                "this conflict is not resolved: keep the right lines of both sides, and remove the three marker lines"
                    .to_owned(),
            ),
            (Line::Heading { key, rest }, _) => {
                let mut part = Part {
                    heading: number,
                    ..Part::default()
                };
                let value = rest.trim();
                if value == "|" {
                    part.is_indented = true;
                } else if value.starts_with(['|', '>']) {
                    wrong(format!("{value} is not supported after {key}: remove it, or write |"));
                } else if !value.is_empty() {
                    part.push(rest.trim_start_matches([' ', '\t']), number);
                }
                match parts.texts.get(key) {
                    Some(first) => {
                        wrong(format!("{key} is repeated; the first one is at line {}", first.heading));
                    }
                    None => drop(parts.texts.insert(key.to_owned(), part)),
                }
                current = Some(key.to_owned());
            }
            (Line::Content, Some(part)) => match part.own(line) {
                Some(own) => part.push(own, number),
                None => wrong("indent this line by two spaces, as the | requires".to_owned()),
            },
            (Line::Content, None) if line.trim().is_empty() || is_before_keys => {}
            (Line::Content, None) => {
                is_before_keys = true;
                wrong("this line is above all keys: begin with a line such as mapRoles:".to_owned());
            }
        }
    }
    for part in parts.texts.values_mut() {
        part.end();
    }
    match remarks.is_empty() {
        true => Ok(parts),
        false => Err(remarks),
    }
}

impl Part {
    /// Returns the line without the page's indentation; `None` if the line is not indented.
    fn own<'t>(&self, line: &'t str) -> Option<&'t str> {
        if !self.is_indented {
            return Some(line);
        }
        match line.strip_prefix(INDENT) {
            Some(own) => Some(own),
            // An editor may remove trailing spaces.
            None => line
                .trim()
                .is_empty()
                .then(|| line.trim_start_matches([' ', '\t'])),
        }
    }

    fn push(&mut self, line: &str, number: usize) {
        self.text.push_str(line);
        self.lines.push(number);
    }

    fn end(&mut self) {
        let len = self.text.len();
        if let Some((at, line_break)) = self.unended
            && at == len
            && self.text.ends_with('\n')
        {
            let is_long = line_break == 2 && self.text.ends_with("\r\n");
            self.text.truncate(len - if is_long { 2 } else { 1 });
        }
    }
}
