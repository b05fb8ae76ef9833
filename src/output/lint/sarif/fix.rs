//! Fixes as changes to the file.

use std::collections::BTreeMap;

use super::super::located_report::Linted;
use super::log::{Artifact, ArtifactChange, Fix, Message, Region, Replacement};
use awsauth_core::document::SectionName;
use awsauth_core::lint::{self, Position, PositionCursor};

/// Returns the fix of each finding, if the file contains the section's bytes unchanged. Escapes and values on several lines have other
/// bytes in a manifest.
pub(super) fn fixes(linted: &Linted<'_>, artifact: &Artifact) -> Vec<Option<Fix>> {
    let by_section = SectionName::ALL.map(|section| FilePositions::of(linted, section));
    let findings = linted.report().findings.iter();
    let each = findings.map(|finding| {
        let (fix, site) = finding.fix.as_ref().zip(finding.site.text())?;
        let positions = by_section[site.section as usize].as_ref()?;
        let replacements = fix.replacements.iter();
        Some(Fix {
            description: Message::new(fix.what.clone()),
            artifact_changes: [ArtifactChange {
                artifact_location: artifact.clone(),
                replacements: replacements
                    .map(|replacement| positions.replacement(replacement))
                    .collect::<Option<_>>()?,
            }],
        })
    });
    each.collect()
}

/// The positions in the file where fixes of a section begin and end.
struct FilePositions<'a> {
    text: &'a str,
    file: &'a str,
    by_offset: BTreeMap<usize, (usize, Position)>,
}

impl<'a> FilePositions<'a> {
    /// Finds the positions in a section that is a block scalar.
    fn of(linted: &Linted<'a>, section: SectionName) -> Option<Self> {
        let manifest = linted
            .manifest()
            .filter(|manifest| manifest.is_block(section))?;
        let mut offsets = Vec::new();
        for finding in &linted.report().findings {
            if let Some((fix, site)) = finding.fix.as_ref().zip(finding.site.text())
                && site.section == section
            {
                let spans = fix.replacements.iter().map(|replacement| replacement.span);
                offsets.extend(spans.flat_map(|span| [span.start(), span.end()]));
            }
        }
        offsets.sort_unstable();
        offsets.dedup();
        let found = manifest.file_offsets(section, &offsets);
        let mut cursor = PositionCursor::new(manifest.text());
        let positions = found.into_iter().map(|at| (at, cursor.advance_to(at)));
        Some(Self {
            text: linted.document().section(section).text()?,
            file: manifest.text(),
            by_offset: offsets.into_iter().zip(positions).collect(),
        })
    }

    fn replacement(&self, replacement: &lint::Replacement) -> Option<Replacement> {
        let (start, end) = (replacement.span.start(), replacement.span.end());
        let old = self.text.get(start..end)?;
        if old.contains(['\n', '\r']) || replacement.text.contains(['\n', '\r']) {
            return None;
        }
        let before = self.text.get(..start)?;
        let line = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
        let ((from, start), (to, end)) = (self.by_offset.get(&start)?, self.by_offset.get(&end)?);
        let is_unchanged =
            self.file.get(..*from)?.ends_with(line) && self.file.get(*from..*to)? == old;
        is_unchanged.then(|| Replacement {
            deleted_region: Region::of(*start, *end),
            inserted_content: Message::new(replacement.text.clone()),
        })
    }
}
