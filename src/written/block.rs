//! Block scalars, `|` and `>`: their lines as written, and how to change only some of them.

use std::ops::Range;

use super::align::align;
use super::lines::{
    Line, break_near, decoded_break, decoded_lines, indent_below, is_break, line_at,
};
use super::spell::{fits_block, hides_indent, push_block_line};
use super::splice::Splice;

/// A block scalar as written.
#[derive(Debug)]
pub(crate) struct Block<'t> {
    text: &'t str,
    folded: bool,
    chomp: Chomp,
    /// The indentation indicator.
    explicit: Option<usize>,
    /// `|` or `>` with its indicators.
    pub(crate) header: Range<usize>,
    /// Where the line below the header starts.
    body: usize,
    /// Column of the key.
    parent: usize,
    indent: usize,
    /// Every line that belongs to it, blank ones behind the text included.
    lines: Vec<Line>,
    /// How many of them there are up to the last that says something.
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
pub(crate) enum Misfit {
    /// The new text holds what no block scalar can hold.
    Text,
    /// Its lines are folded, so that new ones cannot be told from old.
    Folded,
    /// A line ends in a lone carriage return, which would become one break with a newline that follows it.
    CarriageReturn,
}

impl<'t> Block<'t> {
    /// Reads the block scalar that starts at this byte, as the value of a key in column `parent`. `offset` is how much
    /// further in its text would stand if it had any.
    pub(crate) fn read(text: &'t str, start: usize, parent: usize, offset: usize) -> Self {
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
            // Nothing shows the indent; blank lines that stay must not stick out of it.
            block.indent = block.indent.max(parent + offset);
        }
        block
    }

    /// The widest of the leading blank lines or the first other one, as libyaml has it.
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

    /// Where the last line that says something ends, its break included; with `|+`, the last line of all.
    pub(crate) fn end(&self) -> usize {
        let lines = if self.chomp == Chomp::Keep {
            &self.lines[..]
        } else {
            &self.lines[..self.filled]
        };
        lines.last().map_or(self.body, |line| line.next)
    }

    /// The column of its text.
    pub(crate) fn indent(&self) -> usize {
        self.indent
    }

    /// Whether blank lines behind the text are part of it.
    pub(crate) fn keeps_blank_lines(&self) -> bool {
        self.chomp == Chomp::Keep
    }

    /// How much further in than its key the text stands.
    pub(crate) fn offset(&self) -> Option<usize> {
        (self.filled > 0).then_some(self.indent - self.parent)
    }

    /// The lines that say something.
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

    /// What its lines say, each without its indent and its break.
    pub(crate) fn contents(&self) -> impl Iterator<Item = Range<usize>> {
        self.lines
            .iter()
            .map(|line| (line.start + self.indent).min(line.end)..line.end)
    }

    /// For each line of the decoded text the line of the file it starts on, counted from the header's, if it is folded.
    pub(crate) fn folded_lines(&self) -> Vec<usize> {
        let mut starts = Vec::new();
        let mut blank_lines = Vec::new();
        let mut before: Option<&str> = None;
        for (number, line) in self.lines.iter().enumerate() {
            let (content, _) = self.decoded(line);
            if content.is_empty() {
                blank_lines.push(number + 1);
                continue;
            }
            // Of the breaks between two lines that fold, the first says nothing.
            let joins = before.is_some_and(|before| is_flush(before) && is_flush(content));
            blank_lines.push(number + 1);
            starts.extend(blank_lines.drain(..).skip(usize::from(joins)));
            before = Some(content);
        }
        starts.append(&mut blank_lines);
        starts
    }

    /// The splices after which the scalar, whose text is `old`, says `new`. Lines that are the same stay as they are.
    pub(crate) fn rewrite(&self, old: &str, new: &str) -> Result<Vec<Splice>, Misfit> {
        let end = self.lines.last().map_or(self.body, |line| line.next);
        if !fits_block(new) {
            return Err(Misfit::Text);
        }
        if self.folded && !self.reads_literally(old) {
            return Err(Misfit::Folded);
        }
        let raw = &self.text[self.header.start..end];
        if raw
            .match_indices('\r')
            .any(|(at, _)| !raw[at + 1..].starts_with('\n'))
        {
            return Err(Misfit::CarriageReturn);
        }
        let wanted = decoded_lines(new);
        if wanted.iter().all(|(line, _)| line.is_empty())
            && indent_below(self.text, end) > self.parent + 1
        {
            // With no text in front of it, a deep comment would become the text.
            return Err(Misfit::Text);
        }
        // A last line of the file without a break stays one, if it can.
        let open = self.lines.last().is_some_and(|line| line.next == line.end);
        let stays_open = open && !new.ends_with('\n');
        let chomp = match wanted.last() {
            None if self.chomp == Chomp::Keep => Chomp::Clip,
            None => self.chomp,
            Some(_) if stays_open => self.chomp,
            Some(_) if !new.ends_with('\n') => Chomp::Strip,
            Some(("", _)) => Chomp::Keep,
            Some(_) if self.chomp == Chomp::Strip => Chomp::Clip,
            Some(_) => self.chomp,
        };
        let mut splices = self.rewrite_header(&wanted, chomp)?;
        let lines = if chomp == Chomp::Keep {
            &self.lines[..]
        } else {
            &self.lines[..self.filled]
        };
        self.rewrite_lines(lines, &wanted, open, stays_open, &mut splices);
        Ok(splices)
    }

    fn rewrite_header(&self, wanted: &[(&str, char)], chomp: Chomp) -> Result<Vec<Splice>, Misfit> {
        let folded = self.folded && !folds(wanted);
        let explicit = self
            .explicit
            .or_else(|| hides_indent(wanted).then_some(self.indent - self.parent));
        if explicit.is_some_and(|offset| offset > 9) {
            return Err(Misfit::Text);
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
        wanted: &[(&str, char)],
        open: bool,
        stays_open: bool,
        splices: &mut Vec<Splice>,
    ) {
        let line_break = break_near(self.text, self.header.end);
        let written: Vec<(&str, char)> = lines.iter().map(|line| self.decoded(line)).collect();
        let end = lines.last().map_or(self.body, |line| line.next);
        // Where the text in front lacks a break: an open last line, or a header that ends the file.
        let unbroken = open || !self.text[..self.body].ends_with(is_break);
        let mut ended = false;
        for hunk in align(&written, wanted) {
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
            for &line in &wanted[hunk.new.clone()] {
                push_block_line(&mut text, line, self.indent, line_break);
            }
            if at_end && stays_open {
                if hunk.new.is_empty() {
                    // The line before becomes the last, without a break.
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
        if open && !stays_open && !ended && !wanted.is_empty() {
            splices.push(Splice::insert(end, line_break));
        }
    }

    /// Whether a folded scalar says what it would say as a literal one.
    fn reads_literally(&self, old: &str) -> bool {
        let lines: Vec<_> = self.lines[..self.filled]
            .iter()
            .map(|line| self.decoded(line))
            .collect();
        !folds(&lines) && decoded_lines(old).starts_with(&lines)
    }
}

/// Whether a folded scalar would join any of these lines: two that follow each other, blank ones aside, and do not
/// start with a blank.
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

/// Whether a line does not start with a blank: only such lines fold.
fn is_flush(line: &str) -> bool {
    !line.starts_with([' ', '\t'])
}

fn spaces(text: &str, from: usize) -> usize {
    text.as_bytes()[from..]
        .iter()
        .take_while(|&&byte| byte == b' ')
        .count()
}
