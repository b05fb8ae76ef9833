//! Patterns with wildcards.

/// A pattern in which `*` matches any number of characters, including none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
}

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl Pattern {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether the pattern contains no wildcard.
    pub(crate) fn is_literal(&self) -> bool {
        !self.text.contains('*')
    }

    /// Returns whether the pattern matches the whole string. Takes time linear in both.
    pub fn matches(&self, text: &str) -> bool {
        let Some((head, rest)) = self.text.split_once('*') else {
            return self.text == text;
        };
        let Some(mut left) = text.strip_prefix(head) else {
            return false;
        };
        let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
        for part in middle.split('*') {
            match left.find(part) {
                Some(at) => left = &left[at + part.len()..],
                None => return false,
            }
        }
        left.ends_with(tail)
    }
}
