//! What a scalar is to go-yaml v2: null, boolean, number or string.
//!
//! <https://github.com/yaml/go-yaml/blob/v2.4.0/resolve.go>

use super::timestamp::is_timestamp;

/// The type of a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    Uint(u64),
    Float(f64),
    /// Its own text.
    Text,
    /// Its own text, with another name in messages.
    Timestamp,
    /// Base64 of its text.
    Binary,
}

impl Resolved {
    /// The short tag, as in messages.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Uint(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Text => "!!str",
            Self::Timestamp => "!!timestamp",
            Self::Binary => "!!binary",
        }
    }
}

const LONG_PREFIX: &str = "tag:yaml.org,2002:";

/// A tag as messages print it.
pub(crate) fn short_tag(tag: &str) -> String {
    tag.strip_prefix(LONG_PREFIX)
        .map_or_else(|| tag.to_owned(), |name| format!("!!{name}"))
}

/// Resolves a scalar that has a tag or whose type is found out from its text.
///
/// # Errors
/// When the tag asks for a type that the text is not.
pub(crate) fn resolve(tag: Option<&str>, text: &str) -> Result<Resolved, String> {
    let Some(tag) = tag else {
        return Ok(from_text(text, true));
    };
    let name = tag.strip_prefix(LONG_PREFIX).unwrap_or("");
    let found = match name {
        "str" => return Ok(Resolved::Text),
        "binary" => return Ok(Resolved::Binary),
        "bool" | "int" | "float" | "null" => from_text(text, false),
        "timestamp" => from_text(text, true),
        _ => return Ok(Resolved::Text),
    };
    match (name, found) {
        ("float", Resolved::Int(value)) => Ok(Resolved::Float(value as f64)),
        _ if found.tag() == format!("!!{name}") => Ok(found),
        _ => Err(format!(
            "yaml: cannot decode {} `{text}` as a {}",
            found.tag(),
            short_tag(tag)
        )),
    }
}

fn from_text(text: &str, with_timestamps: bool) -> Resolved {
    let Some(first) = text.bytes().next() else {
        return Resolved::Null;
    };
    match first {
        b'y'
        | b'Y'
        | b'n'
        | b'N'
        | b't'
        | b'T'
        | b'f'
        | b'F'
        | b'o'
        | b'O'
        | b'~'
        | b'.'
        | b'+'
        | b'-'
        | b'0'..=b'9' => {}
        _ => return Resolved::Text,
    }
    match text {
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Resolved::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Resolved::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Resolved::Float(f64::NEG_INFINITY),
        _ if first == b'.' => without_separators(text)
            .and_then(|plain| float(&plain))
            .unwrap_or(Resolved::Text),
        _ if !matches!(first, b'+' | b'-' | b'0'..=b'9') => Resolved::Text,
        _ if with_timestamps && is_timestamp(text) => Resolved::Timestamp,
        _ => number(&text.replace('_', "")).unwrap_or(Resolved::Text),
    }
}

/// Without underscores, each of which must stand between two digits as Go's literals have it.
fn without_separators(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    text.match_indices('_')
        .all(|(at, _)| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)))
        .then(|| text.replace('_', ""))
}

fn number(plain: &str) -> Option<Resolved> {
    let (negative, unsigned) = match plain.as_bytes().first()? {
        b'-' => (true, &plain[1..]),
        b'+' => (false, &plain[1..]),
        _ => (false, plain),
    };
    let signed = unsigned.len() < plain.len();
    let (radix, digits) = match unsigned.get(..2) {
        Some("0x" | "0X") => (16, &unsigned[2..]),
        Some("0o" | "0O") => (8, &unsigned[2..]),
        Some("0b" | "0B") => (2, &unsigned[2..]),
        _ if unsigned.len() > 1 && unsigned.starts_with('0') => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    if is_number {
        let sign = if negative { "-" } else { "" };
        if let Ok(value) = i64::from_str_radix(&format!("{sign}{digits}"), radix) {
            return Some(Resolved::Int(value));
        }
        if let (false, Ok(value)) = (signed, u64::from_str_radix(digits, radix)) {
            return Some(Resolved::Uint(value));
        }
    }
    // `0b` with a sign behind it: go-yaml tries again with what follows the prefix.
    if let Some(rest) = plain.strip_prefix("0b")
        && let Ok(value) = i64::from_str_radix(rest, 2)
    {
        return Some(Resolved::Int(value));
    }
    float(plain)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, unless too large.
fn float(text: &str) -> Option<Resolved> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)),
        ),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa
        .split_once('.')
        .map_or((mantissa, None), |(a, b)| (a, Some(b)));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let has_mantissa = !whole.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty());
    let is_float = has_mantissa
        && is_digits(whole)
        && fraction.is_none_or(is_digits)
        && exponent.is_none_or(|exponent| !exponent.is_empty() && is_digits(exponent));
    let value: f64 = if is_float {
        text.parse().ok()?
    } else {
        return None;
    };
    value.is_finite().then_some(Resolved::Float(value))
}
