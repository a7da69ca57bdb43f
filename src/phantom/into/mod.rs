//! A defect cut into a real CT, with the truth of it.
//!
//! The code that finds and follows bones is used to *place* the defect: the centre of the bone and its outer surface per
//! slice. The defect is laid over the image with an edge as soft as the scanner's and the image's own noise. The truth
//! is the cortical mass that is missing, from the intact image and the cut one before noise (`mass`).
//!
//! Angles are patient directions about the bone's axis: 0° left, 90° posterior, 180° right, 270° anterior. A lesion's
//! `along_mm` counts towards the head from [`IntoSpec::at`].

mod cutting;
mod guide;
mod mass;
mod quality;

use super::check::{Problems, SpecError};
use super::spec::{LesionSpec, as_optional_word};
use super::truth::BoneTruth;
use crate::anatomy::{Bone, BoneName, Side, find_shafts, name_bones};
use crate::cortex::{Acquisition, measure};
use crate::volume::Volume;
use guide::Guide;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A defect to be cut into a real CT.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntoSpec {
    /// Name of the case.
    #[serde(default = "unnamed")]
    pub name: String,
    /// Chooses the noise within the defect.
    #[serde(default)]
    pub seed: u64,
    /// Which bone. None: the largest that can be measured.
    #[serde(default, with = "as_optional_word", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub bone: Option<BoneName>,
    #[serde(default, with = "as_optional_word", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub side: Option<Side>,
    /// Where along the bone the lesions' `along_mm` is 0: patient z in mm, or a share of the closed rings from the lowest
    /// to the highest, as `"55%"`.
    #[serde(default)]
    pub at: Position,
    /// Full width at half maximum of the scanner's in-plane blur. None: measured on the wall's outer edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fwhm_mm: Option<f64>,
    /// Standard deviation of the noise within the defect. None: that of the muscle around the bone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise_hu: Option<f64>,
    pub lesions: Vec<LesionSpec>,
}

fn unnamed() -> String {
    "defect".into()
}

/// A place along a bone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Position {
    /// Patient z, mm.
    ZMm(f64),
    /// A share of the closed rings, `"0%"` the lowest, `"100%"` the highest.
    Share(String),
}

impl Default for Position {
    fn default() -> Self {
        Self::Share("50%".into())
    }
}

impl Position {
    /// The share as a fraction, where it is one; `Err` where it cannot be read.
    fn share(&self) -> Result<Option<f64>, ()> {
        match self {
            Self::ZMm(_) => Ok(None),
            Self::Share(text) => {
                let number = text.trim().strip_suffix('%').and_then(|n| n.trim().parse::<f64>().ok());
                number.filter(|n| (0.0..=100.0).contains(n)).map(|n| Some(n / 100.0)).ok_or(())
            }
        }
    }
}

impl std::str::FromStr for Position {
    type Err = crate::words::BadValue;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let refused = || crate::words::BadValue {
            what: "a place along the bone",
            given: given.to_owned(),
            accepted: "patient z in mm (-412.5) or a share of the visible shaft (55%)".into(),
            nearest: None,
        };
        if let Some(z) = given.trim().parse().ok().filter(|z: &f64| z.is_finite()) {
            return Ok(Self::ZMm(z));
        }
        let share = Self::Share(given.trim().to_owned());
        share.share().map_err(|()| refused())?;
        Ok(share)
    }
}

impl IntoSpec {
    /// Can it be cut?
    pub fn check(&self) -> Result<(), SpecError> {
        let mut problems = Problems::default();
        problems.name(&self.name);
        problems.seed(self.seed);
        if let Position::ZMm(z) = self.at {
            problems.within("at", z, -1e5, 1e5);
        }
        if self.at.share().is_err() {
            problems.add("at", format!("{:?}", self.at), "patient z in mm, or a share such as \"55%\"");
        }
        if let Some(fwhm) = self.fwhm_mm {
            problems.within("fwhm_mm", fwhm, 0.1, 10.0);
        }
        if let Some(noise) = self.noise_hu {
            problems.within("noise_hu", noise, 0.0, 500.0);
        }
        if self.lesions.is_empty() {
            problems.add("lesions", "none", "one lesion or more");
        }
        for (n, lesion) in self.lesions.iter().enumerate() {
            problems.lesion(&format!("lesions[{n}]"), lesion);
        }
        problems.found()
    }
}

