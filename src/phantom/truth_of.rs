//! The truth of a phantom, from its geometry before the scanner.
//!
//! In a native slice the wall is cut into 720 columns that point at the bone's axis. A column's mass is the integral of
//! its density share over its area, through the thickness of the slice; what the lesions took is a share of that. Blur,
//! pixels and noise have no part in it, nor has any code that measures.

use super::bone::PlacedBone;
use super::spec::{ImageSpec, LesionSpec};
use super::truth::{BoneTruth, LesionTruth, SliceTruth};
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;
use std::f64::consts::TAU;

/// Directions around the axis, and planes through a slice, over which the truth is summed.
const DIRECTIONS: usize = 720;
const PLANES: usize = 9;
/// Loss from which a column is involved: measurement.md, "circumferential lysis".
const INVOLVED: f64 = 0.30;
/// Loss that counts as through the wall.
const THROUGH: f64 = 0.99;
/// Distance between the sections in which a lesion's extent along the bone is looked for, before scale.
const EXTENT_STEP_MM: f64 = 0.25;

/// The truth of one bone of an image.
pub fn truth_of(bone: &PlacedBone, image: &ImageSpec, slice_thickness_mm: f64) -> BoneTruth {
    let first_z = image.middle_mm[2] - (image.size[2] as f64 - 1.0) / 2.0 * image.spacing_mm[2];
    let sections: Vec<Section> = (0..image.size[2])
        .into_par_iter()
        .map(|k| Section::of(bone, first_z + k as f64 * image.spacing_mm[2], slice_thickness_mm))
        .collect();
    let half_slice = slice_thickness_mm.max(image.spacing_mm[2]) / 2.0;
    let last_z = first_z + (image.size[2] as f64 - 1.0) * image.spacing_mm[2];
    let visible = [first_z - half_slice, last_z + half_slice];
    let lesions = bone.spec.lesions.par_iter().enumerate();
    BoneTruth {
        bone: Some(bone.spec.bone.to_string()),
        side: bone.spec.side.map(|side| side.to_string()),
        slices: sections.iter().map(|section| section.truth(image)).collect(),
        lesions: lesions.map(|(n, lesion)| lesion_truth(bone, n, lesion, &sections, visible)).collect(),
    }
}

/// Mass per column of one slice, in mm² of full-density cortex.
struct Section {
    z: f64,
    centre: [f64; 2],
    intact: Vec<f64>,
    /// What all lesions together took, then what each would have taken alone (empty where it took nothing).
    lost: Vec<f64>,
    lost_to: Vec<Vec<f64>>,
    /// Length of the periosteal contour that belongs to the column.
    arc_mm: Vec<f64>,
    /// Farthest point of the contour from the axis along x and y.
    reach: [f64; 2],
    /// Thickness of the intact wall along the surface normal.
    thickness_mm: Vec<f64>,
}

impl Section {
    fn of(bone: &PlacedBone, z: f64, slice_thickness_mm: f64) -> Self {
        let lesions = &bone.spec.lesions;
        let (mut intact, mut lost) = (vec![0.0; DIRECTIONS], vec![0.0; DIRECTIONS]);
        let mut lost_to = vec![Vec::new(); lesions.len()];
        let mut contour = vec![[0.0; 2]; DIRECTIONS];
        let mut thickness_mm = vec![0.0; DIRECTIONS];
        let angle = TAU / DIRECTIONS as f64;
        for plane in 0..PLANES {
            let z = z + slice_thickness_mm * ((plane as f64 + 0.5) / PLANES as f64 - 0.5);
            let centre = bone.axis_at(z);
            for direction in 0..DIRECTIONS {
                let (sin, cos) = ((direction as f64 + 0.5) * angle).sin_cos();
                let at = |r: f64| Point3::new(centre[0] + r * cos, centre[1] + r * sin, z);
                let own = |r: f64| bone.to_own(at(r));
                let column = Column::along(bone, &own);
                let area = column.mass(column.outer) * angle / PLANES as f64;
                intact[direction] += area;
                let (from, to) = (own(column.from).z, own(column.outer).z);
                if bone.is_touched(from, to) {
                    let share = column.lost_share(&own, |q| bone.wall_loss(lesions, q));
                    lost[direction] += area * share;
                    for (lesion, lost_to) in lesions.iter().zip(&mut lost_to).filter(|(l, _)| l.spans(from, to)) {
                        lost_to.resize(DIRECTIONS, 0.0);
                        let alone = match lesions.len() {
                            1 => share,
                            _ => column.lost_share(&own, |q| bone.wall_loss([lesion], q)),
                        };
                        lost_to[direction] += area * alone;
                    }
                }
                if plane == PLANES / 2 {
                    contour[direction] = [column.outer * cos, column.outer * sin];
                    thickness_mm[direction] = bone.wall_thickness_mm(at(column.outer)).unwrap_or(f64::NAN);
                }
            }
        }
        let step = |n: usize| {
            let (p, q) = (contour[n % DIRECTIONS], contour[(n + 1) % DIRECTIONS]);
            (p[0] - q[0]).hypot(p[1] - q[1])
        };
        let arc_mm = (0..DIRECTIONS).map(|n| (step(n + DIRECTIONS - 1) + step(n)) / 2.0).collect();
        let reach = [0, 1].map(|a| contour.iter().map(|p| p[a].abs()).fold(0.0, f64::max));
        Section { z, centre: bone.axis_at(z), intact, lost, lost_to, arc_mm, reach, thickness_mm }
    }

