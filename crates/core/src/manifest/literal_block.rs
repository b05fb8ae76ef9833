//! Turns lists and mappings into literal blocks of the same lines.

use super::{Manifest, NotText, find_aws_auth, read, verify};
use crate::aws_auth_snapshot::Change;
use crate::document::SectionName;
use goyaml::edit::lines::{Line, break_near, line_at, line_start};
use goyaml::edit::span_tree::{Compare, Pair};
use goyaml::edit::splice::{self, Splice};
use goyaml::edit::{DEFAULT_STEP, read_yaml};

impl Manifest {
    /// Returns the manifest with these values as literal blocks of the same lines; `None` if that is not possible or would
    /// change what anything means.
    pub(super) fn as_literal_blocks(&self, not_text: &[NotText]) -> Option<Self> {
        let data = self.place.data?;
        if self.tree.json || self.tree.is_flow(data.value) {
            return None;
        }
        let mut splices = Vec::new();
        for NotText { key, .. } in not_text {
            splices.extend(self.to_literal_block(self.pair(key)?)?);
        }
        let text = splice::apply(&self.text, splices)?;
        let tree = read(&text).ok()?;
        let place = find_aws_auth::find(&tree).ok()?;
        let (new, left) = Self::at(text, tree, place).ok()?;
        if !left.is_empty() {
            return None;
        }
        let mut change = Change::default();
        for NotText { key, .. } in not_text {
            let name = SectionName::ALL
                .into_iter()
                .find(|name| name.key() == key)?;
            let text = new.data.get(key)?.clone();
            // An alias of an anchor elsewhere in the file would have no anchor in the text.
            let alone = read_yaml(&text).ok()?;
            let &[root] = alone.roots.as_slice() else {
                return None;
            };
            let old = self.pair(key)?.value;
            if !self.tree.same(old, &alone, root, |_, _| Compare::All) {
                return None;
            }
            change.data.insert(name.key(), Some(text));
        }
        verify::same(self, &change, &new).ok()?;
        Some(new)
    }

    /// Inserts a `|` after the key, and indents the lines below deeper than the key if they are not.
    fn to_literal_block(&self, pair: Pair) -> Option<Vec<Splice>> {
        let (key, value) = (self.tree.node(pair.key), self.tree.node(pair.value));
        let colon = key.span.end + self.text.get(key.span.end..value.span.start)?.find(':')? + 1;
        let lines = self.lines_below(pair)?;
        let filled = || lines.iter().filter(|line| !self.content(line).is_empty());
        let least = filled().map(|line| self.indent(line)).min();
        let starts_here = line_start(&self.text, value.span.start) <= key.span.start;
        let deeper = key.column + DEFAULT_STEP;
        let target = match least {
            Some(least) if !starts_here && least > key.column => least,
            _ => deeper,
        };
        let shift = target.saturating_sub(least.unwrap_or(target));
        let first = if starts_here {
            target
        } else {
            self.indent(filled().next()?) + shift
        };
        let header = match first - target {
            0 => " |".to_owned(),
            // YAML would infer the indentation of all lines from the first one.
            _ if target - key.column < 10 => format!(" |{}", target - key.column),
            _ => return None,
        };
        let mut splices = Vec::new();
        if starts_here {
            let down = format!(
                "{header}{}{}",
                break_near(&self.text, colon),
                " ".repeat(target)
            );
            splices.push(Splice::new(colon..value.span.start, down));
        } else {
            splices.push(Splice::insert(colon, header));
        }
        if shift > 0 {
            let each = filled().map(|line| Splice::insert(line.start, " ".repeat(shift)));
            splices.extend(each);
        }
        Some(splices)
    }

    /// Returns the lines of the value below the line of its key, and the comments after it that are deeper than the key.
    fn lines_below(&self, pair: Pair) -> Option<Vec<Line>> {
        let (key, value) = (self.tree.node(pair.key), self.tree.node(pair.value));
        let mut lines = Vec::new();
        let mut last = 0;
        let mut line = line_at(&self.text, line_start(&self.text, key.span.start));
        while line.next > line.end {
            line = line_at(&self.text, line.next);
            let content = self.content(&line);
            let is_comment = content.starts_with('#');
            let is_idle = content.is_empty() || is_comment;
            if line.start + self.indent(&line) >= value.span.end && !is_idle {
                break;
            }
            lines.push(line);
            if !is_idle || (is_comment && self.indent(&line) > key.column) {
                last = lines.len();
            }
        }
        lines.truncate(last);
        Some(lines)
    }

    /// Returns the content of a line without the white space around it.
    fn content(&self, line: &Line) -> &str {
        self.text
            .get(line.start..line.end)
            .unwrap_or_default()
            .trim()
    }

    fn indent(&self, line: &Line) -> usize {
        let text = self.text.get(line.start..line.end).unwrap_or_default();
        text.len() - text.trim_start_matches(' ').len()
    }
}