/// Why nothing could be cut.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IntoError {
    /// No bone, or none of that name and side.
    #[error("no long bone to cut into{}", if .found.is_empty() { String::new() } else { format!(" answers to the bone and side asked for; found: {}", .found.join(", ")) })]
    NoBone { found: Vec<String> },
    /// The lesions lie where the bone is not, or no closed ring.
    #[error("z = {z_mm:.1} mm is not on the bone: its closed rings reach from {:.1} to {:.1} mm", .rings_mm[0], .rings_mm[1])]
    OffTheBone { z_mm: f64, rings_mm: [f64; 2] },
}

/// A CT with a defect, and what is true of it.
#[derive(Debug, Clone)]
pub struct Cut {
    pub volume: Volume<i16>,
    pub truth: BoneTruth,
    /// What was asked for, with everything filled in that was measured on the image.
    pub spec: IntoSpec,
}

/// Cuts the lesions into a copy of the image.
pub fn cut(volume: &Volume<i16>, spec: &IntoSpec) -> Result<Cut, IntoError> {
    let (bone, guide) = place(volume, spec)?;
    let rings_mm = guide.rings_mm();
    let z_mm = match (&spec.at, spec.at.share()) {
        (Position::ZMm(z), _) => *z,
        (_, share) => rings_mm[0] + share.ok().flatten().unwrap_or(0.5) * (rings_mm[1] - rings_mm[0]),
    };
    if !(rings_mm[0]..=rings_mm[1]).contains(&z_mm) {
        return Err(IntoError::OffTheBone { z_mm, rings_mm });
    }
    let quality = quality::of(volume, &guide);
    let fwhm_mm = spec.fwhm_mm.unwrap_or((quality.fwhm_mm * 100.0).round() / 100.0);
    let noise_hu = spec.noise_hu.unwrap_or((quality.noise_hu * 10.0).round() / 10.0);
    let cutter = cutting::Cutter { volume, guide: &guide, z_mm, fwhm_mm };
    let slices = cutter.cut(&spec.lesions);
    // What is dense in the canal is no wall that stands, although the blur lays it over the lost wall's place.
    let taken: Vec<LesionSpec> = spec.lesions.iter().map(without_sclerosis).collect();
    let together = mass::losses(&cutter, &taken);
    let alone: Vec<Vec<mass::SliceLoss>> = match taken.as_slice() {
        [_] => vec![together.clone()],
        lesions => {
            let one = |lesion: &LesionSpec| mass::losses(&cutter, std::slice::from_ref(lesion));
            lesions.iter().map(one).collect()
        }
    };
    let grain = cutting::Grain { noise_hu, neighbour: quality.noise_neighbour, seed: spec.seed };
    let known = |word: String| (word != "unknown").then_some(word);
    let truth = BoneTruth {
        bone: known(bone.name.to_string()),
        side: known(bone.side.to_string()),
        slices: mass::slice_truths(volume, &guide, &together),
        lesions: spec.lesions.iter().zip(&alone).map(|(l, losses)| mass::lesion_truth(&guide, l, losses)).collect(),
    };
    let spec = IntoSpec {
        at: Position::ZMm((z_mm * 1e3).round() / 1e3),
        fwhm_mm: Some(fwhm_mm),
        noise_hu: Some(noise_hu),
        ..spec.clone()
    };
    Ok(Cut { volume: cutting::with_noise(volume, &slices, &grain), truth, spec })
}

/// The lesion as if its part within the canal were soft.
fn without_sclerosis(lesion: &LesionSpec) -> LesionSpec {
    let mut soft = lesion.clone();
    if let LesionSpec::Mixed { hu, canal_hu, .. } = &mut soft {
        *canal_hu = canal_hu.min(*hu);
    }
    soft
}

/// The bone asked for and how it runs.
fn place(volume: &Volume<i16>, spec: &IntoSpec) -> Result<(Bone, Guide), IntoError> {
    let mut found = Vec::new();
    for bone in name_bones(volume, find_shafts(volume)) {
        if bone.shaft.cut_everywhere {
            continue;
        }
        let wanted = spec.bone.is_none_or(|name| name == bone.name) && spec.side.is_none_or(|side| side == bone.side);
        let guide = if wanted {
            measure(volume, &bone.shaft, &Acquisition::default()).and_then(|cortex| Guide::new(volume, &cortex))
        } else {
            None
        };
        match guide {
            Some(guide) => return Ok((bone, guide)),
            None => found.push(format!("{} {}", bone.side, bone.name)),
        }
    }
    Err(IntoError::NoBone { found })
}