    /// Percent of the mass that is gone.
    fn axial(&self, lost: &[f64]) -> f64 {
        100.0 * lost.iter().sum::<f64>() / self.intact.iter().sum::<f64>()
    }

    /// Percent of the contour whose column lost more than `depth`.
    fn circumferential(&self, lost: &[f64], depth: f64) -> f64 {
        let involved = lost.iter().zip(&self.intact).zip(&self.arc_mm).filter(|((lost, m), _)| **lost > depth * **m);
        // From plus zero: an empty sum of floats is minus zero, which would be printed.
        100.0 * involved.fold(0.0, |sum, (_, arc)| sum + arc) / self.arc_mm.iter().sum::<f64>()
    }

    fn truth(&self, image: &ImageSpec) -> SliceTruth {
        let circ = |depth: f64| rounded(self.circumferential(&self.lost, depth));
        let inside = (0..2).all(|a| {
            let half = (image.size[a] as f64 - 1.0) / 2.0 * image.spacing_mm[a];
            (self.centre[a] - image.middle_mm[a]).abs() + self.reach[a] < half
        });
        let standing = |n: usize| self.thickness_mm[n] * (1.0 - self.lost[n] / self.intact[n]) * self.arc_mm[n];
        let mean = (0..DIRECTIONS).map(standing).sum::<f64>() / self.arc_mm.iter().sum::<f64>();
        SliceTruth {
            z: rounded(self.z),
            sop_instance_uid: None,
            ring: inside,
            axial: rounded(self.axial(&self.lost)),
            circ30: circ(INVOLVED),
            circ50: circ(0.50),
            circ90: Some(circ(0.90)),
            circ99: Some(circ(THROUGH)),
            centre_mm: Some(self.centre.map(rounded)),
            intact_area_mm2: Some(rounded(self.intact.iter().sum())),
            mean_thickness_mm: mean.is_finite().then(|| rounded(mean)),
        }
    }
}

/// A tenth of a micrometre, and a ten-thousandth of a point.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// The wall along one ray from the axis; distances along the ray.
struct Column {
    from: f64,
    /// Where full density is reached.
    full: f64,
    outer: f64,
}

impl Column {
    fn along(bone: &PlacedBone, own: &impl Fn(f64) -> Vector3<f64>) -> Self {
        let full = bone.radius_along(own, |wall| wall.inner_to_mm);
        let outer = bone.radius_along(own, |wall| wall.outer_mm);
        let from = match bone.spec.wall.transition_mm > 0.0 {
            true => bone.radius_along(own, |wall| wall.inner_from_mm),
            false => full,
        };
        Column { from, full, outer }
    }

    /// Mass from the canal to a distance `r`, per radian: the integral of density share times distance.
    fn mass(&self, r: f64) -> f64 {
        let (from, width) = (self.from, self.full - self.from);
        let ramp = |r: f64| {
            if width <= 1e-9 {
                return 0.0;
            }
            (r.powi(3) - from.powi(3)) / (3.0 * width) - from * (r * r - from * from) / (2.0 * width)
        };
        if r <= self.full { ramp(r.max(from)) } else { ramp(self.full) + (r * r - self.full * self.full) / 2.0 }
    }

