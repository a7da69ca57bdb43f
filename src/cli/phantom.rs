//! `corticalysis phantom`: a synthetic CT, or a real one with a defect cut into it, with its truth beside it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use clap::Args;

use super::exit_status::{ExitError, OrExit};
use super::run_analysis::{of_uid, uids};
use super::shell::Listed;
use crate::anatomy::{BoneName, Side};
use crate::dicom::{Series, SeriesHeader, discover};
use crate::phantom::check::{self, SpecError};
use crate::phantom::dicom_out::NewSeries;
use crate::phantom::folder::{self, FolderError};
use crate::phantom::into::{self, Cut, IntoError, IntoSpec, Position};
use crate::phantom::presets::{PRESETS, preset};
use crate::phantom::spec::{LESION_HU, LesionSpec, PhantomSpec};
use crate::phantom::truth::{SCHEMA, Truth};
use crate::words::{BadValue, parse_word};

pub const HELP: &str = "\
Examples:
  corticalysis phantom -o phantom --preset eccentric-ball
  corticalysis phantom --preset two-legs --print-spec > mine.toml     (edit it, then)
  corticalysis phantom -o phantom --spec mine.toml
  corticalysis phantom -o defect --into ~/export/ct --lesion ball --at 55% --angle 40 --radius 15 --length 60

