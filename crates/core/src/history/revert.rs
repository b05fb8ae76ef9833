//! Undoes a write, and merges concurrent changes. Both are three-way merges by lines, checked by reading the result again. An undo
//! whose lines conflict is merged entry by entry.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::{Contents, Revision};
use crate::arn::fold;
use crate::document::edit::{Edit, Groups, apply};
use crate::document::{Document, Mapping, Principal, Section, SectionName};
use crate::line_merge::merge;

/// The result of undoing a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reverted {
    pub contents: Contents,
    /// Whether this is exactly the state before the write, because there was no later change.
    pub is_whole: bool,
}

/// Two changes conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeConflict {
    /// The conflicts with their positions; each is a clause.
    pub places: Vec<String>,
}

impl fmt::Display for MergeConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.places.join("; "))
    }
}

impl std::error::Error for MergeConflict {}

type Texts = BTreeMap<String, Arc<str>>;

/// The mappings of each principal of a section, by the key that the authenticator compares.
type Meaning<'d> = BTreeMap<String, Vec<(&'d Mapping, usize)>>;

/// Undoes a write on the current state.
///
/// # Errors
/// If other clients have changed the same entries, or the same lines of another key, or the current state cannot be read.
pub fn revert(revision: &Revision, live: &Contents) -> Result<Reverted, MergeConflict> {
    let Revision { before, after, .. } = revision;
    if !live.exists {
        return Err(MergeConflict {
            places: vec!["aws-auth was deleted".to_owned()],
        });
    }
    if live == after {
        return Ok(Reverted {
            contents: before.existing(),
            is_whole: true,
        });
    }
    Ok(Reverted {
        contents: joined(after, before, live, OnConflict::MergeEntries)?,
        is_whole: false,
    })
}

/// Merges two changes of `base` by lines, so that comments, order and spacing of both are preserved.
///
/// # Errors
/// If both have changed the same lines, or the merged text would not have the meaning of both changes.
pub fn combine(
    base: &Contents,
    ours: &Contents,
    theirs: &Contents,
) -> Result<Contents, MergeConflict> {
    joined(base, ours, theirs, OnConflict::Report)
}

/// What to do with a section whose lines conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnConflict {
    /// Change the entries in the text of the other side; our other changes in the section are lost.
    MergeEntries,
    /// Report the conflict to the user.
    Report,
}

fn joined(
    base: &Contents,
    ours: &Contents,
    theirs: &Contents,
    on_conflict: OnConflict,
) -> Result<Contents, MergeConflict> {
    let mut places = Vec::new();
    let mut merging = Merging {
        ours: &ours.data,
        base: &base.data,
        theirs: &theirs.data,
        on_conflict,
        by_entries: Vec::new(),
    };
    let mut data = merging.all(&mut places);
    let binary_data = Merging {
        ours: &ours.binary_data,
        base: &base.binary_data,
        theirs: &theirs.binary_data,
        on_conflict,
        by_entries: Vec::new(),
    }
    .all(&mut places);
    merging.edit(&mut data, &mut places);
    let owners = (
        &ours.owners_annotation,
        &base.owners_annotation,
        &theirs.owners_annotation,
    );
    let owners_annotation = match owners {
        (was, is, now) if is == now => was.clone(),
        // A claim whose digest does not match its entry prunes nothing, so it is safe to keep the other side's record.
        (_, _, now) => now.clone(),
    };
    if !places.is_empty() {
        return Err(MergeConflict { places });
    }
    Ok(Contents {
        exists: true,
        data,
        binary_data,
        owners_annotation,
    })
}

struct Merging<'a> {
    /// One side; in a revert, the state before the write.
    ours: &'a Texts,
    /// The common base; in a revert, the state after the write.
    base: &'a Texts,
    /// The other side; in a revert, the current state.
    theirs: &'a Texts,
    on_conflict: OnConflict,
    /// The sections whose lines conflict but whose entries may be merged.
    by_entries: Vec<SectionName>,
}

