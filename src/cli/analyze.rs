//! `corticalysis analyze`: the main job, from raw arguments to the report.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::anatomy::{BoneName, Side};
use crate::cli::calibration::CalibrationArg;
use crate::cli::shell::Listed;
use crate::dicom::write::ObjectKind;
use crate::language::Language;
use crate::lysis::ReferenceChoice;
use crate::rigidity::ModulusLaw;
use crate::scores::mirels::{LesionType, Pain, Site, Size};
use crate::words::{BadValue, parse_number, parse_word};

/// Smallest loss of a sector's cortex that may be asked to count as involved.
pub const MIN_DEPTH: f64 = 0.05;
/// Largest loss of a sector's cortex that may be asked to count as involved.
pub const MAX_DEPTH: f64 = 0.95;

/// More threads than any machine this runs on has processors only fight each other.
pub const MAX_THREADS: usize = 256;

/// A point in the DICOM patient frame (LPS), in millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeedPoint {
    /// Towards the patient's left.
    pub x_mm: f64,
    /// Towards the back.
    pub y_mm: f64,
    /// Towards the head.
    pub z_mm: f64,
}

impl FromStr for SeedPoint {
    type Err = BadValue;

    fn from_str(given: &str) -> Result<Self, BadValue> {
        let numbers: Option<Vec<f64>> = given.split(',').map(finite).collect();
        match numbers.as_deref() {
            Some(&[x_mm, y_mm, z_mm]) => Ok(Self { x_mm, y_mm, z_mm }),
            _ => Err(refused("a position", given, "X,Y,Z in patient millimetres, for example -85.5,12,-430")),
        }
    }
}

