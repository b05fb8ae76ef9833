//! `!!binary` scalars.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// As `base64.StdEncoding` decodes: line breaks are skipped, bits that do not fill a byte are ignored.
pub(in crate::document) fn decode_base64(text: &str) -> Result<Vec<u8>, &'static str> {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    let text = text.replace(['\r', '\n'], "");
    engine
        .decode(text)
        .map_err(|_| "yaml: !!binary value contains invalid base64 data")
}

/// Bytes as Go's JSON encoder writes them: each that is not part of a character becomes U+FFFD on its own.
pub(in crate::document) fn lossy_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}
