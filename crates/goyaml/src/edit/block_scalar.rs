//! Block scalars, `|` and `>`: their lines as written, and changes to some of them.

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
    /// The indentation indicator.
    explicit: Option<usize>,
    /// `|` or `>` with its indicators.
    pub header: Range<usize>,
    /// The start of the line below the header.
    body: usize,
    /// The column of the key.
    parent: usize,
    indent: usize,
    /// All its lines, including blank ones after the text.
    lines: Vec<Line>,
    /// The number of lines up to the last one with content.
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
    /// No block scalar can represent the new text.
    Text,
    /// Its lines are folded, so that new lines cannot be matched with old ones.
    Folded,
    /// A line ends in a lone carriage return, which would become one line break with a newline after it.
    CarriageReturn,
}

impl<'t> BlockScalar<'t> {
    /// Reads the block scalar that starts at this byte, as the value of a key in column `parent`. `offset` is the
    /// indentation below the key if the scalar has no text that shows it.
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
            // No line shows the indentation. It must not be less than that of blank lines that stay.
            block.indent = block.indent.max(parent + offset);
        }
        block
    }

    /// Returns the indentation as libyaml finds it: that of the widest leading blank line, or of the first other line.
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

    /// Returns the end of the last line with content, line break included; with `|+`, of the last line.
    pub fn end(&self) -> usize {
        let lines = if self.chomp == Chomp::Keep {
            &self.lines[..]
        } else {
            &self.lines[..self.filled]
        };
        lines.last().map_or(self.body, |line| line.next)
    }

    /// Returns the column of its text.
    pub fn indent(&self) -> usize {
        self.indent
    }

    /// Returns whether blank lines after the text are part of it.
    pub(crate) fn keeps_blank_lines(&self) -> bool {
        self.chomp == Chomp::Keep
    }

    /// Returns the indentation of the text below its key.
    pub fn offset(&self) -> Option<usize> {
        (self.filled > 0).then_some(self.indent - self.parent)
    }

    /// Returns the bytes of its lines up to the last one with content.
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

    /// Returns the content of each line, without indentation and line break.
    pub fn contents(&self) -> impl Iterator<Item = Range<usize>> {
        self.lines
            .iter()
            .map(|line| (line.start + self.indent).min(line.end)..line.end)
    }

    /// Returns, for a folded scalar, the line of the file on which each line of the decoded text starts, counted from the
    /// header's line.
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
            // Of the line breaks between two lines that fold, the first is not part of the text.
            let joins = before.is_some_and(|before| is_flush(before) && is_flush(content));
            blank_lines.push(number + 1);
            starts.extend(blank_lines.drain(..).skip(usize::from(joins)));
            before = Some(content);
        }
        starts.append(&mut blank_lines);
        starts
    }

    /// Returns the splices that change the text from `old` to `new`. Lines that are in both are preserved.
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
            // Without text before it, a deep comment would become the text.
            return Err(RewriteError::Text);
        }
        // If the last line of the file has no line break, it stays so if possible.
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
        // Whether the text before lacks a line break: an open last line, or a header that ends the file.
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
                    // The line before becomes the last one, without a line break.
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

    /// Returns whether a folded scalar has the text that it would have as a literal one.
    fn reads_literally(&self, old: &str) -> bool {
        let lines: Vec<_> = self.lines[..self.filled]
            .iter()
            .map(|line| self.decoded(line))
            .collect();
        !folds(&lines) && decoded_lines(old).starts_with(&lines)
    }
}

/// Returns whether a folded scalar would join any of these lines: two lines in sequence, not counting blank ones, that
/// do not start with white space.
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

/// Returns whether a line does not start with white space: only such lines fold.
fn is_flush(line: &str) -> bool {
    !line.starts_with([' ', '\t'])
}

fn spaces(text: &str, from: usize) -> usize {
    text.as_bytes()[from..]
        .iter()
        .take_while(|&&byte| byte == b' ')
        .count()
}
