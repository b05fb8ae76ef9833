//! Tables that fit the terminal.

use std::borrow::Cow;
use std::collections::BTreeSet;

use anstyle::Style;

use super::markdown;
use super::style::{HEADING, paint};
use super::text_width::{columns, shorten};
use awsauth_core::escape::{one_line, without_log_commands};

/// The spaces between columns, as in kubectl.
const GAP: usize = 3;
/// The minimum width of a column.
const NARROWEST: usize = 8;
/// The minimum width of the preferred column before other columns are shortened, too.
const COMFORTABLE: usize = 28;

/// A table with headings and aligned columns.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    headings: Vec<Cow<'static, str>>,
    has_headings: bool,
    shortened_first: usize,
    rows: Vec<Vec<Cell>>,
}

/// A cell of a row.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    /// Ever shorter variants for a table that would be too wide.
    shorter: Vec<String>,
    style: Style,
}

impl Cell {
    /// Creates a cell; an empty string is shown as `<none>`.
    pub(crate) fn new(text: &str) -> Self {
        Self::styled(text, Style::new())
    }

    /// Creates a styled cell; an empty string is shown as `<none>`.
    pub(crate) fn styled(text: &str, style: Style) -> Self {
        Self {
            text: one_line(text).into_owned(),
            shorter: Vec::new(),
            style,
        }
    }

    /// Adds a variant for a table that would be too wide with the variants before. It is used only if it identifies each row as
    /// well as they do.
    #[must_use]
    pub(crate) fn or_short(mut self, short: &str) -> Self {
        self.shorter.push(one_line(short).into_owned());
        self
    }

    /// Returns the cell's text after it was shortened this many times.
    fn text(&self, level: usize) -> &str {
        let shorter = self.shorter[..level.min(self.shorter.len())].last();
        shorter.unwrap_or(&self.text)
    }

    fn shown(&self, level: usize) -> &str {
        match self.text(level) {
            "" => "<none>",
            text => text,
        }
    }
}

impl Table {
    /// Creates a table without rows. If it is too wide, the column with the index `shortened_first` is shortened first.
    pub(crate) fn new(
        headings: impl IntoIterator<Item = impl Into<Cow<'static, str>>>,
        shortened_first: usize,
    ) -> Self {
        Self {
            headings: headings.into_iter().map(Into::into).collect(),
            has_headings: true,
            shortened_first,
            rows: Vec::new(),
        }
    }

    /// Leaves out the headings.
    pub(crate) fn hide_headings(&mut self) {
        self.has_headings = false;
    }

    /// Appends a row with a cell for each heading.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Formats the table with styles. With a `limit`, leaves out columns without a value and shortens cells until each line fits that
    /// many columns.
    pub(crate) fn render(&self, limit: Option<usize>) -> String {
        let all: Vec<usize> = (0..self.headings.len()).collect();
        let fits = |columns: &[usize], level| {
            limit.is_none_or(|limit| {
                self.widths(columns, level).iter().sum::<usize>() + gaps(columns) <= limit
            })
        };
        let (columns, level) = match fits(&all, 0) {
            true => (all, 0),
            false => {
                let columns = self.columns_with_values();
                let levels = 0..=self.shortest_level();
                let level = levels.clone().find(|level| fits(&columns, *level));
                (columns, level.unwrap_or(*levels.end()))
            }
        };
        let mut widths = self.widths(&columns, level);
        if let Some(limit) = limit {
            self.shrink(&columns, &mut widths, limit);
        }
        let mut text = String::new();
        if self.has_headings {
            let headings = columns.iter().map(|&at| (&*self.headings[at], HEADING));
            line(&mut text, headings, &widths);
        }
        for row in &self.rows {
            let cells = columns
                .iter()
                .map(|&at| (row[at].shown(level), row[at].style));
            line(&mut text, cells, &widths);
        }
        text
    }

