//! DICOMDIR: the files a medium says it holds (PS3.3, annex F).

use super::native::{Form, after_meta, find, items};
use super::source::read_all;
use std::fs;
use std::path::{Path, PathBuf};

const RECORDS: (u16, u16) = (0x0004, 0x1220);
const REFERENCED_FILE: (u16, u16) = (0x0004, 0x1500);

/// True where a file's name is that of a directory; its content is not looked at.
pub(crate) fn is_named_so(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("DICOMDIR"))
}

/// The files named in a DICOMDIR, found or not, in its order. `None` where it is none or is damaged.
pub(crate) fn referenced_files(directory: &Path) -> Option<Vec<Result<PathBuf, PathBuf>>> {
    let mut bytes = Vec::new();
    read_all(directory, None, &mut bytes).ok()?;
    let start = after_meta(&bytes).filter(|start| *start > 0)?;
    let records = find(&bytes, start..bytes.len(), Form::Explicit, RECORDS)?;
    let base = directory.parent().unwrap_or(Path::new(""));
    let named = items(&bytes, &records).into_iter().filter_map(|record| {
        let element = find(&bytes, record, Form::Explicit, REFERENCED_FILE)?;
        let value = bytes.get(element.value..element.value.checked_add(element.length?)?)?;
        Some(below(base, &String::from_utf8_lossy(value)))
    });
    Some(named.collect())
}

/// The file of an ID of components. Media are in capitals and their copies often not, so case is no matter; a
/// component that would lead out of the medium is none.
fn below(base: &Path, id: &str) -> Result<PathBuf, PathBuf> {
    let parts = id.split('\\').map(|part| part.trim_matches(|c: char| c.is_whitespace() || c == '\0'));
    let parts: Vec<&str> = parts.collect();
    let plain = base.join(parts.join("/"));
    if parts.iter().any(|part| part.is_empty() || matches!(*part, "." | "..") || part.contains(['/', ':'])) {
        return Err(plain);
    }
    let mut path = base.to_path_buf();
    for part in &parts {
        let exact = path.join(part);
        path = if exact.exists() { exact } else { any_case(&path, part).ok_or(plain.clone())? };
    }
    if path.is_file() { Ok(path) } else { Err(plain) }
}

fn any_case(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    entries
        .map(|entry| entry.path())
        .find(|path| path.file_name().is_some_and(|found| found.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_the_medium_is_reached() {
        let base = Path::new("/medium");
        for id in ["..\\..\\etc\\passwd", "", "A\\\\B", "/etc/passwd", "C:\\A"] {
            assert!(below(base, id).is_err(), "{id}");
        }
    }
}
