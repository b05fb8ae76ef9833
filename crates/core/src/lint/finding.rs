//! Findings, and how rules report them.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::position::Position;
use super::resolved_entry::{Part, ResolvedEntry};
use super::rule::{Rule, Severity};
use crate::document::{SectionName, Span};

/// The maximum length of a principal in bytes. A path has up to 512 characters, and a name up to 64:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length>
const MAX_PRINCIPAL: usize = 640;

/// The maximum length in bytes of a text that many messages may contain.
const MAX_VALUE: usize = 500;

/// A problem that a rule found.
#[derive(Clone, Debug)]
pub struct Finding {
    pub rule: &'static Rule,
    pub severity: Severity,
    pub site: Site,
    /// What is wrong, and what the authenticator does with it: a sentence fragment.
    pub message: Cow<'static, str>,
    /// How to fix it: a sentence fragment.
    pub help: Cow<'static, str>,
    /// The change that fixes it, if there is a safe one.
    pub fix: Option<Fix>,
    /// The line of another entry in the same section that the finding is also about.
    pub other_line: Option<usize>,
    /// The principal of the entry, as written, but shortened if it is longer than any ARN. Two findings before and after an edit are the same
    /// if their rule and principal are the same. All findings about an entry share it: an entry can have many.
    pub principal: Option<Arc<str>>,
    /// The index of the entry in its section.
    pub(super) entry: Option<usize>,
    /// The part of the entry.
    pub(super) part: Part,
}

/// Where a finding is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// In the text of a section.
    Text(Text),
    /// At this key of `data`, or at `data` itself.
    Key(String),
    /// At these bytes of the manifest around the document.
    File(Range<usize>),
    /// In the ConfigMap as a whole.
    ConfigMap,
}

/// A range of a section's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    pub section: SectionName,
    /// Empty if something is missing.
    pub span: Span,
    pub start: Position,
    pub end: Position,
}

/// A change of a section's text that fixes a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What the change does, beginning with a verb in the imperative.
    pub what: String,
    /// The bytes to replace, all in the finding's section.
    pub replacements: Vec<Replacement>,
}

/// Bytes, and the text that replaces them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    pub span: Span,
    pub text: String,
}

impl Site {
    /// Returns the range of a section's text, if that is where the finding is.
    pub fn text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            Self::Key(_) | Self::File(_) | Self::ConfigMap => None,
        }
    }
}

impl Finding {
    /// Returns the entry that the finding is about, if it is about one: its section, and its index in the section.
    pub(crate) fn place(&self) -> Option<(SectionName, usize)> {
        Some((self.site.text()?.section, self.entry?))
    }

    /// Sets a severity other than the rule's.
    pub(super) fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }

    /// Points to another place in the section than the part of the entry.
    pub(super) fn at(&mut self, span: Span) -> &mut Self {
        if let Site::Text(text) = &mut self.site {
            text.span = span;
        }
        self
    }

    /// Names the line of another entry in the same section.
    pub(super) fn other_line(&mut self, line: usize) -> &mut Self {
        self.other_line = Some(line);
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

/// Collects the findings of one rule.
pub(super) struct Findings {
    rule: &'static Rule,
    list: Vec<Finding>,
}

impl Findings {
    pub(super) fn new(rule: &'static Rule) -> Self {
        Self {
            rule,
            list: Vec::new(),
        }
    }

    /// Adds a finding about a part of an entry.
    pub(super) fn entry(
        &mut self,
        entry: &ResolvedEntry<'_>,
        part: Part,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> &mut Finding {
        let finding = self.add(text(entry.section, entry.span(part)), message, help);
        finding.principal = Some(Arc::clone(&entry.shared_principal));
        finding.entry = Some(entry.index);
        finding.part = part;
        finding
    }

    /// Adds a finding about a section's text, outside its entries.
    pub(super) fn section(
        &mut self,
        section: SectionName,
        span: Span,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> &mut Finding {
        self.add(text(section, span), message, help)
    }

    /// Adds a finding about a key of `data`.
    pub(super) fn key(
        &mut self,
        key: &str,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> &mut Finding {
        self.add(Site::Key(key.to_owned()), message, help)
    }

    /// Adds a finding about the manifest around the document.
    pub(super) fn file(
        &mut self,
        span: Range<usize>,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> &mut Finding {
        self.add(Site::File(span), message, help)
    }

    /// Adds a finding about the ConfigMap as a whole.
    pub(super) fn config_map(
        &mut self,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> &mut Finding {
        self.add(Site::ConfigMap, message, help)
    }

    /// Adds a finding about a role that has no entry in mapRoles.
    pub(super) fn missing_role(
        &mut self,
        arn: &str,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> &mut Finding {
        let finding = self.key(SectionName::Roles.key(), message, help);
        finding.principal = Some(arn.into());
        finding
    }

    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.list
    }

    fn add(
        &mut self,
        site: Site,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> &mut Finding {
        self.list.push_mut(Finding {
            rule: self.rule,
            severity: self.rule.severity,
            site,
            message: message.into(),
            help: help.into(),
            fix: None,
            other_line: None,
            principal: None,
            entry: None,
            part: Part::Entry,
        })
    }
}

/// Returns a principal without the end of one that is longer than any ARN can be. Such a principal never matches a caller.
pub(crate) fn shortened_principal(principal: &str) -> &str {
    &principal[..principal.floor_char_boundary(MAX_PRINCIPAL)]
}

/// Returns a text for a message about another entry or field, without the end of a long one: the same text may be in many messages.
pub fn shortened(text: &str) -> Cow<'_, str> {
    match text.len() {
        ..=MAX_VALUE => text.into(),
        _ => format!("{}…", &text[..text.floor_char_boundary(MAX_VALUE)]).into(),
    }
}

/// Returns names separated by commas, [shortened].
pub(super) fn shortened_list(names: &[String]) -> String {
    let mut list = String::new();
    for name in names {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(&shortened(name));
        if list.len() > MAX_VALUE {
            break;
        }
    }
    shortened(&list).into_owned()
}

/// Returns a range of a section's text whose positions are not known yet.
fn text(section: SectionName, span: Span) -> Site {
    Site::Text(Text {
        section,
        span,
        start: Position::default(),
        end: Position::default(),
    })
}
