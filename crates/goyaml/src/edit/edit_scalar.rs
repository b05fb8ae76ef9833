//! Changes the text of a scalar in its own style.

use super::block_scalar::{BlockScalar, RewriteError};
use super::lines::{break_near, indent_below, line_at};
use super::quoted_scalar::QuotedScalar;
use super::scalar_style::{Spelling, double};
use super::span_tree::{NodeId, Style};
use super::splice::Splice;
use super::{DEFAULT_STEP, Editor, Unwritable};

impl Editor<'_> {
    /// Changes the text of the scalar `value` from `old` to `new`. `column` is that of its key; `path` is for messages.
    ///
    /// # Errors
    /// If the style of the scalar does not allow it.
    pub fn set(
        &self,
        value: NodeId,
        column: usize,
        path: &str,
        old: &str,
        new: &str,
    ) -> Result<Vec<Splice>, Unwritable> {
        let node = self.tree.node(value);
        let offset = match self.spelling {
            Spelling::Literal { offset } => offset,
            _ => DEFAULT_STEP,
        };
        let unwritable = |reason, remedy| Unwritable {
            line: node.line,
            path: path.to_owned(),
            reason,
            remedy,
        };
        match self.tree.style(value) {
            Some(Style::Literal | Style::Folded) => {
                let block = BlockScalar::read(self.text, node.span.start, column, offset);
                match block.rewrite(old, new) {
                    Ok(splices) => Ok(splices),
                    Err(RewriteError::Text) => Ok(vec![
                        Splice::new(block.header.clone(), double(new)),
                        Splice::delete(block.filled_lines()),
                    ]),
                    Err(RewriteError::Folded) => Err(unwritable(
                        "the `>` joins its lines",
                        "write `|` instead of `>`, and one line per line of the text",
                    )),
                    Err(RewriteError::CarriageReturn) => Err(unwritable(
                        "some of its lines end in a lone carriage return",
                        "end each line with a newline",
                    )),
                }
            }
            Some(style @ (Style::Double | Style::Single))
                if !old.is_empty() || self.spelling == Spelling::Double =>
            {
                let scalar = QuotedScalar::new(self.text, node.span.clone(), style, self.tree.json);
                Ok(scalar
                    .rewrite(old, new)
                    .unwrap_or_else(|| self.replace(value, column, new)))
            }
            _ => Ok(self.replace(value, column, new)),
        }
    }

    /// Replaces a whole value.
    fn replace(&self, value: NodeId, column: usize, new: &str) -> Vec<Splice> {
        let span = self.tree.node(value).span.clone();
        let line_break = break_near(self.text, span.end);
        let below = indent_below(self.text, line_at(self.text, span.end).next);
        let spelling = match self.spelling {
            // A comment may follow a quote without a space, but not a plain scalar.
            Spelling::Plain if self.text[span.end..].starts_with('#') => Spelling::Double,
            spelling => spelling,
        };
        let (mut head, mut body) = spelling.spell(new, column, line_break, below);
        if self.text[..span.start].ends_with([':', '-']) && !self.tree.json {
            head.insert(0, ' ');
        }
        let mut splices = vec![Splice::new(span.clone(), head)];
        if !body.is_empty() {
            let line = line_at(self.text, span.end);
            if line.next == line.end {
                body.insert_str(0, line_break);
            }
            splices.push(Splice::insert(line.next, body));
        }
        splices
    }
}