/// Raw arguments of `analyze`.
#[derive(Debug, Args)]
pub struct AnalyzeArgs {
    /// Files and folders, in any mixture and order
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Folder to write the report into, created if needed; may be left out with --json
    #[arg(short, long, value_name = "DIR", required_unless_present = "json")]
    output: Option<PathBuf>,
    /// SeriesInstanceUID of the series to analyse, where the input holds several
    #[arg(long, value_name = "UID", value_parser = series_uid)]
    series: Option<String>,
    /// Only this bone: femur, tibia, fibula, humerus, radius or ulna
    #[arg(long, value_name = "BONE", value_parser = Listed::new(bone, BoneName::WORDS), hide_possible_values = true)]
    bone: Option<BoneName>,
    /// Only this side of the patient: left or right
    #[arg(long, value_name = "SIDE", value_parser = Listed::new(side, Side::WORDS), hide_possible_values = true)]
    side: Option<Side>,
    /// Only the bone at this position, in patient millimetres
    #[arg(long, value_name = "X,Y,Z", allow_hyphen_values = true)]
    seed: Option<SeedPoint>,
    /// The bone itself, as a mask (NIfTI or DICOM SEG on the grid of the CT), instead of finding it; each label is one
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
    /// Only this label of the mask: its number, or the name of a segment
    #[arg(long, value_name = "LABEL", requires = "mask")]
    mask_label: Option<String>,
    /// The bone itself, as a region of an RTSTRUCT or SEG among the inputs ('corticalysis series' lists them); may be
    /// repeated
    #[arg(long, value_name = "NAME", conflicts_with = "mask")]
    bone_roi: Vec<String>,
    /// Only lesions within 5 mm of this outlined lesion or target volume, a region of an RTSTRUCT or SEG among the
    /// inputs; may be repeated
    #[arg(long, value_name = "NAME")]
    roi: Vec<String>,
    /// Pain: mild, moderate or functional (severe, or aggravated by using the limb); no image tells it
    #[arg(long, value_name = "PAIN", value_parser = Listed::new(Pain::from_str, Pain::WORDS), hide_possible_values = true)]
    pain: Option<Pain>,
    /// Mirels site instead of the measured one: upper-limb, lower-limb or trochanteric
    #[arg(long, value_name = "SITE", value_parser = Listed::new(Site::from_str, Site::WORDS), hide_possible_values = true)]
    site: Option<Site>,
    /// Lesion type instead of the measured one: blastic, mixed or lytic
    #[arg(long = "type", value_name = "TYPE", value_parser = Listed::new(LesionType::from_str, LesionType::WORDS), hide_possible_values = true)]
    lesion_type: Option<LesionType>,
    /// Lesion size instead of the measured one: '<1/3', '1/3-2/3', '>2/3' or a fraction from 0 to 1
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    size: Option<Size>,
    /// Intact bone to compare with: auto, contralateral or ipsilateral
    #[arg(long, value_name = "REFERENCE", value_parser = Listed::new(reference, ReferenceChoice::WORDS), default_value_t, hide_possible_values = true)]
    reference: ReferenceChoice,
    /// Loss of a sector's cortex from which it counts as involved, 0.05 to 0.95
    #[arg(long, value_name = "FRACTION", default_value = "0.30", value_parser = depth, allow_hyphen_values = true)]
    depth: f64,
    /// How HU become density: internal (from air, fat and muscle in the image), default, linear:SLOPE,INTERCEPT,KIND,
    /// table:FILE, rods:FILE or saved:FILE (docs/rigidity.md)
    #[arg(long, value_name = "HOW", default_value_t)]
    calibration: CalibrationArg,
    /// Write the calibration that was used, to be given again as saved:FILE
    #[arg(long, value_name = "FILE")]
    save_calibration: Option<PathBuf>,
    /// Law from density to stiffness: ctra, keyak or morgan
    #[arg(long, value_name = "LAW", value_parser = Listed::new(ModulusLaw::from_str, ModulusLaw::WORDS), default_value_t, hide_possible_values = true)]
    modulus: ModulusLaw,
    /// What a reviewer accepted, rejected and said, as the page saves it: rejected findings are listed, but count in no
    /// rule and no score; the pain given there is taken (and must not contradict --pain)
    #[arg(long, value_name = "FILE")]
    review: Option<PathBuf>,
    /// Language of page, pictures, summary and PDF: en or fr; JSON, tables and DICOM objects stay English
    #[arg(long, value_name = "LANGUAGE", value_parser = Listed::new(Language::from_str, &[("en", ()), ("fr", ())]), default_value_t, hide_possible_values = true)]
    lang: Language,
    /// Write report.pdf too: two pages for the record
    #[arg(long, requires = "output")]
    pdf: bool,
    /// Put the patient's name and ID into the report and the DICOM objects; without it only UIDs are in them
    #[arg(long)]
    identify: bool,
    /// Write DICOM objects of the CT's study into the report's folder: seg, sr, rtstruct, ko, sc, several with commas,
    /// or all of them where none is named
    #[arg(long, value_name = "KINDS", requires = "output", num_args = 0..=1, default_missing_value = "all", value_parser = Listed::new(objects, OBJECTS), hide_possible_values = true)]
    dicom: Option<ObjectKinds>,
    /// Write masks of each bone (whole, cortex, lesions) as NIfTI into the folder masks of the report
    #[arg(long, requires = "output")]
    save_masks: bool,
    /// Print the report as JSON on standard output, and nothing else there
    #[arg(long)]
    json: bool,
    /// No progress and no summary; warnings and errors stay
    #[arg(long)]
    quiet: bool,
    /// Threads to use [default: as many as the machine has processors]
    #[arg(long, value_name = "N", value_parser = threads, allow_hyphen_values = true)]
    threads: Option<NonZeroUsize>,
}

