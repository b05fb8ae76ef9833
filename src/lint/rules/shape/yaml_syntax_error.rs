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
        match indent(section, broken.line) {
            Some((span, what)) => {
                let help = format!("indent this line with blanks: there is {what} in front of it");
                found.section(section.name(), span, message, help);
            }
            None => {
                let help = "mend this line or the one before it";
                found.section(section.name(), broken.span, message, help);
            }
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
