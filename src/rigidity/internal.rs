//! Calibration without a phantom: from the air, fat and muscle of the image, and the patient's own compact bone.
//!
//! After Eggermont et al. 2019 (PLoS One 14:e0220564): the peaks of air, fat and muscle in the image's histogram are laid by a straight line on
//! what these tissues should read. What they should read is computed from tables for a beam of one effective energy, as Michalski et al. 2020
//! do; the reference densities of the first paper could not be confirmed and are not used. Soft tissue alone tells the energy
//! poorly (a change of 1 % in the density of fat shifts it by 10 keV, and density of bone by a quarter), so that compact bone takes
//! part, as it does in the second method: its HU, blur taken out, should be those of ICRU compact bone within
//! `BONE_SD`. What a patient's compact bone differs from that is therefore seen only in part (a twentieth); what differs within
//! a bone, and between a bone and its other half, is seen in full.
//!
//! Air, fat and muscle are found among places of even HU, so that no border between two tissues counts for a third. With
//! contrast in the vessels muscle is left out.

use super::calibration::{Calibration, CalibrationError, DEFAULT_KEV, FitPoint};
use super::density::DensityKind;
use super::tissue::{ENERGIES_KEV, Tissue, hu_per_hydroxyapatite};
use crate::volume::{NO_DATA, Volume};
use rayon::prelude::*;

/// Where the peaks are looked for, HU: wide enough for a scale that is off by a tenth.
const AIR_HU: [f64; 2] = [-1200.0, -800.0];
const FAT_HU: [f64; 2] = [-170.0, -35.0];
const MUSCLE_HU: [f64; 2] = [5.0, 130.0];
/// Largest difference of neighbouring pixels within one tissue, HU.
const EVEN_HU: i16 = 70;
/// Smallest area of a tissue that tells its HU (Michalski: 10 mm² a sample; here of places that are even), mm² over all slices.
const LEAST_MM2: f64 = 300.0;
/// Farther from the bone's axis fat and muscle are not looked for: cushions and clothes read like fat, mm.
const AROUND_MM: f64 = 70.0;
/// Muscle above this holds contrast, HU.
const CONTRAST_HU: f64 = 85.0;
/// Air that is off by more is said, HU.
const ODD_AIR_HU: f64 = 25.0;
/// How well the tissues' HU are known beforehand, HU: fat's density differs between people.
const AIR_SD: f64 = 10.0;
const FAT_SD: f64 = 20.0;
const MUSCLE_SD: f64 = 8.0;
/// How well the density of compact bone is known beforehand, as a share.
const BONE_SD: f64 = 0.06;
/// How well the energy of the beam is known beforehand, keV.
const ENERGY_SD_KEV: f64 = 14.0;

/// A place in the image around which fat and muscle are looked for: a slice and the bone's axis in it, mm along columns
/// and rows.
#[derive(Debug, Clone, Copy)]
pub struct Around {
    pub slice_index: usize,
    pub centre_mm: [f64; 2],
}

/// Peaks of the tissues, HU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peaks {
    /// `None` where too little is in the image.
    pub air: Option<f64>,
    pub fat: Option<f64>,
    pub muscle: Option<f64>,
}

/// Looks for the three tissues in the slices of the bone.
pub fn peaks(volume: &Volume<i16>, around: &[Around]) -> Peaks {
    let stride = around.len().div_ceil(24).max(1);
    let chosen: Vec<&Around> = around.iter().step_by(stride).collect();
    let counted: Vec<Histogram> = chosen.par_iter().map(|at| Histogram::of(volume, at)).collect();
    let mut all = Histogram::empty();
    counted.iter().for_each(|one| all.add(one));
    let least = LEAST_MM2 / (volume.grid.spacing_mm.x * volume.grid.spacing_mm.y);
    Peaks {
        air: all.peak(&all.anywhere, AIR_HU, least),
        fat: all.peak(&all.near, FAT_HU, least),
        muscle: all.peak(&all.near, MUSCLE_HU, least),
    }
}

/// Lowest HU that is counted, and the number of bins of one HU.
const LOWEST: i32 = -1250;
const BINS: usize = 1450;

/// Even places by HU, one bin a HU, all over the slice and near the bone.
struct Histogram {
    anywhere: Vec<u32>,
    near: Vec<u32>,
}

/// The bin of a place that is not even.
const UNEVEN: i32 = -1;

impl Histogram {
    fn empty() -> Self {
        Self { anywhere: vec![0; BINS], near: vec![0; BINS] }
    }