/// What `analyze` is to do: every value checked.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalyzeSettings {
    /// Files and folders to read.
    pub paths: Vec<PathBuf>,
    /// Folder of the report; `None` only together with `json`.
    pub output_dir: Option<PathBuf>,
    /// Only the series of this UID.
    pub series_instance_uid: Option<String>,
    /// Only this bone.
    pub bone: Option<BoneName>,
    /// Only this side.
    pub side: Option<Side>,
    /// Only the bone at this position.
    pub seed: Option<SeedPoint>,
    /// File of a mask of the bone.
    pub mask: Option<PathBuf>,
    /// Only this label of it.
    pub mask_label: Option<String>,
    /// Regions that are bones.
    pub bone_roi: Vec<String>,
    /// Regions that lesions are restricted to.
    pub roi: Vec<String>,
    /// The pain, which no image tells.
    pub pain: Option<Pain>,
    /// Given instead of measured.
    pub site: Option<Site>,
    /// Given instead of measured.
    pub lesion_type: Option<LesionType>,
    /// Given instead of measured.
    pub size: Option<Size>,
    /// Which intact bone to compare with.
    pub reference: ReferenceChoice,
    /// Lysis fraction above which a sector counts as involved, [`MIN_DEPTH`] to [`MAX_DEPTH`].
    pub depth_fraction: f64,
    /// How HU become density.
    pub calibration: CalibrationArg,
    /// File for the calibration that was used.
    pub save_calibration: Option<PathBuf>,
    /// Law from density to stiffness.
    pub modulus: ModulusLaw,
    /// Language of the page, its pictures and the summary.
    pub language: Language,
    /// File of a review to take into account.
    pub review: Option<PathBuf>,
    /// The summary for the record as PDF.
    pub pdf: bool,
    /// Name and ID of the patient in the report.
    pub identify: bool,
    /// DICOM objects to write; none where it is empty.
    pub dicom: Vec<ObjectKind>,
    /// Masks of the bones as NIfTI.
    pub save_masks: bool,
    /// The report as JSON on standard output.
    pub json: bool,
    /// No progress and no summary.
    pub quiet: bool,
    /// Number of threads; `None`: as many as there are processors.
    pub threads: Option<NonZeroUsize>,
}

impl From<AnalyzeArgs> for AnalyzeSettings {
    fn from(args: AnalyzeArgs) -> Self {
        Self {
            paths: args.paths,
            output_dir: args.output,
            series_instance_uid: args.series,
            bone: args.bone,
            side: args.side,
            seed: args.seed,
            mask: args.mask,
            mask_label: args.mask_label,
            bone_roi: args.bone_roi,
            roi: args.roi,
            pain: args.pain,
            site: args.site,
            lesion_type: args.lesion_type,
            size: args.size,
            reference: args.reference,
            depth_fraction: args.depth,
            calibration: args.calibration,
            save_calibration: args.save_calibration,
            modulus: args.modulus,
            language: args.lang,
            review: args.review,
            pdf: args.pdf,
            identify: args.identify,
            dicom: args.dicom.map_or_else(Vec::new, |kinds| kinds.0),
            save_masks: args.save_masks,
            json: args.json,
            quiet: args.quiet,
            threads: args.threads,
        }
    }
}

fn bone(given: &str) -> Result<BoneName, BadValue> {
    // The other bones differ by their accents only.
    in_either_language(given, &[("péroné", BoneName::Fibula), ("cubitus", BoneName::Ulna)])
}

fn side(given: &str) -> Result<Side, BadValue> {
    in_either_language(given, &[("gauche", Side::Left), ("droite", Side::Right), ("droit", Side::Right)])
}

fn reference(given: &str) -> Result<ReferenceChoice, BadValue> {
    let french = [("controlatéral", ReferenceChoice::Contralateral), ("ipsilatéral", ReferenceChoice::Ipsilateral)];
    in_either_language(given, &french)
}

/// Reads an English word as its type does, or else a French one; a refusal lists both.
fn in_either_language<T: FromStr<Err = BadValue> + Copy>(given: &str, french: &[(&str, T)]) -> Result<T, BadValue> {
    given.parse().or_else(|refused: BadValue| {
        parse_word(refused.what, given, french).map_err(|in_french| BadValue {
            accepted: format!("{}; in French: {}", refused.accepted, in_french.accepted),
            nearest: refused.nearest.or(in_french.nearest),
            ..refused
        })
    })
}

/// Kinds of DICOM objects, in their order, each once.
#[derive(Debug, Clone, PartialEq)]
struct ObjectKinds(Vec<ObjectKind>);

