//! From a shaft to its unrolled cortex: which slices can be measured, and what stands in them.

use super::contour::{Map, Periosteum, is_displaced, periosteum};
use super::course::Course;
use super::limits::{BONE_HU, METAL_HU};
use super::polar::{Polar, STEP_MM, directions, in_plane_axes};
use super::scanner::{FWHM_PER_SIGMA, Scanner, estimate, noise_hu};
use super::unroll::{Slices, candidates, cortical_hu, unroll, window_depth};
use super::{Acquisition, Cortex, CortexSlice, NotMeasured, SECTORS};
use crate::anatomy::{Finding, Shaft};
use crate::smoothing::median;
use crate::volume::{NO_DATA, Section, Volume};
use nalgebra::Vector3;

/// How far beyond the last ring the bone is followed, so that its ends are reported (not measured), mm.
const BEYOND_MM: f64 = 60.0;
/// Where a ring that something was taken off reaches no further than this beyond the contour, what is dense there is no bone, mm.
const HANGS_ON_MM: f64 = 3.0;
/// Share of the contour that may lie beside the predicted shaft before the section counts as no ring.
const MAX_DISPLACED: f64 = 0.05;
/// From a displaced section this close to the end of the shaft on, the bone is trochanter, condyle or joint, mm.
const END_ZONE_MM: f64 = 40.0;
/// Unless the shaft goes on beyond it, wider than before by no more than this factor, over this, mm …
const NO_WIDER: f64 = 1.15;
const GOES_ON_MM: f64 = 10.0;
/// … or over so many neighbouring sections of which no more than this share of [`MAX_DISPLACED`] lies beside it: a flare goes on as it began.
const CLEAN_SECTIONS: usize = 2;
const CLEAN: f64 = 0.5;
/// Beyond this angle the wall of one side covers the canal of the next slice.
const MAX_TILT_DEG: f64 = 60.0;
/// Blur of a standard kernel, and of sampling, from which the image's own is searched.
const FIRST_FWHM_MM: f64 = 1.4;
/// Slice thickness over slice distance that is still believed.
const MAX_OVERLAP: f64 = 4.0;

/// Fewest rings that tell a bone's density.
const FEWEST_RINGS: usize = 3;

/// A fragment shorter than a shaft has to be, to be found, does not tell what its own wall was, mm.
const SHORTEST_MM: f64 = 40.0;

/// Measures the wall of `shaft` in every slice where it forms a ring, each fragment of a broken bone on its own. `None` when no
/// wall can be told apart at all.
pub fn measure(volume: &Volume<i16>, shaft: &Shaft, acquisition: &Acquisition) -> Option<Cortex> {
    let axis = shaft.axis(volume);
    let slices = volume.grid.size[2];
    let parts = shaft.fragments(slices).into_iter().filter_map(|(from, to, rings)| {
        let piece = Piece { from, to, broken: [from > 0, to + 1 < slices], rings };
        measure_piece(volume, shaft, &axis, &piece, acquisition)
    });
    parts.reduce(joined)
}

/// Two fragments as one bone; density and blur are those of the one with more measured sections.
fn joined(below: Cortex, above: Cortex) -> Cortex {
    let measured = |cortex: &Cortex| cortex.slices.iter().filter(|s| s.not_measured.is_none()).count();
    let main = if measured(&below) >= measured(&above) { &below } else { &above };
    let (cortical_hu, scanner) = (main.cortical_hu, main.scanner);
    let slices = below.slices.into_iter().chain(above.slices).collect();
    Cortex { cortical_hu, scanner, slice_spacing_mm: below.slice_spacing_mm, slices }
}

/// A bone that is whole, or one fragment: the slices nearest to it and its rings.
struct Piece<'a> {
    from: usize,
    to: usize,
    /// Does a fracture bound it, below and above?
    broken: [bool; 2],
    rings: &'a [Section],
}

