//! Laws of manifests: a change says what was asked for, and not a byte around it moves.

use std::collections::BTreeMap;

use awsauth::manifest::{Manifest, ManifestError};
use awsauth::snapshot::Change;
use proptest::prelude::*;
use proptest::sample::select;

const KEYS: [&str; 3] = ["mapRoles", "mapUsers", "mapAccounts"];

/// A manifest in pieces: what stands around each of the three sections, and the sections as written.
#[derive(Clone, Debug)]
struct Pieces {
    /// `around[n]` stands in front of section n, the last one behind all.
    around: [String; 4],
    /// As written behind `key:`, and the text it stands for; `None` is an absent key.
    sections: [Option<(String, String)>; 3],
}

impl Pieces {
    fn text(&self) -> String {
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

    fn data(&self) -> BTreeMap<String, String> {
        let sections = KEYS.iter().zip(&self.sections);
        sections
            .filter_map(|(key, section)| Some(((*key).to_owned(), section.as_ref()?.1.clone())))
            .collect()
    }
}

/// One line of a section, without its break.
fn line() -> impl Strategy<Value = String> {
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

fn section_text() -> impl Strategy<Value = String> {
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

/// How a section is written.
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

/// The section as somebody might write it, its last line break included.
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
                // Blank lines in front of the text must not be wider than it.
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
                    // What follows the wrap has to be an escape; a blank is one that says what it is.
                    raw.pop();
                    raw.push_str("\\x20");
                }
            }
            raw + "\" # end" + line_break
        }
        Written::Single => format!(" '{}'{line_break}", text.replace('\'', "''")),
    }
}

/// What the section says when it is written so.
fn decoded(text: &str, written: Written) -> String {
    match written {
        Written::Double { wraps: true, .. } => text.replace('\n', "\n "),
        _ => text.to_owned(),
    }
}

fn pieces() -> impl Strategy<Value = Pieces> {
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
        // Blank lines and comments behind `|+` would be text, or end it.
        .prop_filter("the pieces stay apart", |pieces| {
            Manifest::parse(&pieces.text()).is_ok_and(|manifest| *manifest.data() == pieces.data())
        })
}

/// New text: another one, or the old one with a line more, less or other.
fn next_text(old: String) -> impl Strategy<Value = String> {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, max_local_rejects: u32::MAX, ..ProptestConfig::default() })]

    #[test]
    fn a_change_says_what_it_should_and_touches_nothing_else(
        (pieces, at, new) in (pieces(), 0..3usize).prop_flat_map(|(pieces, at)| {
            let old = pieces.sections[at].as_ref().map(|(_, text)| text.clone()).unwrap_or_default();
            (Just(pieces), Just(at), next_text(old))
        }),
    ) {
        let text = pieces.text();
        let manifest = Manifest::parse(&text).unwrap();
        prop_assert_eq!(&manifest.with(&Change::default()).unwrap(), &text);
        let mut change = Change::default();
        change.data.insert(KEYS[at], Some(new.clone()));
        let after = manifest.with(&change).map_err(|error| TestCaseError::fail(format!("{error}\n{text}\n{new:?}")))?;
        let again = Manifest::parse(&after).unwrap();
        prop_assert_eq!(&again.data()[KEYS[at]], &new);
        prop_assert_eq!(&again.with(&change).unwrap(), &after);
        for other in (0..3).filter(|other| *other != at) {
            prop_assert_eq!(again.data().get(KEYS[other]), manifest.data().get(KEYS[other]));
        }
        if pieces.sections[at].is_some() {
            let before: String = (0..at).map(|n| pieces.around[n].clone() + raw(&pieces, n)).collect::<String>() + &pieces.around[at];
            let behind: String = (at + 1..4).map(|n| pieces.around[n].clone() + raw(&pieces, n)).collect();
            prop_assert!(after.starts_with(&before), "in front\n{}\n{}", text, after);
            prop_assert!(after.trim_end_matches(['\r', '\n']).ends_with(behind.trim_matches(['\r', '\n'])), "behind\n{text}\n{after}");
        } else if !new.is_empty() || !manifest.data().contains_key(KEYS[at]) {
            let kept = similar_lines(&text, &after);
            prop_assert!(kept, "lines were lost\n{text}\n{after}");
        }
    }

    #[test]
    fn no_text_makes_it_panic_or_write_something_wrong(
        pieces in pieces(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..4usize, select(vec!["", " ", "\n", "\"", "'", "{", "}", "|", ">", "-", ":", "#", "&a ", "*a", "!!str ", "\t", "\u{2028}", "\r", "[", ",", "? "])), 1..4),
        new in section_text(),
        at in 0..3usize,
    ) {
        let mut chars: Vec<char> = pieces.text().chars().collect();
        for (index, length, put) in cuts {
            let from = index.index(chars.len() + 1);
            let to = (from + length).min(chars.len());
            chars.splice(from..to, put.chars());
        }
        check_any(&chars.into_iter().collect::<String>(), KEYS[at], &new)?;
    }

    #[test]
    fn odd_spellings_are_kept_or_replaced_but_never_misread(
        (raw, new) in select(ODD.to_vec()).prop_flat_map(|raw| {
            let old = Manifest::parse(&odd(raw)).unwrap().data()["mapUsers"].clone();
            (Just(raw), next_text(old))
        }),
    ) {
        check_any(&odd(raw), "mapUsers", &new)?;
        check_any(&odd(raw).replace('\n', "\r\n"), "mapUsers", &new)?;
        check_any(&odd(raw).replace("data:", "binaryData:\n    a:\n    - |+\n     YQ==\n\ndata:"), "mapRoles", &new)?;
    }

    #[test]
    fn json_is_changed_as_json(
        texts in prop::collection::vec(section_text(), 0..4),
        new in section_text(),
        pretty in any::<bool>(),
        owners in prop::option::of(section_text()),
    ) {
        let data: BTreeMap<&str, String> = KEYS.iter().copied().zip(texts).collect();
        let object = serde_json::json!({"kind": "ConfigMap", "metadata": {"name": "aws-auth", "labels": {"a/b": 1}}, "data": data});
        let text = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) }.unwrap();
        let manifest = Manifest::parse(&text).unwrap();
        prop_assert_eq!(manifest.data().values().collect::<Vec<_>>(), data.values().collect::<Vec<_>>());
        let mut change = Change { owners_annotation: owners.clone().map(Some), ..Change::default() };
        change.data.insert("mapUsers", Some(new.clone()));
        let after = manifest.with(&change).unwrap();
        let mut wanted = object;
        wanted["data"]["mapUsers"] = new.into();
        if let Some(owners) = owners {
            wanted["metadata"]["annotations"] = serde_json::json!({"awsauth.dev/owners": owners});
        }
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&after).unwrap(), wanted);
        check_any(&text, "mapRoles", "- x\n")?;
    }
}

