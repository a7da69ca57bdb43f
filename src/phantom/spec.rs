//! What a synthetic CT is made from: bones with their lesions, the body around them, the scanner.
//!
//! Units stand in the names. Positions are patient millimetres (LPS). Angles of a bone are degrees about its axis in the
//! bone's own frame *before* it is mirrored, rotated and tilted: 0° left, 90° posterior, 180° right, 270° anterior.
//! Positions along a bone (`along_mm`) count towards the head from the section that lies at the middle of the image when
//! the bone's own `along_mm` is 0. Lengths of a bone and its lesions are before `scale`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::anatomy::{BoneName, Side};

/// Patient position (mm) of the middle of an image that names none: far from zero, so that an index taken for
/// millimetres shows.
pub const MIDDLE_MM: [f64; 3] = [12.0, -140.0, -412.0];

/// A synthetic CT series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhantomSpec {
    /// Name of the case: in the truth file, the patient's name and the series description.
    pub name: String,
    /// Chooses the noise. The same specification and seed give the same bytes.
    #[serde(default)]
    pub seed: u64,
    #[serde(default)]
    pub image: ImageSpec,
    #[serde(default)]
    pub scanner: ScannerSpec,
    #[serde(default)]
    pub body: BodySpec,
    pub bones: Vec<BoneSpec>,
}

/// The grid of the image: axial slices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImageSpec {
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// Distance between columns, rows, slices.
    pub spacing_mm: [f64; 3],
    /// Patient position of the middle of the image.
    pub middle_mm: [f64; 3],
}

impl Default for ImageSpec {
    fn default() -> Self {
        Self { size: [128, 128, 80], spacing_mm: [0.8, 0.8, 1.5], middle_mm: MIDDLE_MM }
    }
}

/// What the scanner does to the body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScannerSpec {
    /// Tube voltage. Sets the HU of compact cortex where a bone does not, see [`cortical_hu_at`].
    pub kvp: f64,
    /// Name of the convolution kernel for the header; changes nothing else.
    pub kernel: String,
    /// Full width at half maximum of the Gaussian in-plane blur, all of it: the pixel adds none.
    pub fwhm_mm: f64,
    /// Thickness over which a slice averages along z (a box).
    pub slice_thickness_mm: f64,
    /// How much a sharp kernel exaggerates edges: this share of the difference between the image and a wider blur of it
    /// is added. 0 is a soft kernel; 0.5 is a strong overshoot. Mass is kept.
    pub overshoot: f64,
    /// Full width at half maximum of that wider blur.
    pub overshoot_fwhm_mm: f64,
    /// Standard deviation of the noise.
    pub noise_hu: f64,
    /// Weight of each direct neighbour in a pixel's noise: 0 is white, 0.35 the grain of a standard kernel, below 0 the
    /// grain of a sharp one.
    pub noise_neighbour: f64,
}

impl Default for ScannerSpec {
    fn default() -> Self {
        Self {
            kvp: 120.0,
            kernel: "STANDARD".into(),
            fwhm_mm: 1.2,
            slice_thickness_mm: 1.5,
            overshoot: 0.0,
            overshoot_fwhm_mm: 2.4,
            noise_hu: 15.0,
            noise_neighbour: 0.35,
        }
    }
}

/// HU of compact cortex at a tube voltage: a power law through 1900 HU at 80 kVp and 1300 HU at 140 kVp, the span that
/// thick femoral walls show on clinical scanners.
pub fn cortical_hu_at(kvp: f64) -> f64 {
    1900.0 * (kvp / 80.0).powf(-0.678)
}

/// What lies around the bones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BodySpec {
    /// Muscle, or everything around the bones where there is no `limb`.
    pub soft_tissue_hu: f64,
    pub fat_hu: f64,
    pub air_hu: f64,
    /// Muscle, fat and air around each bone. None: soft tissue everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limb: Option<LimbSpec>,
    /// The table. None: no table. Seen only where there is air.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<TableSpec>,
}

impl Default for BodySpec {
    fn default() -> Self {
        Self { soft_tissue_hu: 50.0, fat_hu: -100.0, air_hu: -1000.0, limb: None, table: None }
    }
}

/// Concentric muscle and fat about each bone's axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimbSpec {
    pub muscle_radius_mm: f64,
    /// Fat fills what lies between the muscle and this; air is outside.
    pub skin_radius_mm: f64,
}

