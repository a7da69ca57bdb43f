//! All sections of one bone: as they are, and with the lost wall put back.

use super::across::{Met, Part, Rows, between};
use super::calibration::Calibration;
use super::internal::{Around, internal, peaks};
use super::lean::leans;
use super::modulus::ModulusLaw;
use super::open_ring::without_gap;
use super::plane::{Plane, STEP_MM, cast, centre_of};
use super::reduction::{Given, reductions};
use super::section::{Moments, SectionRigidity};
use super::torsion::{PolarField, Sector};
use super::wall::{Lost, SECTOR_RAD, Stiffness, Wall, WallPlace, sharp_radii, sum_ray, sum_wall};
use super::{BoneRigidity, CalibrationChoice, Rigidities, RigiditySettings, SliceRigidity};
use crate::cortex::polar::inner_radius_mm;
use crate::cortex::profile::WIDER;
use crate::cortex::{Cortex, SECTORS};
use crate::estimate::Estimate;
use crate::lysis::{Lysis, ReferenceKind};
use crate::smoothing::median;
use crate::volume::Volume;
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

/// How far beyond the contour a ray is followed, mm.
const BEYOND_MM: f64 = 3.0;
/// Stiffness counted over stiffness of the reference wall, in healthy sectors, that is believed.
const BELIEVED: [f64; 2] = [0.8, 1.25];

/// Young's modulus that compact bone can have, MPa.
const PLAUSIBLE_MPA: std::ops::RangeInclusive<f64> = 8000.0..=30_000.0;
const DIRECT_DENSITY: &str = "Rigidity is not measured: by its kernel or description this is a \"direct density\" reconstruction, in which HU \
    are made proportional to density and neither thresholds nor tissue tables hold. Give the planning system's own table with \
    --calibration table:FILE, or analyse an ordinary reconstruction.";

/// Blur of a standard kernel, where the image does not tell its own, mm.
const UNKNOWN_SIGMA_MM: f64 = 0.55;

/// Sums of one section, sector by sector.
struct Summed {
    plane: Plane,
    sectors: Vec<Wall>,
    /// The loss of its slice, its interval as wide as that of any slice that its lost sectors lie in.
    axial_percent: Estimate,
}

/// Rigidities of all measured sections of a bone. `slice_thickness_mm`: length over which a slice averages.
pub fn bone_rigidity(
    volume: &Volume<i16>,
    cortex: &Cortex,
    lysis: &Lysis,
    calibration: Calibration,
    law: ModulusLaw,
    slice_thickness_mm: f64,
) -> BoneRigidity {
    let stiffness = Stiffness::new(&calibration, law, cortex.cortical_hu);
    let summed: Vec<Option<Summed>> =
        (0..cortex.slices.len()).into_par_iter().map(|k| sum_section(volume, cortex, lysis, k, &stiffness)).collect();
    let scale = scale_of_reference(&summed, stiffness.cortical_mpa);
    let blur = Blur::of(volume, cortex, slice_thickness_mm);
    let walls: Vec<Option<&[_]>> = summed.iter().map(|s| s.as_ref().map(|s| s.sectors.as_slice())).collect();
    let leans = leans(&walls, scale, blur.in_plane_mm2, cortex.slice_spacing_mm);
    let slices: Vec<Option<SliceRigidity>> = summed
        .par_iter()
        .enumerate()
        .map(|(k, summed)| {
            let section =
                Section { summed: summed.as_ref()?, scale, leans: &leans[k], cortical_mpa: stiffness.cortical_mpa };
            let contralateral = lysis.reference.kind == ReferenceKind::Contralateral;
            section.rigidity(volume, &blur, contralateral)
        })
        .collect();
    let cortical_density_g_cm3 = calibration.density_g_cm3(cortex.cortical_hu);
    let cortical_mpa = stiffness.cortical_mpa;
    let cortical_hu = cortex.cortical_hu;
    BoneRigidity { calibration, law, cortical_hu, cortical_density_g_cm3, cortical_mpa, slices }
}

/// The blur of the image as variances, mm².
struct Blur {
    in_plane_mm2: f64,
    along_mm2: f64,
    /// Standard deviation within the slice, mm.
    sigma_mm: f64,
}