/// Why a slice cannot be measured by what the shaft shows there besides bone.
fn spoilt(shaft: &Shaft, k: usize) -> Option<NotMeasured> {
    let reason = |finding: Finding| match finding {
        Finding::Metal => Some(NotMeasured::Metal),
        Finding::Filling { measurable: false, .. } => Some(NotMeasured::CanalFilled),
        Finding::Step { .. } | Finding::Gap { .. } => Some(NotMeasured::Fracture),
        Finding::Stump => Some(NotMeasured::BoneEnds),
        Finding::Filling { .. } | Finding::Cast => None,
    };
    shaft.stretches.iter().filter(|stretch| stretch.contains(k)).find_map(|stretch| reason(stretch.finding))
}

fn measure_piece(
    volume: &Volume<i16>,
    shaft: &Shaft,
    axis: &[[f64; 2]],
    piece: &Piece,
    acquisition: &Acquisition,
) -> Option<Cortex> {
    let rings = piece.rings;
    let clear: Vec<&Section> = rings.iter().filter(|ring| spoilt(shaft, ring.k).is_none()).collect();
    let dz = volume.grid.spacing_mm.z;
    let broken = piece.broken != [false; 2];
    let length_mm = clear.first().zip(clear.last()).map_or(0.0, |(a, b)| (b.k + 1 - a.k) as f64 * dz);
    if (clear.len() < FEWEST_RINGS && clear.len() < rings.len()) || (broken && length_mm < SHORTEST_MM) {
        let otherwise = if broken { NotMeasured::Fracture } else { NotMeasured::NoRing };
        return Some(not_measured(volume, rings, |k| spoilt(shaft, k).unwrap_or(otherwise)));
    }
    let beyond = (BEYOND_MM / dz) as usize;
    let (first_ring, last_ring) = (rings.first()?.k, rings.last()?.k);
    let around = (first_ring.saturating_sub(beyond), (last_ring + beyond).min(volume.grid.size[2] - 1));
    // A mask says where the bone ends.
    let (first, last) = shaft.within.unwrap_or(around);
    let (first, last) = (first.max(piece.from), last.min(piece.to));
    let widest = rings.iter().map(|r| 0.5 * r.axes_mm[0]).fold(0.0, f64::max);
    let mut polar = Polar::cast(volume, axis, first, last, 1.3 * widest + 14.0);

    let directions = directions(&volume.grid);
    let mut farthest_mm = vec![Vec::new(); polar.slices()];
    for ring in &clear {
        farthest_mm[ring.k - first] = directions.iter().map(|d| ring.reach_mm(axis[ring.k], *d)).collect();
    }
    let is_ring: Vec<bool> = farthest_mm.iter().map(|row| !row.is_empty()).collect();
    let mut detached_mm = vec![Vec::new(); polar.slices()];
    for ring in clear.iter().filter(|ring| ring.detached) {
        detached_mm[ring.k - first].clone_from(&farthest_mm[ring.k - first]);
    }
    let guess = median(&mut clear.iter().map(|r| r.wall_hu).collect::<Vec<_>>())?;
    let surface = periosteum(&polar, &farthest_mm, guess, &Course::straight(polar.slices()).outline_mm, dz);
    let compact_hu = cortical_hu(&polar, &surface.radius_mm, &is_ring)?;
    let course = Course::follow(&polar, &surface, &is_ring, compact_hu, dz);
    let axis = &recentred(volume, axis, &mut polar, &course.shift_mm);
    let surface = periosteum(&polar, &farthest_mm, compact_hu, &course.outline_mm, dz);

    let tilt = tilt_deg(volume, axis, first, last);
    let spoilt: Vec<Option<NotMeasured>> = (first..=last).map(|k| spoilt(shaft, k)).collect();
    let seen = Seen {
        polar: &polar,
        surface: &surface,
        is_ring: &is_ring,
        detached_mm: &detached_mm,
        spoilt: &spoilt,
        tilt_deg: &tilt,
    };
    let state = states(volume, &seen, compact_hu, dz);
    let usable: Vec<bool> = state.iter().map(Option::is_none).collect();
    let slices = Slices { spacing_mm: dz, thickness_mm: slice_thickness_mm(acquisition, dz) };
    let depth_mm = window_depth(&polar, &surface.radius_mm, compact_hu, &usable, dz);
    let start = Scanner {
        cortical_hu: compact_hu,
        sigma_mm: first_sigma_mm(acquisition),
        overshoot: 0.0,
        noise_hu: noise_hu(&polar, &surface.radius_mm),
    };
    let clear = candidates(&polar, &surface.radius_mm, &depth_mm, compact_hu, &usable, &slices);
    let told = estimate(&clear, start);
    let scanner = told.unwrap_or(start);
    let mut unrolled = unroll(&polar, &surface.radius_mm, depth_mm, &scanner, &slices);
    unrolled.calibrate(&usable);
    let ends = trim(&polar, &surface.radius_mm, first_ring - first, last_ring - first);
    // Up to the fracture, so that no slice is missing between two fragments.
    let ends =
        if piece.broken[0] { 0 } else { *ends.start() }..=if piece.broken[1] { last - first } else { *ends.end() };
    let row = |map: &Map, n: usize| map[n].iter().map(|v| *v as f32).collect::<Vec<f32>>();
    let rows = ends
        .map(|n| {
            let at = place(volume, axis[first + n], first + n);
            CortexSlice {
                slice_index: first + n,
                z_mm: at.z,
                centre_mm: [at.x, at.y],
                tilt_deg: tilt[n],
                not_measured: state[n],
                periosteal_radius_mm: row(&surface.radius_mm, n),
                arc_mm: row(&unrolled.arc_mm, n),
                mass_mm2: row(&unrolled.mass_mm2, n),
                thickness_mm: row(&unrolled.thickness_mm, n),
                peak_hu: row(&unrolled.peak_hu, n),
                density_share: row(&unrolled.density_share, n),
                canal_hu: canal(&polar, n, &surface.radius_mm[n], &unrolled.depth_mm[n]),
            }
        })
        .collect();
    Some(Cortex { cortical_hu: scanner.cortical_hu, scanner: told, slice_spacing_mm: dz, slices: rows })
}