    /// Returns the columns with a value in any row, and the one to shorten first.
    fn columns_with_values(&self) -> Vec<usize> {
        let has_value = |at: usize| self.rows.iter().any(|row| !row[at].text.is_empty());
        (0..self.headings.len())
            .filter(|&at| at == self.shortened_first || has_value(at))
            .collect()
    }

    /// Returns how many times the cells of a column can be shortened so that different cells still differ.
    fn shortest_level(&self) -> usize {
        let number = |at: usize, level| {
            let texts: BTreeSet<&str> = self.rows.iter().map(|row| row[at].text(level)).collect();
            texts.len()
        };
        let is_clear =
            |level| (0..self.headings.len()).all(|at| number(at, level) == number(at, 0));
        let cells = self.rows.iter().flatten();
        let most = cells.map(|cell| cell.shorter.len()).max().unwrap_or(0);
        (1..=most).rev().find(|level| is_clear(*level)).unwrap_or(0)
    }

    /// Formats the table as comma-separated values: <https://www.rfc-editor.org/rfc/rfc4180>. A cell that a spreadsheet program
    /// would take for a formula begins with an apostrophe. What the log of a CI system takes for a command is escaped.
    ///
    /// # Errors
    /// Never, because the writer writes to memory.
    pub(crate) fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        if self.has_headings {
            writer.write_record(self.headings.iter().map(|heading| heading.as_bytes()))?;
        }
        for row in &self.rows {
            writer.write_record(
                row.iter()
                    .map(|cell| without_formula(&cell.text).into_owned()),
            )?;
        }
        let csv = writer
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?;
        let csv = String::from_utf8_lossy(&csv);
        Ok(without_log_commands(&csv).into_owned().into_bytes())
    }

    /// Formats the table as Markdown. A table needs headings there, so it always has them.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        let mut add = |cells: &mut dyn Iterator<Item = Cow<'_, str>>| {
            for cell in cells {
                text.push_str("| ");
                text.push_str(&cell);
                text.push(' ');
            }
            text.push_str("|\n");
        };
        add(&mut self
            .headings
            .iter()
            .map(|heading| Cow::Owned(markdown::cell(heading))));
        add(&mut self.headings.iter().map(|_| Cow::Borrowed("---")));
        for row in &self.rows {
            add(&mut row
                .iter()
                .map(|cell| Cow::Owned(markdown::cell(&cell.text))));
        }
        text
    }

    /// Returns the width of each of these columns without shortening.
    fn widths(&self, shown: &[usize], level: usize) -> Vec<usize> {
        let width = |&at: &usize| {
            let heading = match self.has_headings {
                true => columns(&self.headings[at]),
                false => 0,
            };
            let cells = self.rows.iter().map(|row| columns(row[at].shown(level)));
            cells.max().unwrap_or(0).max(heading)
        };
        shown.iter().map(width).collect()
    }

    /// Reduces widths until a line fits `limit` columns.
    fn shrink(&self, shown: &[usize], widths: &mut [usize], limit: usize) {
        let floor = |&at: &usize| columns(&self.headings[at]).max(NARROWEST);
        let floors: Vec<usize> = shown.iter().map(floor).collect();
        let room = limit.saturating_sub(gaps(shown));
        let excess = widths.iter().sum::<usize>().saturating_sub(room);
        let is_first = |&at: &usize| at == self.shortened_first;
        if let Some(first) = shown.iter().position(is_first).map(|at| &mut widths[at]) {
            *first -= excess.min(first.saturating_sub(COMFORTABLE));
        }
        while widths.iter().sum::<usize>() > room {
            let shrinkable = (0..widths.len()).filter(|&i| widths[i] > floors[i]);
            let Some(widest) = shrinkable.max_by_key(|&i| widths[i]) else {
                break;
            };
            widths[widest] -= 1;
        }
    }
}

/// Returns the width of the gaps between columns.
fn gaps(shown: &[usize]) -> usize {
    GAP * shown.len().saturating_sub(1)
}

