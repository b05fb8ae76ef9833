//! Scalars: values and spellings.

use awsauth_core::document::SectionName;
use fastrand::Rng;

use super::{Draw, yaml_fragments};

/// A character that is special in YAML, JSON or ARNs.
pub(super) fn odd_char(rng: &mut Rng) -> char {
    if rng.one_in(12) {
        rng.pick(&yaml_fragments::FORBIDDEN_CHARS)
    } else {
        rng.pick(&yaml_fragments::ODD_CHARS)
    }
}

pub(super) fn account(rng: &mut Rng) -> String {
    match rng.weighted(&[6, 2, 1]) {
        0 => "111122223333".to_owned(),
        1 => format!("{:012}", rng.u64(..1_000_000_000_000)),
        _ => rng
            .pick(&[
                "012345678901",
                "0123456789",
                "1111-2222-3333",
                "",
                "0x1F",
                "1_0",
                "000000000008",
            ])
            .to_owned(),
    }
}

pub(super) fn arn(rng: &mut Rng, name: SectionName) -> String {
    let partition = rng.pick(&[
        "aws",
        "aws",
        "aws",
        "aws",
        "aws-cn",
        "aws-us-gov",
        "aws-none",
    ]);
    let kind = match (name, rng.one_in(12)) {
        (SectionName::Users, false) | (SectionName::Roles, true) => "user",
        _ => "role",
    };
    let path = rng.pick(&[
        "",
        "",
        "",
        "",
        "team/",
        "aws-reserved/sso.amazonaws.com/eu-west-1/",
        "a/b/",
    ]);
    let role = rng.pick(&yaml_fragments::NAMES);
    format!("arn:{partition}:iam::{}:{kind}/{path}{role}", account(rng))
}

pub(super) fn username(rng: &mut Rng) -> String {
    rng.pick(&yaml_fragments::USERNAMES).to_owned()
}

pub(super) fn group(rng: &mut Rng) -> String {
    rng.pick(&yaml_fragments::GROUPS).to_owned()
}

/// A string that needs care in some scalar style.
pub(super) fn wild_text(rng: &mut Rng) -> String {
    match rng.weighted(&[4, 2, 2, 3, 1]) {
        0 => rng.pick(&yaml_fragments::TYPED).to_owned(),
        1 => {
            let mut text = username(rng);
            let at = (0..=text.len()).filter(|at| text.is_char_boundary(*at));
            let at = rng.choice(at.collect::<Vec<_>>()).unwrap_or(0);
            text.insert(at, odd_char(rng));
            text
        }
        2 => format!(
            "{}\n{}{}",
            username(rng),
            " ".repeat(rng.usize(..3)),
            username(rng)
        ),
        3 => {
            let length = rng.usize(..8);
            (0..length)
                .map(|_| rng.pick(&yaml_fragments::PUNCTUATION))
                .collect()
        }
        _ => number(rng),
    }
}

/// A string like a number or a timestamp.
fn number(rng: &mut Rng) -> String {
    if rng.one_in(3) {
        return timestamp(rng);
    }
    let length = 1 + rng.usize(..9);
    (0..length)
        .map(|_| char::from(rng.pick(b"0011789+-..__eExXoObBfF:")))
        .collect()
}

fn timestamp(rng: &mut Rng) -> String {
    let number = |rng: &mut Rng, above: u32| {
        let number = if rng.one_in(12) {
            above + rng.u32(..3)
        } else {
            rng.u32(..above)
        };
        if rng.bool() {
            format!("{number:02}")
        } else {
            number.to_string()
        }
    };
    let year = rng.pick(&["2001", "2000", "1900", "0000", "9999", "201", "20011"]);
    let mut text = format!("{year}-{}-{}", number(rng, 13), number(rng, 32));
    if rng.bool() {
        return text;
    }
    text += rng.pick(&["T", "t", " ", "  ", " \t", "\t", ""]);
    text += &format!(
        "{}:{}:{}",
        number(rng, 24),
        number(rng, 60),
        number(rng, 60)
    );
    text += rng.pick(&["", "", ".5", ",5", ".", ".1234567890123", ".999999999"]);
    text += rng.pick(&yaml_fragments::ZONES);
    text
}