impl Merging<'_> {
    fn all(&mut self, places: &mut Vec<String>) -> Texts {
        let keys = [self.ours, self.base, self.theirs];
        let keys: BTreeSet<&String> = keys.into_iter().flat_map(BTreeMap::keys).collect();
        let mut texts = Texts::new();
        for key in keys {
            let [ours, base, theirs] = [self.ours, self.base, self.theirs].map(|of| of.get(key));
            let text = if theirs == base {
                ours.cloned()
            } else if ours == base || theirs == ours {
                theirs.cloned()
            } else {
                self.merge(key, places)
            };
            if let Some(text) = text {
                texts.insert(key.clone(), text);
            }
        }
        texts
    }

    /// Merges a section that both sides have changed.
    fn merge(&mut self, key: &str, places: &mut Vec<String>) -> Option<Arc<str>> {
        let text = |of: &Texts| of.get(key).cloned().unwrap_or_default();
        let merged = match self.theirs.contains_key(key) {
            true => merge(&text(self.base), &text(self.ours), &text(self.theirs)),
            false => None,
        };
        let merged = merged.map(Arc::from);
        let name = SectionName::ALL.into_iter().find(|name| name.key() == key);
        let has_both_meanings = match (name, &merged) {
            (Some(name), Some(merged)) => self.has_both_meanings(name, merged),
            _ => true,
        };
        match name {
            Some(name)
                if self.on_conflict == OnConflict::MergeEntries
                    && (merged.is_none() || !has_both_meanings) =>
            {
                self.by_entries.push(name);
                return self.theirs.get(key).cloned();
            }
            _ if merged.is_none() => {
                places.push(format!(
                    "other clients have changed the same lines of {key}"
                ));
            }
            _ if !has_both_meanings => places.push(format!(
                "with both changes, {key} would not have the meaning of each"
            )),
            _ => {}
        }
        merged
    }

    fn section(&self, of: &Texts, name: SectionName) -> Section {
        Section::read(name, of.get(name.key()).cloned())
    }

    /// Returns whether a section has the meaning of both changes: our mappings for the principals that we changed, theirs for all
    /// others.
    fn has_both_meanings(&self, name: SectionName, text: &Arc<str>) -> bool {
        let result = Section::read(name, Some(Arc::clone(text)));
        let [ours, base, theirs] =
            [self.ours, self.base, self.theirs].map(|of| self.section(of, name));
        let broken = [&ours, &base, &theirs, &result]
            .iter()
            .any(|section| section.is_unreadable());
        let [ours, base, theirs, result] = [&ours, &base, &theirs, &result].map(meaning);
        let keys: BTreeSet<&String> = [&ours, &base, &theirs, &result]
            .into_iter()
            .flat_map(BTreeMap::keys)
            .collect();
        let mut keys = keys.into_iter();
        !broken
            && keys.all(|key| {
                let [ours, base, theirs, result] =
                    [&ours, &base, &theirs, &result].map(|of| mappings(of, key));
                match () {
                    () if ours == base || theirs == ours => result == theirs,
                    () => theirs == base && result == ours,
                }
            })
    }

    /// Undoes the write entry by entry in sections whose lines conflict.
    fn edit(&self, data: &mut Texts, places: &mut Vec<String>) {
        let mut edits = Vec::new();
        for &name in &self.by_entries {
            self.edits(name, &mut edits, places);
        }
        if edits.is_empty() || !places.is_empty() {
            return;
        }
        // Removals come first, so that added entries do not conflict with them.
        edits.sort_by_key(|edit| matches!(edit, Edit::Map { .. }));
        let document = match apply(&Document::read(self.theirs), &edits) {
            Ok(edited) => edited.document,
            Err(error) => return places.push(error.to_string()),
        };
        for &name in &self.by_entries {
            let Some(text) = document.section(name).shared_text() else {
                continue;
            };
            if self.has_both_meanings(name, &text) {
                data.insert(name.key().to_owned(), text);
            } else {
                places.push(format!(
                    "{} would not have the intended meaning after the undo",
                    name.key()
                ));
            }
        }
    }

    fn edits(&self, name: SectionName, edits: &mut Vec<Edit>, places: &mut Vec<String>) {
        let [before, after, live] =
            [self.ours, self.base, self.theirs].map(|of| self.section(of, name));
        for (section, when) in [
            (&before, "before the write"),
            (&after, "after the write"),
            (&live, "now"),
        ] {
            if let Some(problem) = section
                .problems()
                .first()
                .filter(|_| section.is_unreadable())
            {
                let (key, line) = (name.key(), problem.line);
                return places.push(format!(
                    "{key} cannot be read {when}, because of line {line}: {}",
                    problem.message
                ));
            }
        }
        let [before, after, live] = [&before, &after, &live].map(meaning);
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for key in keys {
            let [was, is, now] = [&before, &after, &live].map(|of| mappings(of, key));
            if was == is || now == was {
                continue;
            }
            let line = live
                .get(key)
                .and_then(|entries| entries.last())
                .map(|(_, line)| *line);
            let at = |line| format!("line {line} of {}", name.key());
            let known = [&before, &after]
                .into_iter()
                .find_map(|of| of.get(key)?.last());
            let Some((mapping, _)) = known else { continue };
            if now != is {
                let who = arn(&mapping.principal);
                places.push(match line {
                    Some(line) => format!(
                        "{}: other clients have changed the entry of {who}",
                        at(line)
                    ),
                    None => format!(
                        "{}: other clients have removed the entry of {who}",
                        name.key()
                    ),
                });
            } else if was.is_empty() {
                edits.push(Edit::Unmap {
                    principal: mapping.principal.clone(),
                    only_line: None,
                });
            } else if let [mapping] = was.as_slice() {
                edits.push(Edit::Map {
                    principal: mapping.principal.clone(),
                    username: Some(mapping.username.clone()),
                    groups: Groups::Set(mapping.groups().to_vec()),
                });
            } else {
                let who = arn(&mapping.principal);
                places.push(format!(
                    "{}: {who} had several entries",
                    line.map_or_else(|| name.key().to_owned(), at)
                ));
            }
        }
    }
}

/// Returns the mappings of each principal of a section, from the entries that the authenticator keeps.
fn meaning(section: &Section) -> Meaning<'_> {
    let mut meaning = Meaning::new();
    for entry in section.entries() {
        if let Some(mapping) = entry.mapping() {
            let key = fold(&arn(&mapping.principal)).into_owned();
            meaning.entry(key).or_default().push((mapping, entry.line));
        }
    }
    meaning
}

fn mappings<'d>(meaning: &Meaning<'d>, key: &str) -> Vec<&'d Mapping> {
    let entries = meaning.get(key).into_iter().flatten();
    entries.map(|(mapping, _)| *mapping).collect()
}

fn arn(principal: &Principal) -> String {
    match principal {
        Principal::Role(arn) | Principal::User(arn) | Principal::Account(arn) => arn.clone(),
        Principal::Sso(sso) => format!("sso {} {}", sso.account_id, sso.permission_set_name),
    }
}
