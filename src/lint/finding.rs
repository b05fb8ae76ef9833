use std::borrow::Cow;
use std::ops::Range;

use super::{Rule, Severity};
use crate::document::{SectionName, Span};

/// Something that a rule has found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub site: Site,
    /// What is wrong, and what the authenticator makes of it; a fragment.
    pub message: Cow<'static, str>,
    /// What mends it; a fragment.
    pub help: Cow<'static, str>,
    /// The change that mends it, where there is one to be sure of.
    pub fix: Option<Fix>,
    /// The line, in the same section, of another entry that it is about.
    pub other: Option<usize>,
    /// Whose entry it is, as written. A finding is the same after an edit when its rule and this are.
    pub principal: Option<String>,
    /// The position of its entry among those of the section.
    pub(super) entry: Option<usize>,
}

/// Where a finding is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// In the text of a section.
    Text(Text),
    /// At this key of `data`; `data` is all of them.
    Key(String),
    /// In these bytes of the file around the document.
    File(Range<usize>),
    /// In the ConfigMap as a whole.
    ConfigMap,
}

/// A place in the text of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// The section.
    pub section: SectionName,
    /// The bytes in question; none for what is missing.
    pub span: Span,
    /// Where they begin.
    pub start: Position,
    /// Where they end.
    pub end: Position,
}

/// A place that people can find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// A change of the text that mends what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does; begins with a verb.
    pub what: String,
    /// The bytes that change, all in the finding's section.
    pub replacements: Vec<Replacement>,
}

/// Bytes that become others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The bytes.
    pub span: Span,
    /// What becomes of them.
    pub text: String,
}

impl Site {
    /// The place in the text of a section, where it is one.
    pub fn text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            Self::Key(_) | Self::File(_) | Self::ConfigMap => None,
        }
    }
}

impl Finding {
    /// Sets another severity than the rule's.
    pub(super) fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }

    /// Names another entry of the section that it is about.
    pub(super) fn other(&mut self, line: usize) -> &mut Self {
        self.other = Some(line);
        self
    }

    /// Offers a change of one place, if there is one.
    pub(super) fn fix(
        &mut self,
        what: impl Into<String>,
        change: Option<(Span, String)>,
    ) -> &mut Self {
        self.fix = change.map(|(span, text)| Fix {
            what: what.into(),
            replacements: vec![Replacement { span, text }],
        });
        self
    }
}
