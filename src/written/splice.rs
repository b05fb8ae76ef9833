use std::ops::Range;

/// Bytes of the manifest to replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Splice {
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
}

impl Splice {
    pub(crate) fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            range,
            text: text.into(),
        }
    }

    pub(crate) fn insert(at: usize, text: impl Into<String>) -> Self {
        Self::new(at..at, text)
    }
}

/// The text with every splice done; of several at one place, the one listed first comes first.
/// `None` when two of them overlap.
pub(crate) fn apply(text: &str, mut splices: Vec<Splice>) -> Option<String> {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let grown: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut out = String::with_capacity(text.len() + grown);
    let mut from = 0;
    for splice in &splices {
        out.push_str(text.get(from..splice.range.start)?);
        out.push_str(&splice.text);
        from = splice.range.end;
    }
    out.push_str(text.get(from..)?);
    Some(out)
}
