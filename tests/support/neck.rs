//! A synthetic neck of known wall, holes cut into a patient's, and what they took: nothing here uses the program's measuring.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::cortex::end::EndSection;
use corticalysis::cortex::neck::{Neck, NeckFrame, NeckSection};
use corticalysis::volume::{Grid, NO_DATA, Region, Volume};
use nalgebra::{Matrix3, Point3, Vector3};
use rayon::prelude::*;

/// A tube of elliptic section with an eccentric canal between a ball and a block: a thin upper and a thick lower wall.
pub struct SyntheticNeck {
    pub neck_shaft_angle_deg: f64,
    pub slice_mm: f64,
    pub head_radius_mm: f64,
    pub cortical_hu: f64,
    pub sigma_mm: f64,
    pub noise_hu: f64,
    /// Half axes of the outer ellipse, across and up, mm.
    pub outer_mm: [f64; 2],
    /// The same of the canal, and how far it lies higher.
    pub inner_mm: [f64; 2],
    pub higher_mm: f64,
}

impl Default for SyntheticNeck {
    fn default() -> Self {
        Self {
            neck_shaft_angle_deg: 127.0,
            slice_mm: 3.0,
            head_radius_mm: 22.0,
            cortical_hu: 1350.0,
            sigma_mm: 0.6,
            noise_hu: 12.0,
            outer_mm: [12.5, 15.5],
            inner_mm: [11.0, 13.2],
            higher_mm: 1.3,
        }
    }
}

pub const PIXEL_MM: f64 = 0.8;
const MARROW_HU: f64 = 60.0;
pub const SOFT_HU: f64 = 45.0;
/// The neck ends here, mm from the head's centre: beyond it the block of the trochanters begins.
const NECK_ENDS_MM: f64 = 36.0;

/// The blur that a line between pixels shows, mm: straight lines between them add a sixth of a pixel squared.
pub fn sigma_between_pixels_mm(sigma_mm: f64) -> f64 {
    sigma_mm.hypot(PIXEL_MM / 6f64.sqrt())
}

impl SyntheticNeck {
    pub fn frame(&self) -> NeckFrame {
        NeckFrame::new(Point3::origin(), Point3::from(self.axis() * 24.0)).expect("a frame")
    }

    fn axis(&self) -> Vector3<f64> {
        // Between neck and shaft on the inner side; a femur's shaft runs down. Turned forwards a little, as necks are.
        let (sin, cos) = (180.0 - self.neck_shaft_angle_deg).to_radians().sin_cos();
        Vector3::new(sin * 0.97, sin * 0.24, -cos).normalize()
    }

    pub fn area_inside_mm2(&self) -> f64 {
        std::f64::consts::PI * self.outer_mm[0] * self.outer_mm[1]
    }

    pub fn cortical_area_mm2(&self) -> f64 {
        self.area_inside_mm2() - std::f64::consts::PI * self.inner_mm[0] * self.inner_mm[1]
    }

    /// HU of the object itself at a place of the patient.
    fn hu(&self, frame: &NeckFrame, at: Point3<f64>) -> f64 {
        let from = at - frame.head_mm;
        let along = from.dot(&frame.axis);
        let (across, up) = (from.dot(&frame.front), from.dot(&frame.up));
        let ball = from.norm() / self.head_radius_mm;
        if ball <= 1.0 {
            return if ball > 0.95 { self.cortical_hu } else { 250.0 };
        }
        if along > NECK_ENDS_MM && along < NECK_ENDS_MM + 12.0 && across.abs() < 22.0 && up.abs() < 26.0 {
            return 200.0;
        }
        let ellipse = |half: [f64; 2], up: f64| (across / half[0]).hypot(up / half[1]);
        if along <= 0.0 || along > NECK_ENDS_MM || ellipse(self.outer_mm, up) > 1.0 {
            SOFT_HU
        } else if ellipse(self.inner_mm, up - self.higher_mm) <= 1.0 {
            MARROW_HU
        } else {
            self.cortical_hu
        }
    }

    fn grid(&self) -> Grid {
        let spacing_mm = Vector3::new(PIXEL_MM, PIXEL_MM, self.slice_mm);
        let (low, high) = (Vector3::new(-32.0, -32.0, -68.0), Vector3::new(66.0, 50.0, 34.0));
        Grid {
            size: [0, 1, 2].map(|a| ((high[a] - low[a]) / spacing_mm[a]) as usize),
            origin_mm: Point3::from(low),
            directions: Matrix3::identity(),
            spacing_mm,
        }
    }