/// A valid scalar for a string, in any style. `indent` is the indentation of later lines.
pub(super) fn spell(rng: &mut Rng, text: &str, indent: usize, in_flow: bool) -> String {
    let is_plain = !text.is_empty()
        && text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "/:-_+=.@".contains(char))
        && !text.ends_with(':')
        && text.starts_with(|char: char| char.is_ascii_alphabetic())
        && !yaml_fragments::TYPED.contains(&text);
    if is_plain && !rng.one_in(4) {
        return text.to_owned();
    }
    if is_plain && rng.one_in(10) {
        return format!("!!str {text}");
    }
    let is_block = !in_flow
        && !text.is_empty()
        && !text.contains(['\r', '\t'])
        && !text.starts_with([' ', '\n']);
    match rng.weighted(&[4, 5, u32::from(is_block)]) {
        0 if !text.contains('\n') => format!("'{}'", text.replace('\'', "''")),
        0 | 1 => double_quoted(rng, text),
        _ => {
            let lines = text
                .lines()
                .map(|line| format!("{}{line}", " ".repeat(indent + 2)));
            format!("|-\n{}", lines.collect::<Vec<_>>().join("\n"))
        }
    }
}

fn double_quoted(rng: &mut Rng, text: &str) -> String {
    let escapes_much = rng.one_in(5);
    let mut quoted = String::from('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted.push_str("\\n"),
            char if escapes_much && rng.bool() || char.is_control() => {
                quoted += &escaped(rng, char)
            }
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

fn escaped(rng: &mut Rng, char: char) -> String {
    let code = u32::from(char);
    match rng.u32(..3) {
        0 if code < 0x100 => format!("\\x{code:02x}"),
        0 | 1 if code < 0x10000 => format!("\\u{code:04X}"),
        _ => format!("\\U{code:08x}"),
    }
}

/// A scalar in any style, valid or damaged.
pub(super) fn written(rng: &mut Rng, indent: usize, in_flow: bool) -> String {
    match rng.weighted(&[5, 4, 4, 2, 4, 3, 3]) {
        0 => {
            let text = wild_text(rng);
            spell(rng, &text, indent, in_flow)
        }
        1 => rng.pick(&yaml_fragments::TYPED).to_owned(),
        2 => wild_text(rng),
        3 => number(rng),
        4 => {
            let value = if rng.one_in(5) {
                String::new()
            } else {
                written(rng, indent, in_flow)
            };
            format!(
                "{}{}{value}",
                rng.pick(&yaml_fragments::TAGS),
                rng.pick(&[" ", " ", " ", "  ", "\t", "", "\n "])
            )
        }
        5 => block(rng, indent),
        _ => long_quoted(rng, indent),
    }
}

/// A block scalar with any header.
fn block(rng: &mut Rng, indent: usize) -> String {
    let mut text = rng.pick(&["|", ">"]).to_owned();
    text += rng.pick(&yaml_fragments::BLOCK_HEADERS);
    for _ in 0..rng.usize(..5) {
        text.push_str(rng.pick(&["\n", "\n", "\n", "\n", "\r\n", "\r", "\u{85}", "\u{2028}"]));
        let spaces = (indent + rng.usize(..4)).saturating_sub(usize::from(rng.one_in(4)));
        text.push_str(&" ".repeat(if rng.one_in(6) { 0 } else { spaces }));
        text.push_str(rng.pick(&yaml_fragments::BLOCK_LINES));
    }
    text
}

/// A quoted or plain scalar over several lines.
fn long_quoted(rng: &mut Rng, indent: usize) -> String {
    let quote = rng.pick(&["'", "\"", "\"", ""]);
    let mut text = quote.to_owned();
    for _ in 0..1 + rng.usize(..4) {
        text.push_str(rng.pick(&yaml_fragments::QUOTED_PIECES));
        if rng.bool() {
            text.push_str(rng.pick(&["", "\\", " ", "\t"]));
            text.push_str(rng.pick(&[
                "\n",
                "\n",
                "\n\n",
                "\r\n",
                "\r",
                "\u{85}",
                "\u{2028}",
                "\u{2029}\n",
            ]));
            text.push_str(&" ".repeat(rng.usize(..indent + 3)));
            text.push_str(rng.pick(&["", "", "", "\t", "---", "... ", "- "]));
        }
    }
    text + quote
}

/// A section with a single interesting scalar.
pub(super) fn focus(rng: &mut Rng, name: SectionName) -> String {
    let scalar = written(rng, 2, false);
    match (name, rng.u32(..6)) {
        (_, 0) => scalar,
        (SectionName::Accounts, 1) => format!("- 1\n- {scalar}\n- [a]\n- 2\n"),
        (SectionName::Accounts, _) => format!("- {scalar}\n"),
        (_, 1) => format!("- rolearn: a\n  userarn: a\n  {scalar}: b\n"),
        (_, 2) => format!("- rolearn: a\n  userarn: a\n  groups: [{scalar}, b]\n"),
        (_, 3) => format!("- {scalar}\n"),
        (_, 4) => format!(
            "- sso:\n    permissionSetName: a\n    accountID: {scalar}\n    partition: aws\n"
        ),
        _ => format!("- rolearn: a\n  userarn: a\n  username: {scalar}\n  groups:\n  - g\n"),
    }
}