const OBJECTS: &[(&str, Option<ObjectKind>)] = &[
    ("all", None),
    ("seg", Some(ObjectKind::Seg)),
    ("sr", Some(ObjectKind::Sr)),
    ("rtstruct", Some(ObjectKind::RtStruct)),
    ("ko", Some(ObjectKind::Ko)),
    ("sc", Some(ObjectKind::Sc)),
];

fn objects(given: &str) -> Result<ObjectKinds, BadValue> {
    let mut kinds = Vec::new();
    for word in given.split(',') {
        match parse_word("a kind of DICOM object", word, OBJECTS) {
            Ok(Some(kind)) => kinds.push(kind),
            Ok(None) => kinds.extend(ObjectKind::ALL),
            Err(refused) => {
                let accepted = format!("{}, several with commas; before a path write --dicom=all", refused.accepted);
                return Err(BadValue { accepted, ..refused });
            }
        }
    }
    kinds.sort();
    kinds.dedup();
    Ok(ObjectKinds(kinds))
}

fn depth(given: &str) -> Result<f64, BadValue> {
    parse_number(given)
        .filter(|depth| (MIN_DEPTH..=MAX_DEPTH).contains(depth))
        .ok_or_else(|| refused("a depth", given, "a fraction from 0.05 to 0.95"))
}

fn threads(given: &str) -> Result<NonZeroUsize, BadValue> {
    let number: Option<NonZeroUsize> = given.trim().parse().ok();
    number
        .filter(|n| n.get() <= MAX_THREADS)
        .ok_or_else(|| refused("a number of threads", given, "a whole number from 1 to 256"))
}

/// A DICOM UID: digits and dots, at most 64 characters (PS3.5 section 9.1).
fn series_uid(given: &str) -> Result<String, BadValue> {
    let uid = given.trim();
    let well_formed =
        uid.len() <= 64 && uid.split('.').all(|part| part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty());
    if well_formed {
        Ok(uid.to_owned())
    } else {
        Err(refused("a series UID", given, "a SeriesInstanceUID as 'corticalysis series' lists it (digits and dots)"))
    }
}

