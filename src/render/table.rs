use anstyle::Style;

use super::plain::{columns, plain, shorten};
use super::style::{HEADING, paint};

/// Blanks between columns, as kubectl has them.
const GAP: usize = 3;
/// No column is made narrower than this, however small the terminal.
const NARROWEST: usize = 8;
/// Down to this width, the column that gives way does so alone.
const COMFORTABLE: usize = 28;

/// Rows under headings, in columns that line up.
#[derive(Debug)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    gives_way: usize,
    rows: Vec<Vec<Cell>>,
}

/// One text of a row.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A text from the document; an empty one shows as `<none>`.
    pub(crate) fn new(text: &str) -> Self {
        Self::styled(text, Style::new())
    }

    /// The same in a style.
    pub(crate) fn styled(text: &str, style: Style) -> Self {
        let text = if text.is_empty() {
            "<none>".to_owned()
        } else {
            plain(text).into_owned()
        };
        Self { text, style }
    }
}

impl Table {
    /// A table without rows. Where there is too little room, the column with the number `gives_way` is shortened first.
    pub(crate) fn new(headings: Vec<&'static str>, gives_way: usize) -> Self {
        Self {
            headings,
            gives_way,
            rows: Vec::new(),
        }
    }

    /// Appends a row, a cell for each heading.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The lines of the table, styled. With a `limit`, cells are shortened until a line fits so many columns.
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
        let first = &mut widths[self.gives_way];
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
    fn columns_line_up() {
        let text = anstream::adapter::strip_str(&table().render(None)).to_string();
        assert_eq!(
            text,
            "ARN                                         GROUPS\n\
             arn:aws:iam::111122223333:role/mytestrole   system:masters\n\
             short                                       <none>\n"
        );
    }

    #[test]
    fn lines_fit_the_terminal() {
        for limit in 20..70 {
            let text = anstream::adapter::strip_str(&table().render(Some(limit))).to_string();
            assert!(
                text.lines().all(|line| columns(line) <= limit),
                "{limit}: {text}"
            );
        }
    }
}
