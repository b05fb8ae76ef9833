//! Adding keys to a mapping, and taking one out, in the style of its neighbours.

mod end;
mod flow;

use end::End;

use super::lines::{break_near, indent_below, is_break, line_at, line_start};
use super::spell::double;
use super::splice::Splice;
use super::tree::{Kind, NodeId, Pair, Style};
use super::{Editor, Unwritable};

/// What a key to be added says.
#[derive(Clone, Debug)]
pub(crate) enum New<'a> {
    Text(&'a str),
    Map(Vec<(&'a str, Self)>),
}

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
            return if self.is_flow(mapping) {
                Ok(vec![self.add_in_flow(mapping, pairs, entries)])
            } else {
                self.add_in_block(pairs[0], last, entries)
                    .map(|splice| vec![splice])
            };
        }
        let span = self.tree.node(mapping).span.clone();
        let Some((pair, outer)) = within else {
            // The braces of a whole document.
            let text = self.flow_mapping("", ": ", self.tree.json, entries);
            return Ok(vec![Splice::new(span, text)]);
        };
        if self.is_flow(outer) {
            let lead = self.lead(outer);
            let text = self.flow_mapping(
                &lead,
                &self.separator(outer),
                self.quotes_keys(outer),
                entries,
            );
            let blank = if self.text[..span.start].ends_with(':') && !self.tree.json {
                " "
            } else {
                ""
            };
            return Ok(vec![Splice::new(span, format!("{blank}{text}"))]);
        }
        // A block mapping takes the place of `{}`, `null` or nothing.
        let line = line_at(self.text, span.end);
        let line_break = break_near(self.text, span.end);
        let mut lines = String::new();
        if line.next == line.end {
            lines.push_str(line_break);
        }
        let column = self.tree.node(pair.key).column + self.step;
        let below = indent_below(self.text, line.next);
        self.push_block(
            &mut lines,
            column,
            line_break,
            self.quotes_keys(outer),
            below,
            entries,
        );
        let blanks = self.text[..span.start].trim_end_matches(' ').len();
        let from = if span.is_empty() || !self.text[..blanks].ends_with(':') {
            span.start
        } else {
            blanks
        };
        Ok(vec![
            Splice::new(from..span.end, ""),
            Splice::insert(line.next, lines),
        ])
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
        if self.is_flow(mapping) {
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
        let mut end = self.end_of(pair).at;
        // A block scalar above takes in what stands deep enough.
        let above = at
            .checked_sub(1)
            .and_then(|above| self.end_of(pairs[above]).block);
        if let Some((indent, keeps_blank_lines)) = above {
            if keeps_blank_lines || indent_below(self.text, end) > indent {
                end = skip_blank_lines(self.text, end);
            }
            if indent_below(self.text, end) > indent {
                return Err(self.unwritable(
                    pair.key,
                    "what stands below it would become text of the key above",
                    "indent the comment below it less",
                ));
            }
        }
        let mut splices = vec![Splice::new(start..end, "")];
        if pairs.len() == 1 {
            let key = span(within).end;
            let colon = self.text[key..]
                .find(':')
                .map_or(key, |colon| key + colon + 1);
            splices.push(Splice::insert(colon, " {}"));
        }
        Ok(splices)
    }

    fn is_flow(&self, mapping: NodeId) -> bool {
        matches!(
            self.tree.node(mapping).kind,
            Kind::Mapping { flow: true, .. }
        )
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
        let quoted = matches!(self.tree.style(first.key), Some(Style::Double));
        let below = indent_below(self.text, at);
        self.push_block(&mut lines, column, line_break, quoted, below, entries);
        Ok(Splice::insert(at, lines))
    }

    fn push_block(
        &self,
        out: &mut String,
        column: usize,
        line_break: &str,
        quoted: bool,
        below: usize,
        entries: &[(&str, New<'_>)],
    ) {
        for (key, new) in entries {
            out.extend(std::iter::repeat_n(' ', column));
            out.push_str(&spell_key(key, quoted));
            out.push(':');
            match new {
                New::Text(text) => {
                    let (head, body) = self.spelling.spell(text, column, line_break, below);
                    out.push(' ');
                    out.push_str(&head);
                    out.push_str(line_break);
                    out.push_str(&body);
                }
                New::Map(entries) => {
                    out.push_str(line_break);
                    self.push_block(out, column + self.step, line_break, quoted, below, entries);
                }
            }
        }
    }

    /// Where the line of a key starts, when nothing else stands in front of the key.
    fn own_line(&self, key: NodeId) -> Result<usize, Unwritable> {
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

    fn unwritable(&self, key: NodeId, reason: &'static str, remedy: &'static str) -> Unwritable {
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

fn spell_key(key: &str, quoted: bool) -> String {
    if quoted { double(key) } else { key.to_owned() }
}
