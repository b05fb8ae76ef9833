//! Block scalars (`|` and `>`): finds their lines in the source, and changes only the lines that differ.

use std::ops::Range;

use super::line_diff::line_diff;
use super::lines::{
    Line, break_near, decoded_break, decoded_lines, indent_below, is_break, line_at,
};
use super::scalar_style::{fits_block, hides_indent, push_block_line};
use super::splice::Splice;

/// A block scalar as written.
#[derive(Debug)]
pub struct BlockScalar<'t> {
    text: &'t str,
    folded: bool,
    chomp: Chomp,
    /// The indentation indicator, such as the 2 of `|2`.
    explicit: Option<usize>,
    /// `|` or `>` with its indicators.
    pub header: Range<usize>,
    /// The start of the line below the header.
    body: usize,
    /// The column of the key.
    parent: usize,
    indent: usize,
    /// All lines of the scalar, including the blank lines after its text.
    lines: Vec<Line>,
    /// The number of lines up to and including the last one that is not empty.
    filled: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

/// Why a block scalar cannot be changed in its own style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewriteError {
    /// No block scalar in this place can represent the new text.
    Text,
    /// The scalar joins (folds) some of its lines, so its decoded lines do not correspond to lines of the source.
    Folded,
    /// A line ends in a carriage return without a newline. A newline inserted after it would merge with it into one line break.
    CarriageReturn,
}

impl<'t> BlockScalar<'t> {
    /// Reads the block scalar that starts at byte `start` and is the value of a key in column `parent`. If the scalar
    /// has no text, its indentation is unknown; the indentation is then `offset` relative to the key, or that of its
    /// blank lines if they have more.
    pub fn read(text: &'t str, start: usize, parent: usize, offset: usize) -> Self {
        let head = line_at(text, start);
        let bytes = text.as_bytes();
        let (mut chomp, mut explicit, mut header_end) = (Chomp::Clip, None, start + 1);
        for &byte in &bytes[start + 1..head.end] {
            match byte {
                b'+' => chomp = Chomp::Keep,
                b'-' => chomp = Chomp::Strip,
                b'1'..=b'9' => explicit = Some(usize::from(byte - b'0')),
                _ => break,
            }
            header_end += 1;
        }
        let mut block = Self {
            text,
            folded: bytes[start] == b'>',
            chomp,
            explicit,
            header: start..header_end,
            body: head.next,
            parent,
            indent: 0,
            lines: Vec::new(),
            filled: 0,
        };
        block.indent = explicit.map_or_else(|| block.find_indent(), |offset| parent + offset);
        block.find_lines();
        if block.filled == 0 && explicit.is_none() {
            // No content line shows the indentation. Use at least that of the existing blank lines, which are not rewritten.
            block.indent = block.indent.max(parent + offset);
        }
        block
    }

    /// Returns the indentation as libyaml detects it: the widest indentation among the first line with text and the
    /// blank lines before it.
    fn find_indent(&self) -> usize {
        let mut widest = self.parent + 1;
        let mut at = self.body;
        loop {
            let blanks = spaces(self.text, at);
            widest = widest.max(blanks);
            let line = line_at(self.text, at + blanks);
            if line.end > line.start || line.next == line.end {
                return widest;
            }
            at = line.next;
        }
    }

    fn find_lines(&mut self) {
        let mut at = self.body;
        while at < self.text.len() {
            let blanks = spaces(self.text, at).min(self.indent);
            let rest = line_at(self.text, at + blanks);
            let empty = rest.end == rest.start;
            if (empty && rest.next == rest.end) || (!empty && blanks < self.indent) {
                break;
            }
            self.lines.push(Line { start: at, ..rest });
            if !empty {
                self.filled = self.lines.len();
            }
            at = rest.next;
        }
        self.lines.shrink_to_fit();
    }

    /// Returns the end of the scalar's last line, including its line break. Blank lines at the end count only with `|+` or `>+`.
    pub fn end(&self) -> usize {
        let lines = if self.chomp == Chomp::Keep {
            &self.lines[..]
        } else {
            &self.lines[..self.filled]
        };
        lines.last().map_or(self.body, |line| line.next)
    }