/// The axis moved by `shifts_mm`, left and posterior, in the slices of `polar`, whose rays then begin there.
fn recentred(volume: &Volume<i16>, axis: &[[f64; 2]], polar: &mut Polar, shifts_mm: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let (left, posterior) = in_plane_axes(&volume.grid);
    let mut axis = axis.to_vec();
    for (n, shift) in shifts_mm.iter().enumerate().filter(|(_, shift)| **shift != [0.0; 2]) {
        let centre = &mut axis[polar.first_slice + n];
        (0..2).for_each(|a| centre[a] += shift[0] * left[a] + shift[1] * posterior[a]);
        polar.recast(volume, n, *centre);
    }
    axis
}

/// Length along the bone that one slice averages over, mm: that of the headers where it is believed.
pub fn slice_thickness_mm(acquisition: &Acquisition, slice_spacing_mm: f64) -> f64 {
    // Headers are wrong at times: slices overlap by half or so, not tenfold.
    let believed = |t: &f64| *t > 0.0 && *t <= MAX_OVERLAP * slice_spacing_mm;
    acquisition.slice_thickness_mm.filter(believed).unwrap_or(slice_spacing_mm)
}

/// Blur and density as the walls of `cortex` told them; where they did not, the density of its thick walls and the blur from which
/// the search began. `None` where no density is known.
pub fn first_scanner(cortex: &Cortex, acquisition: &Acquisition) -> Option<Scanner> {
    let guess = Scanner {
        cortical_hu: cortex.cortical_hu,
        sigma_mm: first_sigma_mm(acquisition),
        overshoot: 0.0,
        noise_hu: f64::NAN,
    };
    cortex.scanner.or(Some(guess)).filter(|scanner| scanner.cortical_hu.is_finite())
}