    fn of(volume: &Volume<i16>, at: &Around) -> Self {
        let mut out = Self::empty();
        let [columns, rows, _] = volume.grid.size;
        let (dx, dy) = (volume.grid.spacing_mm.x, volume.grid.spacing_mm.y);
        let pixels = volume.slice(at.slice_index);
        let mut bins = vec![UNEVEN; columns];
        // Every other row: the pixels beside one another tell the same.
        for j in (1..rows.saturating_sub(1)).step_by(2) {
            let row = |j: usize| &pixels[j * columns..(j + 1) * columns];
            bins_of_row([row(j - 1), row(j), row(j + 1)], &mut bins);
            let from_axis_y = j as f64 * dy - at.centre_mm[1];
            let half_mm = (AROUND_MM.powi(2) - from_axis_y.powi(2)).max(0.0).sqrt();
            let column = |mm: f64| ((mm / dx).ceil().max(0.0) as usize).min(columns);
            let near = column(at.centre_mm[0] - half_mm)..column(at.centre_mm[0] + half_mm);
            count(&mut out.anywhere, &bins);
            count(&mut out.near, &bins[near]);
        }
        out
    }

    fn add(&mut self, other: &Self) {
        self.anywhere.iter_mut().zip(&other.anywhere).for_each(|(sum, n)| *sum += n);
        self.near.iter_mut().zip(&other.near).for_each(|(sum, n)| *sum += n);
    }

    /// The highest peak between two HU, to a fraction of one: where the counts within 12 HU of it have their mean. `None` where
    /// they are fewer than `least`, or no peak is between the two.
    fn peak(&self, counts: &[u32], [low, high]: [f64; 2], least: f64) -> Option<f64> {
        const HALF: usize = 12;
        let bin = |hu: f64| (hu - f64::from(LOWEST)) as usize;
        let (first, last) = (bin(low), bin(high));
        let near = |b: usize| {
            counts[b.saturating_sub(HALF)..(b + HALF + 1).min(BINS)].iter().map(|n| f64::from(*n)).sum::<f64>()
        };
        // A slope towards the peak of another tissue is none.
        let is_peak = |b: &usize| near(*b) >= near(b - HALF / 2) && near(*b) >= near(b + HALF / 2);
        let peaks = (first..=last).filter(is_peak);
        let highest = peaks.max_by(|a, b| near(*a).total_cmp(&near(*b)).then(b.cmp(a)))?;
        if near(highest) < least {
            return None;
        }
        let mut at = highest as f64;
        for _ in 0..20 {
            let from = (at - HALF as f64).max(0.0);
            let weight =
                |b: usize| (1.0 - ((b as f64 - at) / (HALF as f64 + 1.0)).powi(2)).max(0.0) * f64::from(counts[b]);
            let range = from as usize..((at + HALF as f64 + 2.0) as usize).min(BINS);
            let sum: f64 = range.clone().map(weight).sum();
            let mean = range.map(|b| weight(b) * b as f64).sum::<f64>() / sum.max(f64::MIN_POSITIVE);
            let moved = (mean - at).abs();
            at = mean;
            if moved < 0.01 {
                break;
            }
        }
        Some(at + f64::from(LOWEST))
    }
}

/// The bin of each inner place of a row, from its own HU and those of its four neighbours; [`UNEVEN`] where they differ too much.
/// Without branches, so that the compiler does many at a time.
fn bins_of_row([above, row, below]: [&[i16]; 3], bins: &mut [i32]) {
    let inner = row.windows(3).zip(&above[1..]).zip(&below[1..]);
    for (bin, ((beside, above), below)) in bins[1..].iter_mut().zip(inner) {
        let five = [beside[0], beside[1], beside[2], *above, *below];
        let low = five.into_iter().fold(i16::MAX, i16::min);
        let high = five.into_iter().fold(i16::MIN, i16::max);
        let even = (low != NO_DATA) & (i32::from(high) - i32::from(low) <= i32::from(EVEN_HU));
        // The mean to the nearest whole: fifths are never half way. Counted from LOWEST all that is wanted is positive.
        let sum = five.into_iter().map(i32::from).sum::<i32>() - 5 * LOWEST;
        *bin = if even { (sum + 2).max(-5) / 5 } else { UNEVEN };
    }
}

fn count(counts: &mut [u32], bins: &[i32]) {
    for bin in bins {
        if let Some(n) = usize::try_from(*bin).ok().and_then(|bin| counts.get_mut(bin)) {
            *n += 1;
        }
    }
}

