//! Synthetic CT with known truth, defects put into real CT, and reports compared with what is true.
//!
//! ```
//! use corticalysis::phantom::{PhantomSpec, presets};
//!
//! let mut spec = presets::eccentric_ball();
//! spec.image.size = [128, 128, 9];
//! let phantom = spec.build();
//! let middle = &phantom.truth[0].slices[4];
//! assert!(middle.axial > 10.0 && middle.circ30 > middle.circ50);
//! ```
//!
//! The truth of a phantom comes from its geometry before the scanner ([`truth_of`]), that of a defect in a real CT from
//! the intact image; neither calls the code that measures.

pub mod bone;
pub mod check;
pub mod dicom_out;
pub mod folder;
pub mod into;
mod lesions;
mod noise;
pub mod presets;
pub mod scanner;
pub mod spec;
pub mod truth;
pub mod truth_of;

pub use bone::PlacedBone;
pub use spec::{
    BodySpec, BoneSpec, ImageSpec, LesionSpec, LimbSpec, MetaphysisSpec, PhantomSpec, RidgeSpec, ScannerSpec,
    TableSpec, Towards, WallSpec,
};

use crate::volume::Volume;
use dicom_out::NewSeries;
use truth::{BoneTruth, SCHEMA, Truth};

/// A synthetic CT and, per bone, the truth.
#[derive(Debug, Clone)]
pub struct Phantom {
    pub volume: Volume<i16>,
    /// In the order of [`PhantomSpec::bones`].
    pub truth: Vec<BoneTruth>,
}

impl PhantomSpec {
    /// The bones with their place in the patient.
    pub fn placed_bones(&self) -> Vec<PlacedBone<'_>> {
        self.bones.iter().map(|bone| PlacedBone::new(bone, self.image.middle_mm[2])).collect()
    }

    /// Renders the image and computes its truth. The result does not depend on the number of threads.
    pub fn build(&self) -> Phantom {
        let bones = self.placed_bones();
        let volume = scanner::scan(self, &bones);
        let thickness = self.scanner.slice_thickness_mm;
        let truth = bones.iter().map(|bone| truth_of::truth_of(bone, &self.image, thickness)).collect();
        Phantom { volume, truth }
    }
}

impl Phantom {
    /// The truth file of the phantom, written as this series.
    pub fn truth_file(&self, spec: &PhantomSpec, series: &NewSeries) -> Truth {
        let mut bones = self.truth.clone();
        for bone in &mut bones {
            for (k, slice) in bone.slices.iter_mut().enumerate() {
                slice.sop_instance_uid = Some(series.sop_instance_uid(k));
            }
        }
        Truth {
            schema: SCHEMA.into(),
            name: spec.name.clone(),
            source: "geometry".into(),
            series_instance_uid: Some(series.header.series_instance_uid.clone()),
            specification: serde_json::to_value(spec).ok(),
            bones,
        }
    }
}
