/// What YAML 1.1 takes an unquoted scalar for, when that is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Null,
    Bool,
    Number,
}

impl Plain {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Null => "no value",
            Self::Bool => "a boolean",
            Self::Number => "a number",
        }
    }
}

/// What an unquoted scalar is taken for; `None` is text.
///
/// In doubt it says number: whoever is told to quote a text loses nothing.
pub(super) fn plain(text: &str) -> Option<Plain> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Some(Plain::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            Some(Plain::Bool)
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            Some(Plain::Bool)
        }
        _ => is_number(text).then_some(Plain::Number),
    }
}

fn is_number(text: &str) -> bool {
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return false;
    }
    let digits = text.replace('_', "");
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(&digits);
    let radix = |prefixes: [&str; 2], radix: u32| {
        let rest = prefixes
            .iter()
            .find_map(|prefix| unsigned.strip_prefix(prefix));
        rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|digit| digit.is_digit(radix)))
    };
    let decimal = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    (decimal && unsigned.parse::<f64>().is_ok())
        || matches!(
            unsigned,
            ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN"
        )
        || radix(["0x", "0X"], 16)
        || radix(["0o", "0O"], 8)
        || radix(["0b", "0B"], 2)
}