    /// The image of the neck.
    pub fn volume(&self) -> Volume<i16> {
        let frame = self.frame();
        scanned(self.grid(), self.sigma_mm, self.noise_hu, |at| self.hu(&frame, at))
    }

    /// The bone: all of the object that is not soft tissue.
    pub fn region(&self, grid: &Grid) -> Region {
        let frame = self.frame();
        Region::from_fn(grid.size, |i, j, k| {
            self.hu(&frame, grid.to_patient(Vector3::new(i as f64, j as f64, k as f64))) > SOFT_HU
        })
    }

    /// True thickness at a sector of a section that was seen: from the outer ellipse along its normal to the canal. The section may lie a little
    /// across the tube.
    pub fn thickness_mm(&self, seen: &NeckFrame, section: &NeckSection, sector: usize) -> f64 {
        let tube = self.frame();
        let origin = seen.point(section.from_head_mm, section.centre_mm) - tube.head_mm;
        let across = |at: Vector3<f64>| [at.dot(&tube.front), at.dot(&tube.up)];
        let outside = |r: f64| {
            let at = across(origin + seen.direction(sector) * r);
            (at[0] / self.outer_mm[0]).hypot(at[1] / self.outer_mm[1]) > 1.0
        };
        let (mut low, mut high) = (0.0, 30.0);
        for _ in 0..50 {
            let middle = 0.5 * (low + high);
            if outside(middle) { high = middle } else { low = middle }
        }
        let edge = across(origin + seen.direction(sector) * low);
        let normal = [edge[0] / self.outer_mm[0].powi(2), edge[1] / self.outer_mm[1].powi(2)];
        let length = normal[0].hypot(normal[1]);
        let in_canal = |t: f64| {
            let at = [0, 1].map(|a| edge[a] - t * normal[a] / length);
            (at[0] / self.inner_mm[0]).hypot((at[1] - self.higher_mm) / self.inner_mm[1]) < 1.0
        };
        (0..1000).map(|n| 0.01 * f64::from(n)).find(|t| in_canal(*t)).unwrap_or(10.0)
    }
}

/// The image of an object of these HU: averaged over the slice's thickness, blurred in the plane, with noise.
pub fn scanned(grid: Grid, sigma_mm: f64, noise_hu: f64, hu_at: impl Fn(Point3<f64>) -> f64 + Sync) -> Volume<i16> {
    let [columns, rows, slices] = grid.size;
    // The plane four times as fine as the pixels, eight layers a slice.
    let (fine, layers) = (4, 8);
    let mut voxels = Vec::with_capacity(grid.len());
    let mut noise = Noise(7);
    let sigma = sigma_mm * fine as f64 / grid.spacing_mm.x;
    let reach = (4.0 * sigma).ceil() as isize;
    let kernel: Vec<f64> = (-reach..=reach).map(|d| (-0.5 * (d as f64 / sigma).powi(2)).exp()).collect();
    let sum: f64 = kernel.iter().sum();
    let (width, height) = (columns * fine, rows * fine);
    let plane = |k: usize| -> Vec<f64> {
        let mut plane = vec![0.0; width * height];
        for layer in 0..layers {
            let z = k as f64 + (layer as f64 + 0.5) / layers as f64 - 0.5;
            for (n, v) in plane.iter_mut().enumerate() {
                let at = Vector3::new((n % width) as f64 / fine as f64, (n / width) as f64 / fine as f64, z);
                *v += hu_at(grid.to_patient(at)) / layers as f64;
            }
        }
        let blurred = |from: &dyn Fn(isize) -> f64, n: usize, at: usize| {
            let weights = kernel.iter().enumerate();
            weights.map(|(d, w)| w * from((at as isize + d as isize - reach).clamp(0, n as isize - 1))).sum::<f64>()
                / sum
        };
        let mut lines = vec![0.0; columns * height];
        for j in 0..height {
            for i in 0..columns {
                lines[j * columns + i] = blurred(&|i| plane[j * width + i as usize], width, i * fine);
            }
        }
        let pixel = |n: usize| blurred(&|j| lines[j as usize * columns + n % columns], height, n / columns * fine);
        (0..columns * rows).map(pixel).collect()
    };
    let planes: Vec<Vec<f64>> = (0..slices).into_par_iter().map(plane).collect();
    voxels.extend(planes.into_iter().flatten().map(|hu| (hu + noise_hu * noise.next()).round() as i16));
    Volume { grid, voxels: voxels.into() }
}

