//! From the HU of a ray to its stiffness.
//!
//! In the wall a sample is taken for a mixture of compact bone and of what lies beside it: its modulus rises in a straight line with
//! HU from the one to the other, so that blur moves no stiffness and a voxel cut by the surface counts by its part. (A law of
//! stiffness, bent as they are, would lose a third of a millimetre at each surface.) Where the wall is lost, what is left of it
//! counts as [`crate::cortex::unroll`] counts mass. Inside the canal the law of stiffness speaks for trabecular bone.

use super::calibration::Calibration;
use super::modulus::ModulusLaw;
use super::plane::STEP_MM;
use crate::cortex::SECTORS;
use crate::cortex::polar::inner_radius_mm;
use crate::cortex::unroll::BASE_HU;

/// From here on all of a sample counts as bone; between [`BASE_HU`] and this a part.
const BONE_HU: f64 = 200.0;
/// What lies between and beside bone.
const SOFT_TISSUE_HU: f64 = 50.0;
/// How far outside the contour the blur carries the wall, mm.
const OUTSIDE_MM: f64 = 2.0;
/// Where outside the contour its background is read, mm.
const BACKGROUND_MM: [f64; 2] = [1.75, 2.75];
/// How far inside the wall the blur reaches, and by how much more than the reference it may be thick.
const INSIDE_MM: f64 = 1.5;
const THICKER: f64 = 1.1;
/// HU that a background can have.
const OUTSIDE_HU: [f64; 2] = [-200.0, 100.0];
const CANAL_HU: [f64; 2] = [-150.0, 500.0];
/// Angle of a sector, radians.
pub const SECTOR_RAD: f64 = 2.0 * std::f64::consts::PI / SECTORS as f64;

/// What turns HU into stiffness in one bone.
#[derive(Debug, Clone)]
pub struct Stiffness<'a> {
    pub calibration: &'a Calibration,
    pub law: ModulusLaw,
    /// HU of compact bone.
    pub cortical_hu: f64,
    /// Its modulus, MPa.
    pub cortical_mpa: f64,
}

impl<'a> Stiffness<'a> {
    pub fn new(calibration: &'a Calibration, law: ModulusLaw, cortical_hu: f64) -> Self {
        let cortical_mpa = law.young_mpa(calibration.apparent(cortical_hu));
        Self { calibration, law, cortical_hu, cortical_mpa }
    }

    /// Bone by the law, sample by sample; soft tissue has none.
    fn by_law(&self, hu: f64) -> f64 {
        let ramp = ((hu - BASE_HU) / (BONE_HU - BASE_HU)).clamp(0.0, 1.0);
        if ramp > 0.0 { ramp * self.law.young_mpa(self.calibration.apparent(hu)) } else { 0.0 }
    }

    /// Share of compact bone in a mixture with soft tissue, as cortical mass is counted.
    fn share(&self, hu: f64) -> f64 {
        let ramp = ((hu - BASE_HU) / (BONE_HU - BASE_HU)).clamp(0.0, 1.0);
        ramp * ((hu - SOFT_TISSUE_HU) / (self.cortical_hu - SOFT_TISSUE_HU)).max(0.0)
    }
}

/// Where the wall of one sector lies, native radii.
#[derive(Debug, Clone, Copy)]
pub struct WallPlace {
    /// Periosteal contour, completed.
    pub outer_mm: f64,
    /// Inner surface of the intact wall.
    pub inner_mm: f64,
    /// Mass of the intact wall in the native slice, mm².
    pub intact_mm2: f64,
    /// Does a lesion cover the sector here?
    pub lost: bool,
    /// HU of the canal behind it; NaN where not known.
    pub canal_hu: f64,
}

impl WallPlace {
    /// From the mass of the intact wall in the native slice, mm².
    pub fn new(outer_mm: f64, intact_mm2: f64, lost: bool, canal_hu: f64) -> Self {
        Self { outer_mm, inner_mm: inner_radius_mm(outer_mm, intact_mm2), intact_mm2, lost, canal_hu }
    }
}

