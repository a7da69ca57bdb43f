//! `corticalysis analyze`, the run itself: read, measure, report.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;

use super::analyze::AnalyzeSettings;
use super::calibration::{rigidity_settings, save};
use super::exit_status::{ExitError, OrExit};
use super::given_regions::{GivenRegions, given_regions};
use super::review::{given_review, placed, without_rejected};
use crate::analysis::{MeasuredBone, Settings, analyze};
use crate::cortex::Acquisition;
use crate::dicom::write::{NoTarget, Target};
use crate::dicom::{Discovery, Series, blur_of_kernel_mm, discover, is_nifti_name};
use crate::language::Sentence;
use crate::masks::bone_masks;
use crate::nifti::mask_bytes;
use crate::report::objects::{ExportBone, objects};
use crate::report::{
    BoneFigures, GivenItems, Report, ReportError, bone_report, contents, convert, pdf, reviewed_bone_report,
    stack_pixels, summary, summary_for_terminal, to_json, write_report,
};
use crate::rigidity::RigiditySettings;
use crate::volume::{Grid, Region, Volume};

/// Pictures of the worst slices per bone.
const PICTURES: usize = 4;
/// Pixels of all slices together in the page's viewer, about, beside the flagged ones: some 12 MB where the image is noisy.
const VIEWED_PIXELS: f64 = 9e6;

/// Analyses the series and writes the report; the summary, or with `--json` the report, goes to `out`.
pub fn run(settings: &AnalyzeSettings, out: &mut dyn Write) -> anyhow::Result<()> {
    if let Some(n) = settings.threads {
        // Fails only when the pool exists already, as in a test that calls this twice: its size stays then.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(n.get()).build_global();
    }
    let progress = Progress::new(settings.quiet);
    let discovery = discover(&settings.paths, &progress.step("reading headers")).or_input_unusable()?;
    let (series, others) = choose(&discovery, settings)?;
    if !settings.dicom.is_empty() {
        // Before the work, not after it.
        Target::new(series, settings.identify, &[]).map_err(no_target)?;
    }
    let review = given_review(settings, series)?;
    let volume = series.load(&progress.step("reading slices")).or_input_unusable()?;
    let given = given_regions(settings, &discovery, series).or_input_unusable()?;
    let spinner = progress.step("measuring");
    spinner(0, 1);
    let rigidity = rigidity_settings(&settings.calibration, settings.modulus, series, &volume).or_input_unusable()?;
    let measuring = measuring(settings, series, &given, rigidity);
    let mut bones = analyze(&volume, &measuring);
    drop(spinner);
    progress.clear();

    let mut report = Report::new(convert::series_report(series), recorded(settings));
    report.series.warnings.extend(others);
    report.series.warnings.extend(given.notes.into_iter().map(Sentence::english_only));
    report.series.warnings.extend(without_shaft(&measuring, &bones));
    if settings.identify {
        report.series.patient = convert::patient_report(series);
    }
    for warning in &report.series.warnings {
        eprintln!("warning: {}", warning.english());
    }
    if bones.is_empty() {
        return Err(no_bone(&volume, &measuring).into());
    }
    let items =
        GivenItems { site: settings.site, size: settings.size, lesion_type: settings.lesion_type, pain: settings.pain };
    let placed = placed(settings, &review, series, &bones)?;
    report.bones = match &placed {
        None => bones.iter().map(|bone| bone_report(series, bone, &items)).collect(),
        Some(placed) => {
            let reviewed = bones.iter().zip(&placed.bones);
            reviewed.map(|(bone, of)| reviewed_bone_report(series, bone, &items, of)).collect()
        }
    };
    report.review = placed.map(|placed| placed.report);
    for note in report.review.iter().flat_map(|review| &review.notes) {
        eprintln!("warning: {}", note.of(settings.language));
    }
    without_rejected(&mut bones, &report.bones);
    if let Some(path) = &settings.save_calibration {
        // The largest bone's: where there are several, their calibrations differ by the tissue around them.
        match bones.iter().find_map(|bone| bone.rigidity.as_ref()) {
            Some(rigidity) => save(&rigidity.calibration, path).map_err(ExitError::usage)?,
            None => eprintln!("warning: no calibration was used, so none is saved to {}", path.display()),
        }
    }
    if let Some(dir) = &settings.output_dir {
        let figures = drawn(settings, series, &volume, &bones, &report);
        let measured = (bones.as_slice(), &report);
        let (files, objects) = rayon::join(
            || contents(&report, &figures, settings.language),
            || dicom_objects(settings, series, &volume.grid, measured, &figures),
        );
        let mut files = files.map_err(output_error)?;
        if settings.pdf {
            files.insert("report.pdf".into(), pdf(&report, &figures, settings.language)?);
        }
        files.extend(objects?.into_iter().map(|(name, bytes)| (format!("dicom/{name}"), bytes)));
        if settings.save_masks {
            files.extend(mask_files(&volume.grid, &bones).context("masks")?);
        }
        write_report(dir, &files).map_err(output_error)?;
    }
    if settings.json {
        out.write_all(to_json(&report)?.as_bytes()).context("standard output")?;
    } else if !settings.quiet {
        // Colour where standard output is a terminal that shows it, and neither NO_COLOR, CLICOLOR=0 nor TERM=dumb is set.
        let colour = AutoStream::choice(&std::io::stdout()) != ColorChoice::Never;
        let text = if colour { summary_for_terminal } else { summary }(&report, settings.language);
        out.write_all(text.as_bytes()).context("standard output")?;
        if let Some(dir) = &settings.output_dir {
            writeln!(out, "\nReport: {}", dir.join("report.html").display())?;
        }
    }
    out.flush().context("standard output")?;
    nothing_measured(&bones)
}