/// Numbers of a normal distribution, the same each time (sum of twelve uniform ones from xorshift64*).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let mut uniform = || {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    }
}

/// Within the wall of the middle measured section of a neck, in a sector: a millimetre inside of the contour.
pub fn place_in_wall(neck: &Neck, sector: usize) -> Point3<f64> {
    let measured: Vec<&NeckSection> = neck.sections.iter().filter(|s| s.not_measured.is_none()).collect();
    let middle = measured[measured.len() / 2];
    let angle = std::f64::consts::TAU * (sector as f64 + 0.5) / middle.radius_mm.len() as f64;
    let r = middle.radius_mm[sector] - 1.0;
    neck.frame
        .point(middle.from_head_mm, [middle.centre_mm[0] + r * angle.cos(), middle.centre_mm[1] + r * angle.sin()])
}

/// The image with a ball of soft tissue in it, its edge as soft as the scanner's: a slice thick along z, a normal distribution in the plane.
pub fn cut_ball(volume: &Volume<i16>, centre: Point3<f64>, radius_mm: f64) -> Volume<i16> {
    const SIGMA_MM: f64 = 0.6;
    let mut out = volume.clone();
    let [columns, rows, _] = volume.grid.size;
    let reach = radius_mm + 4.0;
    let mut noise = Noise(11);
    for (n, hu) in out.voxels.iter_mut().enumerate() {
        let index = Vector3::new((n % columns) as f64, (n / columns % rows) as f64, (n / (columns * rows)) as f64);
        let off = volume.grid.to_patient(index) - centre;
        if *hu == NO_DATA || off.amax() > reach {
            continue;
        }
        let inside = |z: f64| {
            let from = Vector3::new(off.x, off.y, off.z + z).norm();
            0.5 * libm::erfc((from - radius_mm) / (SIGMA_MM * std::f64::consts::SQRT_2))
        };
        let layers = 6;
        let share: f64 = (0..layers)
            .map(|l| inside(volume.grid.spacing_mm.z * ((f64::from(l) + 0.5) / f64::from(layers) - 0.5)))
            .sum::<f64>()
            / f64::from(layers);
        if share > 1e-3 {
            *hu = (f64::from(*hu) * (1.0 - share) + (45.0 + 12.0 * noise.next()) * share).round() as i16;
        }
    }
    out
}

/// Truth in a section: share of the cortical mass that the cut took, and share of the contour that lost more than 0.3 of it, percent.
///
/// Mass is HU above soft tissue in the intact image's wall: a millimetre inside its wall to two outside its contour, both as they were
/// *before* the cut at the section of the same place. `None` where the intact neck was not measured there.
pub fn lost_in_section(
    intact: &Volume<i16>,
    cut: &Volume<i16>,
    frame: &NeckFrame,
    seen_frame: &NeckFrame,
    neck: &Neck,
    section: &NeckSection,
) -> Option<[f64; 2]> {
    // The section that was seen, found again in the intact neck's own frame: landmarks move by parts of a millimetre with the cut.
    let middle = seen_frame.point(section.from_head_mm, section.centre_mm) - frame.head_mm;
    let along = middle.dot(&frame.axis);
    let before = neck
        .sections
        .iter()
        .min_by(|a, b| (a.from_head_mm - along).abs().total_cmp(&(b.from_head_mm - along).abs()))
        .filter(|s| (s.from_head_mm - along).abs() <= 0.75 && s.not_measured.is_none())?;
    let (mut all, mut lost, mut contour, mut involved) = (0.0, 0.0, 0.0, 0.0);
    for s in 0..before.radius_mm.len() {
        // Where the intact wall was not told either, as if it were thin.
        let thickness = if before.thickness_mm[s].is_finite() { before.thickness_mm[s] } else { 1.0 };
        let angle = std::f64::consts::TAU * (s as f64 + 0.5) / before.radius_mm.len() as f64;
        let (low, high) = ((before.radius_mm[s] - thickness - 1.0).max(0.0), before.radius_mm[s] + 2.0);
        let (mut here, mut gone) = (0.0, 0.0);
        let mut r = low;
        while r <= high {
            let off = [before.centre_mm[0] + r * angle.cos(), before.centre_mm[1] + r * angle.sin()];
            let at = frame.point(before.from_head_mm, off);
            let mass = |volume: &Volume<i16>| (straight(volume, at) - 100.0).max(0.0) * r;
            let (m0, m1) = (mass(intact), mass(cut));
            here += m0;
            gone += (m0 - m1).max(0.0);
            r += 0.25;
        }
        all += here;
        lost += gone;
        contour += before.arc_mm[s];
        involved += if gone > 0.3 * here { before.arc_mm[s] } else { 0.0 };
    }
    Some([100.0 * lost / all, 100.0 * involved / contour])
}

