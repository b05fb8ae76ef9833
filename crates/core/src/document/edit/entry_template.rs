//! Writes new entries in the style of an existing one, or else in a plain style.

use goyaml::edit::lines::{indent_before, is_break};
use goyaml::edit::scalar_style::Quotes;
use goyaml::edit::splice;

use super::change_entry::{Change, arn, changeable};
use crate::document::{Entry, Mapping, Principal, Section, SectionName, Span};

/// The number of groups that a template keeps. Two are enough to show the style of the list.
const TEMPLATE_GROUPS: usize = 2;

/// An entry whose style new ones copy.
pub(super) struct Template {
    section: Section,
    /// The number of bytes added before the entry to make it a section of its own.
    before: usize,
    /// The number of bytes added after it.
    after: usize,
}

impl Template {
    /// Returns the last entry of the section that has only the fields of a mapping.
    pub(super) fn find(section: &Section) -> Option<Self> {
        let text = section.text()?;
        section
            .entries()
            .iter()
            .rev()
            .filter(|entry| is_clean(text, entry))
            .find_map(|entry| Self::of(section, entry))
    }

    fn of(section: &Section, entry: &Entry) -> Option<Self> {
        let text = section.text()?;
        let (before, start, after) = match entry.dash {
            Some(dash) => (" ".repeat(indent_before(text, dash)?.len()), dash, ""),
            None => ("[".to_owned(), entry.span.start(), "]"),
        };
        let alone = format!("{before}{}{after}", &text[start..entry.span.end()]);
        let mut alone = Section::read(section.name(), Some(alone));
        let [one] = alone.entries() else { return None };
        if one.mapping() != entry.mapping() {
            return None;
        }
        if one.fields.group_items.len() > TEMPLATE_GROUPS {
            let mut mapping = one.mapping()?.clone();
            mapping.groups.as_mut()?.truncate(TEMPLATE_GROUPS);
            let text = rewritten(&alone, &mapping)?;
            alone = Section::read(section.name(), Some(text));
        }
        Some(Self {
            section: alone,
            before: before.len(),
            after: after.len(),
        })
    }

    /// Renders a new entry like this one, starting with the dash; in flow style, there is no dash.
    pub(super) fn render(&self, mapping: &Mapping) -> Option<String> {
        let text = self.section.text()?;
        let [entry] = self.section.entries() else {
            return None;
        };
        let rendered = match &mapping.principal {
            Principal::Account(id) => account(text, entry.span, id),
            Principal::Sso(_) => return None,
            _ => rewritten(&self.section, mapping)?,
        };
        Some(without_trailing_blanks(
            &rendered[self.before..rendered.len() - self.after],
        ))
    }
}

/// Returns the content of a section with one entry, after that entry is changed to this mapping.
fn rewritten(section: &Section, to: &Mapping) -> Option<String> {
    let [entry] = section.entries() else {
        return None;
    };
    let change = Change {
        text: section.text()?,
        entry,
        from: entry.mapping()?,
        to,
        renames: &[],
        as_example: true,
    };
    splice::apply(change.text, change.splices()?)
}

/// Removes trailing white space from all lines, and the line break at the end.
fn without_trailing_blanks(text: &str) -> String {
    let text = text.trim_end();
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive(is_break) {
        let content = line.trim_end_matches(is_break);
        out.push_str(content.trim_end_matches(' '));
        out.push_str(&line[content.len()..]);
    }
    out
}

/// Writes an account in the same quotes as another one. An account that could be read as an octal number is always quoted.
fn account(text: &str, like: Span, id: &str) -> String {
    let written = &text[like.range()];
    let spelt = match Quotes::of(written) {
        Quotes::None if is_number(id) => id.to_owned(),
        Quotes::Single => Quotes::Single.spell(id, true),
        _ => Quotes::Double.spell(id, true),
    };
    format!("{}{spelt}{}", &text[..like.start()], &text[like.end()..])
}