/// Integrals of stiffness along one ray over native radius, each times the sector's angle: ∫ E r dr, ∫ E r² dr, ∫ E r³ dr.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RaySums {
    pub wall: [f64; 3],
    pub canal: [f64; 3],
    /// As the first of `wall`, by the law sample by sample instead of as a mixture.
    pub wall_by_law: f64,
}

/// The wall of one sector of a section, summed up.
#[derive(Debug, Clone)]
pub struct Wall {
    pub place: WallPlace,
    pub sums: RaySums,
    /// What a lesion took; `None` where the wall stands.
    pub lost: Option<Lost>,
}

/// What has to be put back into a sector for its wall to be whole.
#[derive(Debug, Clone, Copy)]
pub struct Lost {
    /// Share of the ray that lies between slices with a loss.
    pub share: f64,
    /// The intact wall there.
    pub place: WallPlace,
    /// Integrals of the wall that stands in the other slices, times their share.
    pub standing: [f64; 3],
}

/// Sums up a ray; `None` where a sample that is needed has no data.
pub fn sum_ray(ray: &[f32], place: &WallPlace, stiffness: &Stiffness) -> Option<RaySums> {
    let at = |mm: f64| ((mm / STEP_MM).round().max(0.0) as usize).min(ray.len());
    let thickness = place.outer_mm - place.inner_mm;
    let window = at(place.outer_mm - THICKER * thickness - INSIDE_MM);
    let middle = place.outer_mm - 0.5 * thickness;
    let last = at(place.outer_mm + OUTSIDE_MM);
    let mean = |from: usize, to: usize| {
        let values = ray.get(from..to)?.iter().filter(|v| v.is_finite()).map(|v| f64::from(*v));
        let (sum, n) = values.fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
        (n > 0.0).then(|| sum / n)
    };
    let outside = mean(at(place.outer_mm + BACKGROUND_MM[0]), at(place.outer_mm + BACKGROUND_MM[1]))
        .unwrap_or(SOFT_TISSUE_HU)
        .clamp(OUTSIDE_HU[0], OUTSIDE_HU[1]);
    let canal = if place.canal_hu.is_finite() { place.canal_hu } else { SOFT_TISSUE_HU };
    let canal = canal.clamp(CANAL_HU[0], CANAL_HU[1].min(0.5 * stiffness.cortical_hu));
    let canal_mpa = stiffness.by_law(canal);
    let compact = stiffness.cortical_mpa;
    let (mut sums, step) = (RaySums::default(), STEP_MM * SECTOR_RAD);
    let add = |into: &mut [f64; 3], mpa: f64, r: f64| {
        let element = mpa * r * step;
        into[0] += element;
        into[1] += element * r;
        into[2] += element * r * r;
    };
    for (n, value) in ray.iter().enumerate().take(last) {
        let (hu, r) = (f64::from(*value), n as f64 * STEP_MM);
        if hu.is_nan() {
            return None;
        }
        if n < window {
            add(&mut sums.canal, stiffness.by_law(hu), r);
            continue;
        }
        let mpa = if place.lost {
            compact * stiffness.share(hu)
        } else if r < middle {
            canal_mpa + (compact - canal_mpa) * (hu - canal) / (stiffness.cortical_hu - canal)
        } else {
            compact * (hu - outside) / (stiffness.cortical_hu - outside)
        };
        add(&mut sums.wall, mpa, r);
        if place.lost {
            sums.wall_by_law += stiffness.by_law(hu).min(mpa) * r * step;
        }
    }
    Some(sums)
}

/// The same integrals of a wall of compact bone between two native radii.
pub fn sum_wall(inner_mm: f64, outer_mm: f64, cortical_mpa: f64) -> [f64; 3] {
    [2, 3, 4].map(|n| cortical_mpa * SECTOR_RAD * (outer_mm.powi(n) - inner_mm.powi(n)) / f64::from(n))
}

/// [`sum_wall`] of a wall of unit modulus as the scanner shows it, its blur along the ray being of this variance, mm².
pub fn blurred_wall(inner_mm: f64, outer_mm: f64, variance_mm2: f64) -> [f64; 3] {
    let [area, first, second] = sum_wall(inner_mm, outer_mm, 1.0);
    // ∫ E dr keeps its value; ∫ E r² dr gains the variance times it, ∫ E r³ dr three times the variance times ∫ E r dr.
    let depth = SECTOR_RAD * (outer_mm - inner_mm);
    [area, first + variance_mm2 * depth, second + 3.0 * variance_mm2 * area]
}