fn first_sigma_mm(acquisition: &Acquisition) -> f64 {
    acquisition.blur_fwhm_mm.unwrap_or(FIRST_FWHM_MM) / FWHM_PER_SIGMA
}

/// The record of a bone of which nothing can be measured: where its rings are, and why not, by slice.
pub fn not_measured(volume: &Volume<i16>, rings: &[Section], why: impl Fn(usize) -> NotMeasured) -> Cortex {
    let slices = rings
        .iter()
        .map(|r| {
            let at = place(volume, r.centroid_mm, r.k);
            CortexSlice {
                slice_index: r.k,
                z_mm: at.z,
                centre_mm: [at.x, at.y],
                not_measured: Some(why(r.k)),
                ..CortexSlice::default()
            }
        })
        .collect();
    let compact_hu = median(&mut rings.iter().map(|r| r.wall_hu).collect::<Vec<_>>()).unwrap_or(f64::NAN);
    Cortex { cortical_hu: compact_hu, scanner: None, slice_spacing_mm: volume.grid.spacing_mm.z, slices }
}

/// Patient position of an in-plane point of slice `k`.
fn place(volume: &Volume<i16>, in_plane_mm: [f64; 2], k: usize) -> nalgebra::Point3<f64> {
    let s = volume.grid.spacing_mm;
    volume.grid.to_patient(Vector3::new(in_plane_mm[0] / s.x, in_plane_mm[1] / s.y, k as f64))
}

/// Angle between the bone's axis and the slice normal, per slice, over about 10 mm.
fn tilt_deg(volume: &Volume<i16>, axis: &[[f64; 2]], first: usize, last: usize) -> Vec<f64> {
    let reach = (5.0 / volume.grid.spacing_mm.z).ceil().max(1.0) as usize;
    let normal = volume.grid.directions.column(0).cross(&volume.grid.directions.column(1));
    (first..=last)
        .map(|k| {
            let (a, b) = (k.saturating_sub(reach).max(first), (k + reach).min(last));
            let run = place(volume, axis[b], b) - place(volume, axis[a], a);
            (run.dot(&normal).abs() / run.norm().max(1e-9)).clamp(0.0, 1.0).acos().to_degrees()
        })
        .collect()
}

/// What is seen of the slices of one piece.
struct Seen<'a> {
    polar: &'a Polar,
    surface: &'a Periosteum,
    is_ring: &'a [bool],
    /// Of rings that something was taken off, how far each of their sectors reaches, mm; empty of others.
    detached_mm: &'a [Vec<f64>],
    spoilt: &'a [Option<NotMeasured>],
    tilt_deg: &'a [f64],
}

/// Which slices can be measured: `None`, or the reason why not.
fn states(volume: &Volume<i16>, seen: &Seen, compact_hu: f64, dz_mm: f64) -> Vec<Option<NotMeasured>> {
    let Seen { polar, surface, is_ring, detached_mm, spoilt, tilt_deg: tilt } = *seen;
    let n = polar.slices();
    let mut state: Vec<Option<NotMeasured>> = (0..n)
        .map(|k| {
            let rays = || (0..SECTORS).map(|s| (polar.ray(k, s), surface.radius_mm[k][s]));
            let last = |ray: &[f32], r: f64| (((r + 2.5) / STEP_MM).max(0.0) as usize).min(ray.len() - 1);
            if volume.slice(polar.first_slice + k).iter().all(|v| *v == NO_DATA) {
                Some(NotMeasured::SliceMissing)
            } else if rays().any(|(ray, r)| ray[..=last(ray, r)].iter().any(|v| v.is_nan())) {
                Some(NotMeasured::CutByBorder)
            } else if spoilt[k].is_some() {
                spoilt[k]
            } else if rays().any(|(ray, r)| ray[..=last(ray, r)].iter().any(|v| *v > METAL_HU)) {
                Some(NotMeasured::Metal)
            } else if tilt[k] > MAX_TILT_DEG {
                Some(NotMeasured::TooOblique)
            } else {
                None
            }
        })
        .collect();
    let displaced: Vec<f64> = (0..n)
        .map(|k| {
            // A vessel or a calcification is no wall that goes on.
            let hangs_on =
                |s: &usize| detached_mm[k].get(*s).is_some_and(|mm| *mm < surface.radius_mm[k][*s] + HANGS_ON_MM);
            let beside = |s: &usize| {
                !hangs_on(s)
                    && is_displaced(polar.ray(k, *s), surface.radius_mm[k][*s], surface.observed_mm[k][*s], compact_hu)
            };
            (0..SECTORS).filter(beside).count() as f64 / SECTORS as f64
        })
        .collect();
    let no_ring = without_ring(&displaced, surface, is_ring, dz_mm);
    for (state, no_ring) in state.iter_mut().zip(no_ring) {
        if state.is_none() && no_ring {
            *state = Some(NotMeasured::NoRing);
        }
    }
    state
}

