use crate::document::Span;

/// Bytes to replace with other text. An empty span inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) span: Span,
    pub(super) text: String,
}

impl Splice {
    pub(super) fn replace(span: Span, text: impl Into<String>) -> Self {
        Self {
            span,
            text: text.into(),
        }
    }

    pub(super) fn insert(at: usize, text: impl Into<String>) -> Self {
        Self::replace(Span::new(at, at), text)
    }

    pub(super) fn delete(start: usize, end: usize) -> Self {
        Self::replace(Span::new(start, end), "")
    }
}

/// Makes the changes, which may touch but not cross each other. At one place, what is inserted comes before what is
/// replaced.
pub(super) fn splice(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.span);
    let grown: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut out = String::with_capacity(text.len() + grown);
    let mut done = 0;
    for Splice { span, text: new } in &splices {
        out.push_str(&text[done..span.start().max(done)]);
        out.push_str(new);
        done = span.end().max(done);
    }
    out.push_str(&text[done..]);
    out
}