/// A flat table top below the patient: two skins around a foam core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableSpec {
    /// Patient y of its upper surface.
    pub top_y_mm: f64,
    pub thickness_mm: f64,
    pub skin_mm: f64,
    pub skin_hu: f64,
    pub core_hu: f64,
}

/// One long bone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BoneSpec {
    /// `femur`, `tibia`, `humerus`, …: copied to the truth.
    #[serde(with = "as_word")]
    #[schemars(with = "String")]
    pub bone: BoneName,
    /// `left` or `right`: copied to the truth. None: not told.
    #[serde(with = "as_optional_word", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub side: Option<Side>,
    /// Patient x and y of the axis at the middle of the image.
    pub centre_mm: [f64; 2],
    /// Rotation of the axis about patient x, then y; 0 is along z.
    pub tilt_deg: [f64; 2],
    /// Rotation about the bone's own axis, after mirroring.
    pub rotation_deg: f64,
    pub scale: f64,
    /// Left and right of the section exchanged.
    pub mirrored: bool,
    /// How far along the bone the section at the middle of the image lies: a leg pulled down or up.
    pub along_mm: f64,
    /// Semi-axes of the periosteal ellipse of the shaft, left-right and front-back.
    pub semi_axes_mm: [f64; 2],
    /// Radius of the bow, convex to the front. None: straight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bow_radius_mm: Option<f64>,
    /// HU of the wall. None: by the tube voltage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cortical_hu: Option<f64>,
    /// HU of the canal of the shaft.
    pub marrow_hu: f64,
    pub ridge: RidgeSpec,
    pub wall: WallSpec,
    /// Widening ends of the bone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metaphyses: Vec<MetaphysisSpec>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lesions: Vec<LesionSpec>,
}

impl Default for BoneSpec {
    /// A thigh bone's shaft, upright, thick wall, linea aspera behind, gently bowed.
    fn default() -> Self {
        Self {
            bone: BoneName::Femur,
            side: None,
            centre_mm: [MIDDLE_MM[0] + 3.0, MIDDLE_MM[1] - 2.0],
            tilt_deg: [0.0, 0.0],
            rotation_deg: 0.0,
            scale: 1.0,
            mirrored: false,
            along_mm: 0.0,
            semi_axes_mm: [13.5, 14.5],
            bow_radius_mm: Some(1100.0),
            cortical_hu: None,
            marrow_hu: -80.0,
            ridge: RidgeSpec::default(),
            wall: WallSpec::default(),
            metaphyses: Vec::new(),
            lesions: Vec::new(),
        }
    }
}

/// A ridge on the periosteal side: the linea aspera of a femur, the crest of a tibia.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RidgeSpec {
    /// 0 is none.
    pub height_mm: f64,
    /// Angular standard deviation.
    pub width_deg: f64,
    pub angle_deg: f64,
}

impl RidgeSpec {
    /// A ridge that is not there.
    pub const NONE: RidgeSpec = RidgeSpec { height_mm: 0.0, width_deg: 10.0, angle_deg: 0.0 };
}

impl Default for RidgeSpec {
    fn default() -> Self {
        Self { height_mm: 2.5, width_deg: 10.0, angle_deg: 97.0 }
    }
}

/// The wall of the shaft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WallSpec {
    /// Mean thickness, ridge apart.
    pub thickness_mm: f64,
    /// How much thicker the posterior wall is than the mean, and thinner the anterior.
    pub posterior_mm: f64,
    /// Relative change of thickness per mm towards the head.
    pub thinning_per_mm: f64,
    /// Width over which the density of the inner wall falls evenly to that of the canal, about the endosteal surface; 0
    /// is a sharp surface. At most twice what keeps a core of full density.
    pub transition_mm: f64,
}

impl Default for WallSpec {
    fn default() -> Self {
        Self { thickness_mm: 5.0, posterior_mm: 0.8, thinning_per_mm: -0.002, transition_mm: 0.0 }
    }
}

/// Which end of the bone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Towards {
    Head,
    Feet,
}

