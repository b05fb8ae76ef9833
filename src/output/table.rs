//! Tables that fit the terminal.

use anstyle::Style;

use super::style::{HEADING, paint};
use super::text_width::{columns, shorten};
use awsauth_core::escape::one_line;

/// The spaces between columns, as in kubectl.
const GAP: usize = 3;
/// The minimum width of a column.
const NARROWEST: usize = 8;
/// The width down to which only the preferred column is shortened.
const COMFORTABLE: usize = 28;

/// A table with headings and aligned columns.
#[derive(Debug)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    shortened_first: usize,
    rows: Vec<Vec<Cell>>,
}

/// A cell of a row.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Creates a cell; an empty text is shown as `<none>`.
    pub(crate) fn new(text: &str) -> Self {
        Self::styled(text, Style::new())
    }

    /// Creates a styled cell; an empty text is shown as `<none>`.
    pub(crate) fn styled(text: &str, style: Style) -> Self {
        let text = if text.is_empty() {
            "<none>".to_owned()
        } else {
            one_line(text).into_owned()
        };
        Self { text, style }
    }
}

impl Table {
    /// Creates a table without rows. If it is too wide, the column with the index `shortened_first` is shortened first.
    pub(crate) fn new(headings: Vec<&'static str>, shortened_first: usize) -> Self {
        Self {
            headings,
            shortened_first,
            rows: Vec::new(),
        }
    }

    /// Appends a row with a cell for each heading.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Formats the table with styles. With a `limit`, shortens cells until each line fits that many columns.
    pub(crate) fn render(&self, limit: Option<usize>) -> String {
        let widths = self.widths(limit);
        let mut text = String::new();
        let headings = self.headings.iter().map(|heading| (*heading, HEADING));
        line(&mut text, headings, &widths);
        for row in &self.rows {
            line(
                &mut text,
                row.iter().map(|cell| (cell.text.as_str(), cell.style)),
                &widths,
            );
        }
        text
    }

    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self
            .headings
            .iter()
            .map(|heading| columns(heading))
            .collect();
        let floors: Vec<usize> = widths.iter().map(|&width| width.max(NARROWEST)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = columns(&cell.text).max(*width);
            }
        }
        let Some(limit) = limit else { return widths };
        let room = limit.saturating_sub(GAP * widths.len().saturating_sub(1));
        let excess = widths.iter().sum::<usize>().saturating_sub(room);
        let first = &mut widths[self.shortened_first];
        *first -= excess.min(first.saturating_sub(COMFORTABLE));
        while widths.iter().sum::<usize>() > room {
            let shrinkable = (0..widths.len()).filter(|&i| widths[i] > floors[i]);
            let Some(widest) = shrinkable.max_by_key(|&i| widths[i]) else {
                break;
            };
            widths[widest] -= 1;
        }
        widths
    }
}

fn line<'a>(
    text: &mut String,
    cells: impl ExactSizeIterator<Item = (&'a str, Style)>,
    widths: &[usize],
) {
    let last = cells.len().saturating_sub(1);
    for (at, ((cell, style), width)) in cells.zip(widths).enumerate() {
        let shown = shorten(cell, *width);
        let padding = if at == last {
            0
        } else {
            width - columns(&shown) + GAP
        };
        if style == Style::new() {
            text.push_str(&shown);
        } else {
            text.push_str(&paint(style, &shown));
        }
        text.extend(std::iter::repeat_n(' ', padding));
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec!["ARN", "GROUPS"], 0);
        table.row(vec![
            Cell::new("arn:aws:iam::111122223333:role/mytestrole"),
            Cell::new("system:masters"),
        ]);
        table.row(vec![Cell::new("short"), Cell::new("")]);
        table
    }

    #[test]
    fn columns_are_aligned() {
        let text = anstream::adapter::strip_str(&table().render(None)).to_string();
        assert_eq!(
            text,
            "ARN                                         GROUPS\n\
             arn:aws:iam::111122223333:role/mytestrole   system:masters\n\
             short                                       <none>\n"
        );
    }

    #[test]
    fn lines_fit_the_limit() {
        for limit in 20..70 {
            let text = anstream::adapter::strip_str(&table().render(Some(limit))).to_string();
            assert!(
                text.lines().all(|line| columns(line) <= limit),
                "{limit}: {text}"
            );
        }
    }
}
