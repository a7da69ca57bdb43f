//! Into a folder, all or nothing: every file is first written into a temporary folder beside the target (the same file
//! system, so that renaming is atomic), and only when all of them are complete are they renamed into place.

use super::figures::{self, BoneFigures, ViewerBone};
use super::model::{Report, SliceReport};
use super::{csv, html, words};
use crate::anatomy::{BoneName, Side};
use crate::dicom::write::ObjectKind;
use crate::language::Language;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

/// Why no report could be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder cannot be made, or nothing can be written beside or into it.
    #[error("cannot write the report to {}", path.display())]
    Unwritable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The target exists and is no folder.
    #[error("cannot write the report to {}: it is a file", path.display())]
    NotAFolder { path: PathBuf },
    /// The report could not be put into its format: a fault of the program.
    #[error("cannot put the report into {format}: {reason}")]
    Format { format: &'static str, reason: String },
}

impl ReportError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unwritable { .. } => "choose with -o a folder that you may write to, on a disk with free space",
            Self::NotAFolder { .. } => "choose with -o a folder; it is made if it does not exist",
            Self::Format { .. } => "this is a fault of the program: please report it",
        }
    }
}

/// `report.json` as text, numbers rounded, with a newline at the end.
pub fn to_json(report: &Report) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(&report.rounded())
        .map_err(|error| ReportError::Format { format: "JSON", reason: error.to_string() })?;
    text.push('\n');
    Ok(text)
}

/// Writes `report.json`, `slices.csv`, `bones.csv`, `report.html` and `figures/*.svg` into `dir`, which is made if it
/// does not exist. Other files in it are kept. A failure while writing leaves the folder as it was; our files are
/// replaced only when all of them are complete, `report.json` last.
pub fn write_all(dir: &Path, report: &Report, figures: &[BoneFigures], language: Language) -> Result<(), ReportError> {
    write_report(dir, &contents(report, figures, language)?)
}

/// Writes the files of a report ([`contents`], `report.pdf`, and DICOM objects in the folder `dicom`), by their path within
/// `dir`, as [`write_all`] does. Pictures, objects and the PDF of an earlier report are removed.
pub fn write_report(dir: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), ReportError> {
    write_files(dir, files, "report.json", || {
        remove_stale(dir, "figures", is_figure_name, files)?;
        remove_stale(dir, "masks", is_mask_name, files)?;
        remove_stale(dir, ".", |name| matches!(name, "report.pdf" | "neck.csv" | "ends.csv"), files)?;
        remove_stale(dir, "dicom", is_object_name, files)
    })
}

/// Writes files by their path within `dir`, all or none, `last` after `before_last` was done: who waits for it finds
/// the rest complete.
pub(crate) fn write_files(
    dir: &Path,
    files: &BTreeMap<String, Vec<u8>>,
    last: &str,
    before_last: impl FnOnce() -> io::Result<()>,
) -> Result<(), ReportError> {
    let unwritable = |source: io::Error| ReportError::Unwritable { path: dir.to_path_buf(), source };
    if dir.exists() && !dir.is_dir() {
        return Err(ReportError::NotAFolder { path: dir.to_path_buf() });
    }
    // `out` has the parent "", which is the working folder; `.` and `..` have no name to stand beside, so the temporary
    // folder goes inside them.
    let parent = match (dir.file_name(), dir.parent()) {
        (Some(_), Some(parent)) if parent.as_os_str().is_empty() => Path::new("."),
        (Some(_), Some(parent)) => parent,
        _ => dir,
    };
    fs::create_dir_all(parent).map_err(unwritable)?;
    let staging = |place: &Path| tempfile::Builder::new().prefix(".corticalysis-").tempdir_in(place);
    // An existing folder may be writable where its parent is not (a mounted volume): then stage inside it.
    let temporary = match staging(parent) {
        Err(_) if dir.is_dir() => staging(dir),
        other => other,
    }
    .map_err(unwritable)?;
    // Side by side: each waits for the disk.
    let write = |(name, bytes): (&String, &Vec<u8>)| write_file(&temporary.path().join(name), bytes);
    files.par_iter().try_for_each(write).map_err(unwritable)?;
    // From here on nothing large is written: only renames within one file system are left.
    for name in files.keys() {
        let target = dir.join(name);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(unwritable)?;
        }
        if target.is_dir() {
            let source = io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is a folder", target.display()));
            return Err(unwritable(source));
        }
    }
    let place = |name: &str| move_file(&temporary.path().join(name), &dir.join(name)).map_err(unwritable);
    files.keys().filter(|name| *name != last).try_for_each(|name| place(name))?;
    before_last().map_err(unwritable)?;
    place(last)
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = fs::File::create(path)?;
    write_sparse(&mut file, bytes)?;
    // A full network disk may say so only now.
    file.sync_all()
}