/// The calibration that three peaks and compact bone tell. `contrast`: the headers say that there is some.
pub fn internal(peaks: &Peaks, cortical_hu: f64, contrast: bool) -> Result<Calibration, CalibrationError> {
    let mut warnings = Vec::new();
    let mut seen: Vec<(&str, Tissue, f64, f64)> = Vec::new();
    match peaks.air {
        Some(hu) => {
            seen.push(("air", Tissue::Air, hu, AIR_SD));
            if (hu + 1000.0).abs() > ODD_AIR_HU {
                warnings.push(format!(
                    "Air reads {hu:.0} HU: the scale of this image is off, or what was found is clothing or a cushion."
                ));
            }
        }
        None => {
            seen.push(("air", Tissue::Air, -1000.0, AIR_SD));
            warnings.push("No air is in the image: taken to read −1000 HU, as scanners are adjusted.".into());
        }
    }
    if let Some(hu) = peaks.fat {
        seen.push(("fat", Tissue::Adipose, hu, FAT_SD));
    }
    if let Some(hu) = peaks.muscle {
        if contrast || hu > CONTRAST_HU {
            let why = if contrast { "the headers tell of contrast" } else { "it reads like tissue with contrast" };
            warnings.push(format!("Muscle ({hu:.0} HU) takes no part in the calibration: {why}."));
        } else {
            seen.push(("muscle", Tissue::Muscle, hu, MUSCLE_SD));
        }
    }
    if seen.len() < 2 {
        return Err(CalibrationError::NotFound(
            "neither fat nor muscle was found around the bone, so that the image cannot calibrate itself".into(),
        ));
    }
    if cortical_hu.is_nan() || cortical_hu <= 300.0 {
        return Err(CalibrationError::NotFound("no compact bone was measured".into()));
    }
    let steps = ((ENERGIES_KEV[1] - ENERGIES_KEV[0]) / 0.25) as usize;
    let cost = |kev: f64| {
        let line = Line::fit(&seen, kev);
        let bone = (line.expected(cortical_hu) / Tissue::CompactBone.hu(kev)).max(1e-3).ln() / BONE_SD;
        line.cost(&seen, kev) + bone * bone + ((kev - DEFAULT_KEV) / ENERGY_SD_KEV).powi(2)
    };
    let kev = (0..=steps)
        .map(|n| ENERGIES_KEV[0] + 0.25 * n as f64)
        .min_by(|a, b| cost(*a).total_cmp(&cost(*b)))
        .unwrap_or(DEFAULT_KEV);
    if ENERGIES_KEV.contains(&kev) {
        warnings.push(format!(
            "The HU of compact bone ({cortical_hu:.0}) ask for a beam beyond {:.0} to {:.0} keV: density is taken at the end.",
            ENERGIES_KEV[0], ENERGIES_KEV[1]
        ));
    }
    let line = Line::fit(&seen, kev);
    let per = hu_per_hydroxyapatite(kev);
    let mut made =
        Calibration::linear("internal", DensityKind::Hydroxyapatite, line.slope / per, line.intercept / per)?;
    made.points = seen
        .iter()
        .map(|(name, tissue, hu, _)| FitPoint { name: (*name).into(), measured_hu: *hu, expected_hu: tissue.hu(kev) })
        .collect();
    let off: f64 = made.points.iter().map(|p| (line.expected(p.measured_hu) - p.expected_hu).powi(2)).sum();
    made.residual_hu = Some((off / made.points.len() as f64).sqrt());
    made.effective_energy_kev = Some(kev);
    made.warnings = warnings;
    Ok(made)
}

/// Expected over measured HU.
struct Line {
    slope: f64,
    intercept: f64,
}

