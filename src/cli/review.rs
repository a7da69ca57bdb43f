//! `--review FILE`: what a person said of an earlier report of this series, read and checked.

use super::analyze::AnalyzeSettings;
use super::exit_status::ExitError;
use crate::analysis::MeasuredBone;
use crate::dicom::Series;
use crate::report::model::BoneReport;
use crate::report::neck::NeckLesionReport;
use crate::report::review::Review;
use crate::report::reviewed::{BoneDecisions, MAX_BYTES, Placed, ReviewError, check_series, place, read_review};
use std::io::Read;
use std::path::Path;

/// The review that was given, checked as far as that goes before anything is measured.
pub(super) fn given_review(settings: &AnalyzeSettings, series: &Series) -> Result<Option<Review>, ExitError> {
    let Some(path) = &settings.review else { return Ok(None) };
    let bytes = read(path)?;
    let review = read_review(&bytes).map_err(|error| refused(path, error))?;
    check_series(&review, series).map_err(|error| refused(path, error))?;
    Ok(Some(review))
}

/// One byte more than is accepted, so that a file without end is refused and not read.
fn read(path: &Path) -> Result<Vec<u8>, ExitError> {
    let mut bytes = Vec::new();
    let outcome = std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| anyhow::Error::from(error).context(format!("--review {}", path.display())));
    outcome.map(|_| bytes).map_err(|error| {
        ExitError::input_unusable(error).with_hint("give the file that the page saved, with --review FILE")
    })
}

fn refused(path: &Path, error: ReviewError) -> ExitError {
    let hint = error.hint();
    ExitError::input_unusable(anyhow::anyhow!("--review {}: {error}", path.display())).with_hint(hint)
}

/// The review with every remark at its place among what was measured.
pub(super) fn placed(
    settings: &AnalyzeSettings,
    review: &Option<Review>,
    series: &Series,
    bones: &[MeasuredBone],
) -> Result<Option<Placed>, ExitError> {
    let (Some(review), Some(path)) = (review, &settings.review) else { return Ok(None) };
    let AnalyzeSettings { bone, side, seed, mask, bone_roi, .. } = settings;
    let restricted = bone.is_some() || side.is_some() || seed.is_some() || mask.is_some() || !bone_roi.is_empty();
    let placed = place(review, series, bones, restricted).map_err(|error| refused(path, error))?;
    for (decisions, bone) in placed.bones.iter().zip(bones) {
        agree_on_pain(settings, decisions, bone)?;
    }
    Ok(Some(placed))
}

/// Two pains for one bone: nobody can tell which is right, so neither is taken.
fn agree_on_pain(settings: &AnalyzeSettings, decisions: &BoneDecisions, bone: &MeasuredBone) -> Result<(), ExitError> {
    match (settings.pain, decisions.pain) {
        (Some(given), Some(reviewed)) if given != reviewed => Err(ExitError::usage(anyhow::anyhow!(
            "--pain {given} contradicts the review, which says {reviewed} for the {} {}",
            bone.bone.side,
            bone.bone.name
        ))
        .with_hint("leave out --pain, or correct the review")),
        _ => Ok(()),
    }
}

/// Takes what was rejected from the measurements, so that pictures, masks and objects do not show it as found.
pub(super) fn without_rejected(bones: &mut [MeasuredBone], reports: &[BoneReport]) {
    for (bone, report) in bones.iter_mut().zip(reports) {
        let rejected = |id: usize| report.lesions.iter().any(|lesion| lesion.id == id && lesion.is_rejected());
        if let Some(lysis) = &mut bone.lysis {
            lysis.lesions.retain(|lesion| !rejected(lesion.id));
        }
        let in_neck = |id: usize| report.neck.iter().flat_map(|neck| &neck.lesions).find(|lesion| lesion.id == id);
        if let Some(neck) = &mut bone.neck {
            neck.lysis.lesions.retain(|lesion| !in_neck(lesion.id).is_some_and(NeckLesionReport::is_rejected));
        }
    }
}
