//! One slip in a section loses all of its entries.

use super::unquoted_template::is_sole_cause;
use crate::document::{Section, Shape, Span};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S04",
    name: "yaml-syntax-error",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for section in context.unreadable() {
        let Err(broken) = section.editable() else {
            continue;
        };
        // That it is no list, or a template, is for other rules to say.
        if !matches!(section.shape(), None | Some(Shape::List)) || is_sole_cause(section) {
            continue;
        }
        let key = section.name().key();
        let message = format!(
            "{}: the authenticator can't read {key}, so that none of its entries is in force",
            broken.reason
        );
        if let Some((span, what)) = indent(section, broken.line) {
            let help = format!("indent this line with blanks: there is {what} in front of it");
            found.section(section.name(), span, message, help);
        } else if let Some((span, expected)) = misplaced(section, broken.line) {
            // The section may stand further to the right in a file.
            let here = span.end() - span.start();
            let (blanks, what) = match expected > here {
                true => (expected - here, "too few"),
                false => (here - expected, "too many"),
            };
            let s = if blanks == 1 { "" } else { "s" };
            let help = format!(
                "indent this line as the others of its kind: it begins with {blanks} blank{s} {what}"
            );
            found.section(section.name(), span, message, help);
        } else {
            let help =
                "mend what is around here: the cause stands on this line, or right before it";
            found.section(section.name(), broken.span, message, help);
        }
    }
}

/// An indent that YAML does not take for one, at the line where the reader gave up or the one before it.
fn indent(section: &Section, line: usize) -> Option<(Span, &'static str)> {
    let text = section.text()?;
    let mut start = 0;
    for (number, content) in text.split_inclusive('\n').enumerate() {
        let indent = content.len() - content.trim_start_matches([' ', '\t', '\u{a0}']).len();
        if (number + 1).abs_diff(line) <= 1 && number < line {
            for (blank, what) in [('\t', "a tab"), ('\u{a0}', "a no-break space")] {
                if content[..indent].contains(blank) {
                    return Some((Span::new(start, start + indent), what));
                }
            }
        }
        start += content.len();
    }
    None
}

/// A field or an entry that begins at another column than those before it, at the line where the reader gave up or the one
/// before it; with the blanks that should be there.
fn misplaced(section: &Section, line: usize) -> Option<(Span, usize)> {
    let text = section.text()?;
    let (mut start, mut entries, mut fields) = (0, None, None);
    for (number, content) in text.split_inclusive('\n').enumerate() {
        let rest = content.trim_start_matches(' ');
        let indent = content.len() - rest.len();
        let item = rest
            .strip_prefix('-')
            .map(|item| item.trim_start_matches(' '));
        let expected = match item {
            Some(item) if is_field(item) => *entries.get_or_insert(indent),
            None if is_field(rest) => fields.unwrap_or(indent),
            _ => indent,
        };
        if expected != indent && (number + 1).abs_diff(line) <= 1 && number < line {
            return Some((Span::new(start, start + indent), expected));
        }
        if let Some(item) = item.filter(|item| is_field(item) && entries == Some(indent)) {
            fields = Some(content.len() - item.len());
        }
        start += content.len();
    }
    None
}

/// Whether a line begins as `name:`.
fn is_field(line: &str) -> bool {
    let name = line.trim_start_matches(['"', '\'']);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let behind = end.map_or("", |end| name[end..].trim_start_matches(['"', '\'', ' ']));
    let rest = behind.strip_prefix(':');
    end.is_some_and(|end| end > 0)
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n', '\r']))
}
