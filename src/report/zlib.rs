//! Bytes packed with zlib, in memory.

use flate2::{Compression, write::ZlibEncoder};
use std::io::Write;

/// The packed bytes: the same on every machine.
pub(super) fn zlib(bytes: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), level);
    // Writing into memory does not fail.
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}
