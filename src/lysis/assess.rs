//! One bone's loss: reference chosen, loss counted, lesions named.

use super::circumference::Circumference;
use super::interval::{Spread, axial_interval, circumferential_interval};
use super::lesions::{Lost, lesions};
use super::patches::Patches;
use super::prepared::{Prepared, reference_thickness};
use super::running_out::RunningOut;
use super::surface::deviation_from;
use super::twin::{Twin, mirror_and_register};
use super::{Lysis, Reference, ReferenceChoice, ReferenceKind, SliceLysis};
use crate::cortex::contour::Map;
use crate::cortex::unroll::BASE_HU;
use crate::cortex::{Cortex, NotMeasured, SECTORS};
use crate::estimate::Estimate;
use crate::language::{Language, Sentence};
use crate::smoothing::median;

/// Worst leftover spread at which a registered twin is still believed.
const TWIN_SPREAD: f64 = 0.10;
/// Share of the wall's window into which the blur of the canal reaches.
const FILL_REACH: f64 = 0.23;
/// A border seen this much wider than the blur is still taken for a sharp one: pixels, a wall of uneven depth and the slice
/// widen it a little.
const SHARP: f64 = 1.2;
/// The three depths that are always reported.
const DEPTHS: [f64; 3] = [0.30, 0.50, 0.99];

/// What [`assess`] gives: the loss, and the slices it had to refuse.
#[derive(Debug, Clone)]
pub struct Assessed {
    pub lysis: Lysis,
    /// Rows of the cortex that cannot be measured after all, and why.
    pub refused: Vec<(usize, NotMeasured)>,
}

/// Measures the loss of one bone against its own healthy parts or against the other side (`twin`).
pub fn assess(
    cortex: &Cortex,
    prepared: &Prepared,
    twin: Option<(&Cortex, &Prepared)>,
    choice: ReferenceChoice,
    depth: f64,
) -> Assessed {
    let own_patches = prepared.own.patches.grown(&prepared.own.deviation, &prepared.depths());
    let registered = match (choice, twin) {
        (ReferenceChoice::Ipsilateral, _) | (_, None) => None,
        (_, Some((other, other_prepared))) => mirror_and_register((cortex, prepared), (other, other_prepared)),
    };
    let asked = choice == ReferenceChoice::Contralateral;
    let believed = registered.as_ref().filter(|t| asked || t.spread <= TWIN_SPREAD);
    let note = note(choice, twin.is_some(), registered.as_ref(), believed.is_some());
    let (log_ref, patches, other_view) = match believed {
        Some(twin) => {
            let deviation = deviation_from(&prepared.depths(), &twin.log_depth);
            let patches = twin.patches.grown(&deviation, &prepared.depths());
            (&twin.log_depth, patches, Some(&prepared.own.log_depth))
        }
        None => (&prepared.own.log_depth, own_patches, registered.as_ref().map(|t| &t.log_depth)),
    };
    let deviation = deviation_from(&prepared.depths(), log_ref);
    let thickness = reference_thickness(cortex, log_ref, prepared.known(), &patches);
    let reference = Reference {
        kind: if believed.is_some() { ReferenceKind::Contralateral } else { ReferenceKind::Ipsilateral },
        note,
        mass_mm2: masses(log_ref, prepared.arc_mm()),
        thickness_mm: thickness.iter().map(|r| r.iter().map(|v| *v as f32).collect()).collect(),
        homologous_z_mm: registered.as_ref().map(|twin| twin.z_mm.clone()),
    };
    let loss = loss_of(&deviation, &patches, prepared.known());
    let mut depths_mm: Vec<f64> = log_ref.iter().flatten().map(|d| d.exp()).collect();
    let depth_mm = median(&mut depths_mm).unwrap_or(1.0);
    let noise = cortex.scanner.map_or(0.0, |s| s.noise_mm(depth_mm) / depth_mm);
    let spread = Spread::of(&prepared.depths(), &deviation, &patches, log_ref, other_view, noise);
    let losses = Losses {
        cortex,
        reference: &reference,
        loss: &loss,
        deviation: &deviation,
        patches: &patches,
        known: prepared.known(),
    };
    let mut slices: Vec<Option<SliceLysis>> = (0..log_ref.len()).map(|k| losses.slice(k, depth, &spread)).collect();
    let running_out = prepared.running_out.as_ref().filter(|_| believed.is_none());
    let most = running_out.map(|out| MostLost::of(out, prepared));
    if let (Some(out), Some(most)) = (running_out, &most) {
        let reference = Reference { mass_mm2: masses(&out.log_depth, prepared.arc_mm()), ..reference.clone() };
        let losses = Losses {
            reference: &reference,
            loss: &most.loss,
            deviation: &out.deviation,
            patches: &most.patches,
            ..losses
        };
        for (k, slice) in slices.iter_mut().enumerate() {
            if let (Some(slice), Some(at_most)) = (slice, losses.slice(k, depth, &spread)) {
                slice.axial_percent.reach(at_most.axial_percent.value);
                slice.circumferential_percent.reach(at_most.circumferential_percent.value);
            }
        }
    }
    let shift = |k: usize, s: usize| spread.shift(k, |t| if t == s { 1.0 } else { 0.0 });
    let lesions =
        lesions(cortex, &Lost { loss: &loss, patches: &patches, shift: &shift, most: most.as_ref() }, &slices, depth);
    let refused = prepared.refused.iter().map(|k| (*k, NotMeasured::WallTooThin)).collect();
    Assessed { lysis: Lysis { reference, loss, slices, lesions }, refused }
}

