//! The authenticator ignores groups that are not a list.

use crate::document::{DecodeWarning, Shape};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S10",
    name: "groups-not-a-list",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["G01", "N04", "U03"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context
        .mapped()
        .filter(|entry| entry.mapping.groups.is_none())
    {
        for warning in &entry.source.decode_warnings {
            let DecodeWarning::Mistyped {
                field: "groups",
                in_list: false,
                found: shape,
                span,
            } = *warning
            else {
                continue;
            };
            let message = format!(
                "groups is {}, not a list: the authenticator keeps the entry without any group",
                shape.name()
            );
            let raw = entry.raw(span);
            // A comma may separate groups or be part of one, and brackets have a meaning in YAML.
            let is_one_group = shape == Shape::Text
                && !raw.starts_with('-')
                && !raw.contains([',', '[', ']', '{', '}', '\n', '#', '|', '>', '&', '*', '!'])
                && entry.source.span.range().contains(&span.start());
            let groups: Vec<&str> = raw
                .trim_matches(['"', '\''])
                .split(',')
                .map(|group| group.trim_matches(['"', '\'', ' ']))
                .filter(|group| !group.is_empty())
                .collect();
            let is_plain = |group: &&str| {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
                group.chars().all(is_plain)
            };
            // Without a space after them, dashes are part of the text.
            let items: Vec<&str> = raw.split_whitespace().collect();
            let is_item = |item: &&str| item.len() > 1 && item.starts_with('-');
            let is_list = !items.is_empty() && items.iter().all(is_item);
            let lines: Vec<&str> = raw
                .lines()
                .map(|line| line.trim().trim_start_matches('-').trim_start())
                .collect();
            let is_lines = raw.contains('\n') && lines.iter().all(is_plain);
            let help = match shape {
                Shape::Text if raw.starts_with(['"', '\'']) && raw.contains('[') => {
                    "remove the quotes around the list".to_owned()
                }
                Shape::Text if is_lines => format!(
                    "begin each group with a dash and a space, all in the same column: - {}",
                    lines[0]
                ),
                Shape::Text if is_list => {
                    let item = items[0].trim_start_matches('-');
                    format!("write a space after the dash: - {item}")
                }
                Shape::Text if !groups.is_empty() && groups.iter().all(is_plain) => {
                    format!("write a list: groups: [{}]", groups.join(", "))
                }
                _ => "write a list, as in groups: [viewers]".to_owned(),
            };
            findings
                .entry(entry, Part::Groups, message, help)
                .at(span)
                .fix(
                    "make it a list with one group",
                    is_one_group.then(|| (span, format!("[{raw}]"))),
                );
        }
    }
}
