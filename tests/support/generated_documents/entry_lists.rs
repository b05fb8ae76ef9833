//! Sections in the styles of users and tools.

use awsauth_core::document::SectionName;
use fastrand::Rng;

use super::{Draw, json, scalars, yaml_fragments};

/// The values of fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    /// Valid values.
    Tame,
    /// Sometimes invalid values, other spellings, and repeated or missing fields.
    Wild,
}

/// The layout of a section.
struct Style {
    values: Values,
    /// The column of the entries' dashes.
    dash: usize,
    /// The number of spaces after a dash.
    gap: usize,
    /// The indentation of a list below its key.
    list: usize,
    quoted_keys: bool,
    quoted_values: bool,
    /// Whether lists and entries are in flow style.
    flow_lists: bool,
    flow_entries: bool,
    comments: bool,
    blank_lines: bool,
    groups_first: bool,
    line_end: &'static str,
    final_newline: bool,
}

impl Style {
    fn draw(rng: &mut Rng, values: Values) -> Self {
        let quoted_keys = rng.one_in(6);
        Self {
            values,
            dash: rng.pick(&[0, 0, 0, 2, 4, 1]),
            gap: rng.pick(&[1, 1, 1, 1, 3, 2]),
            list: rng.pick(&[0, 2, 2, 4]),
            quoted_keys,
            quoted_values: quoted_keys || rng.one_in(8),
            flow_lists: rng.one_in(6),
            flow_entries: rng.one_in(8),
            comments: rng.one_in(4),
            blank_lines: rng.one_in(8),
            groups_first: rng.one_in(3),
            line_end: rng.pick(&["\n", "\n", "\n", "\n", "\n", "\n", "\r\n", "\r"]),
            final_newline: !rng.one_in(5),
        }
    }

    fn is_wild(&self, rng: &mut Rng) -> bool {
        self.values == Values::Wild && rng.one_in(7)
    }
}

/// A section with a few entries, rarely none.
pub(super) fn section(rng: &mut Rng, name: SectionName, values: Values) -> String {
    if rng.one_in(30) {
        return rng.pick(&yaml_fragments::EMPTY_SECTIONS).to_owned();
    }
    if rng.one_in(12) {
        return json::list(rng, name, values);
    }
    let style = Style::draw(rng, values);
    let mut text = String::new();
    if rng.one_in(12) {
        text.push_str(rng.pick(&yaml_fragments::PREAMBLES));
    }
    for _ in 0..rng.weighted(&[0, 4, 5, 3, 1, 1, 1]) {
        if style.comments {
            comment_line(rng, &style, &mut text, style.dash);
        }
        if name == SectionName::Accounts {
            account_entry(rng, &style, &mut text);
        } else if style.flow_entries && !rng.one_in(4) {
            flow_entry(rng, &style, name, &mut text);
        } else {
            block_entry(rng, &style, name, &mut text);
        }
        if style.blank_lines && rng.bool() {
            text.push('\n');
        }
    }
    if rng.one_in(40) {
        text.push_str(rng.pick(&[
            "---\n- rolearn: hidden\n",
            "...\n",
            "...\n]]]",
            "--- |\n x",
            "# end",
        ]));
    }
    if !style.final_newline && text.ends_with('\n') {
        text.pop();
    }
    if style.line_end == "\n" {
        text
    } else {
        text.replace('\n', style.line_end)
    }
}

fn comment_line(rng: &mut Rng, style: &Style, text: &mut String, column: usize) {
    if rng.bool() {
        let column = if rng.one_in(4) {
            rng.usize(..6)
        } else {
            column
        };
        text.push_str(&" ".repeat(column));
        text.push_str(rng.pick(&[
            "# the team\n",
            "#\n",
            "#- rolearn: gone\n",
            "# ünïcode: \"x\"\n",
            "# {{template}}\n",
        ]));
    }
    if style.is_wild(rng) {
        text.push_str(rng.pick(&["\t# tab\n", " \n", "\t\n", "   #\n"]));
    }
}

fn trailing_comment(rng: &mut Rng, style: &Style, text: &mut String) {
    if style.comments && rng.one_in(4) {
        text.push_str(rng.pick(&[" # why", "  #", " # a: b", "\t# tab"]));
    }
    if style.is_wild(rng) {
        text.push_str(rng.pick(&[" ", "\t", "#x", " \t "]));
    }
    text.push('\n');
}

