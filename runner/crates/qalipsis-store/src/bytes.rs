//! Bytes as they are stored: compressed.
//!
//! The library is flate2 on zlib-rs, which the runner links for zip archives anyway: no second one in its executable.

use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use std::io::{self, Read};

/// The largest content that is read back, so that damaged bytes do not fill the memory.
const LARGEST: u64 = 1 << 30;

pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::with_capacity(bytes.len() / 2);
    DeflateEncoder::new(bytes, Compression::default())
        .read_to_end(&mut compressed)
        .expect("reading from memory does not fail");
    compressed
}

pub(crate) fn decompress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    decompress_within(bytes, LARGEST)
}

/// The content, or an error when it is larger than so many bytes.
pub(crate) fn decompress_within(bytes: &[u8], largest: u64) -> io::Result<Vec<u8>> {
    let mut decompressed = Vec::with_capacity(bytes.len() * 2);
    DeflateDecoder::new(bytes).take(largest + 1).read_to_end(&mut decompressed)?;
    if decompressed.len() as u64 > largest {
        return Err(io::Error::other(format!("it is larger than {largest} bytes")));
    }
    Ok(decompressed)
}