/// Sections that are no ring of the shaft: displaced ones, everything from a displaced one near an end outwards, and
/// everything beyond the rings that no longer hangs together with them.
fn without_ring(displaced: &[f64], surface: &Periosteum, is_ring: &[bool], dz_mm: f64) -> Vec<bool> {
    let n = displaced.len();
    let smooth: Vec<f64> = (0..n)
        .map(|k| {
            let mut near: Vec<f64> = displaced[k.saturating_sub(1)..(k + 2).min(n)].to_vec();
            median(&mut near).unwrap_or(0.0)
        })
        .collect();
    let held = |k: usize| surface.observed_mm[k].iter().any(|r| r.is_finite());
    let first_ring = is_ring.iter().position(|r| *r).unwrap_or(0);
    let last_ring = is_ring.iter().rposition(|r| *r).unwrap_or(0);
    let mut low = (0..first_ring).rev().take_while(|k| held(*k)).last().unwrap_or(first_ring);
    let mut high = (last_ring + 1..n).take_while(|k| held(*k)).last().unwrap_or(last_ring);
    let zone = (END_ZONE_MM / dz_mm) as usize;
    // Each end has its own half of a short piece.
    let middle = (first_ring + last_ring) / 2;
    let low_zone = (low.max(first_ring) + zone).min(middle);
    let high_zone = high.min(last_ring).saturating_sub(zone).max(middle);
    let width_mm: Vec<f64> = surface.radius_mm.iter().map(|row| row.iter().sum::<f64>() / SECTORS as f64).collect();
    // Does the shaft go on in `outwards` of a section, as narrow as in `inwards` of it? Then something lies beside it there, and it ends later.
    let goes_on = |inwards: std::ops::Range<usize>, outwards: std::ops::Range<usize>| {
        let mut inner: Vec<f64> = inwards.filter(|k| is_ring[*k]).map(|k| width_mm[k]).collect();
        let narrow = NO_WIDER * median(&mut inner).unwrap_or(0.0);
        let shaft = |k: &usize| is_ring[*k] && smooth[*k] < MAX_DISPLACED && width_mm[*k] <= narrow;
        let is_shaft: Vec<bool> = outwards.clone().map(|k| shaft(&k)).collect();
        let clean: Vec<bool> = outwards.map(|k| shaft(&k) && smooth[k] < CLEAN * MAX_DISPLACED).collect();
        is_shaft.iter().filter(|shaft| **shaft).count() as f64 * dz_mm >= GOES_ON_MM
            || clean.windows(CLEAN_SECTIONS).any(|near| near.iter().all(|clean| *clean))
    };
    let is_end = |k: &usize| smooth[*k] >= MAX_DISPLACED;
    let below = |k: &usize| goes_on(*k..(k + zone).min(n), low..*k);
    if let Some(k) = (0..n.min(low_zone + 1)).rev().find(|k| is_end(k) && !below(k)) {
        low = low.max(k + 1);
    }
    let above = |k: &usize| goes_on(k.saturating_sub(zone)..*k, k + 1..high + 1);
    if let Some(k) = (high_zone..n).find(|k| is_end(k) && !above(k)) {
        high = high.min(k.saturating_sub(1));
    }
    (0..n).map(|k| k < low || k > high || smooth[k] >= MAX_DISPLACED).collect()
}

