//! Remarks of awsauth on the page.

use super::Keys;
use super::line::{Line, MARK, line_break};

/// A remark about a line of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line, from 1; `None` for the whole page.
    pub line: Option<usize>,
    /// The text, in lines.
    pub text: String,
}

impl Remark {
    pub fn new(line: Option<usize>, text: impl Into<String>) -> Self {
        Self {
            line,
            text: text.into(),
        }
    }
}

/// Replaces the header and all earlier remarks of a page. Each remark is written above its line.
pub fn with_remarks(page: &str, keys: &Keys, header: &[String], remarks: &[Remark]) -> String {
    let end = line_break([page].into_iter());
    let mut result = String::with_capacity(page.len());
    header
        .iter()
        .for_each(|line| push_comment(&mut result, line, end));
    let at = |line| remarks.iter().filter(move |remark| remark.line == line);
    for remark in at(None) {
        push_comment(&mut result, &format!("\n{}", remark.text), end);
    }
    for (number, line) in (1..).zip(page.split_inclusive('\n')) {
        if matches!(Line::of(line, keys), Line::Heading { .. }) {
            push_comment(&mut result, "", end);
        }
        at(Some(number)).for_each(|remark| push_comment(&mut result, &remark.text, end));
        if Line::of(line, keys) != Line::Mark {
            result.push_str(line);
        }
    }
    if !result.ends_with('\n') {
        result.push_str(end);
    }
    result
}

/// Appends a message as comment lines of awsauth.
pub(super) fn push_comment(page: &mut String, text: &str, end: &str) {
    for line in text.split('\n') {
        let blank = if line.is_empty() { "" } else { " " };
        for part in [MARK, blank, line, end] {
            page.push_str(part);
        }
    }
}

/// Returns whether two pages are the same except for comments of awsauth.
pub fn is_same(one: &str, other: &str, keys: &Keys) -> bool {
    let content = |page: &'_ str| -> Vec<String> {
        let lines = page.split_inclusive('\n');
        let lines = lines.filter(|line| Line::of(line, keys) != Line::Mark);
        lines
            .map(|line| line.trim_end_matches(['\r', '\n']).to_owned())
            .collect()
    };
    content(one) == content(other)
}