/// Returns a string that spreadsheet programs do not take for a formula, even those that split cells at semicolons:
/// <https://owasp.org/www-community/attacks/CSV_Injection>
fn without_formula(text: &str) -> Cow<'_, str> {
    let signs = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let begins = |part: &str| part.trim_start().starts_with(signs);
    match text.split([';', '"']).any(begins) {
        true => Cow::Owned(format!("'{text}")),
        false => Cow::Borrowed(text),
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
    fn narrow_table_uses_short_texts() {
        let mut table = Table::new(["ARN", "GROUPS"], 0);
        let role = |account| {
            Cell::new(&format!("arn:aws:iam::{account}:role/dev"))
                .or_short(&format!("role/dev ({account})"))
                .or_short("role/dev")
        };
        table.row(vec![role("111122223333"), Cell::new("devs")]);
        let text = |limit| anstream::adapter::strip_str(&table.render(limit)).to_string();
        assert!(text(Some(43)).contains("arn:aws:iam::111122223333:role/dev   devs"));
        assert!(text(Some(42)).contains("\nrole/dev (111122223333)   devs\n"));
        assert!(text(Some(30)).contains("\nrole/dev   devs\n"));
        let mut two = table.clone();
        two.row(vec![role("444455556666"), Cell::new("devs")]);
        let shown = anstream::adapter::strip_str(&two.render(Some(30))).to_string();
        let accounts = ["(111122223333)   devs\n", "(444455556666)   devs\n"];
        assert!(
            accounts.iter().all(|account| shown.contains(account)),
            "{shown}"
        );
        let mut three = Table::new(["ARN", "EXPIRES", "GROUPS"], 0);
        three.row(vec![role("111122223333"), Cell::new(""), Cell::new("devs")]);
        let text = anstream::adapter::strip_str(&three.render(Some(44))).to_string();
        assert!(
            !text.contains("EXPIRES") && text.contains("111122223333:role/dev   devs"),
            "{text}"
        );
        table.hide_headings();
        assert_eq!(
            table.render(None),
            "arn:aws:iam::111122223333:role/dev   devs\n"
        );
    }

    #[test]
    fn csv_and_markdown_show_any_text() {
        let mut table = Table::new(["NAME", "NOTE"], 0);
        table.row(vec![Cell::new("a,\"b\""), Cell::new("")]);
        table.row(vec![Cell::new("<b>|x_y"), Cell::new("two\nlines")]);
        let csv = String::from_utf8(table.csv().unwrap()).unwrap();
        assert_eq!(csv, "NAME,NOTE\n\"a,\"\"b\"\"\",\n<b>|x_y,two\\nlines\n");
        assert_eq!(
            table.markdown(),
            "| NAME | NOTE |\n| --- | --- |\n| a,\"b\" |  |\n| &lt;b&gt;\\|x\\_y | two\\\\nlines |\n"
        );
    }

    #[test]
    fn csv_has_no_log_commands() {
        let mut table = Table::new(["NAME"], 0);
        table.row(vec![Cell::new("##octopus[x]")]);
        table.row(vec![Cell::new("::error::x")]);
        let csv = String::from_utf8(table.csv().unwrap()).unwrap();
        assert_eq!(csv, "NAME\n#\\u{23}octopus[x]\n\\u{3a}:error::x\n");
    }

    #[test]
    fn csv_has_no_formulas() {
        for (text, is_formula) in [
            ("=HYPERLINK(\"http://x/\")", true),
            ("+1", true),
            ("@SUM(1)", true),
            ("x;=cmd|' /C calc'!A0;", true),
            ("x\"; -1", true),
            ("＝1+1", true),
            ("＋1", true),
            ("－1", true),
            ("＠SUM(1)", true),
            ("a=b", false),
            ("dev@example.com", false),
            ("", false),
        ] {
            let shown = without_formula(text);
            assert_eq!(shown.starts_with('\''), is_formula, "{text}");
            assert_eq!(shown.trim_start_matches('\''), text);
        }
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