fn account_entry(rng: &mut Rng, style: &Style, text: &mut String) {
    let account = scalars::account(rng);
    let column = style.dash + 1 + style.gap;
    let written = if style.is_wild(rng) {
        scalars::written(rng, column, false)
    } else {
        match rng.u32(..4) {
            0 => account,
            1 => format!("'{account}'"),
            _ => format!("\"{account}\""),
        }
    };
    text.push_str(&format!(
        "{}-{}{written}",
        " ".repeat(style.dash),
        " ".repeat(style.gap)
    ));
    trailing_comment(rng, style, text);
}

/// A field's name and value.
enum Field {
    Text(String, String),
    List(String, Vec<String>),
    Sso(String, Vec<(String, String)>),
}

fn fields(rng: &mut Rng, style: &Style, name: SectionName) -> Vec<Field> {
    let arn = if (name == SectionName::Users) != (style.values == Values::Wild && rng.one_in(20)) {
        "userarn"
    } else {
        "rolearn"
    };
    let principal = if name == SectionName::Roles && rng.one_in(10) {
        let partition = rng.one_in(3).then(|| {
            (
                "partition".to_owned(),
                rng.pick(&["aws", "aws-cn", "", "moon"]).to_owned(),
            )
        });
        let set = (
            "permissionSetName".to_owned(),
            rng.pick(&["Admin", "Admin", "ReadOnly_1", "a b", ""])
                .to_owned(),
        );
        let parts = [set, ("accountID".to_owned(), scalars::account(rng))]
            .into_iter()
            .chain(partition);
        Field::Sso("sso".to_owned(), parts.collect())
    } else {
        Field::Text(arn.to_owned(), scalars::arn(rng, name))
    };
    let username = Field::Text("username".to_owned(), scalars::username(rng));
    let groups = Field::List(
        "groups".to_owned(),
        (0..rng.usize(..4)).map(|_| scalars::group(rng)).collect(),
    );
    let mut fields = if style.groups_first {
        vec![groups, principal, username]
    } else {
        vec![principal, username, groups]
    };
    if rng.one_in(8) {
        fields.remove(rng.usize(..fields.len()));
    }
    if rng.one_in(20) {
        fields.push(Field::Text("userid".to_owned(), "AIDA".to_owned()));
    }
    if style.is_wild(rng) {
        rng.shuffle(&mut fields);
        for _ in 0..rng.usize(..3) {
            let (key, text) = (any_key(rng), scalars::group(rng));
            let field = match rng.u32(..4) {
                0 => Field::List(
                    key,
                    (0..rng.usize(..4)).map(|_| scalars::group(rng)).collect(),
                ),
                1 => Field::Sso(
                    key,
                    vec![
                        ("accountID".to_owned(), scalars::account(rng)),
                        (any_key(rng), "Admin".to_owned()),
                    ],
                ),
                _ => Field::Text(key, text),
            };
            fields.insert(rng.usize(..=fields.len()), field);
        }
    }
    fields
}

/// A field's name, exact or misspelled.
fn any_key(rng: &mut Rng) -> String {
    let key = rng.pick(&yaml_fragments::FIELD_NAMES);
    match rng.u32(..7) {
        0 => key.to_owned(),
        1 => key.to_uppercase(),
        2 => key.replacen('s', "\u{17f}", 1),
        3 => key
            .chars()
            .map(|char| {
                if rng.bool() {
                    char.to_ascii_uppercase()
                } else {
                    char
                }
            })
            .collect(),
        4 => format!("{}{}", key[..1].to_uppercase(), &key[1..]),
        5 => rng.pick(&yaml_fragments::NEAR_FIELD_NAMES).to_owned(),
        _ => key.to_lowercase(),
    }
}

fn key(rng: &mut Rng, style: &Style, name: &str) -> String {
    if style.is_wild(rng) {
        match rng.u32(..6) {
            0 => return any_key(rng),
            1 => return scalars::spell(rng, name, 0, true),
            2 => return format!("? {name}\n"),
            _ => {}
        }
    }
    if style.quoted_keys {
        format!("\"{name}\"")
    } else {
        name.to_owned()
    }
}

