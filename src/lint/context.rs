//! What all rules look at, worked out once.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use super::bound::Bound;
use super::facts::Facts;
use super::finding::{Finding, Site};
use super::rules::arn::fault::{Fault, fault};
use super::waiver::{self, Waiver};
use crate::arn::{Parts, fold};
use crate::document::{Document, Entry, Field, Mapping, Principal, Section, SectionName, Span};
use crate::effect::{Place, Standing, Store};

pub(super) struct Context<'a> {
    /// The document.
    pub(super) document: &'a Document,
    /// The keys of `data`.
    pub(super) keys: &'a [&'a str],
    /// What is known besides.
    pub(super) facts: &'a Facts,
    /// What RBAC gives; `None` when not all bindings are known.
    pub(super) bound: Option<Bound<'a>>,
    /// Every entry, in the order of the document.
    entries: Vec<Written<'a>>,
    /// Where the entries of each section start in it.
    starts: [usize; 3],
    /// The entry in force for each ARN of mapRoles, folded.
    roles: HashMap<Cow<'a, str>, usize>,
    /// The entries whose ARN matches nobody, by their numbers; empty until a rule asks.
    faulty: OnceCell<Vec<(usize, Fault)>>,
    waivers: Vec<Waiver<'a>>,
    /// The waivers of each line, by their numbers.
    by_line: HashMap<(SectionName, usize), Vec<usize>>,
}

/// An entry as written, and what becomes of it.
pub(super) struct Written<'a> {
    pub(super) section: SectionName,
    /// Its position among the section's entries.
    pub(super) index: usize,
    pub(super) entry: &'a Entry,
    /// What it says; what could be read of it when the authenticator drops it.
    pub(super) mapping: &'a Mapping,
    pub(super) standing: Standing<'a>,
    /// The text of its section.
    text: &'a str,
}

impl<'a> Context<'a> {
    pub(super) fn new(document: &'a Document, keys: &'a [&'a str], facts: &'a Facts) -> Self {
        let store = Store::new(document);
        let mut slots = store.slots().iter();
        let mut entries = Vec::with_capacity(store.slots().len());
        let mut starts = [0; 3];
        for section in document.sections() {
            starts[section.name() as usize] = entries.len();
            let each = section.entries().iter().zip(&mut slots).enumerate();
            entries.extend(each.map(|(index, (entry, slot))| Written {
                section: section.name(),
                index,
                entry,
                mapping: slot.mapping,
                standing: slot.standing,
                text: section.text().unwrap_or_default(),
            }));
        }
        let waivers: Vec<_> = document.sections().flat_map(waiver::of_section).collect();
        let mut by_line: HashMap<_, Vec<_>> = HashMap::new();
        for (number, waiver) in waivers.iter().enumerate() {
            let line = (waiver.section, waiver.line);
            by_line.entry(line).or_default().push(number);
        }
        let roles = entries.iter().enumerate().filter_map(|(number, written)| {
            let is_role = written.section == SectionName::Roles;
            (is_role && written.is_kept()).then(|| (fold(written.principal()), number))
        });
        Self {
            roles: roles.collect(),
            document,
            keys,
            bound: Bound::new(facts),
            facts,
            entries,
            starts,
            faulty: OnceCell::new(),
            waivers,
            by_line,
        }
    }

    /// Every entry, those included that the authenticator drops.
    pub(super) fn entries(&self) -> &[Written<'a>] {
        &self.entries
    }

    /// The entries of mapRoles and mapUsers that the authenticator keeps, whether or not another one shadows them.
    pub(super) fn mapped(&self) -> impl Iterator<Item = &Written<'a>> {
        self.entries.iter().filter(|written| written.is_mapped())
    }

    /// The entries that the authenticator keeps and whose ARN matches nobody, each with why.
    pub(super) fn faulty(&self) -> impl Iterator<Item = (&Written<'a>, &Fault)> {
        let look = || {
            let mapped = self.entries.iter().enumerate();
            let mapped = mapped.filter(|(_, written)| written.is_mapped());
            mapped
                .filter_map(|(number, written)| Some((number, fault(written)?)))
                .collect()
        };
        let faulty = self.faulty.get_or_init(look).iter();
        faulty.map(|(number, fault)| (&self.entries[*number], fault))
    }