/// HU between eight voxels.
fn straight(volume: &Volume<i16>, at: Point3<f64>) -> f64 {
    let index = volume.grid.to_index(at);
    let first = index.map(|v| v.floor().max(0.0));
    let part = index - first;
    let [columns, rows, slices] = volume.grid.size;
    let mut sum = 0.0;
    for corner in 0..8usize {
        let bit = |a: usize| corner >> a & 1;
        let weight: f64 = (0..3).map(|a| if bit(a) == 1 { part[a] } else { 1.0 - part[a] }).product();
        let [i, j, k] = [0, 1, 2].map(|a| first[a] as usize + bit(a));
        sum += weight
            * f64::from(volume.voxels[(k.min(slices - 1) * rows + j.min(rows - 1)) * columns + i.min(columns - 1)]);
    }
    sum
}

/// A place 2 mm within the contour of a slice beyond the shaft, at one of its points.
pub fn place_in_end(volume: &Volume<i16>, section: &EndSection, point: usize) -> Point3<f64> {
    let normal = section.contour.normals()[point];
    let at = [0, 1].map(|a| section.contour.points[point][a] - 2.0 * normal[a]);
    let spacing = volume.grid.spacing_mm;
    volume.grid.to_patient(Vector3::new(at[0] / spacing.x, at[1] / spacing.y, section.slice_index as f64))
}

/// HU of slice `k` between four pixels.
fn hu(volume: &Volume<i16>, k: usize, at: [f64; 2]) -> f64 {
    let spacing = volume.grid.spacing_mm;
    let [x, y] = [at[0] / spacing.x, at[1] / spacing.y];
    let (i, j) = (x as usize, y as usize);
    let value = |i: usize, j: usize| f64::from(volume.slice(k)[j * volume.grid.size[0] + i]);
    let row = |j: usize| value(i, j) * (1.0 - x.fract()) + value(i + 1, j) * x.fract();
    row(j) * (1.0 - y.fract()) + row(j + 1) * y.fract()
}

/// Percent of the wall that a cut took of a section, and percent of its contour that lost more than 30 % of its wall: from the HU of both images
/// in the wall as it was before, a millimetre inside it to two outside its contour.
pub fn taken(intact: &Volume<i16>, cut: &Volume<i16>, before: &EndSection) -> [f64; 2] {
    let (mut all, mut gone, mut lost_mm, mut length_mm) = (0.0, 0.0, 0.0, 0.0);
    let places = before.contour.points.iter().zip(before.contour.normals()).zip(before.contour.arcs_mm());
    for (((at, normal), arc), width) in places.zip(&before.width_mm) {
        let width = if width.is_finite() { *width } else { 1.0 };
        let (mut here, mut less) = (0.0, 0.0);
        for step in 0..=((width + 3.0) / 0.25) as usize {
            let off = 2.0 - 0.25 * step as f64;
            let place = [0, 1].map(|a| at[a] + off * normal[a]);
            let mass = |volume: &Volume<i16>| (hu(volume, before.slice_index, place) - 250.0).max(0.0);
            here += mass(intact);
            less += (mass(intact) - mass(cut)).max(0.0);
        }
        (all, gone, length_mm) = (all + arc * here, gone + arc * less, length_mm + arc);
        lost_mm += if less > 0.3 * here { arc } else { 0.0 };
    }
    [100.0 * gone / all, 100.0 * lost_mm / length_mm]
}
