//! Synthetic CT volumes of long bones whose loss is known exactly.
//!
//! A bone is a tube around a (bowed, tilted) axis: an ellipse with a ridge outside, a wall whose thickness depends on
//! the angle and the position along the bone, marrow inside, lesions cut into it. The scanner is a slab of the slice
//! thickness, a Gaussian in-plane blur and noise. The truth is taken from the shape before the blur, by a method that
//! shares nothing with the program under test.
//!
//! Angles are degrees about the bone's axis, in the bone's own frame *before* it is mirrored, rotated and tilted:
//! 0° left, 90° posterior, 180° right, 270° anterior. Positions along the bone are millimetres towards the head from
//! the section that lies at the middle of the volume when `along_mm` is 0. Everything is deterministic.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::volume::{Grid, Volume};
use nalgebra::{Matrix3, Point3, Rotation3, Vector3};
use rayon::prelude::*;
use std::f64::consts::{PI, TAU};

/// Patient position (mm) of the middle of every preset: far from zero, so that an index taken for millimetres shows.
pub const MIDDLE_MM: [f64; 3] = [12.0, -140.0, -412.0];
/// Depths of loss at which [`SliceTruth::circumferential_percent`] is counted.
pub const DEPTHS: [f64; 3] = [0.30, 0.50, 0.99];
/// Samples per pixel along a row and a column, odd so that one lies at the pixel's centre.
const FINE: usize = 3;
/// Directions around the axis, and planes through a slice, over which the truth is summed.
const DIRECTIONS: usize = 720;
const PLANES: usize = 9;

/// A piece that is missing from the wall; filled with `PhantomSpec::lesion_hu`.
#[derive(Debug, Clone, Copy)]
pub enum LesionSpec {
    /// The whole wall between two angles, over a length of the bone.
    Window { angle_deg: f64, half_width_deg: f64, along_mm: f64, length_mm: f64 },
    /// A ball whose centre lies `offset_mm` from the axis; it also replaces marrow.
    Ball { offset_mm: f64, angle_deg: f64, radius_mm: f64, along_mm: f64 },
    /// As a window, but the outer `remaining_mm` of the wall stand.
    EndostealScallop { angle_deg: f64, half_width_deg: f64, along_mm: f64, length_mm: f64, remaining_mm: f64 },
}

impl LesionSpec {
    /// Does the lesion's extent along the bone meet the stretch between two positions.
    fn spans(&self, a: f64, b: f64) -> bool {
        let (along, half) = match *self {
            LesionSpec::Window { along_mm, length_mm, .. }
            | LesionSpec::EndostealScallop { along_mm, length_mm, .. } => (along_mm, length_mm / 2.0),
            LesionSpec::Ball { along_mm, radius_mm, .. } => (along_mm, radius_mm),
        };
        a.min(b) <= along + half && a.max(b) >= along - half
    }
}

/// One long bone. Lengths are before `scale`.
#[derive(Debug, Clone)]
pub struct BoneSpec {
    /// Patient x and y of the axis at the middle of the volume.
    pub centre_mm: [f64; 2],
    /// Rotation of the axis about patient x, then y; 0 is along z.
    pub tilt_deg: [f64; 2],
    /// Semi-axes of the periosteal ellipse, left-right and front-back.
    pub semi_axes_mm: [f64; 2],
    /// Height, angular standard deviation (degrees) and angle of the ridge on the periosteal side (linea aspera).
    pub ridge: [f64; 3],
    /// Mean thickness of the wall (ridge apart).
    pub thickness_mm: f64,
    /// How much thicker the posterior wall is than the mean, and thinner the anterior.
    pub posterior_mm: f64,
    /// Relative change of thickness per mm towards the head.
    pub thinning_per_mm: f64,
    pub marrow_hu: f64,
    /// Rotation about the bone's own axis, after mirroring.
    pub rotation_deg: f64,
    pub scale: f64,
    /// Left and right of the section exchanged.
    pub mirrored: bool,
    /// How far along the bone the section at the middle of the volume lies: a leg pulled down or up.
    pub along_mm: f64,
    /// Radius of the bow, convex to the front.
    pub bow_radius_mm: Option<f64>,
    pub lesions: Vec<LesionSpec>,
}

