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
    let mut decompressed = Vec::with_capacity(bytes.len() * 2);
    DeflateDecoder::new(bytes).take(LARGEST).read_to_end(&mut decompressed)?;
    Ok(decompressed)
}
