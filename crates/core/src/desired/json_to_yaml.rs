//! Converts JSON to YAML 1.1.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// Converts JSON so that YAML 1.1 can read it: replaces `\/` and surrogate pairs, which YAML does not allow. Line numbers
/// stay the same. Text that is not JSON is returned unchanged.
pub(super) fn as_yaml(text: &str) -> Cow<'_, str> {
    let is_json = || serde_json::from_str::<IgnoredAny>(text).is_ok();
    if !text.trim_start().starts_with(['{', '[']) || !text.contains('\\') || !is_json() {
        return Cow::Borrowed(text);
    }
    let mut yaml = String::with_capacity(text.len());
    let mut rest = text;
    // In valid JSON a backslash always begins an escape, and a low surrogate always follows a high one.
    while let Some(at) = rest.find('\\') {
        yaml.push_str(&rest[..at]);
        let escape = &rest[at..];
        let taken = if escape.starts_with("\\/") {
            yaml.push('/');
            2
        } else if let Some(pair) = surrogates(escape) {
            yaml.push(pair);
            12
        } else {
            yaml.push_str(&escape[..2]);
            2
        };
        rest = &escape[taken..];
    }
    yaml.push_str(rest);
    Cow::Owned(yaml)
}

fn surrogates(escape: &str) -> Option<char> {
    let unit = |at: usize| {
        let digits = escape.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    char::decode_utf16([unit(0)?, unit(6)?])
        .next()?
        .ok()
        .filter(|pair| pair.len_utf16() == 2)
}