/// Writes all bytes but leaves blocks of zeros to the file system as holes: most of a mask is zeros, and what is not written
/// need not wait for the disk.
fn write_sparse(file: &mut fs::File, bytes: &[u8]) -> io::Result<()> {
    const BLOCK: usize = 4096;
    const ZEROS: [u8; BLOCK] = [0; BLOCK];
    let is_zero = |block: &[u8]| *block == ZEROS[..block.len()];
    let mut start = 0;
    while start < bytes.len() {
        let zeros = bytes[start..].chunks(BLOCK).take_while(|block| is_zero(block)).map(<[u8]>::len).sum::<usize>();
        let from = start + zeros;
        let held = bytes[from..].chunks(BLOCK).take_while(|block| !is_zero(block)).map(<[u8]>::len).sum::<usize>();
        file.seek(io::SeekFrom::Start(from as u64))?;
        file.write_all(&bytes[from..from + held])?;
        start = from + held;
    }
    file.set_len(bytes.len() as u64)
}

/// Renames; where `dir` is a mount point of its own inside `parent`, copies beside the target and renames there.
fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let folder = to.parent().unwrap_or(Path::new("."));
            let mut beside = tempfile::NamedTempFile::new_in(folder)?;
            io::copy(&mut fs::File::open(from)?, &mut beside)?;
            beside.persist(to).map(drop).map_err(|error| error.error)
        }
        other => other,
    }
}

/// Files of an earlier report that this one does not have: beside the new numbers they could be taken for theirs.
/// Only names that a report could have given are touched.
fn remove_stale(
    dir: &Path,
    folder: &str,
    ours: impl Fn(&str) -> bool,
    files: &BTreeMap<String, Vec<u8>>,
) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(dir.join(folder)) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder == "." { name.clone() } else { format!("{folder}/{name}") };
        if ours(&name) && !files.contains_key(&path) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// `seg.dcm`, `sc-femur-left-slice-0042.dcm`, ….
/// `femur-left.nii.gz`, `tibia-right-2-cortex.nii.gz`, ….
fn is_mask_name(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".nii.gz") else { return false };
    let mut parts = stem.split('-');
    let bone = parts.next().is_some_and(|bone| bone == "unknown" || bone.parse::<BoneName>().is_ok());
    let side = parts.next().is_some_and(|side| side == "unknown" || side.parse::<Side>().is_ok());
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    bone && side && parts.all(|part| number(part) || matches!(part, "cortex" | "lesion"))
}

fn is_object_name(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".dcm") else { return false };
    let picture = stem.strip_prefix("sc-").is_some_and(|picture| is_figure_name(&format!("{picture}.svg")));
    picture || ObjectKind::ALL.iter().any(|kind| kind.word() == stem)
}

/// `femur-left-map.svg`, `unknown-unknown-2-slice-0042.svg`, ….
fn is_figure_name(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".svg") else { return false };
    let parts: Vec<&str> = stem.split('-').collect();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let [bone, side, rest @ ..] = parts.as_slice() else { return false };
    let rest = match rest {
        [number, rest @ ..] if digits(number) => rest,
        rest => rest,
    };
    let picture = matches!(rest, ["map"] | ["profile"] | ["rigidity"] | ["weakest"])
        || matches!(rest, ["slice", index] if digits(index));
    BONES.contains(bone) && ["left", "right", "unknown"].contains(side) && picture
}

const BONES: [&str; 7] = ["femur", "tibia", "fibula", "humerus", "radius", "ulna", "unknown"];

