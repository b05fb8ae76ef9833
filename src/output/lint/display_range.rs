//! Where findings are in the text that users see: the file, or else the section.

use std::ops::Range;

use awsauth_core::document::Document;
use awsauth_core::lint::{Position, PositionCursor, Report, Site, Text};
use awsauth_core::manifest::Manifest;

/// A range of the input that is displayed with a finding.
#[derive(Clone, Debug)]
pub(super) struct DisplayRange<'a> {
    /// The whole input.
    pub(super) text: &'a str,
    /// The bytes of the finding.
    pub(super) range: Range<usize>,
    /// The line where the range begins, without its line break; [`whole_lines`] also leaves out trailing white space.
    pub(super) line: Range<usize>,
    pub(super) start: Position,
    pub(super) end: Position,
}

/// Returns the ranges of a report's findings, in their order; `None` for findings that have no place in the displayed
/// text.
pub(super) fn display_ranges<'a>(
    report: &Report,
    document: &'a Document,
    manifest: Option<&'a Manifest>,
) -> Vec<Option<DisplayRange<'a>>> {
    let mut ranges = vec![None; report.findings.len()];
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
        let spans = here.iter().filter_map(|(number, place)| {
            let start = find(&starts, place.span.start())?;
            let end = find(&ends, place.span.end())?;
            Some((start..end, *number))
        });
        add_ranges(text, spans.collect(), &mut ranges);
    }
    if let Some(manifest) = manifest {
        let findings = report.findings.iter().enumerate();
        let spans = findings
            .filter_map(|(number, finding)| match &finding.site {
                Site::Key(key) => Some((manifest.key_span(key)?, number)),
                Site::File(span) => Some((span.clone(), number)),
                Site::Text(_) | Site::ConfigMap => None,
            })
            .collect();
        add_ranges(manifest.text(), spans, &mut ranges);
    }
    ranges
}

/// Returns, for each finding about a section, its line of the file. `lines` maps each line of each section to its line
/// in the file.
pub(super) fn whole_lines<'a>(
    report: &Report,
    text: &'a str,
    lines: &[Vec<usize>; 3],
) -> Vec<Option<DisplayRange<'a>>> {
    let contents: Vec<&str> = text.split_inclusive('\n').collect();
    let line = |site: &Site| {
        let at = site.text()?;
        let line = *lines[at.section as usize].get(at.start.line.checked_sub(1)?)?;
        let content = contents.get(line.checked_sub(1)?)?;
        // Both are slices of the input.
        let start = content.as_ptr().addr() - text.as_ptr().addr();
        let indent = content.len() - content.trim_start().len();
        let range = start + indent..start + content.trim_end().len();
        let position = |at: usize| Position {
            line,
            column: text
                .get(start..at)
                .map_or(0, |before| before.chars().count())
                + 1,
        };
        Some(DisplayRange {
            text,
            line: start..range.end,
            start: position(range.start),
            end: position(range.end),
            range,
        })
    };
    report
        .findings
        .iter()
        .map(|finding| line(&finding.site))
        .collect()
}

/// Adds the ranges of findings, each with its index. Two sorted passes take linear time, even if a line has many findings.
fn add_ranges<'a>(
    text: &'a str,
    mut spans: Vec<(Range<usize>, usize)>,
    ranges: &mut [Option<DisplayRange<'a>>],
) {
    spans.sort_by_key(|(span, _)| span.start);
    let mut cursor = PositionCursor::new(text);
    for (range, number) in &spans {
        let start = cursor.advance_to(range.start);
        ranges[*number] = Some(DisplayRange {
            text,
            range: range.clone(),
            line: cursor.line_range(),
            start,
            end: start,
        });
    }
    spans.sort_by_key(|(span, _)| span.end);
    let mut cursor = PositionCursor::new(text);
    for (range, number) in spans {
        let end = cursor.advance_to(range.end);
        if let Some(display) = &mut ranges[number] {
            display.end = end;
        }
    }
}
