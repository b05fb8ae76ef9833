//! What all rules need, computed once per document.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::arn_fault::{ArnFault, arn_fault};
use super::bindings::Bindings;
use super::facts::Facts;
use super::finding::{Finding, Site, shortened_principal};
use super::resolved_entry::{Part, ResolvedEntry};
use super::rule::Rule;
use super::waiver::{self, Waiver};
use crate::arn::fold;
use crate::authenticator::{EntryState, Place, Store};
use crate::document::{Document, Section, SectionName};

/// The input of a rule.
pub(super) struct Context<'a> {
    pub(super) document: &'a Document,
    /// The keys of `data`.
    pub(super) keys: &'a [&'a str],
    pub(super) facts: &'a Facts,
    pub(super) rules: &'a [&'static Rule],
    /// `None` unless all bindings are known.
    pub(super) bindings: Option<Bindings<'a>>,
    /// All entries, in document order.
    entries: Vec<ResolvedEntry<'a>>,
    /// The index of each section's first entry in `entries`.
    starts: [usize; 3],
    /// The effective entry for each ARN in mapRoles, by its folded ARN, as an index of `entries`.
    roles: HashMap<Cow<'a, str>, usize>,
    /// The entries that match no caller, as indexes of `entries`. Empty until a rule needs them.
    unmatchable: OnceCell<Vec<(usize, ArnFault)>>,
    waivers: Vec<Waiver<'a>>,
    /// The lines for which a comment waives findings, each with the ID of the rule.
    waived: HashSet<(SectionName, usize, &'static str)>,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        document: &'a Document,
        keys: &'a [&'a str],
        facts: &'a Facts,
        rules: &'a [&'static Rule],
    ) -> Self {
        let store = Store::new(document);
        let mut slots = store.slots().iter();
        let mut entries = Vec::with_capacity(store.slots().len());
        let mut starts = [0; 3];
        for section in document.sections() {
            starts[section.name() as usize] = entries.len();
            let both = section.entries().iter().zip(&mut slots).enumerate();
            entries.extend(both.map(|(index, (source, slot))| ResolvedEntry {
                section: section.name(),
                index,
                source,
                mapping: slot.mapping,
                shared_principal: shortened_principal(slot.mapping.principal.text()).into(),
                state: slot.state,
                text: section.text().unwrap_or_default(),
            }));
        }
        let waivers: Vec<_> = document.sections().flat_map(waiver::of_section).collect();
        let waived = waivers.iter().flat_map(|waiver| {
            let waived = waiver.waived(rules);
            waived.map(move |rule| (waiver.section, waiver.line, rule.id))
        });
        let roles = entries.iter().enumerate().filter_map(|(index, entry)| {
            let is_role = entry.section == SectionName::Roles;
            (is_role && entry.is_kept()).then(|| (fold(entry.principal()), index))
        });
        Self {
            roles: roles.collect(),
            document,
            keys,
            bindings: Bindings::new(facts),
            facts,
            rules,
            entries,
            starts,
            unmatchable: OnceCell::new(),
            waived: waived.collect(),
            waivers,
        }
    }

    /// Returns all entries, including those that the authenticator drops.
    pub(super) fn entries(&self) -> &[ResolvedEntry<'a>] {
        &self.entries
    }

    /// Returns the entries of mapRoles and mapUsers that the authenticator keeps, even if another entry shadows them.
    pub(super) fn mapped(&self) -> impl Iterator<Item = &ResolvedEntry<'a>> {
        self.entries.iter().filter(|entry| entry.is_mapped())
    }

    /// Returns the entries of mapRoles and mapUsers that have an effect.
    pub(super) fn effective(&self) -> impl Iterator<Item = &ResolvedEntry<'a>> {
        self.mapped()
            .filter(|entry| entry.state == EntryState::Effective)
    }

    /// Returns the entries that the authenticator keeps but whose ARN matches no caller, each with the reason.
    pub(super) fn unmatchable(&self) -> impl Iterator<Item = (&ResolvedEntry<'a>, &ArnFault)> {
        let find = || {
            let all = self.entries.iter().enumerate();
            all.filter(|(_, entry)| entry.is_mapped())
                .filter_map(|(index, entry)| Some((index, arn_fault(entry)?)))
                .collect()
        };
        let unmatchable = self.unmatchable.get_or_init(find).iter();
        unmatchable.map(|(index, fault)| (&self.entries[*index], fault))
    }

    /// Returns the entries of mapAccounts.
    pub(super) fn accounts(&self) -> &[ResolvedEntry<'a>] {
        &self.entries[self.starts[SectionName::Accounts as usize]..]
    }

    /// Returns the entry at this place.
    pub(super) fn entry_at(&self, place: Place) -> Option<&ResolvedEntry<'a>> {
        self.entries
            .get(self.starts[place.section as usize] + place.index)
    }

    /// Returns the effective entry of mapRoles for this ARN.
    pub(super) fn role_entry(&self, arn: &str) -> Option<&ResolvedEntry<'a>> {
        self.entries.get(*self.roles.get(&*fold(arn))?)
    }

    /// Returns the sections that the authenticator cannot decode.
    pub(super) fn unreadable_sections(&self) -> impl Iterator<Item = &'a Section> {
        self.document
            .sections()
            .filter(|section| section.is_unreadable())
    }

    /// Returns the comments that waive findings, including those without effect.
    pub(super) fn waivers(&self) -> &[Waiver<'a>] {
        &self.waivers
    }

    /// Returns whether a comment waives findings of a rule about this part of an entry.
    pub(super) fn waives(&self, rule: &Rule, entry: &ResolvedEntry<'_>, part: Part) -> bool {
        let first = entry.source.line;
        let before = entry.source.span.start()..entry.span(part).start();
        let text = entry.text.get(before).unwrap_or_default();
        let line = first + text.matches('\n').count();
        [first, line]
            .into_iter()
            .any(|line| self.waives_at(rule, entry.section, line))
    }

    fn waives_at(&self, rule: &Rule, section: SectionName, line: usize) -> bool {
        self.waived.contains(&(section, line, rule.id))
    }

    /// Returns whether a comment waives this finding.
    pub(super) fn is_waived(&self, finding: &Finding) -> bool {
        let Site::Text(text) = &finding.site else {
            return false;
        };
        let entry = finding.entry.and_then(|index| {
            let first = self.starts[text.section as usize];
            self.entries.get(first + index)
        });
        let lines = [Some(text.start.line), entry.map(|entry| entry.source.line)];
        lines
            .into_iter()
            .flatten()
            .any(|line| self.waives_at(finding.rule, text.section, line))
    }
}