/// A volume to build.
#[derive(Debug, Clone)]
pub struct PhantomSpec {
    pub size: [usize; 3],
    pub spacing_mm: [f64; 3],
    /// Patient position of the middle of the volume.
    pub middle_mm: [f64; 3],
    pub bones: Vec<BoneSpec>,
    /// Full width at half maximum of the in-plane Gaussian blur, all of it: the pixel adds none.
    pub fwhm_mm: f64,
    /// Thickness over which a slice averages along z.
    pub slice_thickness_mm: f64,
    /// Standard deviation of the noise, correlated between neighbouring pixels of a slice.
    pub noise_hu: f64,
    pub soft_tissue_hu: f64,
    /// Radii of muscle and skin about each bone: fat between them, air outside. `None`: soft tissue everywhere.
    pub limb_radii_mm: Option<[f64; 2]>,
    /// HU of compact cortex: 1300 at 140 kVp to 1900 at 80 kVp.
    pub cortical_hu: f64,
    pub lesion_hu: f64,
    pub seed: u64,
}

/// What is true of one bone in one native slice.
#[derive(Debug, Clone, Copy)]
pub struct SliceTruth {
    /// Where the bone's axis crosses the slice, patient x and y.
    pub centre_mm: [f64; 2],
    /// Area of the wall before the loss, in the slice plane, averaged over the slice thickness.
    pub intact_area_mm2: f64,
    /// Lost area as a share of it.
    pub axial_percent: f64,
    /// Share of the periosteal contour's length whose column of wall lost more than each of [`DEPTHS`].
    pub circumferential_percent: [f64; 3],
}

/// A volume and, per bone and slice, the truth.
#[derive(Debug, Clone)]
pub struct Phantom {
    pub volume: Volume<i16>,
    /// In the order of `PhantomSpec::bones`, then of the slices.
    pub truth: Vec<Vec<SliceTruth>>,
}

impl PhantomSpec {
    /// Renders the volume and computes its truth.
    pub fn build(&self) -> Phantom {
        let spacing_mm = Vector3::from(self.spacing_mm);
        let half = Vector3::from(self.size.map(|n| (n as f64 - 1.0) / 2.0)).component_mul(&spacing_mm);
        let grid = Grid {
            size: self.size,
            origin_mm: Point3::from(self.middle_mm) - half,
            directions: Matrix3::identity(),
            spacing_mm,
        };
        let tubes: Vec<Tube> = self.bones.iter().map(|bone| Tube::new(bone, self.middle_mm[2])).collect();
        let slices: Vec<Vec<i16>> = (0..self.size[2]).into_par_iter().map(|k| self.render(&grid, &tubes, k)).collect();
        let z = |k: usize| grid.origin_mm.z + k as f64 * grid.spacing_mm.z;
        let truth = tubes
            .iter()
            .map(|tube| (0..self.size[2]).into_par_iter().map(|k| tube.truth(z(k), self.slice_thickness_mm)).collect())
            .collect();
        Phantom { volume: Volume { voxels: slices.concat(), grid }, truth }
    }

    /// One slice: background, what the bones add to it, noise.
    fn render(&self, grid: &Grid, tubes: &[Tube], k: usize) -> Vec<i16> {
        let z = grid.origin_mm.z + k as f64 * grid.spacing_mm.z;
        let mut hu = self.background(grid, tubes, z);
        for tube in tubes {
            self.add_bone(grid, tube, z, &mut hu);
        }
        let noise = correlated_noise(grid.size[0], grid.size[1], self.seed ^ ((k as u64 + 1) << 32));
        hu.iter().zip(noise).map(|(hu, noise)| (hu + noise * self.noise_hu).round() as i16).collect()
    }