/// All files of the report by their path within the folder: page and pictures in `language`, what programs read in English.
///
/// # Errors
/// What cannot be put into its format: a fault of the program.
pub fn contents(
    report: &Report,
    figures: &[BoneFigures],
    language: Language,
) -> Result<BTreeMap<String, Vec<u8>>, ReportError> {
    let table = |error: ::csv::Error| ReportError::Format { format: "CSV", reason: error.to_string() };
    let drawn: Vec<DrawnBone> =
        figures.par_iter().filter_map(|figures| DrawnBone::draw(report, figures, language)).collect();
    let mut files = BTreeMap::new();
    files.insert("report.json".into(), to_json(report)?.into_bytes());
    files.insert("slices.csv".into(), csv::slices_csv(report).map_err(table)?);
    files.insert("bones.csv".into(), csv::bones_csv(report).map_err(table)?);
    if let Some(ends) = csv::ends_csv(report) {
        files.insert("ends.csv".into(), ends.map_err(table)?);
    }
    if let Some(neck) = csv::neck_csv(report) {
        files.insert("neck.csv".into(), neck.map_err(table)?);
    }
    files.insert("report.html".into(), html::page(report, &drawn, language).into_bytes());
    for bone in &drawn {
        let name = &bone.file_stem;
        files.insert(format!("figures/{name}-map.svg"), figures::standalone(&bone.map).into_bytes());
        files.insert(format!("figures/{name}-profile.svg"), figures::standalone(&bone.profile).into_bytes());
        for (kind, figure) in [("rigidity", &bone.rigidity), ("weakest", &bone.weakest)] {
            if let Some(figure) = figure {
                files.insert(format!("figures/{name}-{kind}.svg"), figures::standalone(figure).into_bytes());
            }
        }
        for (slice_name, picture) in &bone.pictures {
            files.insert(format!("figures/{name}-{slice_name}.svg"), figures::standalone(picture).into_bytes());
        }
    }
    Ok(files)
}

/// The inline figures of one bone.
pub struct DrawnBone {
    /// Which of the report's bones it is.
    pub bone_index: usize,
    /// `femur-left`, numbered where two bones would share it.
    pub file_stem: String,
    pub map: String,
    pub profile: String,
    /// Stiffness along the bone, and the weakest section, where measured.
    pub rigidity: Option<String>,
    pub weakest: Option<String>,
    /// Name of the slice for a file name, and its picture.
    pub pictures: Vec<(String, String)>,
    /// What the page's viewer scrolls through.
    pub viewer: ViewerBone,
}

impl DrawnBone {
    /// Draws everything; `None` when the report has no such bone.
    pub fn draw(report: &Report, figures: &BoneFigures, language: Language) -> Option<Self> {
        let index = figures.bone_index;
        let bone = report.bones.get(index)?;
        let namesakes =
            report.bones[..index].iter().filter(|other| (&other.bone, &other.side) == (&bone.bone, &bone.side)).count();
        let number = if namesakes == 0 { String::new() } else { format!("-{}", namesakes + 1) };
        let title = words::bone_title(language, bone);
        let flagged: Vec<bool> = bone.slices.iter().map(SliceReport::flag_stands).collect();
        let pictures = figures.crops.par_iter().map(|crop| {
            let id = format!("b{index}-s{}", crop.slice_index);
            // By position, which is always there and unique; the instance number stands in the picture.
            (format!("slice-{:04}", crop.slice_index), figures::slice_picture(figures, crop, language, &title, &id))
        });
        Some(Self {
            bone_index: index,
            file_stem: format!("{}-{}{number}", bone.bone, bone.side),
            map: figures::unrolled_map(figures, language, &title, &format!("b{index}-map")),
            profile: figures::profile(figures, language, &flagged, &title, &format!("b{index}-profile")),
            rigidity: figures.rigidity.as_ref().map(|(rigidity, _)| {
                figures::rigidity_profile(figures, rigidity, language, &title, &format!("b{index}-rigidity"))
            }),
            weakest: figures.rigidity.as_ref().and_then(|(rigidity, crop)| {
                let (_, section) = rigidity.weakest(figures.lysis)?;
                Some(figures::weakest_picture(crop.as_ref()?, section, language, &title, &format!("b{index}-weakest")))
            }),
            pictures: pictures.collect(),
            viewer: figures::viewer(figures),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_read_as_the_zeros_that_they_stand_for() {
        let dir = tempfile::TempDir::new().unwrap();
        for (n, held) in [&[][..], &[0], &[40_000], &[9_000, 9_001, 70_000], &[99_999]].into_iter().enumerate() {
            let mut bytes = vec![0u8; 100_000];
            held.iter().for_each(|at: &usize| bytes[*at] = 7);
            let path = dir.path().join(n.to_string());
            write_file(&path, &bytes).unwrap();
            assert!(fs::read(&path).unwrap() == bytes, "{held:?}");
        }
        write_file(&dir.path().join("empty"), &[]).unwrap();
        assert_eq!(fs::read(dir.path().join("empty")).unwrap(), b"");
    }
}