    /// Mass-weighted mean of a loss that is constant in pieces along the ray. A change between two samples is closed in
    /// on, because a share near a depth of interest decides about the whole column.
    fn lost_share(&self, own: &impl Fn(f64) -> Vector3<f64>, loss: impl Fn(Vector3<f64>) -> f64) -> f64 {
        const SAMPLES: usize = 24;
        let loss_at = |r: f64| loss(own(r));
        let radius = |n: usize| self.from + (self.outer - self.from) * n as f64 / SAMPLES as f64;
        let (mut from, mut here, mut lost) = (self.from, loss_at(self.from), 0.0);
        for n in 1..=SAMPLES {
            let next = loss_at(radius(n));
            if n == SAMPLES || next != here {
                let (mut before, mut after) = (radius(n - 1), radius(n));
                for _ in 0..if next == here { 0 } else { 12 } {
                    let middle = (before + after) / 2.0;
                    if loss_at(middle) == here { before = middle } else { after = middle }
                }
                lost += here * (self.mass(after) - self.mass(from));
                (from, here) = (after, next);
            }
        }
        (lost / self.mass(self.outer)).clamp(0.0, 1.0)
    }
}

/// One lesion, as if it were the only one.
fn lesion_truth(
    bone: &PlacedBone,
    n: usize,
    lesion: &LesionSpec,
    sections: &[Section],
    visible: [f64; 2],
) -> LesionTruth {
    let taken = || sections.iter().filter(|section| !section.lost_to[n].is_empty());
    let involved: Vec<f64> =
        taken().filter(|s| s.circumferential(&s.lost_to[n], INVOLVED) > 0.0).map(|section| section.z).collect();
    let most = |percent: &dyn Fn(&Section) -> f64| rounded(taken().map(percent).fold(0.0, f64::max));
    let extent = Extent::of(bone, lesion, visible);
    LesionTruth {
        kind: lesion.kind().into(),
        type_: lesion.lesion_type().into(),
        z_range_mm: Some([*involved.first().unwrap_or(&f64::NAN), *involved.last().unwrap_or(&f64::NAN)])
            .filter(|[low, _]| low.is_finite())
            .map(|range| range.map(rounded)),
        axial_extent_mm: rounded(extent.longest_run_mm),
        height_mm: rounded(extent.height_mm),
        through_the_wall: extent.through_the_wall,
        max_axial_lysis_percent: most(&|section| section.axial(&section.lost_to[n])),
        max_circumferential_lysis_percent: most(&|s| s.circumferential(&s.lost_to[n], INVOLVED)),
    }
}

/// A lesion's reach along the bone, from sections across the axis.
#[derive(Default)]
struct Extent {
    longest_run_mm: f64,
    height_mm: f64,
    through_the_wall: bool,
}

impl Extent {
    fn of(bone: &PlacedBone, lesion: &LesionSpec, visible: [f64; 2]) -> Self {
        let [from, to] = lesion.span_mm();
        let steps = ((to - from) / EXTENT_STEP_MM).ceil().max(1.0) as usize;
        let step = (to - from) / steps as f64;
        let mut extent = Extent::default();
        let (mut lowest, mut highest) = (usize::MAX, 0);
        for direction in 0..DIRECTIONS {
            let (sin, cos) = ((direction as f64 + 0.5) * TAU / DIRECTIONS as f64).sin_cos();
            let mut run = 0usize;
            for n in 0..steps {
                let along = from + (n as f64 + 0.5) * step;
                let own = |r: f64| Vector3::new(r * cos, r * sin, along);
                let column = Column::along(bone, &own);
                let z = bone.to_patient(own(column.outer)).z;
                let loss = match (visible[0]..=visible[1]).contains(&z) {
                    true => column.lost_share(&own, |q| bone.wall_loss([lesion], q)),
                    false => 0.0,
                };
                run = if loss > INVOLVED { run + 1 } else { 0 };
                if run > 0 {
                    (lowest, highest) = (lowest.min(n), highest.max(n));
                    extent.longest_run_mm = extent.longest_run_mm.max(run as f64 * step * bone.spec.scale);
                }
                extent.through_the_wall |= loss >= THROUGH;
            }
        }
        if lowest <= highest {
            extent.height_mm = (highest - lowest + 1) as f64 * step * bone.spec.scale;
        }
        extent
    }
}