    fn background(&self, grid: &Grid, tubes: &[Tube], z: f64) -> Vec<f64> {
        let Some([muscle, skin]) = self.limb_radii_mm else {
            return vec![self.soft_tissue_hu; grid.size[0] * grid.size[1]];
        };
        let centres: Vec<[f64; 2]> = tubes.iter().map(|tube| tube.axis_at(z)).collect();
        let mut hu = Vec::with_capacity(grid.size[0] * grid.size[1]);
        for j in 0..grid.size[1] {
            for i in 0..grid.size[0] {
                let p = grid.to_patient(Vector3::new(i as f64, j as f64, 0.0));
                let nearest = centres.iter().map(|c| (p.x - c[0]).hypot(p.y - c[1])).fold(f64::INFINITY, f64::min);
                // Edges a pixel wide.
                let within = |radius: f64| ((radius - nearest) / grid.spacing_mm.x + 0.5).clamp(0.0, 1.0);
                hu.push(-1000.0 + 900.0 * within(skin) + (self.soft_tissue_hu + 100.0) * within(muscle));
            }
        }
        hu
    }

    /// Samples the bone finely around its axis, blurs, and adds the value at the pixel centres.
    fn add_bone(&self, grid: &Grid, tube: &Tube, z: f64, hu: &mut [f64]) {
        let sigma = self.fwhm_mm / (8.0 * 2f64.ln()).sqrt();
        let (reach, centre) = (tube.reach_mm(self.slice_thickness_mm), tube.axis_at(z));
        let pixel = [grid.spacing_mm.x, grid.spacing_mm.y];
        let kernels = pixel.map(|p| gaussian(sigma / p * FINE as f64));
        // First pixel and number of pixels of the patch, per direction; it may reach over the border of the image.
        let origin = [grid.origin_mm.x, grid.origin_mm.y];
        let margin = reach + 4.0 * sigma + pixel[0].max(pixel[1]);
        let first: [i64; 2] = [0, 1].map(|a| ((centre[a] - margin - origin[a]) / pixel[a]).floor() as i64);
        let count: [usize; 2] = pixel.map(|p| (2.0 * margin / p).ceil() as usize + 1);
        let fine = count.map(|n| n * FINE);
        let position = |a: usize, f: usize| {
            origin[a] + pixel[a] * (first[a] as f64 + (f as f64 - (FINE / 2) as f64) / FINE as f64)
        };
        // Planes half a millimetre apart through the slice, at least three.
        let planes = ((self.slice_thickness_mm / 0.5).ceil() as usize).clamp(3, 9);
        let step = pixel[0] / FINE as f64 / tube.bone.scale;
        let mut samples = vec![0.0; fine[0] * fine[1]];
        for plane in 0..planes {
            let z = z + self.slice_thickness_mm * ((plane as f64 + 0.5) / planes as f64 - 0.5);
            for fy in 0..fine[1] {
                let y = position(1, fy);
                for fx in 0..fine[0] {
                    let x = position(0, fx);
                    if (x - centre[0]).hypot(y - centre[1]) <= reach {
                        samples[fy * fine[0] + fx] += self.added_hu(tube, Point3::new(x, y, z), step) / planes as f64;
                    }
                }
            }
        }
        // Along the rows at pixel columns only, then along the columns at pixel rows only.
        let tap = |values: &dyn Fn(usize) -> f64, kernel: &[f64], n: usize, p: usize| -> f64 {
            let (middle, half) = ((p * FINE + FINE / 2) as i64, (kernel.len() / 2) as i64);
            let taps = kernel.iter().zip(middle - half..).filter(|(_, f)| *f >= 0 && (*f as usize) < n);
            taps.map(|(w, f)| w * values(f as usize)).sum()
        };
        let mut rows = vec![0.0; count[0] * fine[1]];
        for fy in 0..fine[1] {
            let line = &samples[fy * fine[0]..(fy + 1) * fine[0]];
            for px in 0..count[0] {
                rows[fy * count[0] + px] = tap(&|f| line[f], &kernels[0], fine[0], px);
            }
        }
        for py in 0..count[1] {
            for px in 0..count[0] {
                let (i, j) = (first[0] + px as i64, first[1] + py as i64);
                if i >= 0 && j >= 0 && (i as usize) < grid.size[0] && (j as usize) < grid.size[1] {
                    hu[j as usize * grid.size[0] + i as usize] +=
                        tap(&|f| rows[f * count[0] + px], &kernels[1], fine[1], py);
                }
            }
        }
    }

