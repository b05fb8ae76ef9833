//! Compresses and decompresses gzip files of one member.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

/// Compresses bytes; `None` if flate2 returns an error, which is not expected.
pub(super) fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// Decompresses a file of one member; `None` if it is damaged, has something after the member, or decompresses to more than
/// `most` bytes.
pub(super) fn gunzip(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut decoder = GzDecoder::new(packed);
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).ok()?.checked_add(1)?;
    let read = decoder.by_ref().take(limit).read_to_end(&mut bytes).ok()?;
    (read <= most && decoder.into_inner().is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn compressed_bytes_decompress_to_themselves(bytes in prop::collection::vec(any::<u8>(), 0..4000), times in 1..40_usize) {
            let bytes = bytes.repeat(times);
            let packed = gzip(&bytes).unwrap();
            prop_assert_eq!(gunzip(&packed, bytes.len()), Some(bytes.clone()));
            prop_assert_eq!(gunzip(&packed, bytes.len().wrapping_sub(1).min(bytes.len())), bytes.is_empty().then(Vec::new));
        }

        #[test]
        fn damage_is_detected(bytes in prop::collection::vec(any::<u8>(), 1..400), at in any::<prop::sample::Index>(), by in 1..=255_u8) {
            let mut packed = gzip(&bytes).unwrap();
            let at = at.index(packed.len());
            packed[at] ^= by;
            // Some bits do not affect the content: the time, the operating system, and the padding of deflate's last byte.
            let read = gunzip(&packed, 1 << 20);
            prop_assert!(read.is_none_or(|read| read == bytes), "{at}");
        }
    }
}