/// What is pictured of the bones that were measured.
fn drawn<'a>(
    settings: &AnalyzeSettings,
    series: &Series,
    volume: &Volume<i16>,
    bones: &'a [MeasuredBone],
    report: &Report,
) -> Vec<BoneFigures<'a>> {
    // More than a page may weigh is thinned out evenly; whatever is flagged stays.
    let pixels: f64 = bones.iter().map(|bone| stack_pixels(&bone.cortex, &volume.grid)).sum();
    let step = (pixels / VIEWED_PIXELS).ceil().max(1.0) as usize;
    let instance = |k: usize| series.slices.get(k)?.as_ref()?.instance_number;
    let of_bone = |(index, bone): (usize, &'a MeasuredBone)| {
        let measured = (&bone.cortex, bone.lysis.as_ref()?);
        let flagged = |row: usize| report.bones[index].slices.get(row).is_some_and(|slice| slice.flagged);
        let figures =
            BoneFigures::of_worst_slices(index, measured, volume, settings.depth_fraction, PICTURES, instance)
                .with_stack(volume, step, flagged, instance);
        Some(match &bone.rigidity {
            Some(rigidity) => figures.with_rigidity(rigidity, volume, instance),
            None => figures,
        })
    };
    bones.iter().enumerate().filter_map(of_bone).collect()
}

/// The files of the DICOM objects that were asked for; what there is nothing to write of is said.
fn dicom_objects(
    settings: &AnalyzeSettings,
    series: &Series,
    grid: &Grid,
    (bones, report): (&[MeasuredBone], &Report),
    figures: &[BoneFigures],
) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    if settings.dicom.is_empty() {
        return Ok(BTreeMap::new());
    }
    let bones: Vec<ExportBone> =
        bones.iter().zip(&report.bones).map(|(bone, of)| ExportBone::of(grid, bone, of)).collect();
    let made = objects(series, report, &bones, figures, &settings.dicom, settings.identify)?;
    for note in &made.left_out {
        eprintln!("note: {note}");
    }
    if !settings.identify && !settings.quiet {
        eprintln!(
            "note: the DICOM objects carry the study's UIDs but no patient: an archive may file them apart from the CT; \
             --identify copies name and ID into them"
        );
    }
    Ok(made.files)
}

/// `masks/BONE-SIDE.nii.gz` (the whole bone), `-cortex` and `-lesion` beside it; a second bone of that name gets a number.
fn mask_files(grid: &Grid, bones: &[MeasuredBone]) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let names = file_names(bones.iter().map(|of| (of.bone.name.to_string(), of.bone.side.to_string())));
    let parts: Vec<(String, Region)> = bones
        .iter()
        .zip(names)
        .flat_map(|(bone, name)| {
            let masks = bone_masks(grid, bone);
            let lesion = masks.lost();
            let named = |part: &str, region| (format!("masks/{name}{part}.nii.gz"), region);
            [named("", masks.bone), named("-cortex", masks.cortex), named("-lesion", lesion)]
        })
        .collect();
    parts.into_par_iter().map(|(name, region)| Ok((name, mask_bytes(grid, &region)?))).collect()
}

/// A name for each bone that no other has.
fn file_names(bones: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    bones
        .map(|(bone, side)| {
            let name = format!("{bone}-{side}");
            let count = seen.entry(name.clone()).or_insert(0);
            *count += 1;
            if *count == 1 { name } else { format!("{name}-{count}") }
        })
        .collect()
}

fn no_target(error: NoTarget) -> ExitError {
    ExitError::input_unusable(error).with_hint("leave out --dicom, or give the CT as the DICOM images of one study")
}