impl Line {
    fn fit(seen: &[(&str, Tissue, f64, f64)], kev: f64) -> Self {
        let (mut w, mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (_, tissue, hu, sd) in seen {
            let (weight, expected) = (1.0 / (sd * sd), tissue.hu(kev));
            w += weight;
            x += weight * hu;
            y += weight * expected;
            xx += weight * hu * hu;
            xy += weight * hu * expected;
        }
        let slope = (w * xy - x * y) / (w * xx - x * x);
        Self { slope, intercept: (y - slope * x) / w }
    }

    fn expected(&self, hu: f64) -> f64 {
        self.intercept + self.slope * hu
    }

    fn cost(&self, seen: &[(&str, Tissue, f64, f64)], kev: f64) -> f64 {
        seen.iter().map(|(_, tissue, hu, sd)| ((self.expected(*hu) - tissue.hu(kev)) / sd).powi(2)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::tests::slice_of;
    use proptest::prelude::*;

    const PATIENT: Peaks = Peaks { air: Some(-999.0), fat: Some(-103.0), muscle: Some(52.0) };

    #[test]
    fn peaks_of_a_limb_are_found_whatever_their_borders() {
        // Air around a disc of fat around a disc of muscle, noise of a few HU, borders that run through all values.
        let noise = |x: f64, y: f64| 6.0 * (12.9 * x + 78.2 * y).sin() + 4.0 * (31.7 * x - 11.3 * y).sin();
        let volume = slice_of([160, 160], [0.9, 0.9], |x, y| {
            let r = (x - 72.0).hypot(y - 72.0);
            let step = |edge: f64| 1.0 / (1.0 + ((r - edge) / 0.7).exp());
            (-1000.0 + 895.0 * step(55.0) + 158.0 * step(42.0) + noise(x, y)) as i16
        });
        let found = peaks(&volume, &[Around { slice_index: 0, centre_mm: [72.0, 72.0] }]);
        for (found, want) in [(found.air, -1000.0), (found.fat, -105.0), (found.muscle, 53.0)] {
            assert!((found.unwrap() - want).abs() < 2.0, "{found:?} {want}");
        }
        // No tissue, no peak.
        let empty = slice_of([60, 60], [0.9, 0.9], |_, _| -1000);
        let found = peaks(&empty, &[Around { slice_index: 0, centre_mm: [27.0, 27.0] }]);
        assert!(found.air.is_some() && found.fat.is_none() && found.muscle.is_none());
    }

    #[test]
    fn a_patient_at_140_kv() {
        let made = internal(&PATIENT, 1350.0, false).unwrap();
        let mineral = made.density_g_cm3(1350.0);
        assert!((1.1..1.3).contains(&mineral), "{mineral}");
        assert!((70.0..85.0).contains(&made.effective_energy_kev.unwrap()));
        assert!(made.residual_hu.unwrap() < 25.0 && made.warnings.is_empty());
    }

    #[test]
    fn another_tube_voltage_gives_the_same_density() {
        // Soft tissue as the tables change it, bone by what hydroxyapatite changes.
        let at = |kev: f64| {
            let shifted = |tissue: Tissue, hu: f64| hu + tissue.hu(kev) - tissue.hu(76.0);
            let peaks = Peaks {
                air: PATIENT.air,
                fat: Some(shifted(Tissue::Adipose, -103.0)),
                muscle: Some(shifted(Tissue::Muscle, 52.0)),
            };
            let bone = 1400.0 * hu_per_hydroxyapatite(kev) / hu_per_hydroxyapatite(76.0);
            internal(&peaks, bone, false).unwrap().density_g_cm3(bone)
        };
        for kev in [63.0, 68.0, 72.0, 80.0, 85.0] {
            assert!((at(kev) / at(76.0) - 1.0).abs() < 0.03, "{kev}: {} {}", at(kev), at(76.0));
        }
    }

    #[test]
    fn contrast_keeps_muscle_out_and_says_so() {
        let enhanced = Peaks { muscle: Some(98.0), ..PATIENT };
        let made = internal(&enhanced, 1350.0, false).unwrap();
        assert_eq!(made.points.len(), 2);
        assert!(made.warnings[0].contains("contrast"));
        assert_eq!(internal(&PATIENT, 1350.0, true).unwrap().points.len(), 2);
    }

    #[test]
    fn without_tissue_there_is_no_calibration() {
        let none = Peaks { air: Some(-1000.0), fat: None, muscle: None };
        assert!(internal(&none, 1350.0, false).is_err());
        assert!(internal(&PATIENT, f64::NAN, false).is_err());
    }

    proptest! {
        #[test]
        fn hu_on_another_straight_scale_give_the_same_density(scale in 0.85f64..1.15, shift in -30.0f64..30.0, bone in 900.0f64..1800.0) {
            let scaled = |hu: f64| scale * hu + shift;
            let peaks = Peaks {
                air: PATIENT.air.map(scaled), fat: PATIENT.fat.map(scaled), muscle: PATIENT.muscle.map(scaled),
            };
            let (plain, other) = (internal(&PATIENT, bone, false).unwrap(), internal(&peaks, scaled(bone), false).unwrap());
            if peaks.muscle.unwrap() <= CONTRAST_HU {
                prop_assert!((plain.density_g_cm3(bone) - other.density_g_cm3(scaled(bone))).abs() < 1e-6);
            }
        }
    }
}
