//! Damaged files by the thousand: no panic, no hang, bounded memory, a hint with every refusal.
//!
//! Deterministic, so that a failure can be had again: `cargo test --release --test mutations -- --ignored --nocapture`.
//! It runs for `CORTICALYSIS_MUTATION_SECONDS` (60 unless set) from seed `CORTICALYSIS_MUTATION_SEED` (1 unless set).

mod support;

use corticalysis::dicom::discover;
use corticalysis::volume::{Grid, Volume};
use dicom_dictionary_std::uids;
use nalgebra::{Matrix3, Point3, Vector3};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use support::dicom_image::{Image, write_enhanced};
use support::program::shared_data;
use tempfile::TempDir;

/// Longest that one damaged file may take.
const LONGEST: Duration = Duration::from_secs(10);
/// Most memory the process may ever have held, kB.
const MOST_MEMORY_KB: u64 = 3 << 20;

/// A small generator of even quality (splitmix64): the test needs no more.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) % n.max(1) as u64) as usize
    }

    /// Damages most often the header, where the damage is worst.
    fn place(&mut self, length: usize) -> usize {
        let within = if self.below(3) == 0 { length } else { length.min(3000) };
        self.below(within)
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..1 + self.below(4) {
            if bytes.is_empty() {
                return;
            }
            let at = self.place(bytes.len());
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => {
                    let end = (at + 1 + self.below(64)).min(bytes.len());
                    bytes.drain(at..end);
                }
                2 => {
                    let new: Vec<u8> = (0..1 + self.below(64)).map(|_| self.below(256) as u8).collect();
                    bytes.splice(at..at, new);
                }
                3 => {
                    let end = (at + 4).min(bytes.len());
                    bytes[at..end].fill([0, 0xFF][self.below(2)]);
                }
                4 => {
                    let (from, end) = (self.place(bytes.len()), (at + 1 + self.below(200)).min(bytes.len()));
                    let copied: Vec<u8> = bytes[from..].iter().copied().take(end - at).collect();
                    bytes[at..at + copied.len()].copy_from_slice(&copied);
                }
                _ => bytes[at] ^= 1 << self.below(8),
            }
        }
    }
}

fn small_volume() -> Volume<i16> {
    let grid = Grid {
        size: [5, 4, 3],
        origin_mm: Point3::new(1.0, 2.0, 3.0),
        directions: Matrix3::identity(),
        spacing_mm: Vector3::new(0.5, 0.5, 2.0),
    };
    Volume { voxels: (0..60).collect(), grid }
}

/// Small files of every kind that is read, and the odd ones where they are present.
fn originals() -> Vec<(String, Vec<u8>)> {
    let dir = TempDir::new().unwrap();
    let images: Vec<Image> = (0..3).map(|i| Image::at(i + 1, 2.0 * i as f64)).collect();
    let syntaxes = [
        uids::EXPLICIT_VR_LITTLE_ENDIAN,
        uids::IMPLICIT_VR_LITTLE_ENDIAN,
        uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        "1.2.840.10008.1.2.2",
    ];
    for (n, syntax) in syntaxes.into_iter().enumerate() {
        let images: Vec<Image> = images.iter().map(|image| Image { syntax, ..image.clone() }).collect();
        images[1].write(&dir.path().join(format!("single {n}.dcm")));
        if n < 3 {
            write_enhanced(&images, &dir.path().join(format!("enhanced {n}.dcm")));
        }
    }
    let mut zip = zip::ZipWriter::new(fs::File::create(dir.path().join("archive.zip")).unwrap());
    for n in 0..3 {
        zip.start_file(format!("{n}.dcm"), zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, &fs::read(dir.path().join(format!("single {n}.dcm"))).unwrap()).unwrap();
    }
    zip.finish().unwrap();
    let mut air = support::oriented::stored(&small_volume(), ([1, 0, 2], [false, true, false]));
    air.voxels[0] = -1000;
    for name in ["ct.nii", "ct.nii.gz"] {
        support::nifti_file::Nifti::default().write(&air, &dir.path().join(name));
    }
    let odd = shared_data().map(|folder| folder.join("odd"));
    let files = |folder: &Path| fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect::<Vec<PathBuf>>();
    let mut paths = files(dir.path());
    paths.extend(odd.iter().flat_map(|folder| files(folder)));
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

fn most_memory_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
#[ignore = "runs for a minute or as long as it is told to"]
fn damaged_files_neither_panic_nor_hang_nor_fill_the_memory() {
    let originals = originals();
    let mut random = Random(number("CORTICALYSIS_MUTATION_SEED", 1));
    let end = Instant::now() + Duration::from_secs(number("CORTICALYSIS_MUTATION_SECONDS", 60));
    let (mut cases, mut read) = (0, 0);
    while Instant::now() < end {
        let (name, original) = &originals[random.below(originals.len())];
        let mut bytes = original.clone();
        random.damage(&mut bytes);
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join(name), &bytes).unwrap();
        // A sound slice beside it, so that there is something to stack.
        Image::at(7, 30.0).write(&dir.path().join("sound.dcm"));
        let began = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let found = match discover(&[dir.path().to_path_buf()], &|_, _| {}) {
                Ok(found) => found,
                Err(e) => {
                    assert!(e.to_string().contains("hint:"), "{e}");
                    return 0;
                }
            };
            let volumes = found.series.iter().map(|series| series.load(&|_, _| {}));
            volumes
                .filter(|volume| volume.as_ref().map_err(|e| assert!(e.to_string().contains("hint:"))).is_ok())
                .count()
        }));
        let keep = || {
            let kept = std::env::temp_dir().join(format!("mutated-{cases}-{name}"));
            fs::write(&kept, &bytes).unwrap();
            kept
        };
        match outcome {
            Ok(volumes) => read += usize::from(volumes > 0),
            Err(_) => panic!("a panic at {}", keep().display()),
        }
        assert!(began.elapsed() < LONGEST, "{:?} for {}", began.elapsed(), keep().display());
        assert!(most_memory_kb() < MOST_MEMORY_KB, "{} kB at {}", most_memory_kb(), keep().display());
        cases += 1;
    }
    println!("{cases} damaged files, {read} still read, at most {} MB held", most_memory_kb() / 1024);
}