/// A folder that cannot be written was named on the command line; anything else is our fault.
pub(super) fn output_error(error: ReportError) -> anyhow::Error {
    let hint = error.hint();
    match error {
        ReportError::Unwritable { .. } | ReportError::NotAFolder { .. } => {
            ExitError::usage(error).with_hint(hint).into()
        }
        ReportError::Format { .. } => error.into(),
    }
}

/// The user's choices as the measurement wants them.
fn measuring(
    settings: &AnalyzeSettings,
    series: &Series,
    given: &GivenRegions,
    rigidity: RigiditySettings,
) -> Settings {
    Settings {
        bone: settings.bone,
        side: settings.side,
        seed_mm: settings.seed.map(|s| [s.x_mm, s.y_mm, s.z_mm]),
        reference: settings.reference,
        depth: settings.depth_fraction,
        acquisition: acquisition(series),
        masks: given.bones.clone(),
        regions: given.lesions.clone(),
        rigidity: Some(rigidity),
    }
}

/// What the headers tell of how the image was made.
fn acquisition(series: &Series) -> Acquisition {
    let header = &series.header;
    let pixel_mm = series.grid.spacing_mm.x.max(series.grid.spacing_mm.y);
    Acquisition {
        slice_thickness_mm: header.slice_thickness_mm,
        blur_fwhm_mm: blur_of_kernel_mm(&header.manufacturer, &header.kernel, pixel_mm),
    }
}

/// The masks that no bone came of, in one sentence.
fn without_shaft(measuring: &Settings, bones: &[MeasuredBone]) -> Option<Sentence> {
    // With these, bones are left out that have a shaft.
    let asked = measuring.bone.is_some() || measuring.side.is_some() || measuring.seed_mm.is_some();
    let names = measuring.masks.iter().map(|mask| mask.name.as_str());
    let barren = names.filter(|name| !bones.iter().any(|bone| bone.mask.as_deref() == Some(name)));
    let barren: Vec<&str> = barren.collect();
    (!asked && !barren.is_empty() && !bones.is_empty()).then(|| {
        let names = barren.join(", ");
        Sentence::new(
            format!("no shaft that can be measured (a closed dense ring in five slices or more) in: {names}"),
            format!("aucune diaphyse mesurable (un anneau dense fermé dans cinq coupes ou plus) dans : {names}"),
        )
    })
}

/// The series to analyse, and what to say of the others; the rule is [`crate::dicom::choose`]'s unless `--series` says.
fn choose<'a>(discovery: &'a Discovery, settings: &AnalyzeSettings) -> Result<(&'a Series, Vec<Sentence>), ExitError> {
    let candidates = of_uid(&discovery.series, settings.series_instance_uid.as_deref())?;
    let Some((series, why)) = crate::dicom::choose(candidates.iter().copied()) else {
        // Loading any of them tells, with its name, why it cannot be used.
        return Ok((candidates[0], Vec::new()));
    };
    let others = (candidates.len() > 1).then(|| {
        let count = candidates.len();
        // The report holds no names of files.
        let [english, french] = match series.header.series_instance_uid.as_str() {
            "" => ["a NIfTI file", "un fichier NIfTI"],
            uid => [uid, uid],
        };
        Sentence::new(
            format!("{count} CT series among the inputs; analysed is {english} ({why}; choose another with --series)"),
            format!("{count} séries de scanner parmi les entrées ; {french} est analysée (en choisir une autre avec --series)"),
        )
    });
    Ok((series, others.into_iter().collect()))
}

/// The series of that UID, or all of them; never none. One UID can stand for several: acquisitions, orientations or frames
/// of reference under one number.
pub(super) fn of_uid<'a>(series: &'a [Series], uid: Option<&str>) -> Result<Vec<&'a Series>, ExitError> {
    let unusable = |why: String| ExitError::input_unusable(anyhow::anyhow!(why));
    let found: Vec<&Series> =
        series.iter().filter(|s| uid.is_none_or(|uid| s.header.series_instance_uid == uid)).collect();
    match uid {
        _ if !found.is_empty() => Ok(found),
        None => Err(unusable("no CT series among the inputs".into())),
        Some(uid) => Err(unusable(format!("no CT series {uid} among the inputs"))
            .with_hint(format!("the inputs hold: {}", uids(series.iter())))),
    }
}

/// The UIDs of some series, to be read by a person.
pub(super) fn uids<'a>(series: impl Iterator<Item = &'a Series>) -> String {
    series.map(|s| s.header.series_instance_uid.as_str()).collect::<Vec<_>>().join(", ")
}

