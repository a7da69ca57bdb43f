//! Where the bytes of one DICOM object lie: a file of its own, or a member of a zip archive.

use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// No DICOM object read here is larger than this, whatever its archive or its compression says: ends zip bombs.
pub(crate) const LARGEST_OBJECT_BYTES: u64 = 4 << 30;

/// A member of a zip archive that can be read without going through the archive's directory again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedMember {
    /// The archive.
    pub archive: PathBuf,
    /// Where its bytes begin in the archive.
    pub start: u64,
    /// Bytes it takes in the archive.
    pub packed_bytes: u64,
    /// Bytes it has when unpacked.
    pub bytes: u64,
    /// Deflated, not stored as it is.
    pub deflated: bool,
}

/// Opens the file, or the member of an archive.
pub(crate) fn open(path: &Path, packed: Option<&PackedMember>) -> io::Result<Box<dyn Read>> {
    let Some(member) = packed else { return Ok(Box::new(File::open(path)?)) };
    let mut archive = File::open(&member.archive)?;
    archive.seek(SeekFrom::Start(member.start))?;
    let bytes = archive.take(member.packed_bytes);
    if member.deflated {
        return Ok(Box::new(DeflateDecoder::new(bytes).take(member.bytes)));
    }
    Ok(Box::new(bytes))
}

/// Reads on until `bytes` holds `length` bytes or there are no more: in as few calls as that takes.
pub(crate) fn fill(from: &mut impl Read, bytes: &mut Vec<u8>, length: usize) -> io::Result<()> {
    // So long the room is made first; for more it grows with what comes.
    const AT_ONCE: usize = 1 << 20;
    if length > AT_ONCE {
        return from.take((length - bytes.len().min(length)) as u64).read_to_end(bytes).map(|_| ());
    }
    let mut at = bytes.len();
    bytes.resize(length.max(at), 0);
    let result = loop {
        if at == bytes.len() {
            break Ok(());
        }
        match from.read(&mut bytes[at..]) {
            Ok(0) => break Ok(()),
            Ok(read) => at += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => break Err(e),
        }
    };
    bytes.truncate(at);
    result
}

/// All bytes of the file or member, at most [`LARGEST_OBJECT_BYTES`].
pub(crate) fn read_all(path: &Path, packed: Option<&PackedMember>, into: &mut Vec<u8>) -> io::Result<()> {
    into.clear();
    if packed.is_none() {
        // Not through `open`: a reader behind a pointer has its buffer zeroed first, a file has not.
        return File::open(path)?.take(LARGEST_OBJECT_BYTES).read_to_end(into).map(|_| ());
    }
    open(path, packed)?.take(LARGEST_OBJECT_BYTES).read_to_end(into).map(|_| ())
}

/// Inflates a deflated data set. A stream that breaks off gives what was read of it: the parser says what is missing.
pub(crate) fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut data_set = Vec::new();
    let _ = DeflateDecoder::new(bytes).take(LARGEST_OBJECT_BYTES).read_to_end(&mut data_set);
    data_set
}