Writes DIR/CT/*.dcm, DIR/truth.json (per slice: axial and circumferential lysis, percent) and DIR/phantom.toml, from which
the same can be made again. The same specification and seed give the same bytes.

Units: millimetres; degrees about the bone's axis (0 left, 90 posterior, 180 right, 270 anterior).

Exit status:
  0  written
  1  something else failed
  2  the command line or the specification is wrong
  3  the series given with --into cannot be used, or has no bone to cut into";

/// Raw arguments of `phantom`.
#[derive(Debug, Args)]
pub struct PhantomArgs {
    /// Folder to write into; made if needed, and only replaced when it holds nothing but an earlier phantom
    #[arg(short, long, value_name = "DIR", required_unless_present_any = ["list_presets", "print_spec"])]
    output: Option<PathBuf>,
    /// A phantom with a name; --list-presets tells them
    #[arg(long, value_name = "NAME", value_parser = preset, conflicts_with_all = ["spec", "into"],
          required_unless_present_any = ["spec", "into", "list_presets"])]
    preset: Option<PhantomSpec>,
    /// A specification, .toml or .json; with --into, the lesions and where they go
    #[arg(long, value_name = "FILE")]
    spec: Option<PathBuf>,
    /// Noise: another number, another noise [default: the specification's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// List the presets
    #[arg(long)]
    list_presets: bool,
    /// Print the whole specification as TOML and write nothing
    #[arg(long)]
    print_spec: bool,
    /// Cut a defect into this real CT series instead (a file or folder)
    #[arg(long, value_name = "PATH")]
    into: Option<PathBuf>,
    #[command(flatten)]
    defect: DefectArgs,
}

/// The defect that goes into a real CT.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Defect (with --into)")]
pub struct DefectArgs {
    /// SeriesInstanceUID, where PATH holds several series
    #[arg(long, value_name = "UID", requires = "into")]
    series: Option<String>,
    /// Only this bone [default: the largest]
    #[arg(long, value_name = "BONE", value_parser = Listed::new(BoneName::from_str, BoneName::WORDS), hide_possible_values = true, requires = "into", conflicts_with = "spec")]
    bone: Option<BoneName>,
    /// Only this side: left or right
    #[arg(long, value_name = "SIDE", value_parser = Listed::new(Side::from_str, Side::WORDS), hide_possible_values = true, requires = "into", conflicts_with = "spec")]
    side: Option<Side>,
    /// window, sector, endosteal-scallop, ball, permeative, blastic or mixed
    #[arg(long, value_name = "KIND", requires = "into", conflicts_with = "spec", value_parser = Listed::new(kind, KINDS), hide_possible_values = true)]
    lesion: Option<Kind>,
    /// Its middle: patient z in mm (-412.5) or a share of the visible shaft from its lower end (55%) [default: 50%]
    #[arg(long, value_name = "Z|SHARE%", requires = "lesion", allow_hyphen_values = true)]
    at: Option<Position>,
    /// Where it lies around the axis, degrees [default: 0]
    #[arg(long, value_name = "DEG", requires = "lesion", allow_hyphen_values = true)]
    angle: Option<f64>,
    /// How far it reaches to both sides of that, degrees [default: 45] (window, sector, endosteal-scallop, permeative)
    #[arg(long, value_name = "DEG", requires = "lesion", allow_hyphen_values = true)]
    half_width: Option<f64>,
    /// Radius across the bone, mm [default: 12] (ball, blastic, mixed)
    #[arg(long, value_name = "MM", requires = "lesion", allow_hyphen_values = true)]
    radius: Option<f64>,
    /// Whole length along the bone, mm [default: 40; of a ball, blastic or mixed: twice the radius]
    #[arg(long, value_name = "MM", requires = "lesion", allow_hyphen_values = true)]
    length: Option<f64>,
    /// Distance of its middle from the axis, mm [default: 8] (ball, blastic, mixed)
    #[arg(long, value_name = "MM", requires = "lesion", allow_hyphen_values = true)]
    offset: Option<f64>,
    /// Wall that stands, mm [default: 1.5] (endosteal-scallop)
    #[arg(long, value_name = "MM", requires = "lesion", allow_hyphen_values = true)]
    remaining: Option<f64>,
    /// Share of the density that goes, 0 to 1 [default: 0.5] (permeative)
    #[arg(long, value_name = "SHARE", requires = "lesion", allow_hyphen_values = true)]
    density_loss: Option<f64>,
    /// Length over which it narrows at each end, mm [default: 0] (sector)
    #[arg(long, value_name = "MM", requires = "lesion", allow_hyphen_values = true)]
    taper: Option<f64>,
    /// HU of what fills it [default: 45; blastic: 700]
    #[arg(long, value_name = "HU", requires = "lesion", allow_hyphen_values = true)]
    hu: Option<f64>,
    /// HU of its part within the canal [default: 300] (mixed)
    #[arg(long, value_name = "HU", requires = "lesion", allow_hyphen_values = true)]
    canal_hu: Option<f64>,
}

/// Shapes that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Window,
    Sector,
    EndostealScallop,
    Ball,
    Permeative,
    Blastic,
    Mixed,
}

const KINDS: &[(&str, Kind)] = &[
    ("window", Kind::Window),
    ("sector", Kind::Sector),
    ("endosteal-scallop", Kind::EndostealScallop),
    ("scallop", Kind::EndostealScallop),
    ("ball", Kind::Ball),
    ("permeative", Kind::Permeative),
    ("blastic", Kind::Blastic),
    ("mixed", Kind::Mixed),
];

fn kind(given: &str) -> Result<Kind, BadValue> {
    parse_word("a kind of lesion", given, KINDS)
}

impl DefectArgs {
    /// The lesion that the options describe; an option that its kind does not have is refused.
    fn lesion_spec(&self, kind: Kind) -> anyhow::Result<LesionSpec> {
        use Kind::*;
        let applies: [(&str, Option<f64>, &[Kind]); 7] = [
            ("--half-width", self.half_width, &[Window, Sector, EndostealScallop, Permeative]),
            ("--radius", self.radius, &[Ball, Blastic, Mixed]),
            ("--offset", self.offset, &[Ball, Blastic, Mixed]),
            ("--remaining", self.remaining, &[EndostealScallop]),
            ("--density-loss", self.density_loss, &[Permeative]),
            ("--taper", self.taper, &[Sector]),
            ("--canal-hu", self.canal_hu, &[Mixed]),
        ];
        if let Some((option, ..)) = applies.iter().find(|(_, given, kinds)| given.is_some() && !kinds.contains(&kind)) {
            let has: Vec<&str> = applies.iter().filter(|(.., kinds)| kinds.contains(&kind)).map(|(o, ..)| *o).collect();
            return Err(ExitError::usage(anyhow::anyhow!("{option}: this kind of lesion has none"))
                .with_hint(format!("it takes --at, --angle, --length, --hu, {}", has.join(", ")))
                .into());
        }
        let (along_mm, angle_deg) = (0.0, self.angle.unwrap_or(0.0));
        let (half_width_deg, length) = (self.half_width.unwrap_or(45.0), self.length.unwrap_or(40.0));
        let (radius_mm, offset_mm) = (self.radius.unwrap_or(12.0), self.offset.unwrap_or(8.0));
        let (length_mm, hu) = (self.length, self.hu.unwrap_or(LESION_HU));
        Ok(match kind {
            Window => LesionSpec::Window { angle_deg, half_width_deg, along_mm, length_mm: length, hu },
            Sector => {
                let taper_mm = self.taper.unwrap_or(0.0);
                LesionSpec::Sector { angle_deg, half_width_deg, along_mm, length_mm: length, taper_mm, hu }
            }
            EndostealScallop => {
                let remaining_mm = self.remaining.unwrap_or(1.5);
                LesionSpec::EndostealScallop {
                    angle_deg,
                    half_width_deg,
                    along_mm,
                    length_mm: length,
                    remaining_mm,
                    hu,
                }
            }
            Ball => LesionSpec::Ball { offset_mm, angle_deg, radius_mm, along_mm, length_mm, hu },
            Permeative => {
                let density_loss = self.density_loss.unwrap_or(0.5);
                LesionSpec::Permeative { angle_deg, half_width_deg, along_mm, length_mm: length, density_loss, hu }
            }
            Blastic => {
                let hu = self.hu.unwrap_or(700.0);
                LesionSpec::Blastic { offset_mm, angle_deg, radius_mm, along_mm, length_mm, hu }
            }
            Mixed => {
                let canal_hu = self.canal_hu.unwrap_or(300.0);
                LesionSpec::Mixed { offset_mm, angle_deg, radius_mm, along_mm, length_mm, hu, canal_hu }
            }
        })
    }
}

/// Runs the command; what was written, or the list or specification asked for, goes to `out`.
pub fn run(args: &PhantomArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    if args.list_presets {
        for preset in PRESETS {
            writeln!(out, "{:24} {}", preset.name, preset.about)?;
        }
        return Ok(());
    }
    match &args.into {
        Some(path) => run_into(args, path, out),
        None => run_synthetic(args, out),
    }
}

fn run_synthetic(args: &PhantomArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut spec: PhantomSpec = match (&args.preset, &args.spec) {
        (Some(preset), _) => preset.clone(),
        (None, Some(path)) => check::read(path).map_err(spec_error)?,
        (None, None) => return Err(ExitError::usage(anyhow::anyhow!("neither --preset nor --spec")).into()),
    };
    spec.seed = args.seed.unwrap_or(spec.seed);
    spec.check().map_err(spec_error)?;
    let text = check::to_toml(&spec);
    if args.print_spec {
        return Ok(out.write_all(text.as_bytes())?);
    }
    let target = target(args)?;
    let phantom = spec.build();
    let series = NewSeries::of_phantom(&spec, &phantom.volume);
    let truth = phantom.truth_file(&spec, &series);
    finish(target, &series, &truth, &text, out)
}

fn run_into(args: &PhantomArgs, path: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut spec: IntoSpec = match (&args.spec, args.defect.lesion) {
        (Some(path), _) => check::read(path).map_err(spec_error)?,
        (None, Some(kind)) => IntoSpec {
            name: "defect".into(),
            seed: 0,
            bone: args.defect.bone,
            side: args.defect.side,
            at: args.defect.at.clone().unwrap_or_default(),
            fwhm_mm: None,
            noise_hu: None,
            lesions: vec![args.defect.lesion_spec(kind)?],
        },
        (None, None) => {
            return Err(ExitError::usage(anyhow::anyhow!("--into needs a defect to cut"))
                .with_hint("say which with --lesion (for example --lesion ball) or with --spec FILE")
                .into());
        }
    };
    spec.seed = args.seed.unwrap_or(spec.seed);
    spec.check().map_err(spec_error)?;
    if args.print_spec {
        return Ok(out.write_all(check::to_toml(&spec).as_bytes())?);
    }
    let target = target(args)?;
    let discovery = discover(&[path.to_path_buf()], &|_, _| {}).or_input_unusable()?;
    let source = choose(&discovery.series, args.defect.series.as_deref())?;
    let volume = source.load(&|_, _| {}).or_input_unusable()?;
    for warning in &source.warnings {
        eprintln!("warning: {warning}");
    }
    let Cut { volume, truth: bone, spec } = into::cut(&volume, &spec).map_err(into_error)?;
    let source_uid = &source.header.series_instance_uid;
    let text = check::to_toml(&spec);
    let origin = format!("{source_uid}\n{text}");
    let derivation = "a defect was cut into a CT for testing; not the patient's image any more";
    let header = SeriesHeader { series_description: String::new(), ..source.header.clone() };
    let series = NewSeries::new(&volume, header, &spec.name, derivation, &origin);
    let mut bone = bone;
    for (k, slice) in bone.slices.iter_mut().enumerate() {
        slice.sop_instance_uid = Some(series.sop_instance_uid(k));
    }
    let mut specification = serde_json::to_value(&spec)?;
    specification["into_series_instance_uid"] = source_uid.as_str().into();
    let truth = Truth {
        schema: SCHEMA.into(),
        name: spec.name.clone(),
        source: "image".into(),
        series_instance_uid: Some(series.header.series_instance_uid.clone()),
        specification: Some(specification),
        bones: vec![bone],
    };
    let text = format!("# Cut into the series {source_uid}\n{text}");
    finish(target, &series, &truth, &text, out)
}

/// The folder to write into, refused before any work is done.
fn target(args: &PhantomArgs) -> anyhow::Result<&Path> {
    let Some(target) = &args.output else {
        return Err(ExitError::usage(anyhow::anyhow!("no folder to write into")).with_hint("name one with -o").into());
    };
    folder::check_target(target).map_err(folder_error)?;
    Ok(target)
}

fn finish(target: &Path, series: &NewSeries, truth: &Truth, spec: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    folder::write(target, series, truth, spec).map_err(folder_error)?;
    let [columns, rows, slices] = series.volume.grid.size;
    writeln!(out, "{}: {columns} x {rows} x {slices}", truth.name).context("standard output")?;
    for bone in &truth.bones {
        let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "unknown".into());
        let lysed = bone.slices.iter().filter(|s| s.ring && s.axial > 0.0).count();
        let most = |of: fn(&crate::phantom::truth::SliceTruth) -> f64| bone.slices.iter().map(of).fold(0.0, f64::max);
        let what = match lysed {
            0 => "no lysis".to_owned(),
            _ => format!(
                "lysis in {lysed} slices, at most {:.1} % axial, {:.1} % circumferential",
                most(|s| s.axial),
                most(|s| s.circ30)
            ),
        };
        writeln!(out, "  {} {}: {what}", word(&bone.bone), word(&bone.side))?;
    }
    writeln!(
        out,
        "Images: {}\nTruth: {}",
        target.join(folder::IMAGES).display(),
        target.join(folder::TRUTH).display()
    )?;
    Ok(())
}

/// The series asked for, or the only one that can be used: a defect is not cut into a series that nobody named.
fn choose<'a>(series: &'a [Series], uid: Option<&str>) -> Result<&'a Series, ExitError> {
    let candidates = of_uid(series, uid)?;
    let usable: Vec<&Series> = candidates.iter().copied().filter(|s| s.faults.is_empty()).collect();
    match usable.as_slice() {
        [one] => Ok(one),
        // Loading it tells why it cannot be used.
        [] => Ok(candidates[0]),
        // The same number: nothing on the command line could tell them apart.
        [first, ..] if uid.is_some() => Ok(first),
        _ => Err(ExitError::input_unusable(anyhow::anyhow!("{} CT series among the inputs", usable.len()))
            .with_hint(format!("choose one with --series: {}", uids(series.iter())))),
    }
}

/// What was wrong with the specification is the command line's fault.
fn spec_error(error: SpecError) -> ExitError {
    let hint = match &error {
        SpecError::Unreadable { .. } => "check that the file is there and may be read",
        SpecError::UnknownFormat { .. } => "name it .toml or .json",
        SpecError::Malformed { .. } => {
            "'corticalysis phantom --preset window --print-spec' prints a sound one; units stand in the names"
        }
        SpecError::Impossible(_) => "correct these fields; docs/phantom.md says what each means",
    };
    ExitError::usage(error).with_hint(hint)
}

fn folder_error(error: FolderError) -> ExitError {
    let hint = error.hint();
    ExitError::usage(error).with_hint(hint)
}

fn into_error(error: IntoError) -> ExitError {
    match error {
        IntoError::NoBone { .. } => ExitError::input_unusable(error)
            .with_hint("the series must show a piece of shaft of a long bone that the image border does not cut"),
        IntoError::OffTheBone { .. } => ExitError::usage(error).with_hint("choose --at within, or as a share: 50%"),
    }
}
