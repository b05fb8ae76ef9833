//! Adding keys to a mapping, and taking one out, in the style of its neighbours.

mod end;

use std::ops::Range;

pub(super) use end::End;

use super::lines::{break_near, indent_below, is_break, line_at, line_start};
use super::new::{Around, New, Spacing};
use super::splice::Splice;
use super::tree::{NodeId, Pair, Style};
use super::{Editor, Unwritable};

impl Editor<'_> {
    /// Adds keys behind the last one of a mapping; `within` is the pair whose value it is, and the mapping that this
    /// pair belongs to; a document has none.
    pub(crate) fn add(
        &self,
        mapping: NodeId,
        within: Option<(Pair, NodeId)>,
        entries: &[(&str, New<'_>)],
    ) -> Result<Vec<Splice>, Unwritable> {
        let pairs = self.tree.pairs(mapping);
        if let Some(&last) = pairs.last() {
            return if self.tree.is_flow(mapping) {
                Ok(vec![self.add_in_flow(mapping, pairs, entries)])
            } else {
                self.add_in_block(pairs[0], last, entries)
                    .map(|splice| vec![splice])
            };
        }
        let span = self.tree.node(mapping).span.clone();
        let new = New::Map(entries.to_vec());
        Ok(match within {
            Some((pair, outer)) => self.fill(pair, outer, &new),
            // The braces of a whole document.
            None => vec![Splice::new(span, self.flow(&Spacing::of_nothing(), &new))],
        })
    }

    /// Gives a key whose value is `{}`, `[]`, null or nothing its first value; `outer` is the mapping it belongs to.
    pub(crate) fn fill(&self, pair: Pair, outer: NodeId, new: &New<'_>) -> Vec<Splice> {
        let span = self.tree.node(pair.value).span.clone();
        if self.tree.is_flow(outer) {
            let spacing = self.spacing(outer);
            let text = self.flow(&spacing, new);
            let key = self.tree.node(pair.key).span.end;
            let rest = self.text[key..].trim_start();
            if !rest.starts_with(':') {
                // A key alone, as `a` in `{a, b: c}`.
                return vec![Splice::insert(key, format!("{}{text}", spacing.separator))];
            }
            let is_close = self.text[..span.start].ends_with(':');
            let blank = if is_close && !self.tree.json && spacing.separator.ends_with(' ') {
                " "
            } else {
                ""
            };
            return vec![Splice::new(span, format!("{blank}{text}"))];
        }
        // A block takes the place of what stands behind the colon.
        let line = line_at(self.text, span.end);
        let line_break = break_near(self.text, span.end);
        let below = indent_below(self.text, line.next);
        let column = self.tree.node(pair.key).column;
        let (mut head, mut lines) = self.block(
            new,
            column,
            Around {
                line_break,
                quoted: self.quotes_keys(outer),
                below,
            },
        );
        if line.next == line.end && !lines.is_empty() {
            lines.insert_str(0, line_break);
        }
        if self.text[span.end..].starts_with('#') {
            // Brackets may end where a comment begins, nothing else may.
            head.push(' ');
        }
        let blanks = self.text[..span.start].trim_end_matches(' ').len();
        let from = if span.is_empty() || !self.text[..blanks].ends_with(':') {
            span.start
        } else {
            blanks
        };
        vec![
            Splice::new(from..span.end, head),
            Splice::insert(line.next, lines),
        ]
    }

    /// Takes a key and its value out of a mapping; `within` is the key whose value the mapping is.
    pub(crate) fn remove(
        &self,
        mapping: NodeId,
        pair: Pair,
        within: NodeId,
    ) -> Result<Vec<Splice>, Unwritable> {
        let pairs = self.tree.pairs(mapping);
        let at = pairs
            .iter()
            .position(|other| other.key == pair.key)
            .unwrap_or_default();
        let span = |id: NodeId| self.tree.node(id).span.clone();
        if self.tree.is_flow(mapping) {
            let range = if at > 0 {
                span(pairs[at - 1].value).end..span(pair.value).end
            } else if let Some(next) = pairs.get(1) {
                span(pair.key).start..span(next.key).start
            } else {
                span(mapping).start + 1..span(mapping).end - 1
            };
            return Ok(vec![Splice::new(range, "")]);
        }
        let start = self.own_line(pair.key)?;
        let above = at.checked_sub(1).map(|above| self.end_of(pairs[above]));
        let range = self.cut(start..self.end_of(pair).at, above, pair.key)?;
        let mut splices = vec![Splice::new(range, "")];
        if pairs.len() == 1 {
            let key = span(within).end;
            let colon = self.text[key..]
                .find(':')
                .map_or(key, |colon| key + colon + 1);
            splices.push(Splice::insert(colon, " {}"));
        }
        Ok(splices)
    }

    /// What goes when these lines are taken out; `above` is the end of what then stands in front of what follows.
    pub(super) fn cut(
        &self,
        lines: Range<usize>,
        above: Option<End>,
        about: NodeId,
    ) -> Result<Range<usize>, Unwritable> {
        let mut end = lines.end;
        // A block scalar above takes in what stands deep enough.
        if let Some((indent, keeps_blank_lines)) = above.and_then(|above| above.block) {
            if keeps_blank_lines || indent_below(self.text, end) > indent {
                end = skip_blank_lines(self.text, end);
            }
            if indent_below(self.text, end) > indent {
                return Err(self.unwritable(
                    about,
                    "what stands below it would become text of the key above",
                    "indent the comment below it less",
                ));
            }
        }
        Ok(lines.start..end)
    }

    fn add_in_block(
        &self,
        first: Pair,
        last: Pair,
        entries: &[(&str, New<'_>)],
    ) -> Result<Splice, Unwritable> {
        let column = self.tree.node(first.key).column;
        let End { mut at, block } = self.end_of(last);
        let line_break = break_near(self.text, self.tree.node(last.key).span.start);
        let mut lines = String::new();
        if !self.text[..at].ends_with(is_break) {
            if block.is_some() {
                // A block scalar that the end of the file cuts short would gain a newline with something behind it.
                at = self.own_line(last.key)?;
            } else {
                lines.push_str(line_break);
            }
        }
        let around = Around {
            line_break,
            quoted: matches!(self.tree.style(first.key), Some(Style::Double)),
            below: indent_below(self.text, at),
        };
        self.push_entries(&mut lines, column, around, entries);
        Ok(Splice::insert(at, lines))
    }

    /// Where the line of a key starts, when nothing else stands in front of the key.
    pub(super) fn own_line(&self, key: NodeId) -> Result<usize, Unwritable> {
        let node = self.tree.node(key);
        let start = line_start(self.text, node.span.start);
        if self.text[start..node.span.start]
            .bytes()
            .all(|byte| byte == b' ')
        {
            return Ok(start);
        }
        Err(self.unwritable(
            key,
            "its key does not stand on a line of its own",
            "give the key its own line, as `key: value`",
        ))
    }

    pub(super) fn unwritable(
        &self,
        key: NodeId,
        reason: &'static str,
        remedy: &'static str,
    ) -> Unwritable {
        Unwritable {
            line: self.tree.node(key).line,
            path: self.tree.scalar(key).unwrap_or_default().to_owned(),
            reason,
            remedy,
        }
    }
}

fn skip_blank_lines(text: &str, from: usize) -> usize {
    let mut line = line_at(text, from);
    while line.next > line.end
        && text[line.start..line.end]
            .trim_start_matches(' ')
            .is_empty()
    {
        line = line_at(text, line.next);
    }
    line.start
}
