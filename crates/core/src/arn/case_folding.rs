//! Case-insensitive comparison as the authenticator does it: Go's `strings.EqualFold` and `strings.ToLower`, with the
//! tables of Unicode 15.0.

use std::borrow::Cow;

/// Returns whether two strings are equal under Unicode simple case folding, like Go's `strings.EqualFold`:
/// `ſ` equals `s`, the Kelvin sign equals `k`, `ß` does not equal `ss`, and `İ` equals only itself.
pub fn equal_fold(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    a.chars().map(fold_char).eq(b.chars().map(fold_char))
}

/// Returns a lookup key that two strings share if and only if they are [`equal_fold`].
pub fn fold(s: &str) -> Cow<'_, str> {
    mapped(s, fold_char)
}

/// Maps each code point to lower case by its simple mapping, like Go's `strings.ToLower`:
/// `İ` becomes `i`, and there is no rule for a final sigma.
pub(crate) fn to_lower(s: &str) -> Cow<'_, str> {
    mapped(s, lower_char)
}

fn mapped(s: &str, map: fn(char) -> char) -> Cow<'_, str> {
    if !s.is_ascii() {
        Cow::Owned(s.chars().map(map).collect())
    } else if has_uppercase(s) {
        Cow::Owned(s.to_ascii_lowercase())
    } else {
        Cow::Borrowed(s)
    }
}

/// Checks every byte, because the compiler can vectorize that.
fn has_uppercase(s: &str) -> bool {
    s.bytes()
        .fold(false, |found, byte| found | byte.is_ascii_uppercase())
}

fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    if is_newer_than_go(c) {
        return c;
    }
    unicode_case_mapping::case_folded(c)
        .and_then(|folded| char::from_u32(folded.get()))
        .unwrap_or(c)
}

fn lower_char(c: char) -> char {
    if is_newer_than_go(c) {
        return c;
    }
    // The first code point is the simple mapping; U+0130 alone has a second, a combining dot.
    c.to_lowercase().next().unwrap_or(c)
}

/// Returns whether Unicode defined the case of a letter after version 15.0. To Go, such a letter equals only itself.
fn is_newer_than_go(c: char) -> bool {
    matches!(c,
        '\u{1C89}'..='\u{1C8A}'
        | '\u{1FD3}'
        | '\u{1FE3}'
        | '\u{A7CB}'..='\u{A7CF}'
        | '\u{A7D2}'..='\u{A7D5}'
        | '\u{A7DA}'..='\u{A7DC}'
        | '\u{FB05}'
        | '\u{10D50}'..='\u{10D85}'
        | '\u{16EA0}'..='\u{16ED3}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_letters_fold_as_in_go() {
        for (a, b, equal) in [
            ("Opſ", "oPS", true),
            ("\u{212A}ube", "kube", true),
            ("Σς", "σΣ", true),
            ("ß", "ss", false),
            ("ẞ", "ß", true),
            ("İ", "i", false),
            ("İ", "İ", true),
            ("ı", "I", false),
            ("Ω", "ω", true),
            ("\u{10D50}", "\u{10D70}", false),
            ("role", "rolex", false),
        ] {
            assert_eq!(equal_fold(a, b), equal, "{a} {b}");
            assert_eq!(fold(a) == fold(b), equal, "{a} {b}");
        }
        assert_eq!(to_lower("İΣΑΣ"), "iσασ");
        assert_eq!(to_lower("Dev"), "dev");
        assert!(matches!(to_lower("dev-1"), Cow::Borrowed(_)));
    }

    /// A store can be searched by folded text because folding is idempotent and lower case keeps the
    /// fold of every letter but U+0130.
    #[test]
    fn folding_is_idempotent_and_lower_case_keeps_the_fold() {
        for c in '\0'..=char::MAX {
            assert_eq!(fold_char(fold_char(c)), fold_char(c), "{c:?}");
            assert_eq!(fold_char(lower_char(c)) == fold_char(c), c != 'İ', "{c:?}");
        }
    }

    /// FNV-1a over every code point's image, as 32-bit little endian.
    fn digest(image: impl Fn(char) -> char) -> u64 {
        ('\0'..=char::MAX)
            .flat_map(|c| u32::from(image(c)).to_le_bytes())
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            })
    }

    /// The digests are those of Go 1.26's `unicode.ToLower(r)`, and of the smallest rune on the circle of
    /// `unicode.SimpleFold(r)`, over all runes but the surrogates. The test
    /// fails if a new compiler or crate has newer Unicode tables.
    #[test]
    fn every_code_point_agrees_with_go() {
        let mut smallest = std::collections::HashMap::new();
        for c in '\0'..=char::MAX {
            smallest.entry(fold_char(c)).or_insert(c);
        }
        assert_eq!(digest(lower_char), 0x7687_652b_e5ca_dec6);
        assert_eq!(digest(|c| smallest[&fold_char(c)]), 0x8caf_122d_7a6d_cf37);
    }
}
