//! Compresses and decompresses gzip files of one member. Uses only flate2's deflate, because its gzip reader and writer are I/O types.
//! <https://www.rfc-editor.org/rfc/rfc1952>

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};

/// The header: deflate, no flags, no time, no extra flags, unknown operating system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The size of the trailer: a CRC and the length.
const TRAILER: usize = 8;

/// Compresses bytes; `None` if flate2 returns an error, which is not expected.
pub(super) fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut compress = Compress::new(Compression::default(), false);
    let mut packed = HEADER.to_vec();
    packed.reserve(bytes.len() / 2 + 128);
    loop {
        let read = usize::try_from(compress.total_in()).ok()?;
        let status = compress
            .compress_vec(bytes.get(read..)?, &mut packed, FlushCompress::Finish)
            .ok()?;
        if status == Status::StreamEnd {
            break;
        }
        packed.reserve(bytes.len() / 2 + 128);
    }
    let mut crc = Crc::new();
    crc.update(bytes);
    packed.extend(crc.sum().to_le_bytes());
    packed.extend(crc.amount().to_le_bytes());
    Some(packed)
}

/// Decompresses a file that [`gzip`] wrote; `None` if it is anything else, or has more than `most` bytes.
pub(super) fn gunzip(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    let body = packed.strip_prefix(&HEADER[..4])?.get(6..)?;
    let (body, trailer) = body.split_at_checked(body.len().checked_sub(TRAILER)?)?;
    let (crc, length) = trailer.split_first_chunk::<4>()?;
    let (crc, length) = (
        u32::from_le_bytes(*crc),
        u32::from_le_bytes(length.try_into().ok()?),
    );
    let length = usize::try_from(length)
        .ok()
        .filter(|&length| length <= most)?;
    // One byte more, to detect a stream that is longer than its recorded length.
    let mut bytes = Vec::with_capacity(length + 1);
    let mut decompress = Decompress::new(false);
    let status = decompress
        .decompress_vec(body, &mut bytes, FlushDecompress::Finish)
        .ok()?;
    let mut sum = Crc::new();
    sum.update(&bytes);
    let is_whole = status == Status::StreamEnd && bytes.len() == length && sum.sum() == crc;
    is_whole.then_some(bytes)
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