impl Blur {
    fn of(volume: &Volume<i16>, cortex: &Cortex, slice_thickness_mm: f64) -> Self {
        let sigma_mm = cortex.scanner.map_or(UNKNOWN_SIGMA_MM, |s| s.sigma_mm);
        let overshoot = cortex.scanner.map_or(0.0, |s| s.overshoot);
        // What a sharp kernel subtracts is wider and takes second moment back.
        let in_plane_mm2 = sigma_mm * sigma_mm * (1.0 + overshoot - overshoot * WIDER * WIDER);
        // Over its thickness a slice averages like a box; between slices the reading is linear.
        let along_mm2 = slice_thickness_mm.powi(2) / 12.0 + volume.grid.spacing_mm.z.powi(2) / 6.0;
        Self { in_plane_mm2, along_mm2, sigma_mm }
    }
}

fn sum_section(
    volume: &Volume<i16>,
    cortex: &Cortex,
    lysis: &Lysis,
    k: usize,
    stiffness: &Stiffness,
) -> Option<Summed> {
    let rows = Rows { cortex, lysis };
    if !rows.is_measured(k) {
        return None;
    }
    let plane = Plane::at(&volume.grid, cortex, k)?;
    let mut axial_percent = lysis.slices[k]?.axial_percent;
    let mut ray = Vec::new();
    let mut sum = |centre_mm: Point3<f64>, per_mm: Vector3<f64>, place: &WallPlace| {
        cast(volume, centre_mm, per_mm, ((place.outer_mm + BEYOND_MM) / STEP_MM) as usize, &mut ray);
        sum_ray(&ray, place, stiffness)
    };
    let sectors = (0..SECTORS).map(|s| {
        let Met { place, parts } = rows.wall(&plane, k, s)?;
        let sums = sum(plane.centre_mm, plane.directions[s], &place)?;
        if !place.lost {
            return Some(Wall { place, sums, lost: None });
        }
        axial_percent = rows.widened(axial_percent, &parts);
        let (gone, standing): (Vec<Part>, Vec<Part>) = parts.into_iter().partition(|part| part.wall.lost);
        // What stands in a slice is read there: only what is lost has to be guessed.
        let mut stands = [0.0; 3];
        for Part { row, weight, wall } in standing {
            let there = sum(centre_of(cortex, row), plane.native[s], &wall)?.wall;
            stands.iter_mut().zip(there).for_each(|(sum, v)| *sum += weight * v);
        }
        let share = gone.iter().map(|part| part.weight).sum();
        Some(Wall { place, sums, lost: Some(Lost { share, place: between(&gone, true), standing: stands }) })
    });
    let sectors = sectors.collect::<Option<Vec<_>>>()?;
    Some(Summed { plane, sectors, axial_percent })
}

/// Calibrates and measures as the settings say. Nothing, with the reason, where HU cannot be calibrated.
pub fn measure(
    volume: &Volume<i16>,
    cortex: &Cortex,
    lysis: &Lysis,
    settings: &RigiditySettings,
    slice_thickness_mm: Option<f64>,
) -> Result<BoneRigidity, String> {
    let mut calibration = match &settings.calibration {
        CalibrationChoice::Given(calibration) => calibration.clone(),
        _ if settings.direct_density => return Err(DIRECT_DENSITY.into()),
        CalibrationChoice::Default => Calibration::fallback(),
        CalibrationChoice::Internal => {
            let found = peaks(volume, &around(volume, cortex));
            internal(&found, cortex.cortical_hu, settings.contrast).unwrap_or_else(|why| {
                let mut fallback = Calibration::fallback();
                fallback.warnings.insert(0, format!("The image could not calibrate itself: {why}."));
                fallback
            })
        }
    };
    calibration.warn_of_extrapolation(cortex.cortical_hu);
    let modulus = settings.law.young_mpa(calibration.apparent(cortex.cortical_hu));
    if !PLAUSIBLE_MPA.contains(&modulus) {
        calibration.warnings.push(format!(
            "The modulus of compact bone comes out at {:.1} GPa, outside {:.0} to {:.0} GPa: is the calibration that of this scanner?",
            modulus / 1000.0,
            PLAUSIBLE_MPA.start() / 1000.0,
            PLAUSIBLE_MPA.end() / 1000.0
        ));
    }
    if modulus.is_nan() || modulus <= 0.0 {
        return Err("by this calibration compact bone has no stiffness: it is not that of this scanner.".into());
    }
    let dz = volume.grid.spacing_mm.z;
    let thickness = slice_thickness_mm.filter(|t| *t > 0.0 && *t <= 4.0 * dz).unwrap_or(dz);
    Ok(bone_rigidity(volume, cortex, lysis, calibration, settings.law, thickness))
}