/// What is lost if lesions near an end of the measured bone run out of it.
pub(super) struct MostLost {
    pub loss: Vec<Vec<f32>>,
    pub patches: Patches,
}

impl MostLost {
    fn of(out: &RunningOut, prepared: &Prepared) -> Self {
        let patches = out.patches.grown(&out.deviation, &prepared.depths());
        Self { loss: loss_of(&out.deviation, &patches, prepared.known()), patches }
    }
}

/// Mass of each cell, mm², from the logarithm of its depth and the length of its contour.
fn masses(log_depth: &Map, arc_mm: &Map) -> Vec<Vec<f32>> {
    let mass = |k: usize, s: usize| (log_depth[k][s].exp() * arc_mm[k][s]) as f32;
    (0..log_depth.len()).map(|k| (0..SECTORS).map(|s| mass(k, s)).collect()).collect()
}

/// Loss of each cell, 0 to 1: what a patch of loss falls short of the intact wall. NaN where not measured.
fn loss_of(deviation: &Map, patches: &Patches, known: &[Vec<bool>]) -> Vec<Vec<f32>> {
    let loss = |k: usize, s: usize| match (known[k][s], patches.label[k][s]) {
        (false, _) => f32::NAN,
        (true, 0) => 0.0,
        (true, _) => (-deviation[k][s]).clamp(0.0, 1.0) as f32,
    };
    (0..deviation.len()).map(|k| (0..SECTORS).map(|s| loss(k, s)).collect()).collect()
}

/// The loss of one bone with all that its percentages and intervals are read from.
pub(super) struct Losses<'a> {
    pub cortex: &'a Cortex,
    pub reference: &'a Reference,
    pub loss: &'a [Vec<f32>],
    pub deviation: &'a Map,
    pub patches: &'a Patches,
    pub known: &'a [Vec<bool>],
}

impl Losses<'_> {
    /// Intact mass of a cell, mm²; 0 where it was not measured.
    pub fn intact_mm2(&self, k: usize, s: usize) -> f64 {
        if self.known[k][s] { f64::from(self.reference.mass_mm2[k][s]) } else { 0.0 }
    }

    /// Contour length of a cell, mm; 0 where it was not measured.
    pub fn arc_mm(&self, k: usize, s: usize) -> f64 {
        if self.known[k][s] { f64::from(self.cortex.slices[k].arc_mm[s]) } else { 0.0 }
    }

    /// What a lesion filled with something denser than soft tissue may hide, as a share of the wall: its blur reaches into
    /// the window of the wall.
    pub fn fill_share(&self, k: usize) -> f64 {
        let slice = &self.cortex.slices[k];
        let lost = (0..SECTORS).filter(|s| self.loss[k][*s] > 0.0);
        let (mut sum, mut count) = (0.0, 0.0);
        for hu in lost.filter_map(|s| slice.canal_hu.get(s)).filter(|v| v.is_finite()) {
            sum += (f64::from(*hu) - BASE_HU).max(0.0);
            count += 1.0;
        }
        if count > 0.0 { FILL_REACH * sum / count / (self.cortex.cortical_hu - BASE_HU) } else { 0.0 }
    }

    /// Both percentages of slice `k`; `None` where it was not measured.
    fn slice(&self, k: usize, depth: f64, spread: &Spread) -> Option<SliceLysis> {
        if !self.known[k].iter().any(|v| *v) {
            return None;
        }
        let slice = &self.cortex.slices[k];
        let loss = |s: usize| f64::from(self.loss[k][s]);
        let sum = |f: &dyn Fn(usize) -> f64| (0..SECTORS).filter(|s| self.known[k][*s]).map(f).sum::<f64>();
        let contour = sum(&|s| self.arc_mm(k, s));
        let reference_area_mm2 = sum(&|s| self.intact_mm2(k, s));
        let axial = 100.0 * sum(&|s| self.intact_mm2(k, s) * loss(s)) / reference_area_mm2;
        let mean_around = |values: &[f32]| sum(&|s| f64::from(values[s]) * self.arc_mm(k, s)) / contour;
        let reference_thickness_mm = mean_around(&self.reference.thickness_mm[k]);
        let sigma_mm = self.cortex.scanner.map_or(0.0, |s| s.sigma_mm);
        let blur_mm = blur_on_contour(sigma_mm, mean_around(&slice.periosteal_radius_mm), reference_thickness_mm);
        let arc_mm = |s: usize| self.arc_mm(k, s);
        let loss_or_none = |s: usize| if self.known[k][s] { loss(s) } else { 0.0 };
        let around = Circumference { loss: &loss_or_none, arc_mm: &arc_mm, blur_mm };
        let at_depth = |d: f64| {
            // So near to nothing left there is no second half of the step to tell the border from.
            let blur_mm = if d < 0.9 { blur_mm } else { 0.0 };
            (100.0 * Circumference { blur_mm, ..around }.above_mm(d) / contour).min(100.0)
        };
        Some(SliceLysis {
            axial_percent: axial_interval(axial, self, k, spread),
            circumferential_percent: circumferential_interval(at_depth(depth), &around, self, k, depth, spread),
            circumferential_by_depth: DEPTHS.map(at_depth),
            cortical_area_mm2: sum(&|s| f64::from(slice.mass_mm2[s])),
            reference_area_mm2,
            mean_thickness_mm: mean_around(&slice.thickness_mm),
            reference_thickness_mm,
        })
    }
}

