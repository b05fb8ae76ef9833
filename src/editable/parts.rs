use std::collections::BTreeMap;
use std::sync::Arc;

use super::line::Line;
use super::page::INDENT;
use super::{Keys, Remark};
use crate::history::Contents;

/// The texts that a page was taken apart into.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    texts: BTreeMap<String, Part>,
}

#[derive(Clone, Debug, Default)]
struct Part {
    text: String,
    /// The line of the page with its key.
    heading: usize,
    /// The line of the page where each line of the text stands, from 1.
    lines: Vec<usize>,
    is_guarded: bool,
    /// How long the text was where it was said to have no break at its end, and how long the break of those words is.
    unended: Option<(usize, usize)>,
}

impl Parts {
    /// Whether nothing is left of the page.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// All of aws-auth: these texts, and of `before` what the page does not show.
    #[must_use]
    pub fn contents(&self, before: &Contents, keys: &Keys) -> Contents {
        let mut contents = before.existing();
        contents.data.retain(|key, _| !keys.has(key));
        let texts = self.texts.iter();
        let texts = texts.map(|(key, part)| (key.clone(), Arc::from(part.text.as_str())));
        contents.data.extend(texts);
        contents
    }

    /// The line of the page, from 1, where this byte of a key's text stands.
    pub fn line_of(&self, key: &str, offset: usize) -> Option<usize> {
        let part = self.texts.get(key)?;
        let before = part.text.as_bytes().get(..offset).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let found = part.lines.get(line).or(part.lines.last());
        Some(found.copied().unwrap_or(part.heading))
    }

    /// The line of the page with this key.
    pub fn heading_of(&self, key: &str) -> Option<usize> {
        Some(self.texts.get(key)?.heading)
    }
}

/// Takes a page apart. A page that nobody has changed gives what it was made of.
///
/// # Errors
/// What stands where it can't be told whose text it is.
pub fn read(page: &str, keys: &Keys) -> Result<Parts, Vec<Remark>> {
    let mut parts = Parts::default();
    let mut remarks = Vec::new();
    let mut current: Option<String> = None;
    let mut is_homeless = false;
    // Some editors begin a file with this mark.
    let page = page.strip_prefix('\u{feff}').unwrap_or(page);
    for (number, line) in (1..).zip(page.split_inclusive('\n')) {
        let mut wrong = |what: String| remarks.push(Remark::new(Some(number), what));
        let part = current.as_ref().and_then(|key| parts.texts.get_mut(key));
        match (Line::of(line, keys), part) {
            (Line::Mark, _) | (Line::Unended, None) => {}
            (Line::Unended, Some(part)) => {
                let line_break = line.len() - line.trim_end_matches(['\r', '\n']).len();
                part.unended = Some((part.text.len(), line_break));
            }
            (Line::Torn, _) => wrong(
                "this conflict is still there: leave what is right of both sides, and none of the three lines that mark it"
                    .to_owned(),
            ),
            (Line::Heading { key, rest }, _) => {
                let mut part = Part {
                    heading: number,
                    ..Part::default()
                };
                let value = rest.trim();
                if value == "|" {
                    part.is_guarded = true;
                } else if value.starts_with(['|', '>']) {
                    wrong(format!("{value} can't stand behind {key}: leave it out, or write |"));
                } else if !value.is_empty() {
                    part.push(rest.trim_start_matches([' ', '\t']), number);
                }
                match parts.texts.get(key) {
                    Some(first) => {
                        wrong(format!("{key} stands here a second time; the first is at line {}", first.heading));
                    }
                    None => drop(parts.texts.insert(key.to_owned(), part)),
                }
                current = Some(key.to_owned());
            }
            (Line::Content, Some(part)) => match part.own(line) {
                Some(own) => part.push(own, number),
                None => wrong("this has to be indented by two blanks, as the | says".to_owned()),
            },
            (Line::Content, None) if line.trim().is_empty() || is_homeless => {}
            (Line::Content, None) => {
                is_homeless = true;
                wrong("this stands above all keys: begin with a line such as mapRoles: alone".to_owned());
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
    /// The line as it is in the text; `None` when it is not indented as it should be.
    fn own<'t>(&self, line: &'t str) -> Option<&'t str> {
        if !self.is_guarded {
            return Some(line);
        }
        match line.strip_prefix(INDENT) {
            Some(own) => Some(own),
            // An editor may take blanks from the ends of lines.
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