    /// What the bone adds to soft tissue at a sample `step_mm` wide (before scale), before any blur.
    fn added_hu(&self, tube: &Tube, point: Point3<f64>, step_mm: f64) -> f64 {
        let q = tube.to_own(point);
        let (inner, outer) = tube.radii(q);
        let r = q.x.hypot(q.y);
        // Both surfaces a sample wide: hard ones would make a thin wall up to 1 % too heavy or too light.
        let within = |radius: f64| ((radius - r) / step_mm + 0.5).clamp(0.0, 1.0);
        let (bone, canal) = (within(outer), within(inner));
        let or_lesion = |hu: f64, marrow: bool| if tube.is_lost(q, marrow) { self.lesion_hu } else { hu };
        let mut hu = (1.0 - bone) * self.soft_tissue_hu;
        if bone > canal {
            hu += (bone - canal) * or_lesion(self.cortical_hu, false);
        }
        if canal > 0.0 {
            hu += canal * or_lesion(tube.bone.marrow_hu, true);
        }
        hu - self.soft_tissue_hu
    }
}

/// A bone placed in the patient.
struct Tube<'a> {
    bone: &'a BoneSpec,
    /// Directions of the bone's own frame as columns.
    frame: Matrix3<f64>,
    origin_mm: Point3<f64>,
    /// Cosine and sine of the ridge's angle, and the concentration that gives it its width.
    ridge: [f64; 3],
}

impl<'a> Tube<'a> {
    fn new(bone: &'a BoneSpec, z: f64) -> Self {
        let [about_x, about_y] = bone.tilt_deg.map(f64::to_radians);
        let frame = Rotation3::from_axis_angle(&Vector3::y_axis(), about_y)
            * Rotation3::from_axis_angle(&Vector3::x_axis(), about_x)
            * Rotation3::from_axis_angle(&Vector3::z_axis(), bone.rotation_deg.to_radians());
        let angle = bone.ridge[2].to_radians();
        let ridge = [angle.cos(), angle.sin(), bone.ridge[1].to_radians().powi(-2)];
        let origin_mm = Point3::new(bone.centre_mm[0], bone.centre_mm[1], z);
        Tube { bone, frame: frame.into_inner(), origin_mm, ridge }
    }

    /// Deviation of the axis to the back; none in the section at the middle of the volume.
    fn bow(&self, along: f64) -> f64 {
        self.bone.bow_radius_mm.map_or(0.0, |radius| (along.powi(2) - self.bone.along_mm.powi(2)) / (2.0 * radius))
    }

    /// A patient point in the bone's own frame: across (x, y) from the axis and along (z), before scale.
    fn to_own(&self, point: Point3<f64>) -> Vector3<f64> {
        let q = self.frame.tr_mul(&(point - self.origin_mm)) / self.bone.scale;
        let along = q.z + self.bone.along_mm;
        Vector3::new(if self.bone.mirrored { -q.x } else { q.x }, q.y - self.bow(along), along)
    }

    /// Where the axis crosses a slice, patient x and y.
    fn axis_at(&self, z: f64) -> [f64; 2] {
        let (slope, mut along, mut point) = (self.frame.m33 * self.bone.scale, self.bone.along_mm, self.origin_mm);
        for _ in 0..8 {
            along -= (point.z - z) / slope;
            let own = Vector3::new(0.0, self.bow(along), along - self.bone.along_mm);
            point = self.origin_mm + self.frame * own * self.bone.scale;
        }
        [point.x, point.y]
    }