/// Radii of the wall of compact bone that has a ray's stiffness and mean radius: its borders without the blur. `None` where
/// nothing stiff is left.
pub fn sharp_radii(wall: &[f64; 3], cortical_mpa: f64) -> Option<[f64; 2]> {
    let area = wall[0] / (cortical_mpa * SECTOR_RAD);
    if area.is_nan() || area <= 0.05 {
        return None;
    }
    let mean = wall[1] / wall[0];
    if mean.is_nan() || mean <= 0.5 {
        return None;
    }
    // Of a wall of thickness t about its middle m the area's mean radius is m + t²/12m.
    let mut middle = mean;
    for _ in 0..3 {
        middle = mean - (area / middle).powi(2) / (12.0 * middle);
        if middle.is_nan() || middle <= 0.5 {
            return None;
        }
    }
    let half = 0.5 * area / middle;
    Some([(middle - half).max(0.0), middle + half])
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPACT_HU: f64 = 1450.0;

    /// A ray through a wall from `inner` to `outer`, blurred with a standard deviation of half a millimetre.
    fn ray(inner: f64, outer: f64, canal_hu: f64, outside_hu: f64) -> Vec<f32> {
        let edge = |x: f64| 0.5 * libm::erfc(-x / 0.5 / std::f64::consts::SQRT_2);
        (0..90)
            .map(|n| {
                let r = f64::from(n) * STEP_MM;
                let inside = canal_hu + (COMPACT_HU - canal_hu) * edge(r - inner);
                (inside + (outside_hu - COMPACT_HU) * edge(r - outer)) as f32
            })
            .collect()
    }

    /// A wall from 8 to 14 mm.
    fn place(lost: bool, canal_hu: f64) -> WallPlace {
        WallPlace::new(14.0, 0.5 * SECTOR_RAD * (14.0 * 14.0 - 8.0 * 8.0), lost, canal_hu)
    }

    #[test]
    fn blur_moves_no_stiffness_whatever_lies_beside_the_wall() {
        let calibration = Calibration::fallback();
        let stiffness = Stiffness::new(&calibration, ModulusLaw::Ctra, COMPACT_HU);
        for (canal, outside) in [(50.0, 50.0), (-80.0, -100.0), (-80.0, 60.0)] {
            let place = place(false, canal);
            let sums = sum_ray(&ray(8.0, 14.0, canal, outside), &place, &stiffness).unwrap();
            let want = sum_wall(8.0, 14.0, stiffness.cortical_mpa);
            assert!((sums.wall[0] / want[0] - 1.0).abs() < 4e-3, "{canal} {outside}: {}", sums.wall[0] / want[0]);
            // Its moments are those of the wall as the scanner shows it.
            let seen = blurred_wall(8.0, 14.0, 0.25);
            for n in 0..3 {
                let ratio = sums.wall[n] / (seen[n] * stiffness.cortical_mpa);
                assert!((ratio - 1.0).abs() < 4e-3, "{n}: {ratio}");
            }
            let [inner, outer] = sharp_radii(&sums.wall, stiffness.cortical_mpa).unwrap();
            assert!((inner - 8.0).abs() < 0.06 && (outer - 14.0).abs() < 0.06, "{inner} {outer}");
        }
    }

    #[test]
    fn a_hole_has_no_stiffness_and_no_data_no_sum() {
        let calibration = Calibration::fallback();
        let stiffness = Stiffness::new(&calibration, ModulusLaw::Ctra, COMPACT_HU);
        let place = place(true, 45.0);
        let sums = sum_ray(&vec![45.0; 90], &place, &stiffness).unwrap();
        assert_eq!(sums, RaySums::default());
        assert_eq!(sharp_radii(&sums.wall, stiffness.cortical_mpa), None);
        let mut cut = vec![45.0f32; 90];
        cut[25] = f32::NAN;
        assert_eq!(sum_ray(&cut, &place, &stiffness), None);
    }
}