/// The slices that still show bone where the shaft's course leads; at least the rings.
fn trim(polar: &Polar, radius_mm: &Map, first_ring: usize, last_ring: usize) -> std::ops::RangeInclusive<usize> {
    let shows_bone = |k: &usize| {
        let dense = |s: &usize| {
            let ray = polar.ray(*k, *s);
            let end = (((radius_mm[*k][*s] + 3.0) / STEP_MM).max(0.0) as usize).min(ray.len() - 1);
            ray[..=end].iter().any(|v| *v >= BONE_HU || v.is_nan())
        };
        (0..SECTORS).filter(dense).count() > SECTORS / 3
    };
    let first = (0..first_ring).rev().take_while(shows_bone).last().unwrap_or(first_ring);
    let last = (last_ring + 1..polar.slices()).take_while(shows_bone).last().unwrap_or(last_ring);
    first..=last
}

/// Mean HU between the wall's window and half the radius, per sector; NaN where nothing is left between them.
fn canal(polar: &Polar, n: usize, radius_mm: &[f64], depth_mm: &[f64]) -> Vec<f32> {
    (0..SECTORS)
        .map(|s| {
            let ray = polar.ray(n, s);
            let at = |mm: f64| ((mm / STEP_MM).max(0.0) as usize).min(ray.len());
            let (low, high) = (at(0.3 * radius_mm[s]), at(radius_mm[s] - depth_mm[s]));
            if high <= low {
                return f32::NAN;
            }
            ray[low..high].iter().sum::<f32>() / (high - low) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DZ_MM: f64 = 2.0;
    const SLICES: usize = 100;

    /// Which slices of a bone of rings, all but the last twenty, are none to measure: `radius_mm` and the share displaced of a slice.
    fn dropped(radius_mm: impl Fn(usize) -> f64, displaced: impl Fn(usize) -> f64) -> Vec<bool> {
        let rows = || (0..SLICES).map(|k| vec![radius_mm(k); SECTORS]).collect::<Map>();
        let surface = Periosteum { radius_mm: rows(), observed_mm: rows() };
        let is_ring: Vec<bool> = (0..SLICES).map(|k| k < 80).collect();
        let displaced: Vec<f64> = (0..SLICES).map(displaced).collect();
        without_ring(&displaced, &surface, &is_ring, DZ_MM)
    }

    #[test]
    fn from_a_displaced_section_near_the_end_on_the_bone_is_no_shaft() {
        let flare = |k: usize| if k > 70 { 14.0 + 0.5 * (k - 70) as f64 } else { 14.0 };
        let found = dropped(flare, |k| if (72..75).contains(&k) { 0.2 } else { 0.0 });
        assert!(found[..72].iter().all(|out| !out) && found[72..].iter().all(|out| *out));
    }

    #[test]
    fn what_lies_beside_the_last_sections_leaves_those_behind_it() {
        let flare = |k: usize| if k < 78 { 0.0 } else { 0.1 };
        let found = dropped(|_| 14.0, |k| if (73..76).contains(&k) { 0.2 } else { flare(k) });
        assert!((0..SLICES).all(|k| found[k] == ((73..76).contains(&k) || k >= 78)), "{found:?}");
    }

    #[test]
    fn what_lies_beside_a_shaft_that_goes_on_costs_its_own_sections_only() {
        let found = dropped(|_| 14.0, |k| if (65..68).contains(&k) { 0.2 } else { 0.0 });
        assert!((0..SLICES).all(|k| found[k] == (65..68).contains(&k)), "{found:?}");
    }
}