/// The settings as the report keeps them: everything that changes a number, nothing that names a folder.
fn recorded(settings: &AnalyzeSettings) -> BTreeMap<String, serde_json::Value> {
    fn word<T: ToString>(value: Option<T>) -> serde_json::Value {
        value.map_or(serde_json::Value::Null, |v| v.to_string().into())
    }
    let mut recorded = BTreeMap::from([
        ("bone".into(), word(settings.bone)),
        ("side".into(), word(settings.side)),
        ("seed_mm".into(), settings.seed.map_or(serde_json::Value::Null, |s| vec![s.x_mm, s.y_mm, s.z_mm].into())),
        ("reference".into(), settings.reference.to_string().into()),
        ("depth".into(), settings.depth_fraction.into()),
        ("calibration".into(), settings.calibration.to_string().into()),
        ("modulus".into(), settings.modulus.to_string().into()),
        ("pain".into(), word(settings.pain)),
        ("site".into(), word(settings.site)),
        ("type".into(), word(settings.lesion_type)),
        ("size".into(), word(settings.size)),
    ]);
    // Only where they were given, so that other reports stay as they are.
    // Of a file its kind: its name may be the patient's.
    let kind = |path: &std::path::PathBuf| if is_nifti_name(path) { "NIfTI" } else { "SEG" };
    recorded.extend(settings.mask.as_ref().map(|path| ("mask".into(), kind(path).into())));
    recorded.extend(settings.mask_label.clone().map(|label| ("mask_label".into(), label.into())));
    for (key, names) in [("bone_roi", &settings.bone_roi), ("roi", &settings.roi)] {
        if !names.is_empty() {
            recorded.insert(key.into(), names.clone().into());
        }
    }
    recorded
}

/// Why there is nothing to report: no bone at all, or none that answers to `--bone`, `--side` and `--seed`.
fn no_bone(volume: &Volume<i16>, measuring: &Settings) -> ExitError {
    let asked = measuring.bone.is_some() || measuring.side.is_some() || measuring.seed_mm.is_some();
    let unasked = Settings { bone: None, side: None, seed_mm: None, ..measuring.clone() };
    let others: Vec<String> = if asked {
        analyze(volume, &unasked).iter().map(|b| format!("{} {}", b.bone.side, b.bone.name)).collect()
    } else {
        Vec::new()
    };
    if others.is_empty() && !measuring.masks.is_empty() {
        let names: Vec<&str> = measuring.masks.iter().map(|mask| mask.name.as_str()).collect();
        return ExitError::no_long_bone(anyhow::anyhow!(
            "no shaft that can be measured in the mask ({}): the marked voxels show no closed dense ring in five slices or more",
            names.join(", ")
        ))
        .with_hint("check that the mask marks the bone, its wall included; without it the bones are found");
    }
    if others.is_empty() {
        return ExitError::no_long_bone(anyhow::anyhow!(
            "no long bone that can be measured was found in this series: no shaft shows a closed dense ring over 40 mm or more"
        ))
        .with_hint("the series must show a piece of shaft of a femur, tibia or humerus");
    }
    ExitError::no_long_bone(anyhow::anyhow!(
        "no bone in this series answers to --bone, --side or --seed; found: {}",
        others.join(", ")
    ))
    .with_hint("leave them out, or point with --seed X,Y,Z (patient mm) at one of the bones found")
}

/// A report was written, but it holds no number: the exit status says so.
fn nothing_measured(bones: &[MeasuredBone]) -> anyhow::Result<()> {
    if bones.iter().any(|b| b.lysis.is_some()) {
        return Ok(());
    }
    if bones.iter().any(|b| b.neck.as_ref().is_some_and(|n| n.neck.sections.iter().any(|s| s.not_measured.is_none()))) {
        let error =
            anyhow::anyhow!("no slice of a shaft could be measured, only sections across a neck: see the report");
        return Err(ExitError::no_long_bone(error).into());
    }
    let why: Vec<&str> = bones.iter().flat_map(|b| &b.warnings).map(Sentence::english).collect();
    let error = ExitError::no_long_bone(anyhow::anyhow!("nothing could be measured. {}", why.join(" ")));
    let cut = bones.iter().any(|b| b.bone.shaft.cut_everywhere);
    Err(if cut {
        error.with_hint("a series reconstructed with a larger field of view would show the whole bone")
    } else {
        error
    }
    .into())
}

/// Progress on standard error, only where someone sees it.
struct Progress {
    bar: ProgressBar,
}

impl Progress {
    fn new(quiet: bool) -> Self {
        let bar = ProgressBar::new(0);
        if quiet || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        } else if let Ok(style) = ProgressStyle::with_template("{msg:16} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar }
    }

    fn step(&self, name: &'static str) -> impl Fn(usize, usize) + Sync + use<> {
        let bar = self.bar.clone();
        move |done, all| {
            bar.set_message(name);
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        }
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