/// Where fat and muscle are looked for: the measured slices.
fn around(volume: &Volume<i16>, cortex: &Cortex) -> Vec<Around> {
    let spacing = volume.grid.spacing_mm;
    let measured = cortex.slices.iter().filter(|slice| slice.not_measured.is_none());
    measured
        .map(|slice| {
            let at = volume.grid.to_index(Point3::new(slice.centre_mm[0], slice.centre_mm[1], slice.z_mm));
            Around { slice_index: slice.slice_index, centre_mm: [at.x * spacing.x, at.y * spacing.y] }
        })
        .collect()
}

/// What counting finds of the stiffness that the reference wall should have, where the wall is healthy.
fn scale_of_reference(summed: &[Option<Summed>], cortical_mpa: f64) -> f64 {
    let sectors = summed.iter().flatten().flat_map(|summed| &summed.sectors);
    let healthy = sectors.filter(|wall| wall.lost.is_none());
    let ratio = |wall: &Wall| wall.sums.wall[0] / (cortical_mpa * wall.place.intact_mm2);
    let mut ratios: Vec<f64> = healthy.map(ratio).collect();
    ratios.retain(|r| r.is_finite());
    median(&mut ratios).map_or(1.0, |ratio| ratio.clamp(BELIEVED[0], BELIEVED[1]))
}

/// One section with what it is compared with.
struct Section<'a> {
    summed: &'a Summed,
    scale: f64,
    /// What the moments of the walls given back are multiplied by, per sector ([`leans`]); empty where none is.
    leans: &'a [[f64; 3]],
    cortical_mpa: f64,
}