    /// Returns the column in which the text starts.
    pub fn indent(&self) -> usize {
        self.indent
    }

    /// Returns whether the blank lines after the text are part of the value, as with `|+`.
    pub(crate) fn keeps_blank_lines(&self) -> bool {
        self.chomp == Chomp::Keep
    }

    /// Returns the indentation of the text relative to its key; `None` if the scalar has no text.
    pub fn offset(&self) -> Option<usize> {
        (self.filled > 0).then_some(self.indent - self.parent)
    }

    /// Returns the byte range of the lines, without blank lines at the end.
    pub(crate) fn filled_lines(&self) -> Range<usize> {
        let end = self
            .filled
            .checked_sub(1)
            .map_or(self.body, |last| self.lines[last].next);
        self.body..end
    }

    fn decoded(&self, line: &Line) -> (&'t str, char) {
        let from = (line.start + self.indent).min(line.end);
        (
            &self.text[from..line.end],
            decoded_break(&self.text[line.end..line.next]),
        )
    }

    /// Returns the byte range of each line's content, without indentation and line break.
    pub fn contents(&self) -> impl Iterator<Item = Range<usize>> {
        self.lines
            .iter()
            .map(|line| (line.start + self.indent).min(line.end)..line.end)
    }

    /// Returns, for each line of a folded scalar's decoded text, the source line on which it starts, counted from the
    /// header.
    pub fn folded_lines(&self) -> Vec<usize> {
        let mut starts = Vec::new();
        let mut blank_lines = Vec::new();
        let mut before: Option<&str> = None;
        for (number, line) in self.lines.iter().enumerate() {
            let (content, _) = self.decoded(line);
            if content.is_empty() {
                blank_lines.push(number + 1);
                continue;
            }
            // Between two lines that fold, the first line break is not part of the text; any others are.
            let joins = before.is_some_and(|before| is_flush(before) && is_flush(content));
            blank_lines.push(number + 1);
            starts.extend(blank_lines.drain(..).skip(usize::from(joins)));
            before = Some(content);
        }
        starts.append(&mut blank_lines);
        starts
    }

    /// Returns the splices that change the decoded text from `old` to `new`. Unchanged lines keep their bytes.
    ///
    /// # Errors
    /// If the style of the scalar cannot represent the new text.
    pub fn rewrite(&self, old: &str, new: &str) -> Result<Vec<Splice>, RewriteError> {
        let end = self.lines.last().map_or(self.body, |line| line.next);
        if !fits_block(new) {
            return Err(RewriteError::Text);
        }
        if self.folded && !self.reads_literally(old) {
            return Err(RewriteError::Folded);
        }
        let raw = &self.text[self.header.start..end];
        if raw
            .match_indices('\r')
            .any(|(at, _)| !raw[at + 1..].starts_with('\n'))
        {
            return Err(RewriteError::CarriageReturn);
        }
        let new_lines = decoded_lines(new);
        if new_lines.iter().all(|(line, _)| line.is_empty())
            && indent_below(self.text, end) > self.parent + 1
        {
            // The new scalar would have no text. An indented comment below it would be read as its text.
            return Err(RewriteError::Text);
        }
        // If the file ends without a line break, keep it that way if possible.
        let open = self.lines.last().is_some_and(|line| line.next == line.end);
        let stays_open = open && !new.ends_with('\n');
        let chomp = match new_lines.last() {
            None if self.chomp == Chomp::Keep => Chomp::Clip,
            None => self.chomp,
            Some(_) if stays_open => self.chomp,
            Some(_) if !new.ends_with('\n') => Chomp::Strip,
            Some(("", _)) => Chomp::Keep,
            Some(_) if self.chomp == Chomp::Strip => Chomp::Clip,
            Some(_) => self.chomp,
        };
        let mut splices = self.rewrite_header(&new_lines, chomp)?;
        let lines = if chomp == Chomp::Keep {
            &self.lines[..]
        } else {
            &self.lines[..self.filled]
        };
        self.rewrite_lines(lines, &new_lines, open, stays_open, &mut splices);
        Ok(splices)
    }