/// The scanner's blur as the outer contour sees it: a border crosses the wall along a ray, and what is `sigma_mm` wide in the
/// middle of the wall is wider by the ratio of the radii on its outside.
fn blur_on_contour(sigma_mm: f64, radius_mm: f64, thickness_mm: f64) -> f64 {
    SHARP * sigma_mm * radius_mm / (radius_mm - 0.5 * thickness_mm).max(0.5 * radius_mm)
}

fn note(choice: ReferenceChoice, has_twin: bool, twin: Option<&Twin>, believed: bool) -> Sentence {
    let own = "the same bone, told from its healthy walls above, below and beside what is lost";
    let propre = "le même os, d’après ses parois saines au-dessus, au-dessous et à côté de ce qui manque";
    let with_own =
        |english: String, french: String| Sentence::new(format!("{own}{english}"), format!("{propre}{french}"));
    match (twin, believed) {
        (Some(t), true) => {
            let scale = format!("{:.2}", t.scale);
            let (turned, shifted) = (format!("{:.0}", t.rotation_deg), format!("{:.0}", t.shift_mm));
            let (covered, spread) = (format!("{:.0}", 100.0 * t.covered), format!("{:.0}", 100.0 * t.spread));
            Sentence::new(
                format!(
                    "the bone of the other side, mirrored and registered on the unrolled cortex (turned {turned}°, shifted \
                     {shifted} mm, size {scale}, {covered} % of the slices covered; healthy walls differ by {spread} %)"
                ),
                format!(
                    "l’os du côté opposé, en miroir et recalé sur la corticale déroulée (tourné de {turned}°, décalé de \
                     {shifted} mm, échelle {}, {covered} % des coupes couvertes ; les parois saines diffèrent de {spread} %)",
                    Language::Fr.decimal(scale.clone())
                ),
            )
        }
        (Some(t), false) => with_own(
            format!(
                "; the other side was registered but its healthy walls differ by {:.0} %, too much to be a reference",
                100.0 * t.spread
            ),
            format!(
                " ; le côté opposé a été recalé, mais ses parois saines diffèrent de {:.0} %, trop pour servir de référence",
                100.0 * t.spread
            ),
        ),
        (None, _) if choice == ReferenceChoice::Ipsilateral => {
            with_own(" (as asked)".into(), " (comme demandé)".into())
        }
        (None, _) if has_twin => with_own(
            "; the other side could not be registered to it".into(),
            " ; le côté opposé n’a pas pu lui être recalé".into(),
        ),
        (None, _) => with_own(
            "; the same bone of the other side was not measured in this series".into(),
            " ; le même os du côté opposé n’a pas été mesuré dans cette série".into(),
        ),
    }
}

/// An estimate that is known to be within 0 and 100 percent.
pub(super) fn percent(value: f64, low: f64, high: f64) -> Estimate {
    // A share of all of it can come out a rounding error above 100. No `clamp` of the ends: it panics where they cross.
    let value = value.clamp(0.0, 100.0);
    Estimate { value, low: low.max(0.0).min(value), high: high.min(100.0).max(value) }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_share_of_everything_is_a_hundred_percent_whatever_the_rounding() {
        let all = percent(100.000_000_000_000_01, 98.0, 103.0);
        assert_eq!((all.value, all.low, all.high), (100.0, 98.0, 100.0));
        let none = percent(0.0, -3.0, 1.5);
        assert_eq!((none.low, none.high), (0.0, 1.5));
        assert!(percent(f64::NAN, 0.0, 1.0).value.is_nan());
    }
}
