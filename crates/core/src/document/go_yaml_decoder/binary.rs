//! Decodes `!!binary` scalars.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Decodes like Go's `base64.StdEncoding`: ignores line breaks, and trailing bits that do not fill a byte.
pub(in crate::document) fn decode_base64(text: &str) -> Result<Vec<u8>, &'static str> {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    let text = text.replace(['\r', '\n'], "");
    engine
        .decode(text)
        .map_err(|_| "yaml: !!binary value contains invalid base64 data")
}

/// Converts bytes to text like Go's JSON encoder: each byte that is not part of a character becomes U+FFFD.
pub(in crate::document) fn lossy_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}