/// One end of the bone: it widens, its wall thins to a shell, trabecular bone fills it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetaphysisSpec {
    pub towards: Towards,
    /// Where along the bone it begins.
    pub start_mm: f64,
    /// Growth of the two semi-axes per mm along the bone, once the flare is developed.
    #[serde(default)]
    pub growth_per_mm: [f64; 2],
    /// Length over which the flare develops, the wall thins and the canal fills.
    pub length_mm: f64,
    /// Thickness that the wall thins to.
    pub shell_mm: f64,
    /// HU of the trabecular bone that fills the canal.
    pub trabecular_hu: f64,
}

/// HU of a lytic lesion that names none: soft tissue.
pub const LESION_HU: f64 = 45.0;

fn lesion_hu() -> f64 {
    LESION_HU
}

fn sclerotic_hu() -> f64 {
    700.0
}

/// Something that happened to the bone. `along_mm` is its middle, `length_mm` its whole length along the bone,
/// `angle_deg` where it lies around the axis, `half_width_deg` how far it reaches to both sides of that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LesionSpec {
    /// The whole wall between two angles; the marrow stays.
    Window {
        angle_deg: f64,
        half_width_deg: f64,
        #[serde(default)]
        along_mm: f64,
        length_mm: f64,
        #[serde(default = "lesion_hu")]
        hu: f64,
    },
    /// A slice of the pie from the axis to the surface, marrow and all; towards both ends it narrows to nothing over
    /// `taper_mm`.
    Sector {
        angle_deg: f64,
        half_width_deg: f64,
        #[serde(default)]
        along_mm: f64,
        length_mm: f64,
        #[serde(default)]
        taper_mm: f64,
        #[serde(default = "lesion_hu")]
        hu: f64,
    },
    /// As a window, but the outer `remaining_mm` of the wall stand (ridge apart).
    EndostealScallop {
        angle_deg: f64,
        half_width_deg: f64,
        #[serde(default)]
        along_mm: f64,
        length_mm: f64,
        remaining_mm: f64,
        #[serde(default = "lesion_hu")]
        hu: f64,
    },
    /// A ball whose centre lies `offset_mm` from the axis; it also replaces marrow. With `length_mm` an ellipsoid of
    /// that length along the bone.
    Ball {
        offset_mm: f64,
        angle_deg: f64,
        radius_mm: f64,
        #[serde(default)]
        along_mm: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        length_mm: Option<f64>,
        #[serde(default = "lesion_hu")]
        hu: f64,
    },
    /// The wall between two angles loses this share of its density, evenly.
    Permeative {
        angle_deg: f64,
        half_width_deg: f64,
        #[serde(default)]
        along_mm: f64,
        length_mm: f64,
        /// 0 to 1.
        density_loss: f64,
        #[serde(default = "lesion_hu")]
        hu: f64,
    },
    /// Dense bone in the canal, within a ball (or ellipsoid); takes nothing from the wall.
    Blastic {
        offset_mm: f64,
        angle_deg: f64,
        radius_mm: f64,
        #[serde(default)]
        along_mm: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        length_mm: Option<f64>,
        #[serde(default = "sclerotic_hu")]
        hu: f64,
    },
    /// A ball (or ellipsoid) that takes the wall and fills the canal's part of it with `canal_hu`.
    Mixed {
        offset_mm: f64,
        angle_deg: f64,
        radius_mm: f64,
        #[serde(default)]
        along_mm: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        length_mm: Option<f64>,
        #[serde(default = "lesion_hu")]
        hu: f64,
        /// HU of its part within the canal: between lytic and blastic, or dense.
        canal_hu: f64,
    },
}

/// A word of a closed vocabulary, as it is written elsewhere in the program.
mod as_word {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::{fmt::Display, str::FromStr};

    pub fn serialize<T: Display, S: Serializer>(word: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(word)
    }

    pub fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err = crate::words::BadValue>,
        D: Deserializer<'de>,
    {
        let word = String::deserialize(from)?;
        word.parse().map_err(|bad: T::Err| serde::de::Error::custom(format!("{bad}; {}", bad.hint())))
    }
}

/// The same where it may be missing.
pub(super) mod as_optional_word {
    use serde::{Deserializer, Serializer};
    use std::{fmt::Display, str::FromStr};

    pub fn serialize<T: Display, S: Serializer>(word: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        match word {
            Some(word) => to.collect_str(word),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err = crate::words::BadValue>,
        D: Deserializer<'de>,
    {
        super::as_word::deserialize(from).map(Some)
    }
}
