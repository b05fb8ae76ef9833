//! Decodes bytes to text. YAML is encoded in UTF-8, or in UTF-16 with a byte order mark, as PowerShell writes files.

use std::borrow::Cow;

/// Bytes that are invalid in the encoding of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {offset} (line {line})")]
pub struct EncodingError {
    /// go-yaml's message.
    pub message: &'static str,
    /// The offset of the first invalid byte.
    pub offset: usize,
    /// The line of that byte, from 1.
    pub line: usize,
}

/// Returns the text with its byte order mark. Borrows UTF-8 and converts UTF-16.
///
/// # Errors
/// The position of the first invalid bytes.
pub fn to_text(bytes: &[u8]) -> Result<Cow<'_, str>, EncodingError> {
    match bytes {
        [0xff, 0xfe, ..] => from_utf16(bytes, u16::from_le_bytes).map(Cow::Owned),
        [0xfe, 0xff, ..] => from_utf16(bytes, u16::from_be_bytes).map(Cow::Owned),
        _ => std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|error| {
                let (valid, rest) = bytes.split_at(error.valid_up_to());
                EncodingError {
                    message: utf8_fault(rest),
                    offset: valid.len(),
                    line: line_after(valid.iter().map(|byte| char::from(*byte))),
                }
            }),
    }
}

/// Returns what is wrong with the first character of bytes that are not UTF-8.
fn utf8_fault(bytes: &[u8]) -> &'static str {
    let width = match bytes[0] {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => return "invalid leading UTF-8 octet",
    };
    let Some(char) = bytes.get(..width) else {
        return "incomplete UTF-8 octet sequence";
    };
    let is_continued = char[1..].iter().all(|byte| byte & 0xc0 == 0x80);
    match char {
        _ if !is_continued => "invalid trailing UTF-8 octet",
        [0xc0 | 0xc1, ..] | [0xe0, 0x80..=0x9f, ..] | [0xf0, 0x80..=0x8f, ..] => {
            "invalid length of a UTF-8 sequence"
        }
        _ => "invalid Unicode character",
    }
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, EncodingError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    let mut units = 0;
    for char in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let fault = match char {
            Ok(char) => {
                units += char.len_utf16();
                text.push(char);
                continue;
            }
            Err(half) if half.unpaired_surrogate() >= 0xdc00 => "unexpected low surrogate area",
            Err(_) if units + 1 == pairs.len() => "incomplete UTF-16 surrogate pair",
            Err(_) => "expected low surrogate area",
        };
        return Err(utf16_error(fault, units, &text));
    }
    if rest.is_empty() {
        Ok(text)
    } else {
        Err(utf16_error("incomplete UTF-16 character", units, &text))
    }
}

fn utf16_error(message: &'static str, units: usize, before: &str) -> EncodingError {
    EncodingError {
        message,
        offset: 2 * units,
        line: line_after(before.chars()),
    }
}

fn line_after(before: impl Iterator<Item = char>) -> usize {
    1 + before.filter(|char| *char == '\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_is_converted_to_utf8() {
        let text = "\u{feff}- é😀\n";
        let units: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        assert_eq!(to_text(&little).as_deref(), Ok(text));
        assert_eq!(to_text(&big).as_deref(), Ok(text));
    }

    #[test]
    fn utf8_is_returned_unchanged() {
        let text = "\u{feff}- é😀\r\n";
        assert!(matches!(to_text(text.as_bytes()), Ok(Cow::Borrowed(same)) if same == text));
    }

    #[test]
    fn error_has_the_position_of_the_invalid_bytes() {
        let faults: [(&[u8], &str, usize, usize); 9] = [
            (b"a\nb\x80", "invalid leading UTF-8 octet", 3, 2),
            (b"\xc3", "incomplete UTF-8 octet sequence", 0, 1),
            (b"\n\xc3a", "invalid trailing UTF-8 octet", 1, 2),
            (b"\xe0\x80\x80", "invalid length of a UTF-8 sequence", 0, 1),
            (b"\xed\xa0\x80", "invalid Unicode character", 0, 1),
            (b"\xff\xfe\n\0a", "incomplete UTF-16 character", 4, 2),
            (b"\xff\xfe\x00\xdc", "unexpected low surrogate area", 2, 1),
            (
                b"\xfe\xff\xd8\x00",
                "incomplete UTF-16 surrogate pair",
                2,
                1,
            ),
            (
                b"\xfe\xff\xd8\x00\x00a",
                "expected low surrogate area",
                2,
                1,
            ),
        ];
        for (bytes, message, offset, line) in faults {
            let error = EncodingError {
                message,
                offset,
                line,
            };
            assert_eq!(to_text(bytes), Err(error), "{bytes:?}");
        }
    }
}
