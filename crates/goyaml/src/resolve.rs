//! The types that go-yaml v2 gives to scalars: null, boolean, number, timestamp, binary or string.
//!
//! <https://github.com/yaml/go-yaml/blob/v2.4.0/resolve.go>

/// The type of a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resolved {
    /// `~`, `null`, or an empty scalar.
    Null,
    /// `true`, `yes`, `off` and the like.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// A floating-point number.
    Float(f64),
    /// A string.
    Text,
    /// A string that messages call a timestamp.
    Timestamp,
    /// A string in base64.
    Binary,
}

impl Resolved {
    /// Returns the short tag that messages use, such as `!!int`.
    pub fn tag(self) -> &'static str {
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

/// Returns a tag as messages print it: `!!str` for `tag:yaml.org,2002:str`.
pub fn short_tag(tag: &str) -> String {
    tag.strip_prefix(LONG_PREFIX)
        .map_or_else(|| tag.to_owned(), |name| format!("!!{name}"))
}

/// Resolves a scalar by its tag, or by its text if it has none.
///
/// # Errors
/// If the text is not of the type that the tag names.
pub fn resolve(tag: Option<&str>, text: &str) -> Result<Resolved, String> {
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

/// Removes underscores. As in Go's literals, each must be between two digits.
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
    // `0b` followed by a sign: go-yaml parses what follows the prefix once more.
    if let Some(rest) = plain.strip_prefix("0b")
        && let Ok(value) = i64::from_str_radix(rest, 2)
    {
        return Some(Resolved::Int(value));
    }
    float(plain)
}

/// Parses `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, unless the number is too large.
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

/// Returns whether Go's `time.Parse` accepts the text in one of go-yaml's four layouts. The difference to other text
/// only matters for messages and explicit tags.
fn is_timestamp(text: &str) -> bool {
    let year_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if year_digits != 4 || text.as_bytes().get(4) != Some(&b'-') {
        return false;
    }
    parse_timestamp(text).is_some()
}

fn parse_timestamp(text: &str) -> Option<()> {
    let year: u32 = text.get(..4)?.parse().ok()?;
    let (month, rest) = two_digits(&text[5..])?;
    let (day, rest) = two_digits(rest.strip_prefix('-')?)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in(month, year) {
        return None;
    }
    if rest.is_empty() {
        return Some(());
    }
    let zoned = rest.starts_with(['T', 't']);
    let rest = if zoned {
        &rest[1..]
    } else {
        rest.strip_prefix(' ')?.trim_start_matches(' ')
    };
    let (hour, rest) = two_digits(rest)?;
    let (minute, rest) = two_digits(rest.strip_prefix(':')?)?;
    let (second, rest) = two_digits(rest.strip_prefix(':')?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let rest = fraction(rest);
    if zoned {
        zone(rest)
    } else {
        rest.is_empty().then_some(())
    }
}

/// Splits a number of one or two digits off the text.
fn two_digits(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    Some((text.get(..digits)?.parse().ok()?, &text[digits..]))
}

fn fraction(text: &str) -> &str {
    let Some(rest) = text.strip_prefix(['.', ',']) else {
        return text;
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 { text } else { &rest[digits..] }
}

fn zone(text: &str) -> Option<()> {
    if text == "Z" {
        return Some(());
    }
    let bytes = text.as_bytes();
    let is_shaped = bytes.len() == 6 && matches!(bytes[0], b'+' | b'-') && bytes[3] == b':';
    let number = |at: usize| {
        text.get(at..at + 2)
            .filter(|two| two.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let hour: u32 = number(1)?.parse().ok()?;
    let minute: u32 = number(4)?.parse().ok()?;
    (is_shaped && hour <= 24 && minute <= 60).then_some(())
}

const fn days_in(month: u32, year: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}
