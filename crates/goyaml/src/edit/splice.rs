//! Splices: byte ranges of a string and their replacements.

use std::ops::Range;

/// A byte range to replace. An empty range inserts, an empty replacement deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    pub range: Range<usize>,
    pub text: String,
}

impl Splice {
    /// Replaces a range.
    pub fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            range,
            text: text.into(),
        }
    }

    /// Inserts a string at an offset.
    pub fn insert(at: usize, text: impl Into<String>) -> Self {
        Self::new(at..at, text)
    }

    /// Deletes a range.
    pub fn delete(range: Range<usize>) -> Self {
        Self::new(range, "")
    }
}

/// Applies splices to a string. At one offset, insertions come before a replacement, and insertions keep their order.
/// Deletions may overlap. Returns `None` if an insertion would be inside a range that another splice replaces.
pub fn apply(text: &str, mut splices: Vec<Splice>) -> Option<String> {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let grown: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut out = String::with_capacity(text.len() + grown);
    let mut done = 0;
    for splice in &splices {
        if splice.range.start < done && !splice.text.is_empty() {
            return None;
        }
        out.push_str(text.get(done..splice.range.start.max(done))?);
        out.push_str(&splice.text);
        done = splice.range.end.max(done);
    }
    out.push_str(text.get(done..)?);
    Some(out)
}
