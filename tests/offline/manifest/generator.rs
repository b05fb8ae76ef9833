//! Generates manifests in many styles, and new contents for their sections.

use std::collections::BTreeMap;

use awsauth_core::manifest::Manifest;
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) const KEYS: [&str; 3] = ["mapRoles", "mapUsers", "mapAccounts"];

/// A manifest in parts: the text around each of the three sections, and the sections.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    /// `around[n]` is before section n; the last one is after all sections.
    pub(crate) around: [String; 4],
    /// The spelling after `key:` and the decoded text. `None` is a missing key.
    pub(crate) sections: [Option<(String, String)>; 3],
}

impl Pieces {
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (around, section) in self
            .around
            .iter()
            .zip(self.sections.iter().map(Some).chain([None]))
        {
            text.push_str(around);
            if let Some(Some((raw, _))) = section {
                text.push_str(raw);
            }
        }
        text
    }

    pub(crate) fn raw(&self, at: usize) -> &str {
        self.sections
            .get(at)
            .and_then(Option::as_ref)
            .map_or("", |(raw, _)| raw)
    }

    fn data(&self) -> BTreeMap<String, String> {
        let sections = KEYS.iter().zip(&self.sections);
        sections
            .filter_map(|(key, section)| Some(((*key).to_owned(), section.as_ref()?.1.clone())))
            .collect()
    }
}

/// Generates one line of a section, without its line break.
pub(crate) fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => select(vec![
            "- rolearn: arn:aws:iam::111122223333:role/node",
            "- userarn: \"arn:aws:iam::111122223333:user/Ann\"",
            "  username: system:node:{{EC2PrivateDNSName}}",
            "  groups:",
            "  - system:masters",
            "  - system:bootstrappers # why",
            "- \"111122223333\"",
            "# it's a comment: yes",
            "[{\"rolearn\": \"a\\u0041\", groups: ['x''y']}]",
        ]).prop_map(str::to_owned),
        3 => Just(String::new()),
    ]
}

pub(crate) fn section_text() -> impl Strategy<Value = String> {
    let plain = (
        prop::collection::vec(line(), 0..12),
        select(vec!["", "\n", "\n", "\n", "\n\n"]),
    )
        .prop_map(|(lines, end)| lines.join("\n") + end);
    prop_oneof![
        12 => plain,
        1 => prop::collection::vec(select(vec!['a', ' ', '\n', '\t', '\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{0}', '\u{7f}', '"', '\'', '\\', '#', ':', '\u{ffff}', '𝒳']), 0..30)
            .prop_map(|chars| chars.into_iter().collect()),
    ]
}

/// The style of a section.
#[derive(Clone, Copy, Debug)]
enum Written {
    Literal {
        offset: usize,
        explicit: bool,
        comment: bool,
        blank_indents: bool,
    },
    Double {
        escapes: bool,
        wraps: bool,
    },
    Single,
}

fn written() -> impl Strategy<Value = Written> {
    prop_oneof![
        6 => (1..7usize, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(offset, explicit, comment, blank_indents)| {
            Written::Literal { offset, explicit, comment, blank_indents }
        }),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(escapes, wraps)| Written::Double { escapes, wraps }),
        1 => Just(Written::Single),
    ]
}

/// A section in a random style, including its last line break.
fn write(text: &str, written: Written, column: usize, line_break: &str) -> String {
    match written {
        Written::Literal {
            offset,
            explicit,
            comment,
            blank_indents,
        } => {
            let chomp = match text {
                _ if !text.ends_with('\n') => "-",
                _ if text == "\n" || text.ends_with("\n\n") => "+",
                _ => "",
            };
            let first = text
                .split('\n')
                .find(|line| !line.is_empty())
                .unwrap_or_default();
            let explicit = explicit || first.starts_with([' ', '\t']);
            let indicator = if explicit {
                offset.to_string()
            } else {
                String::new()
            };
            let comment = if comment { " # | note" } else { "" };
            let mut raw = format!(" |{indicator}{chomp}{comment}{line_break}");
            for line in text
                .strip_suffix('\n')
                .unwrap_or(text)
                .split('\n')
                .filter(|_| !text.is_empty())
            {
                // Blank lines before the text must not be indented more than the text.
                if !line.is_empty() || blank_indents {
                    raw.extend(std::iter::repeat_n(' ', column + offset));
                }
                raw.push_str(line);
                raw.push_str(line_break);
            }
            raw
        }
        Written::Double { escapes, wraps } => {
            let mut raw = String::from(" \"");
            for (at, c) in text.chars().enumerate() {
                match c {
                    '"' | '\\' => raw.extend(['\\', c]),
                    '\n' if wraps => raw.push_str(&format!("\\n\\{line_break}    \\")),
                    '\n' => raw.push_str("\\n"),
                    'a' if escapes => raw.push_str("\\x61"),
                    'r' if escapes && at % 2 == 0 => raw.push_str("\\u0072"),
                    ' '..='~' => raw.push(c),
                    c => raw.push_str(&format!("\\U{:08x}", u32::from(c))),
                }
                if c == '\n' && wraps {
                    // After a wrapped line, a space must be escaped.
                    raw.pop();
                    raw.push_str("\\x20");
                }
            }
            raw + "\" # end" + line_break
        }
        Written::Single => format!(" '{}'{line_break}", text.replace('\'', "''")),
    }
}