    fn rewrite_header(
        &self,
        new_lines: &[(&str, char)],
        chomp: Chomp,
    ) -> Result<Vec<Splice>, RewriteError> {
        let folded = self.folded && !folds(new_lines);
        let explicit = self
            .explicit
            .or_else(|| hides_indent(new_lines).then_some(self.indent - self.parent));
        if explicit.is_some_and(|offset| offset > 9) {
            return Err(RewriteError::Text);
        }
        if (folded, explicit, chomp) == (self.folded, self.explicit, self.chomp) {
            return Ok(Vec::new());
        }
        let mut header = String::from(if folded { ">" } else { "|" });
        if let Some(offset) = explicit {
            header += &offset.to_string();
        }
        match chomp {
            Chomp::Strip => header.push('-'),
            Chomp::Clip => {}
            Chomp::Keep => header.push('+'),
        }
        Ok(vec![Splice::new(self.header.clone(), header)])
    }

    fn rewrite_lines(
        &self,
        lines: &[Line],
        new_lines: &[(&str, char)],
        open: bool,
        stays_open: bool,
        splices: &mut Vec<Splice>,
    ) {
        let line_break = break_near(self.text, self.header.end);
        let written: Vec<(&str, char)> = lines.iter().map(|line| self.decoded(line)).collect();
        let end = lines.last().map_or(self.body, |line| line.next);
        // Whether a line break must be inserted before appended lines: the last line, or the header, ends the file without one.
        let unbroken = open || !self.text[..self.body].ends_with(is_break);
        let mut ended = false;
        for hunk in line_diff(&written, new_lines) {
            let at_end = hunk.old.end == lines.len();
            ended |= at_end;
            let mut start = lines.get(hunk.old.start).map_or(end, |line| line.start);
            let stop = hunk
                .old
                .end
                .checked_sub(1)
                .map_or(start, |last| lines[last].next.max(start));
            let mut text = String::new();
            if hunk.old.start == lines.len() && unbroken && !hunk.new.is_empty() {
                text.push_str(line_break);
            }
            for &line in &new_lines[hunk.new.clone()] {
                push_block_line(&mut text, line, self.indent, line_break);
            }
            if at_end && stays_open {
                if hunk.new.is_empty() {
                    // The last lines are removed: also remove the line break of the line that is now the last one.
                    start = hunk
                        .old
                        .start
                        .checked_sub(1)
                        .map_or(start, |before| lines[before].end);
                } else {
                    text.truncate(text.len() - line_break.len());
                }
            }
            splices.push(Splice::new(start..stop, text));
        }
        if open && !stays_open && !ended && !new_lines.is_empty() {
            splices.push(Splice::insert(end, line_break));
        }
    }

    /// Returns whether a literal (`|`) scalar with these lines would have the same text as this folded scalar.
    fn reads_literally(&self, old: &str) -> bool {
        let lines: Vec<_> = self.lines[..self.filled]
            .iter()
            .map(|line| self.decoded(line))
            .collect();
        !folds(&lines) && decoded_lines(old).starts_with(&lines)
    }
}

/// Returns whether a folded scalar would join any of these lines. It joins two consecutive lines, ignoring blank ones between
/// them, if neither starts with white space.
fn folds(lines: &[(&str, char)]) -> bool {
    let mut before: Option<(&str, char)> = None;
    for &(line, ends) in lines {
        if line.is_empty() {
            continue;
        }
        if before.is_some_and(|(before, ends)| ends == '\n' && is_flush(before) && is_flush(line)) {
            return true;
        }
        before = Some((line, ends));
    }
    false
}

/// Returns whether a line does not start with white space. Only such lines are folded.
fn is_flush(line: &str) -> bool {
    !line.starts_with([' ', '\t'])
}

fn spaces(text: &str, from: usize) -> usize {
    text.as_bytes()[from..]
        .iter()
        .take_while(|&&byte| byte == b' ')
        .count()
}