fn finite(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

fn refused(what: &'static str, given: &str, accepted: &str) -> BadValue {
    BadValue { what, given: given.to_owned(), accepted: accepted.to_owned(), nearest: None }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::rigidity::DensityKind;

    fn settings(args: &[&str]) -> Result<AnalyzeSettings, clap::Error> {
        let cli = Cli::try_parse_from(["corticalysis", "analyze"].iter().chain(args))?;
        match cli.command {
            Command::Analyze(args) => Ok((*args).into()),
            other => panic!("not analyze: {other:?}"),
        }
    }

    #[test]
    fn defaults() {
        let settings = settings(&["ct", "-o", "out"]).unwrap();
        assert_eq!(settings.reference, ReferenceChoice::Auto);
        assert_eq!(settings.depth_fraction, 0.30);
        assert_eq!((settings.pain, settings.threads, settings.json), (None, None, false));
    }

    #[test]
    fn every_option_arrives() {
        let line = "ct more -o out --series 1.2.840 --bone femur --side left --seed -85.5,12,-430 --pain mild --site trochanteric \
                    --type lytic --size 0.5 --reference contralateral --depth 0.5 --calibration linear:0.0007,-0.009,ash --save-calibration c.json --modulus keyak --lang fr --review r.json --pdf --identify --dicom sr,seg,sr --save-masks --json --quiet --threads 2 --mask m.nii.gz --mask-label 3 --roi GTV --roi CTV";
        let settings = settings(&line.split_whitespace().collect::<Vec<_>>()).unwrap();
        let expected = AnalyzeSettings {
            paths: vec!["ct".into(), "more".into()],
            output_dir: Some("out".into()),
            series_instance_uid: Some("1.2.840".into()),
            bone: Some(BoneName::Femur),
            side: Some(Side::Left),
            seed: Some(SeedPoint { x_mm: -85.5, y_mm: 12.0, z_mm: -430.0 }),
            mask: Some("m.nii.gz".into()),
            mask_label: Some("3".into()),
            bone_roi: Vec::new(),
            roi: vec!["GTV".into(), "CTV".into()],
            pain: Some(Pain::Mild),
            site: Some(Site::Trochanteric),
            lesion_type: Some(LesionType::Lytic),
            size: Some(Size::OneToTwoThirds),
            reference: ReferenceChoice::Contralateral,
            depth_fraction: 0.5,
            calibration: CalibrationArg::Linear { slope: 0.0007, intercept_g_cm3: -0.009, density: DensityKind::Ash },
            save_calibration: Some("c.json".into()),
            modulus: ModulusLaw::Keyak,
            language: Language::Fr,
            review: Some("r.json".into()),
            pdf: true,
            identify: true,
            dicom: vec![ObjectKind::Seg, ObjectKind::Sr],
            save_masks: true,
            json: true,
            quiet: true,
            threads: NonZeroUsize::new(2),
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn the_output_may_be_left_out_only_with_json() {
        assert!(settings(&["ct"]).is_err());
        assert_eq!(settings(&["ct", "--json"]).unwrap().output_dir, None);
    }

    #[test]
    fn a_bone_is_given_in_one_way_only() {
        assert_eq!(settings(&["ct", "--json", "--bone-roi", "FEMUR_L"]).unwrap().bone_roi, ["FEMUR_L"]);
        assert!(settings(&["ct", "--json", "--bone-roi", "FEMUR_L", "--mask", "m.nii"]).is_err());
        assert!(settings(&["ct", "--json", "--mask-label", "3"]).is_err());
    }

    #[test]
    fn words_are_read_in_french_too() {
        let line = "ct --json --bone Fémur --side GAUCHE --pain modérée --site membre-inférieur --type lytique --size 0,5 --reference ipsilatéral";
        let settings = settings(&line.split_whitespace().collect::<Vec<_>>()).unwrap();
        assert_eq!((settings.bone, settings.side), (Some(BoneName::Femur), Some(Side::Left)));
        assert_eq!((settings.pain, settings.site), (Some(Pain::Moderate), Some(Site::LowerLimb)));
        assert_eq!((settings.lesion_type, settings.size), (Some(LesionType::Lytic), Some(Size::OneToTwoThirds)));
        assert_eq!(settings.reference, ReferenceChoice::Ipsilateral);
        let error = side("driote").unwrap_err();
        assert_eq!(error.nearest.as_deref(), Some("droite"));
        assert_eq!(error.accepted, "left, right; in French: gauche, droite, droit");
    }

    #[test]
    fn dicom_objects_are_named_one_by_one_or_all() {
        let kinds = |args: &[&str]| settings(args).map(|settings| settings.dicom);
        assert_eq!(kinds(&["ct", "-o", "out"]).unwrap(), []);
        assert_eq!(kinds(&["ct", "--dicom", "-o", "out"]).unwrap(), ObjectKind::ALL);
        assert_eq!(kinds(&["--dicom=ko", "ct", "-o", "out"]).unwrap(), [ObjectKind::Ko]);
        assert_eq!(kinds(&["ct", "-o", "out", "--dicom", "all,sc"]).unwrap(), ObjectKind::ALL);
        assert!(kinds(&["ct", "--json", "--dicom"]).is_err(), "without a folder");
        let refused = objects("ct-folder").unwrap_err();
        assert!(refused.hint().contains("--dicom=all"), "{}", refused.hint());
    }

    #[test]
    fn depth_at_its_ends() {
        for good in ["0.05", "0.95", "0,30"] {
            assert!(depth(good).is_ok(), "{good}");
        }
        for bad in ["0.049", "0.951", "30", "nan", "", "-0.3"] {
            assert!(depth(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn positions_uids_and_threads_are_checked() {
        for bad in ["1,2", "1,2,3,4", "a,b,c", "1,2,inf", ""] {
            assert!(bad.parse::<SeedPoint>().is_err(), "{bad}");
        }
        for bad in ["", "1..2", "1.2.x", ".1", &"1".repeat(65)] {
            assert!(series_uid(bad).is_err(), "{bad}");
        }
        for bad in ["0", "-1", "1.5", "many", "257"] {
            assert!(threads(bad).is_err(), "{bad}");
        }
    }
}