/// Returns whether every YAML reader reads the account as a decimal number.
fn is_number(id: &str) -> bool {
    !id.is_empty() && !id.starts_with('0') && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether the entry has ARN, username and groups once each, and neither comments nor anything else.
fn is_clean(text: &str, entry: &Entry) -> bool {
    let fields = &entry.fields;
    let Some(mapping) = entry.mapping() else {
        return false;
    };
    let start = entry.dash.unwrap_or(entry.span.start());
    let written = &text[start..entry.span.end()];
    if let Principal::Account(_) = mapping.principal {
        return !entry.span.is_empty() && !written.contains(['\n', '\r', '|', '>']);
    }
    let has_all =
        fields.principal.is_some() && fields.username.is_some() && !fields.group_items.is_empty();
    let is_unusual =
        fields.is_repeated || fields.is_mistyped || fields.has_unknown || fields.sso.is_some();
    let values = [fields.principal, fields.username]
        .into_iter()
        .flatten()
        .map(|field| field.value);
    let mut scalars = values.chain(fields.group_items.iter().map(|item| item.span));
    let is_single_line =
        |span: Span| !span.is_empty() && !text[span.range()].contains(['\n', '\r', '#']);
    has_all
        && !is_unusual
        && changeable(text, entry).is_ok()
        && scalars.all(is_single_line)
        && !written.contains(['#', '\t'])
        && mapping.groups().len() == fields.group_items.len()
}

/// Renders a new entry without a template, starting with the dash. Further lines are indented two columns deeper than the dash.
pub(super) fn plain_block(mapping: &Mapping, indent: &str, line_break: &str) -> String {
    let scalar = |value: &str| Quotes::None.spell(value, false);
    let mut lines = match &mapping.principal {
        Principal::Account(id) => return format!("- {}", Quotes::Double.spell(id, false)),
        Principal::Sso(sso) => {
            let mut lines = vec![
                "- sso:".to_owned(),
                format!(
                    "    permissionSetName: {}",
                    scalar(&sso.permission_set_name)
                ),
                format!(
                    "    accountID: {}",
                    Quotes::Double.spell(&sso.account_id, false)
                ),
            ];
            if !sso.partition.is_empty() {
                lines.push(format!("    partition: {}", scalar(&sso.partition)));
            }
            lines
        }
        principal => vec![format!(
            "- {}: {}",
            key(principal.section()),
            scalar(arn(principal).unwrap_or_default())
        )],
    };
    lines.push(format!("  username: {}", scalar(&mapping.username)));
    if !mapping.groups().is_empty() {
        lines.push("  groups:".to_owned());
        lines.extend(
            mapping
                .groups()
                .iter()
                .map(|group| format!("    - {}", scalar(group))),
        );
    }
    lines.join(&format!("{line_break}{indent}"))
}

/// Renders a new entry in flow style without a template, as JSON.
pub(super) fn plain_flow(mapping: &Mapping) -> String {
    let text = |value: &str| Quotes::Double.spell(value, true);
    let principal = match &mapping.principal {
        Principal::Account(id) => return text(id),
        Principal::Sso(sso) => {
            let name = text(&sso.permission_set_name);
            let mut fields = format!(
                r#""permissionSetName": {name}, "accountID": {}"#,
                text(&sso.account_id)
            );
            if !sso.partition.is_empty() {
                fields.push_str(&format!(r#", "partition": {}"#, text(&sso.partition)));
            }
            format!(r#""sso": {{{fields}}}"#)
        }
        principal => format!(
            r#""{}": {}"#,
            key(principal.section()),
            text(arn(principal).unwrap_or_default())
        ),
    };
    let groups: Vec<_> = mapping.groups().iter().map(|group| text(group)).collect();
    let groups = if groups.is_empty() {
        String::new()
    } else {
        format!(r#", "groups": [{}]"#, groups.join(", "))
    };
    format!(
        r#"{{{principal}, "username": {}{groups}}}"#,
        text(&mapping.username)
    )
}

const fn key(section: SectionName) -> &'static str {
    match section {
        SectionName::Users => "userarn",
        _ => "rolearn",
    }
}