impl Section<'_> {
    /// Inner radius of an intact wall, native mm.
    fn intact_inner_mm(&self, place: &WallPlace) -> f64 {
        inner_radius_mm(place.outer_mm, self.scale * place.intact_mm2)
    }

    fn rigidity(&self, volume: &Volume<i16>, blur: &Blur, contralateral: bool) -> Option<SliceRigidity> {
        let Summed { plane, sectors, axial_percent } = self.summed;
        let given = Given { axial_percent: *axial_percent, contralateral };
        let any_lost = sectors.iter().any(|wall| wall.lost.is_some());
        let (mut actual, mut standing, mut restored, mut hidden_n) =
            (Moments::default(), Moments::default(), Moments::default(), 0.0);
        for (s, Wall { place: _, sums, lost }) in sectors.iter().enumerate() {
            let direction = plane.in_plane(s);
            let add = |into: &mut Moments, integrals: &[f64; 3]| {
                into.add_ray(integrals.map(|v| v * plane.area_per_native), direction);
            };
            for integrals in [&sums.canal, &sums.wall] {
                add(&mut actual, integrals);
            }
            add(&mut standing, &sums.canal);
            add(&mut standing, lost.as_ref().map_or(&sums.wall, |lost| &lost.standing));
            if let Some(Lost { share, place, .. }) = lost {
                let even = sum_wall(self.intact_inner_mm(place), place.outer_mm, self.cortical_mpa);
                add(&mut restored, &[0, 1, 2].map(|n| share * even[n] * self.leans[s][n]));
                hidden_n += (sums.wall[0] - sums.wall_by_law) * plane.area_per_native;
            }
        }
        let variance = plane.blur(&volume.grid, blur.in_plane_mm2, blur.along_mm2);
        let actual = actual.without_blur(variance).rigidity();
        let intact = if any_lost { (standing.without_blur(variance) + restored).rigidity() } else { actual }?;
        let walls = self.walls();
        let opened = any_lost.then(|| without_gap(&walls, &self.shares(), &self.arcs_mm(), blur.sigma_mm));
        let is_open = opened.as_ref().is_some_and(|opened| opened.is_open);
        // A wall without gaps varies slowly around the bone: half of the sectors tell as much.
        let stride = if any_lost { 1 } else { 2 };
        let field = |walls: &[Option<[f64; 2]>]| PolarField {
            sectors: walls
                .iter()
                .step_by(stride)
                .map(|w| w.map_or_else(Sector::default, |radii| Sector::between(1.0, radii)))
                .collect(),
        };
        let share = field(opened.as_ref().map_or(&walls, |opened| &opened.walls)).share_of_polar().unwrap_or(0.0);
        let intact_share = if any_lost { field(&self.intact_walls(&walls)).share_of_polar()? } else { share };
        // Where all of the wall is lost there is no section: nothing is left, at the place of the intact one.
        let bending = actual.map_or(Some(0.0), |actual| actual.bending_share_of(&intact))?;
        let actual = actual.map_or_else(|| rigidities(plane, &intact, share).gone(), |a| rigidities(plane, &a, share));
        let intact_rigidity = rigidities(plane, &intact, intact_share);
        let reductions = if any_lost {
            let left = [actual.ea_n / intact_rigidity.ea_n, bending, actual.gj_nmm2 / intact_rigidity.gj_nmm2];
            let shares = Some((restored.zeroth / intact_rigidity.ea_n, hidden_n / intact_rigidity.ea_n));
            reductions(left, shares, is_open, given)
        } else {
            reductions([1.0; 3], None, false, given)
        };
        Some(SliceRigidity { actual, intact: intact_rigidity, reductions_percent: reductions, is_open, any_lost })
    }

    /// Walls with sharp borders, radii in the plane.
    fn walls(&self) -> Vec<Option<[f64; 2]>> {
        let Summed { plane, sectors, .. } = self.summed;
        let radii_in_plane = |(s, wall): (usize, &Wall)| {
            let radii = sharp_radii(&wall.sums.wall, self.cortical_mpa)?;
            Some(radii.map(|r| r * plane.directions[s].norm()))
        };
        sectors.iter().enumerate().map(radii_in_plane).collect()
    }

    /// The same with the lost ones put back.
    fn intact_walls(&self, walls: &[Option<[f64; 2]>]) -> Vec<Option<[f64; 2]>> {
        let Summed { plane, sectors, .. } = self.summed;
        let radii_in_plane = |s: usize| {
            let Wall { place, lost, .. } = &sectors[s];
            if lost.is_none() {
                return walls[s];
            }
            Some([self.intact_inner_mm(place), place.outer_mm].map(|r| r * plane.directions[s].norm()))
        };
        (0..SECTORS).map(radii_in_plane).collect()
    }

    /// What is left of each lost sector's wall, 0 to 1; 1 in the others.
    fn shares(&self) -> Vec<f64> {
        let share = |wall: &Wall| {
            let intact = self.scale * self.cortical_mpa * wall.place.intact_mm2;
            if wall.lost.is_some() { (wall.sums.wall[0] / intact).clamp(0.0, 1.0) } else { 1.0 }
        };
        self.summed.sectors.iter().map(share).collect()
    }

    /// Length of each sector in the middle of its intact wall, mm.
    fn arcs_mm(&self) -> Vec<f64> {
        let middle = |wall: &Wall| 0.5 * (self.intact_inner_mm(&wall.place) + wall.place.outer_mm);
        self.summed.sectors.iter().map(|wall| middle(wall) * SECTOR_RAD).collect()
    }
}

fn rigidities(plane: &Plane, section: &SectionRigidity, torsion_share: f64) -> Rigidities {
    let bending = section.bending();
    let [x, y] = section.centroid_mm;
    let centroid = plane.centre_mm + plane.axes[0] * x + plane.axes[1] * y;
    let (sin, cos) = bending.major_axis_deg.to_radians().sin_cos();
    let major = plane.axes[0] * cos + plane.axes[1] * sin;
    let minor = plane.axes[1] * cos - plane.axes[0] * sin;
    Rigidities {
        ea_n: section.ea_n,
        ei_max_nmm2: bending.max_nmm2,
        ei_min_nmm2: bending.min_nmm2,
        gj_nmm2: torsion_share * section.polar_nmm2(),
        gj_polar_nmm2: section.polar_nmm2(),
        major_axis_deg: bending.major_axis_deg,
        centroid_mm: [centroid.x, centroid.y, centroid.z],
        major_axis: [major.x, major.y, major.z],
        minor_axis: [minor.x, minor.y, minor.z],
    }
}