    /// The entries of mapRoles and mapUsers that count.
    pub(super) fn in_force(&self) -> impl Iterator<Item = &Written<'a>> {
        self.mapped()
            .filter(|written| written.standing == Standing::Effective)
    }

    /// The entries of mapAccounts.
    pub(super) fn accounts(&self) -> &[Written<'a>] {
        &self.entries[self.starts[SectionName::Accounts as usize]..]
    }

    /// The entry that stands there.
    pub(super) fn at(&self, place: Place) -> Option<&Written<'a>> {
        self.entries
            .get(self.starts[place.section as usize] + place.index)
    }

    /// The sections of which the authenticator can make nothing.
    pub(super) fn unreadable(&self) -> impl Iterator<Item = &'a Section> {
        self.document
            .sections()
            .filter(|section| section.is_unreadable())
    }

    /// The entry of mapRoles in force for this ARN.
    pub(super) fn role(&self, arn: &str) -> Option<&Written<'a>> {
        self.entries.get(*self.roles.get(&*fold(arn))?)
    }

    /// The comments that waive findings, with and without effect.
    pub(super) fn waivers(&self) -> &[Waiver<'a>] {
        &self.waivers
    }

    /// Whether a comment waives this finding.
    pub(super) fn is_waived(&self, finding: &Finding) -> bool {
        let Site::Text(text) = &finding.site else {
            return false;
        };
        let entry = finding.entry.and_then(|index| {
            let first = self.starts[text.section as usize];
            self.entries.get(first + index)
        });
        let lines = [
            Some(text.start.line),
            entry.map(|written| written.entry.line),
        ];
        lines
            .into_iter()
            .flatten()
            .filter_map(|line| self.by_line.get(&(text.section, line)))
            .flatten()
            .any(|&number| self.waivers[number].waives(finding.rule))
    }
}

impl<'a> Written<'a> {
    /// Whether the authenticator keeps it.
    pub(super) fn is_kept(&self) -> bool {
        !matches!(self.standing, Standing::Ignored { .. })
    }

    /// Whether the authenticator keeps it in mapRoles or mapUsers.
    fn is_mapped(&self) -> bool {
        self.is_kept() && self.section != SectionName::Accounts
    }

    /// Whom it is for, as written: an ARN, an account, or a permission set.
    pub(super) fn principal(&self) -> &'a str {
        self.mapping.principal.text()
    }

    /// Its ARN taken apart, where it is one.
    pub(super) fn parts(&self) -> Option<Parts<'a>> {
        Parts::of(self.principal())
    }

    /// What stands there in the text.
    pub(super) fn raw(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// A field's name, without its quotes.
    pub(super) fn field_name(&self, field: Field) -> &'a str {
        self.raw(field.key).trim_matches(['"', '\''])
    }

    /// Where its ARN or account stands; the whole entry when it is written elsewhere.
    pub(super) fn principal_span(&self) -> Span {
        let fields = &self.entry.fields;
        self.value_of(fields.principal.or(fields.sso).map(|field| field.value))
    }

    /// Where its username stands, as above.
    pub(super) fn username_span(&self) -> Span {
        self.value_of(self.entry.fields.username.map(|field| field.value))
    }

    /// Where its groups stand, as above.
    pub(super) fn groups_span(&self) -> Span {
        self.value_of(self.entry.fields.groups.map(|field| field.value))
    }

    /// Its groups, each with where it stands.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&'a str, Span)> {
        let items = &self.entry.fields.group_items;
        let groups = self.mapping.groups();
        // Where they are not the same, the groups come from elsewhere.
        let is_here = items.len() == groups.len();
        let whole = self.groups_span();
        groups.iter().enumerate().map(move |(at, group)| {
            let item = items.get(at).filter(|_| is_here);
            (group.as_str(), item.map_or(whole, |item| item.span))
        })
    }

    /// Its ARN or account, its username and its groups, each with where it stands. A permission set is none of them.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&'a str, Span)> {
        let is_sso = matches!(self.mapping.principal, Principal::Sso(_));
        let principal = (!is_sso).then(|| (self.principal(), self.principal_span()));
        let username = &self.mapping.username;
        let username = (!username.is_empty()).then(|| (username.as_str(), self.username_span()));
        principal.into_iter().chain(username).chain(self.groups())
    }

    /// Its username and its groups, in which the authenticator replaces templates.
    pub(super) fn templated(&self) -> impl Iterator<Item = (&'a str, Span)> {
        let username = (self.mapping.username.as_str(), self.username_span());
        std::iter::once(username).chain(self.groups())
    }

    /// Whether this text, which is its own, is its ARN or account.
    pub(super) fn is_principal(&self, text: &str) -> bool {
        std::ptr::eq(text, self.principal())
    }

    /// The change after which a value that stands there in the text is `new`, in quotes; `None` where it stands there
    /// otherwise than as one plain or quoted text.
    pub(super) fn rewritten(&self, value: Span, new: &str) -> Option<(Span, String)> {
        let raw = self.raw(value);
        let is_one = !raw.is_empty()
            && !raw.starts_with(['&', '*', '!', '|', '>', '[', '{'])
            && !raw.contains(['\n', '\r'])
            && self.entry.span.range().contains(&value.start());
        let is_plain = !new.contains(|c: char| c.is_control() || matches!(c, '"' | '\\'));
        (is_one && is_plain).then(|| (value, format!("\"{new}\"")))
    }

    /// The change after which `old`, as it stands once in a value, is `new`; `None` where it does not stand there so.
    pub(super) fn replaced(&self, value: Span, old: &str, new: &str) -> Option<(Span, String)> {
        let mut places = self.raw(value).match_indices(old);
        let (at, _) = places.next()?;
        let start = value.start() + at;
        (places.next().is_none() && self.entry.span.range().contains(&start))
            .then(|| (Span::new(start, start + old.len()), new.to_owned()))
    }

    fn value_of(&self, span: Option<Span>) -> Span {
        span.filter(|span| !span.is_empty())
            .unwrap_or(self.entry.span)
    }
}
