//! The changes that mend findings, in the bytes of the file.

use std::collections::BTreeMap;

use super::super::Linted;
use super::log::{Artifact, ArtifactChange, Fix, Message, Region, Replacement};
use crate::document::SectionName;
use crate::lint::{self, Position, Walk};

/// The fix of each finding, where the file has the section's bytes as they are: escapes, and what goes over several lines, have
/// other bytes in a manifest.
pub(super) fn fixes(linted: &Linted<'_>, artifact: &Artifact) -> Vec<Option<Fix>> {
    let by_section = SectionName::ALL.map(|section| Places::of(linted, section));
    let findings = linted.report.findings.iter();
    let each = findings.map(|finding| {
        let (fix, site) = finding.fix.as_ref().zip(finding.site.text())?;
        let places = by_section[site.section as usize].as_ref()?;
        let replacements = fix.replacements.iter();
        Some(Fix {
            description: Message::new(fix.what.clone()),
            artifact_changes: [ArtifactChange {
                artifact_location: artifact.clone(),
                replacements: replacements
                    .map(|replacement| places.replacement(replacement))
                    .collect::<Option<_>>()?,
            }],
        })
    });
    each.collect()
}

/// Where the bytes of a section's own text that some fix begins or ends with stand in the file.
struct Places<'a> {
    text: &'a str,
    file: &'a str,
    by_offset: BTreeMap<usize, (usize, Position)>,
}

impl<'a> Places<'a> {
    /// Those of a section that stands in a block.
    fn of(linted: &Linted<'a>, section: SectionName) -> Option<Self> {
        let manifest = linted
            .manifest()
            .filter(|manifest| manifest.is_block(section))?;
        let mut offsets = Vec::new();
        for finding in &linted.report.findings {
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
        let mut walk = Walk::new(manifest.text());
        let places = found.into_iter().map(|at| (at, walk.to(at)));
        Some(Self {
            text: linted.document.section(section).text()?,
            file: manifest.text(),
            by_offset: offsets.into_iter().zip(places).collect(),
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
        let stands_there =
            self.file.get(..*from)?.ends_with(line) && self.file.get(*from..*to)? == old;
        stands_there.then(|| Replacement {
            deleted_region: Region::of(*start, *end),
            inserted_content: Message::new(replacement.text.clone()),
        })
    }
}