    /// Endosteal and periosteal radius in the direction and at the height of a point.
    fn radii(&self, q: Vector3<f64>) -> (f64, f64) {
        let b = self.bone;
        let r = q.x.hypot(q.y).max(1e-9);
        let (c, s) = (q.x / r, q.y / r);
        let thickness = (b.thickness_mm + b.posterior_mm * s) * (1.0 + b.thinning_per_mm * q.z).max(0.1);
        let bump = b.ridge[0] * ((c * self.ridge[0] + s * self.ridge[1] - 1.0) * self.ridge[2]).exp();
        (self.ellipse(c, s, thickness), self.ellipse(c, s, 0.0) + bump)
    }

    /// Radius of the ellipse `inset` within the periosteal one, towards (c, s).
    fn ellipse(&self, c: f64, s: f64, inset: f64) -> f64 {
        let [a, b] = self.bone.semi_axes_mm.map(|axis| (axis - inset).max(0.0));
        a * b / (b * c).hypot(a * s).max(1e-9)
    }

    /// Does a lesion take this point of the wall, or of the marrow.
    fn is_lost(&self, q: Vector3<f64>, marrow: bool) -> bool {
        let r = q.x.hypot(q.y).max(1e-9);
        let patch = |angle: f64, half_width: f64| {
            let (sin, cos) = angle.to_radians().sin_cos();
            !marrow && q.x * cos + q.y * sin >= r * half_width.to_radians().cos()
        };
        self.bone.lesions.iter().filter(|lesion| lesion.spans(q.z, q.z)).any(|lesion| match *lesion {
            LesionSpec::Window { angle_deg, half_width_deg, .. } => patch(angle_deg, half_width_deg),
            LesionSpec::Ball { offset_mm, angle_deg, radius_mm, along_mm } => {
                let (sin, cos) = angle_deg.to_radians().sin_cos();
                (q - Vector3::new(offset_mm * cos, offset_mm * sin, along_mm)).norm() <= radius_mm
            }
            LesionSpec::EndostealScallop { angle_deg, half_width_deg, remaining_mm, .. } => {
                patch(angle_deg, half_width_deg) && r < self.ellipse(q.x / r, q.y / r, remaining_mm)
            }
        })
    }

    /// In-plane distance from the axis that the bone nowhere exceeds within a slice; the bow adds a few degrees.
    fn reach_mm(&self, slice_thickness_mm: f64) -> f64 {
        let ([a, b], cos) = (self.bone.semi_axes_mm, self.frame.m33);
        let oblique = ((1.0 - cos * cos).sqrt() + 0.1) / cos;
        1.05 * (a.max(b) + self.bone.ridge[0]) * self.bone.scale / cos + slice_thickness_mm / 2.0 * oblique + 1.0
    }

    /// Sums the slice over columns of wall that point at the axis.
    fn truth(&self, z: f64, slice_thickness_mm: f64) -> SliceTruth {
        let (mut intact, mut lost) = (vec![0.0; DIRECTIONS], vec![0.0; DIRECTIONS]);
        let mut contour = vec![[0.0; 2]; DIRECTIONS];
        let angle = TAU / DIRECTIONS as f64;
        for plane in 0..PLANES {
            let z = z + slice_thickness_mm * ((plane as f64 + 0.5) / PLANES as f64 - 0.5);
            let centre = self.axis_at(z);
            for direction in 0..DIRECTIONS {
                let (sin, cos) = ((direction as f64 + 0.5) * angle).sin_cos();
                let own = |r: f64| self.to_own(Point3::new(centre[0] + r * cos, centre[1] + r * sin, z));
                // The wall's ends: along the ray the section hardly changes, so a few steps settle.
                let [inner, outer] = [0, 1].map(|edge| {
                    (0..3).fold(10.0, |r, _| {
                        let q = own(r);
                        let (inner, outer) = self.radii(q);
                        r * [inner, outer][edge] / q.x.hypot(q.y)
                    })
                });
                let area = (outer * outer - inner * inner) / 2.0 * angle / PLANES as f64;
                intact[direction] += area;
                let (from, to) = (own(inner).z, own(outer).z);
                if self.bone.lesions.iter().any(|lesion| lesion.spans(from, to)) {
                    lost[direction] += area * self.lost_share(&own, inner, outer);
                }
                if plane == PLANES / 2 {
                    contour[direction] = [outer * cos, outer * sin];
                }
            }
        }
        let step = |n: usize| {
            let (p, q) = (contour[n % DIRECTIONS], contour[(n + 1) % DIRECTIONS]);
            (p[0] - q[0]).hypot(p[1] - q[1])
        };
        let arc: Vec<f64> = (0..DIRECTIONS).map(|n| (step(n + DIRECTIONS - 1) + step(n)) / 2.0).collect();
        let length: f64 = arc.iter().sum();
        let involved = |depth: f64| -> f64 {
            (0..DIRECTIONS).filter(|n| lost[*n] > depth * intact[*n]).fold(0.0, |sum, n| sum + arc[n])
        };
        let intact_area_mm2 = intact.iter().sum();
        SliceTruth {
            centre_mm: self.axis_at(z),
            intact_area_mm2,
            axial_percent: 100.0 * lost.iter().sum::<f64>() / intact_area_mm2,
            circumferential_percent: DEPTHS.map(|depth| 100.0 * involved(depth) / length),
        }
    }

