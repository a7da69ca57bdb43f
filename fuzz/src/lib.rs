//! What the fuzz targets share: a folder in memory for their files, and what counts as a failure.

mod ct;

pub use ct::ct;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use tempfile::TempDir;

/// Stands between the files of one input.
pub const BETWEEN: &[u8] = b"<next file>";
/// More files than this make an input slower, not better.
const MOST_FILES: usize = 8;

/// A folder of its own, in memory where the system has such a place: a disk would be worn out for nothing.
pub fn new_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    made.expect("a temporary folder")
}

/// The folder of the inputs, the last one's files gone.
fn emptied() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(new_folder);
    for entry in fs::read_dir(folder.path()).expect("listing").flatten() {
        fs::remove_file(entry.path()).expect("removing");
    }
    folder.path()
}

/// Writes the parts of an input as the files of a folder and gives the folder.
///
/// A part that begins as a zip archive is named so, because archives go by their names.
pub fn folder_of(input: &[u8]) -> PathBuf {
    let folder = emptied();
    for (n, part) in split(input).take(MOST_FILES).enumerate() {
        let end = if part.starts_with(b"PK") { "zip" } else { "dcm" };
        fs::write(folder.join(format!("{n}.{end}")), part).expect("writing");
    }
    folder.to_path_buf()
}

/// Writes an input as one file of this name.
pub fn file_of(input: &[u8], name: &str) -> PathBuf {
    let path = emptied().join(name);
    fs::write(&path, input).expect("writing");
    path
}

/// The parts between the separators.
pub fn split(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(input);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let at = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN);
        rest = at.map(|at| &bytes[at + BETWEEN.len()..]);
        Some(&bytes[..at.unwrap_or(bytes.len())])
    })
}

/// Runs a target on one input; a panic that leaves the library ends the process.
///
/// The library catches those of the decoders it uses and makes errors of them, which libFuzzer's own hook would not
/// let it. One thread: which of two is first must not decide what an input covers.
pub fn run(target: impl FnOnce()) {
    static ONCE: OnceLock<()> = OnceLock::new();
    static LAST: Mutex<String> = Mutex::new(String::new());
    ONCE.get_or_init(|| {
        rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("a pool of threads");
        std::panic::set_hook(Box::new(|panic| *LAST.lock().unwrap_or_else(|e| e.into_inner()) = panic.to_string()));
    });
    if catch_unwind(AssertUnwindSafe(target)).is_err() {
        eprintln!("a panic left the library: {}", LAST.lock().unwrap_or_else(|e| e.into_inner()));
        std::process::abort();
    }
}

/// An error must say what to do.
pub fn has_hint(error: &dyn std::fmt::Display) {
    let text = error.to_string();
    assert!(text.contains("hint:"), "no hint in: {text}");
}