fn value(rng: &mut Rng, style: &Style, text: &str, indent: usize, in_flow: bool) -> String {
    if style.is_wild(rng) {
        return scalars::written(rng, indent, in_flow);
    }
    if style.quoted_values
        || text.is_empty()
        || text.contains([' ', '{', '"', '\'', '#', ','])
        || text.starts_with('0')
        || text.parse::<u64>().is_ok()
    {
        return if text.contains('\\') || rng.bool() {
            scalars::spell(rng, text, indent, true)
        } else {
            format!("\"{}\"", text.replace('"', "\\\""))
        };
    }
    if style.values == Values::Wild {
        scalars::spell(rng, text, indent, in_flow)
    } else {
        text.to_owned()
    }
}

fn block_entry(rng: &mut Rng, style: &Style, name: SectionName, text: &mut String) {
    let column = style.dash + 1 + style.gap;
    let mut lead = format!("{}-{}", " ".repeat(style.dash), " ".repeat(style.gap));
    if rng.one_in(20) {
        lead = format!("{}-\n{}", " ".repeat(style.dash), " ".repeat(column));
    }
    for field in fields(rng, style, name) {
        text.push_str(&lead);
        lead = " ".repeat(column);
        if style.is_wild(rng) && rng.one_in(4) {
            lead = " ".repeat((column + rng.usize(..3)).saturating_sub(1));
        }
        block_field(rng, style, &field, column, text);
        if style.comments {
            comment_line(rng, style, text, column);
        }
    }
}

fn block_field(rng: &mut Rng, style: &Style, field: &Field, column: usize, text: &mut String) {
    let colon = if style.is_wild(rng) {
        rng.pick(&[":", " : ", ":  ", ":\t", ":\n   "])
    } else {
        ": "
    };
    match field {
        Field::Text(name, content) => {
            let (key, value) = (
                key(rng, style, name),
                value(rng, style, content, column, false),
            );
            text.push_str(&format!("{key}{colon}{value}"));
            trailing_comment(rng, style, text);
        }
        Field::List(name, items) if style.flow_lists || items.is_empty() => {
            let key = key(rng, style, name);
            let items: Vec<_> = items
                .iter()
                .map(|item| value(rng, style, item, column, true))
                .collect();
            text.push_str(&format!(
                "{key}{colon}[{}]",
                items.join(rng.pick(&[", ", ",", " , ", ",\n      "]))
            ));
            trailing_comment(rng, style, text);
        }
        Field::List(name, items) => {
            text.push_str(&format!("{}:", key(rng, style, name)));
            trailing_comment(rng, style, text);
            for item in items {
                let column = column + style.list;
                let item = value(rng, style, item, column + 2, false);
                text.push_str(&format!("{}- {item}", " ".repeat(column)));
                trailing_comment(rng, style, text);
            }
        }
        Field::Sso(name, parts) => {
            text.push_str(&format!("{}:", key(rng, style, name)));
            trailing_comment(rng, style, text);
            for (name, part) in parts {
                let (key, value) = (
                    key(rng, style, name),
                    value(rng, style, part, column + 2, false),
                );
                text.push_str(&format!("{}{key}: {value}", " ".repeat(column + 2)));
                trailing_comment(rng, style, text);
            }
        }
    }
}

fn flow_entry(rng: &mut Rng, style: &Style, name: SectionName, text: &mut String) {
    let mut parts = Vec::new();
    for field in fields(rng, style, name) {
        parts.push(match field {
            Field::Text(name, content) => format!(
                "{}: {}",
                key(rng, style, &name),
                value(rng, style, &content, 0, true)
            ),
            Field::List(name, items) => {
                let items: Vec<_> = items
                    .iter()
                    .map(|item| value(rng, style, item, 0, true))
                    .collect();
                format!("{}: [{}]", key(rng, style, &name), items.join(", "))
            }
            Field::Sso(name, parts) => {
                let parts: Vec<_> = parts
                    .iter()
                    .map(|(name, part)| {
                        format!(
                            "{}: {}",
                            key(rng, style, name),
                            value(rng, style, part, 0, true)
                        )
                    })
                    .collect();
                format!("{}: {{{}}}", key(rng, style, &name), parts.join(","))
            }
        });
    }
    let separator = rng.pick(&[", ", ", ", ",", ",\n    "]);
    text.push_str(&format!(
        "{}- {{{}}}",
        " ".repeat(style.dash),
        parts.join(separator)
    ));
    trailing_comment(rng, style, text);
}
