//! Go's `base64.RawURLEncoding`, which skips line breaks and ignores unused trailing bits:
//! <https://github.com/golang/go/blob/go1.26.0/src/encoding/base64/base64.go>

/// Returns the bytes, or the position of the byte in Go's error.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, usize> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0u32, 0);
    for (at, letter) in text.bytes().enumerate() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            b'\r' | b'\n' => continue,
            _ => return Err(at),
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    // A single character encodes no byte.
    if held == 6 {
        return Err(text.len() - 1);
    }
    Ok(bytes)
}
