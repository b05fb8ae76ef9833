//! Adding keys to a mapping, and taking one out, in the style of its neighbours.

use std::ops::Range;

use super::block::Block;
use super::error::ManifestError;
use super::lines::{break_near, indent_below, is_break, line_at, line_start};
use super::rewrite::Spelling;
use super::spell::double;
use super::splice::Splice;
use super::tree::{Kind, NodeId, Pair, Style, Tree};

/// What a key to be added says.
#[derive(Clone, Debug)]
pub(super) enum New<'a> {
    Text(&'a str),
    Map(Vec<(&'a str, Self)>),
}

/// A file in which keys are added or taken out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pairs<'t> {
    pub(super) text: &'t str,
    pub(super) tree: &'t Tree,
    /// How new texts are spelt.
    pub(super) spelling: Spelling,
    /// How much further in than its key a block mapping stands.
    pub(super) step: usize,
}

impl Pairs<'_> {
    /// Adds keys behind the last one of a mapping; `within` is the pair whose value it is, and the mapping that this
    /// pair belongs to.
    pub(super) fn add(
        &self,
        mapping: NodeId,
        within: Option<(Pair, NodeId)>,
        entries: &[(&str, New<'_>)],
    ) -> Result<Vec<Splice>, ManifestError> {
        let pairs = self.tree.pairs(mapping);
        if let Some(&last) = pairs.last() {
            return if self.is_flow(mapping) {
                Ok(vec![self.add_in_flow(mapping, pairs, entries)])
            } else {
                self.add_in_block(pairs[0], last, entries)
                    .map(|splice| vec![splice])
            };
        }
        let Some((pair, outer)) = within else {
            return Err(ManifestError::Bug("the ConfigMap has no keys".to_owned()));
        };
        let span = self.tree.node(mapping).span.clone();
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
    pub(super) fn remove(
        &self,
        mapping: NodeId,
        pair: Pair,
        within: NodeId,
    ) -> Result<Vec<Splice>, ManifestError> {
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
    ) -> Result<Splice, ManifestError> {
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

    fn add_in_flow(&self, mapping: NodeId, pairs: &[Pair], entries: &[(&str, New<'_>)]) -> Splice {
        let lead = self.lead(mapping);
        let between = match pairs {
            [_] if !lead.contains(is_break) => {
                if self.separator(mapping).ends_with(' ') {
                    " "
                } else {
                    ""
                }
            }
            _ => &lead,
        };
        let mut out = String::new();
        for (key, new) in entries {
            out.push(',');
            out.push_str(between);
            self.push_flow(
                &mut out,
                &lead,
                &self.separator(mapping),
                self.quotes_keys(mapping),
                key,
                new,
            );
        }
        let last = pairs
            .last()
            .map(|last| (self.tree.node(last.key), self.tree.node(last.value)));
        let end = last.map_or(0, |(_, value)| value.span.end);
        if last.is_some_and(|(key, value)| {
            value.property.is_some() || (value.span.is_empty() && key.span.end < end)
        }) {
            // A `,` right behind a tag or the `:` of a key would be part of it.
            out.insert(0, ' ');
        }
        Splice::insert(end, out)
    }

    fn push_flow(
        &self,
        out: &mut String,
        lead: &str,
        separator: &str,
        quoted: bool,
        key: &str,
        new: &New<'_>,
    ) {
        out.push_str(&spell_key(key, quoted));
        out.push_str(separator);
        match new {
            New::Text(text) => out.push_str(&double(text)),
            New::Map(entries) => out.push_str(&self.flow_mapping(lead, separator, quoted, entries)),
        }
    }

    /// A flow mapping whose key stands behind this white space.
    fn flow_mapping(
        &self,
        lead: &str,
        separator: &str,
        quoted: bool,
        entries: &[(&str, New<'_>)],
    ) -> String {
        let spread = lead.contains(is_break);
        let inner = if spread {
            format!("{lead}{}", self.flow_step())
        } else {
            String::new()
        };
        let mut out = String::from("{");
        for (number, (key, new)) in entries.iter().enumerate() {
            if number > 0 {
                out.push(',');
                if !spread && separator.ends_with(' ') {
                    out.push(' ');
                }
            }
            out.push_str(&inner);
            self.push_flow(&mut out, &inner, separator, quoted, key, new);
        }
        if spread {
            out.push_str(lead);
        }
        out.push('}');
        out
    }

    /// The white space in front of the keys of a flow mapping.
    fn lead(&self, mapping: NodeId) -> String {
        let span = |id: NodeId| self.tree.node(id).span.clone();
        let space = match self.tree.pairs(mapping) {
            [] => "",
            [only] => &self.text[span(mapping).start + 1..span(only.key).start],
            [.., before, last] => {
                let between = &self.text[span(before.value).end..span(last.key).start];
                between.split_once(',').map_or(" ", |(_, space)| space)
            }
        };
        if space
            .chars()
            .all(|c| matches!(c, ' ' | '\t') || is_break(c))
        {
            space.to_owned()
        } else {
            " ".to_owned()
        }
    }

    /// What stands between the keys of a flow mapping and their values.
    fn separator(&self, mapping: NodeId) -> String {
        let between = self.tree.pairs(mapping).first().map(|pair| {
            &self.text[self.tree.node(pair.key).span.end..self.tree.node(pair.value).span.start]
        });
        match between {
            Some(":") if self.tree.json => ":".to_owned(),
            Some(" : ") => " : ".to_owned(),
            _ => ": ".to_owned(),
        }
    }

    /// One level of indentation inside brackets, as the first document shows it.
    fn flow_step(&self) -> String {
        let root = self
            .tree
            .roots
            .iter()
            .copied()
            .find(|&root| self.is_flow(root));
        let lead = root.map(|root| self.lead(root)).unwrap_or_default();
        match lead.rsplit_once(is_break) {
            Some((_, indent)) if !indent.is_empty() => indent.to_owned(),
            _ => "  ".to_owned(),
        }
    }

    fn quotes_keys(&self, mapping: NodeId) -> bool {
        let first = self.tree.pairs(mapping).first();
        self.tree.json || first.is_some_and(|pair| self.tree.style(pair.key) == Some(Style::Double))
    }

    /// Where the line of a key starts, when nothing else stands in front of the key.
    fn own_line(&self, key: NodeId) -> Result<usize, ManifestError> {
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

    fn unwritable(&self, key: NodeId, reason: &'static str, remedy: &'static str) -> ManifestError {
        ManifestError::Unwritable {
            line: self.tree.node(key).line,
            path: self.tree.scalar(key).unwrap_or_default().to_owned(),
            reason,
            remedy,
        }
    }

    /// Where the last line of a pair ends.
    fn end_of(&self, mut pair: Pair) -> End {
        let mut column = self.tree.node(pair.key).column;
        loop {
            let node = self.tree.node(pair.value);
            match &node.kind {
                Kind::Mapping { flow: false, pairs } if !pairs.is_empty() => {
                    pair = pairs[pairs.len() - 1];
                    column = self.tree.node(pair.key).column;
                }
                Kind::Sequence { flow: false, items } if !items.is_empty() => {
                    column = node.column;
                    pair.value = items[items.len() - 1];
                }
                Kind::Scalar {
                    style: Style::Literal | Style::Folded,
                    ..
                } => {
                    let start = skip_properties(self.text, node.span.clone());
                    let block = Block::read(self.text, start, column, 1);
                    return End {
                        at: block.end(),
                        block: Some((block.indent(), block.keeps_blank_lines())),
                    };
                }
                _ => {
                    return End {
                        at: line_at(self.text, node.span.end).next,
                        block: None,
                    };
                }
            }
        }
    }
}

/// Where a pair ends.
struct End {
    /// Behind its last line.
    at: usize,
    /// If that line is a block scalar's: the column of its text, and whether it takes in the blank lines behind it.
    block: Option<(usize, bool)>,
}

/// Where a block scalar's header stands, behind an anchor and a tag.
fn skip_properties(text: &str, span: Range<usize>) -> usize {
    let mut rest = &text[span.clone()];
    while let Some(first) = rest.chars().next() {
        let ends = match first {
            '&' | '!' => rest.find(char::is_whitespace),
            '#' => rest.find(is_break),
            c if c.is_whitespace() => Some(c.len_utf8()),
            _ => None,
        };
        let Some(ends) = ends else { break };
        rest = &rest[ends..];
    }
    span.end - rest.len()
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
