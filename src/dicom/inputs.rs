//! The paths of the command line to single objects: folders walked, archives and media directories opened.

use super::discover::SetAsideReason;
use super::error::DicomError;
use super::media_directory::{is_named_so, referenced_files};
use super::source::{LARGEST_OBJECT_BYTES, PackedMember};
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;
use zip::{CompressionMethod, ZipArchive};

/// Members of one archive that are looked at; an archive of more is refused.
const MOST_MEMBERS: usize = 200_000;

/// One object that may be DICOM.
#[derive(Debug)]
pub(crate) struct Input {
    /// The file; of a member of an archive its name behind the archive's.
    pub path: PathBuf,
    pub packed: Option<PackedMember>,
}

type Aside = BTreeMap<SetAsideReason, Vec<PathBuf>>;
/// The files by their names, each with the place it has without links.
type Files = BTreeMap<PathBuf, PathBuf>;

/// Every regular file under the paths and every member of the archives among them once, sorted; what cannot be
/// opened within the paths goes to `aside`.
pub(crate) fn inputs_under(paths: &[PathBuf], aside: &mut Aside) -> Result<Vec<Input>, DicomError> {
    let mut files = Files::new();
    for path in paths {
        let unreadable = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::NotFound => DicomError::PathMissing { path: path.clone() },
            _ => DicomError::Unreadable { path: path.clone(), why: e.to_string() },
        };
        let meta = fs::metadata(path).map_err(unreadable)?;
        if meta.is_file() {
            match is_named_so(path).then(|| referenced_files(path)).flatten() {
                Some(listed) => add_listed(listed, &mut files, aside),
                None => add(path.clone(), &mut files),
            }
            continue;
        }
        if !meta.is_dir() {
            let why = "neither a file nor a folder".to_string();
            return Err(DicomError::Unreadable { path: path.clone(), why });
        }
        fs::read_dir(path).map_err(unreadable)?;
        walk(path, &mut files, aside);
    }
    // The same file may come by two ways (`a` and `a/b.dcm`, a link); the first name in order stands for it.
    let mut seen = HashSet::with_capacity(files.len());
    files.retain(|_, real| seen.insert(std::mem::take(real).into_os_string()));
    if files.is_empty() && aside.is_empty() {
        return Err(DicomError::Empty { paths: paths.to_vec() });
    }
    let mut inputs = Vec::with_capacity(files.len());
    for path in files.into_keys() {
        if is_archive(&path) {
            add_members(&path, &mut inputs, aside);
        } else {
            inputs.push(Input { path, packed: None });
        }
    }
    Ok(inputs)
}

fn add(path: PathBuf, files: &mut Files) {
    let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
    files.insert(path, real);
}

fn add_listed(listed: Vec<Result<PathBuf, PathBuf>>, files: &mut Files, aside: &mut Aside) {
    for file in listed {
        match file {
            Ok(found) => add(found, files),
            Err(missing) => aside.entry(SetAsideReason::MissingFromDirectory).or_default().push(missing),
        }
    }
}

fn walk(folder: &Path, files: &mut Files, aside: &mut Aside) {
    let mut resolved: Option<(PathBuf, PathBuf)> = None;
    for entry in WalkDir::new(folder).follow_links(true) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let path = entry.path();
                // What is no link lies where its folder lies: to ask that once a folder spares four calls a file.
                let real = match (path.parent(), path.file_name()) {
                    (Some(parent), Some(name)) if !entry.path_is_symlink() => {
                        if resolved.as_ref().is_none_or(|(of, _)| of != parent) {
                            resolved = fs::canonicalize(parent).ok().map(|real| (parent.to_path_buf(), real));
                        }
                        resolved.as_ref().map(|(_, real)| real.join(name))
                    }
                    _ => fs::canonicalize(path).ok(),
                };
                let real = real.unwrap_or_else(|| path.to_path_buf());
                files.insert(entry.into_path(), real);
            }
            Ok(_) => {}
            // A link back to a folder above it leads to nothing new.
            Err(e) if e.loop_ancestor().is_some() => {}
            Err(e) => {
                let at = e.path().unwrap_or(folder).to_path_buf();
                let why = e.io_error().map_or_else(|| e.to_string(), ToString::to_string);
                aside.entry(SetAsideReason::Unreadable(why)).or_default().push(at);
            }
        }
    }
}

/// By name and first bytes: other files need not be opened twice for it.
fn is_archive(path: &Path) -> bool {
    let mut start = [0; 4];
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("zip"))
        && File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && matches!(&start, b"PK\x03\x04" | b"PK\x05\x06")
}

/// The members of an archive, none of them unpacked. Reading one later is bound by the size the directory states.
fn add_members(archive: &Path, inputs: &mut Vec<Input>, aside: &mut Aside) {
    let mut refuse = |path: PathBuf, why: String| aside.entry(SetAsideReason::NotUnpacked(why)).or_default().push(path);
    let opened = File::open(archive).map_err(|e| e.to_string());
    let directory = opened.and_then(|file| ZipArchive::new(BufReader::new(file)).map_err(|e| e.to_string()));
    let mut directory = match directory {
        Ok(directory) if directory.len() <= MOST_MEMBERS => directory,
        Ok(directory) => return refuse(archive.to_path_buf(), format!("{} members", directory.len())),
        Err(why) => return refuse(archive.to_path_buf(), why),
    };
    let mut nested = Vec::new();
    for index in 0..directory.len() {
        let member = match directory.by_index_raw(index) {
            Ok(member) => member,
            Err(e) => {
                refuse(archive.to_path_buf(), e.to_string());
                continue;
            }
        };
        if !member.is_file() {
            continue;
        }
        let name = String::from_utf8_lossy(member.name_raw()).into_owned();
        let path = archive.join(name.trim_start_matches('/'));
        let deflated = match member.compression() {
            CompressionMethod::Deflated => true,
            CompressionMethod::Stored => false,
            other => {
                refuse(path, format!("compressed by {other}"));
                continue;
            }
        };
        match member.data_start() {
            _ if member.encrypted() => refuse(path, "encrypted; unpack it with its password first".into()),
            _ if member.size() > LARGEST_OBJECT_BYTES => refuse(path, format!("{} bytes large", member.size())),
            _ if name.to_lowercase().ends_with(".zip") => nested.push(path),
            None => refuse(path, "its place in the archive is not known".into()),
            Some(start) => {
                let (packed_bytes, bytes) = (member.compressed_size(), member.size());
                let packed = PackedMember { archive: archive.to_path_buf(), start, packed_bytes, bytes, deflated };
                inputs.push(Input { path, packed: Some(packed) });
            }
        }
    }
    if !nested.is_empty() {
        aside.entry(SetAsideReason::NestedArchive).or_default().extend(nested);
    }
}