    /// Area share of the lost wall along a ray from the axis. A change between two samples is closed in on, because a
    /// share near one of the [`DEPTHS`] decides about the whole column.
    fn lost_share(&self, own: &impl Fn(f64) -> Vector3<f64>, inner: f64, outer: f64) -> f64 {
        const SAMPLES: usize = 24;
        let is_lost = |r: f64| self.is_lost(own(r), false);
        let radius = |n: usize| inner + (outer - inner) * n as f64 / SAMPLES as f64;
        let (mut from, mut was_lost, mut lost) = (inner, is_lost(inner), 0.0);
        for n in 1..=SAMPLES {
            if n == SAMPLES || is_lost(radius(n)) != was_lost {
                let (mut before, mut after) = (radius(n - 1), radius(n));
                for _ in 0..if is_lost(after) == was_lost { 0 } else { 12 } {
                    let middle = (before + after) / 2.0;
                    if is_lost(middle) == was_lost { before = middle } else { after = middle }
                }
                if was_lost {
                    lost += after * after - from * from;
                }
                (from, was_lost) = (after, !was_lost);
            }
        }
        lost / (outer * outer - inner * inner)
    }
}

/// Normalised Gaussian weights, an odd number of them.
fn gaussian(sigma: f64) -> Vec<f64> {
    let half = (4.0 * sigma).ceil() as i64;
    let weights: Vec<f64> = (-half..=half).map(|n| (-0.5 * (n as f64 / sigma.max(1e-6)).powi(2)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

/// Gaussian noise of unit variance; a pixel shares with its neighbours.
fn correlated_noise(nx: usize, ny: usize, seed: u64) -> Vec<f64> {
    const NEIGHBOUR: f64 = 0.35;
    let mut random = SplitMix64(seed);
    let width = nx + 2;
    let white: Vec<f64> = (0..width * (ny + 2)).map(|_| random.normal()).collect();
    let along = |n: usize, step: usize| white[n] + NEIGHBOUR * (white[n - step] + white[n + step]);
    let norm = 1.0 + 2.0 * NEIGHBOUR * NEIGHBOUR;
    let at = |i: usize, j: usize| {
        let n = (j + 1) * width + i + 1;
        (along(n, 1) + NEIGHBOUR * (along(n - width, 1) + along(n + width, 1))) / norm
    };
    (0..ny).flat_map(|j| (0..nx).map(move |i| (i, j))).map(|(i, j)| at(i, j)).collect()
}

/// Steele, Lea and Flood's SplitMix64.
struct SplitMix64(u64);

impl SplitMix64 {
    /// Uniform in (0, 1].
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64 + 1.0) / (1u64 << 53) as f64
    }

    /// Standard normal, by Box and Muller.
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (2.0 * PI * self.uniform()).cos()
    }
}