/// Spellings that programs write, or people by mistake.
const ODD: [&str; 14] = [
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

/// A manifest with mapUsers spelt so.
fn odd(raw: &str) -> String {
    format!(
        "kind: ConfigMap\nmetadata:\n  name: aws-auth\ndata:\n    x: z\n    mapUsers:{raw}\n    # c\n    y2: |\n      a\n"
    )
}

/// Whatever the text: it is refused, or changed as asked and back again.
fn check_any(text: &str, key: &'static str, new: &str) -> Result<(), TestCaseError> {
    let Ok(manifest) = Manifest::parse(text) else {
        return Ok(());
    };
    prop_assert_eq!(&manifest.with(&Change::default()).unwrap(), text);
    let mut change = Change {
        owners_annotation: Some(Some("{\"a\": 'b'}".to_owned())),
        ..Change::default()
    };
    change.data.insert(key, Some(new.to_owned()));
    let mut removal = Change {
        owners_annotation: Some(None),
        ..Change::default()
    };
    removal.data.insert(key, None);
    for change in [change, removal] {
        match manifest.with(&change) {
            Ok(after) => {
                let again = Manifest::parse(&after).unwrap();
                prop_assert_eq!(again.data().get(key), change.data[key].as_ref());
                prop_assert_eq!(
                    Some(again.owners_annotation().map(str::to_owned)),
                    change.owners_annotation
                );
            }
            Err(ManifestError::Unwritable { .. }) => {}
            Err(error) => {
                return Err(TestCaseError::fail(format!(
                    "{error}\n{text}\n{text:?}\n{change:?}"
                )));
            }
        }
    }
    Ok(())
}

fn raw(pieces: &Pieces, at: usize) -> &str {
    pieces
        .sections
        .get(at)
        .and_then(Option::as_ref)
        .map_or("", |(raw, _)| raw)
}

/// Whether every line of the old text is in the new one, in order.
fn similar_lines(old: &str, new: &str) -> bool {
    let mut lines = new.lines();
    old.lines()
        .filter(|line| !line.trim().is_empty())
        .all(|line| lines.any(|other| other == line || line.starts_with(other)))
}

/// `AWSAUTH_TEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("AWSAUTH_TEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(2000)
}
