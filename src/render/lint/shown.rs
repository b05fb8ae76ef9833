//! Where the findings are in the text that people look at: the file, or else the section.

use std::ops::Range;

use crate::document::Document;
use crate::lint::{Position, Report, Site, Text, Walk};
use crate::manifest::Manifest;

/// A place in a text.
#[derive(Clone, Debug)]
pub(super) struct Shown<'a> {
    /// The text.
    pub(super) text: &'a str,
    /// The bytes in question.
    pub(super) range: Range<usize>,
    /// The line on which they begin, without its break.
    pub(super) line: Range<usize>,
    /// Where they begin.
    pub(super) start: Position,
    /// Where they end.
    pub(super) end: Position,
}

/// The places of a report's findings, in their order; `None` for what stands in no text.
pub(super) fn places<'a>(
    report: &Report,
    document: &'a Document,
    manifest: Option<&'a Manifest>,
) -> Vec<Option<Shown<'a>>> {
    let mut places = vec![None; report.findings.len()];
    for section in document.sections() {
        let here: Vec<(usize, Text)> = report
            .findings
            .iter()
            .enumerate()
            .filter_map(|(number, finding)| match finding.site {
                Site::Text(text) if text.section == section.name() => Some((number, text)),
                _ => None,
            })
            .collect();
        let offsets = |text: fn(&Text) -> usize| {
            let mut sorted: Vec<usize> = here.iter().map(|(_, place)| text(place)).collect();
            sorted.sort_unstable();
            let found = match manifest {
                Some(manifest) => manifest.file_offsets(section.name(), &sorted),
                None => sorted.clone(),
            };
            (sorted, found)
        };
        let (starts, ends) = (
            offsets(|text| text.span.start()),
            offsets(|text| text.span.end()),
        );
        let find = |(sorted, found): &(Vec<usize>, Vec<usize>), offset: usize| {
            let at = sorted.partition_point(|each| *each < offset);
            found.get(at).copied()
        };
        let text = manifest.map_or_else(|| section.text().unwrap_or_default(), Manifest::text);
        let mut walk = Walk::new(text);
        for (number, place) in here {
            let start = find(&starts, place.span.start());
            let end = find(&ends, place.span.end());
            if let Some((start, end)) = start.zip(end) {
                places[number] = Some(shown(text, start..end, &mut walk));
            }
        }
    }
    if let Some(manifest) = manifest {
        for (place, finding) in places.iter_mut().zip(&report.findings) {
            let span = match &finding.site {
                Site::Key(key) => manifest.key_span(key),
                Site::File(span) => Some(span.clone()),
                Site::Text(_) | Site::ConfigMap => None,
            };
            if let Some(span) = span {
                let text = manifest.text();
                *place = Some(shown(text, span, &mut Walk::new(text)));
            }
        }
    }
    places
}

fn shown<'a>(text: &'a str, range: Range<usize>, walk: &mut Walk<'a>) -> Shown<'a> {
    let start = walk.to(range.start);
    let line = walk.span();
    // Another place may begin before this one ends.
    let end = walk.clone().to(range.end);
    Shown {
        text,
        range,
        line,
        start,
        end,
    }
}
