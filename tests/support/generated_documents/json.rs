//! JSON: lists that are read as YAML, and objects that are read as JSON.

use awsauth_core::document::SectionName;
use fastrand::Rng;

use super::entry_lists::Values;
use super::{Draw, scalars, yaml_fragments};

/// A list of entries as an encoder writes it, on one or several lines.
pub(super) fn list(rng: &mut Rng, name: SectionName, values: Values) -> String {
    let entries: Vec<_> = (0..1 + rng.usize(..3))
        .map(|_| entry(rng, name, values))
        .collect();
    let list = serde_json::Value::Array(entries);
    let text = if rng.bool() {
        list.to_string()
    } else {
        format!("{list:#}")
    };
    if rng.one_in(10) {
        text.replace('/', "\\/")
    } else {
        text
    }
}

fn entry(rng: &mut Rng, name: SectionName, values: Values) -> serde_json::Value {
    if name == SectionName::Accounts {
        return scalars::account(rng).into();
    }
    let arn = if name == SectionName::Users {
        "userarn"
    } else {
        "rolearn"
    };
    let username = if values == Values::Wild && rng.one_in(4) {
        scalars::wild_text(rng)
    } else {
        scalars::username(rng)
    };
    let groups: Vec<_> = (0..rng.usize(..3)).map(|_| scalars::group(rng)).collect();
    serde_json::json!({ arn: scalars::arn(rng, name), "username": username, "groups": groups })
}

/// A section that starts with a brace: a JSON object, valid or damaged.
pub(super) fn object(rng: &mut Rng) -> String {
    let mut text = rng
        .pick(&["", "", " ", "\n", "\u{a0}", "\u{feff}"])
        .to_owned();
    text.push('{');
    if rng.bool() {
        members(rng, 0, &mut text);
        text.push('}');
        text.push_str(rng.pick(&["", "\n", " ", " x", "}", "\u{a0}"]));
    } else {
        for _ in 0..rng.usize(..8) {
            text.push_str(rng.pick(&yaml_fragments::JSON_PIECES));
        }
    }
    text
}

fn members(rng: &mut Rng, depth: usize, text: &mut String) {
    for at in 0..rng.usize(..4) {
        if at > 0 {
            text.push(',');
        }
        text.push_str("\"a\": ");
        value(rng, depth + 1, text);
    }
}

fn value(rng: &mut Rng, depth: usize, text: &mut String) {
    match rng.u32(..if depth > 4 { 8 } else { 12 }) {
        0..8 => text.push_str(rng.pick(&yaml_fragments::JSON_PIECES[6..37])),
        8 | 9 => {
            text.push('{');
            members(rng, depth, text);
            text.push('}');
        }
        _ => {
            text.push('[');
            value(rng, depth + 1, text);
            text.push_str(rng.pick(&["", ",1", ", null", ","]));
            text.push(']');
        }
    }
}