/// Returns the text that a section in this style decodes to.
fn decoded(text: &str, written: Written) -> String {
    match written {
        Written::Double { wraps: true, .. } => text.replace('\n', "\n "),
        _ => text.to_owned(),
    }
}

pub(crate) fn pieces() -> impl Strategy<Value = Pieces> {
    let section = || prop::option::weighted(0.8, (section_text(), written()));
    (
        [section(), section(), section()],
        select(vec!["\n", "\n", "\r\n"]),
        1..5usize,
        select(vec!["", "", "# top\n", "---\n", "kind: Pod\nmetadata: {name: aws-auth}\n---\n", "\u{feff}"]),
        select(vec!["", "", "# c\n", "\n  # c\n", "\n\n"]),
        select(vec!["", "", "\n\n", "# end\n", "immutable: false\n", "---\n- a: &x |\n   b\n- *x\n", "...\n"]),
        any::<bool>(),
    )
        .prop_filter_map("single quotes hold one line", |(sections, line_break, column, top, between, end, in_list)| {
            let (margin, dash) = if in_list { ("  ", "- ") } else { ("", "") };
            let column = column + margin.len();
            let mut head = top.to_owned();
            if in_list {
                head += "kind: List\nitems:\n";
            }
            head += &format!("{dash}kind: ConfigMap\n{margin}metadata:\n{margin}  name: aws-auth # it\n{margin}  annotations: {{a: b}}\n{margin}data:\n");
            if in_list && (end.starts_with("immutable") || top.contains("kind")) {
                return None;
            }
            let mut around = [head, between.to_owned(), between.to_owned(), end.to_owned()].map(|text| text.replace('\n', line_break));
            let mut raws = [None, None, None];
            for (at, section) in sections.into_iter().enumerate() {
                let Some((text, written)) = section else { continue };
                let fits = match written {
                    Written::Single => !text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{ffff}')),
                    Written::Literal { .. } => !text.contains(|c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{2028}' | '\u{2029}' | '\u{ffff}')),
                    Written::Double { .. } => true,
                };
                if !fits {
                    return None;
                }
                around[at] += &format!("{}{}:", " ".repeat(column), KEYS[at]);
                raws[at] = Some((write(&text, written, column, line_break), decoded(&text, written)));
            }
            Some(Pieces { around, sections: raws })
        })
        // Blank lines and comments after `|+` would be part of the text, or end it.
        .prop_filter("the pieces stay apart", |pieces| {
            Manifest::parse(pieces.text()).is_ok_and(|manifest| {
                let texts = manifest.data().iter().map(|(key, text)| (key.clone(), text.to_string()));
                texts.collect::<BTreeMap<_, _>>() == pieces.data()
            })
        })
}

/// Generates new text: a different one, or the old one with a line added, removed or changed.
pub(crate) fn next_text(old: String) -> impl Strategy<Value = String> {
    let lines: Vec<String> = old.split_inclusive('\n').map(str::to_owned).collect();
    let edited = (prop::collection::vec((0..=lines.len(), line(), 0..3usize), 1..4)).prop_map(
        move |edits| {
            let mut lines = lines.clone();
            for (at, line, how) in edits {
                let at = at.min(lines.len());
                match how {
                    0 => lines.insert(at, line + "\n"),
                    1 if at < lines.len() => drop(lines.remove(at)),
                    _ if at < lines.len() => lines[at] = line + "\n",
                    _ => {}
                }
            }
            lines.concat()
        },
    );
    prop_oneof![3 => edited, 1 => section_text()]
}

/// Spellings that tools write, or that are common mistakes.
pub(crate) const ODD: [&str; 14] = [
    "",
    " ~ # none",
    " plain text\n      over lines",
    " plain # c",
    " \"\"",
    " ''",
    "\n        'on its own line'",
    " '- rolearn: a\n\n      - rolearn: b\n\n      '",
    " \"- rolearn: a  \n      folded \\\n      \\  b\\n\n\n      c\\n\"",
    " \"- a\\n- b\\n- \\\n        \\u0063\\\n        \\n\" # c",
    " >\n      - a\n      - b\n\n      c",
    " >-\n      - a\n        b\n\n        c",
    " >+ # c\n      - a\n\n",
    " |\n\n\n      - a\n       \n      - b\n",
];

/// Returns a manifest with mapUsers spelled like this.
pub(crate) fn odd(raw: &str) -> String {
    format!(
        "kind: ConfigMap\nmetadata:\n  name: aws-auth\ndata:\n    x: z\n    mapUsers:{raw}\n    # c\n    y2: |\n      a\n"
    )
}
