//! Measured phantoms laid beside their truth.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::analysis::{MeasuredBone, Settings, analyze};
use corticalysis::estimate::Estimate;
use corticalysis::lysis::{Lysis, ReferenceKind, SliceLysis};
use corticalysis::phantom::PhantomSpec;
use corticalysis::phantom::truth::SliceTruth;

/// What the comparison of one bone with its truth gave.
pub struct Comparison {
    /// Every measured slice with its truth.
    pub pairs: Vec<(SliceLysis, SliceTruth)>,
    pub slices: usize,
    pub lesions: usize,
    pub reference: Option<ReferenceKind>,
}

impl Comparison {
    /// Mean absolute error of axial, circumferential and each depth, over the slices that `wanted` picks.
    pub fn errors(&self, wanted: impl Fn(&SliceTruth) -> bool) -> [f64; 5] {
        let picked: Vec<_> = self.pairs.iter().filter(|(_, truth)| wanted(truth)).collect();
        let mean = |error: &dyn Fn(&SliceLysis, &SliceTruth) -> f64| {
            picked.iter().map(|(found, truth)| error(found, truth).abs()).sum::<f64>() / picked.len().max(1) as f64
        };
        let depth = |d: usize| mean(&|f, t| f.circumferential_by_depth[d] - circumferential(t)[d]);
        [
            mean(&|f, t| f.axial_percent.value - t.axial),
            mean(&|f, t| f.circumferential_percent.value - t.circ30),
            depth(0),
            depth(1),
            depth(2),
        ]
    }

    /// Share of the 95 % intervals of axial and circumferential that hold the truth, percent.
    pub fn coverage(&self, wanted: impl Fn(&SliceTruth) -> bool) -> [f64; 2] {
        let picked: Vec<_> = self.pairs.iter().filter(|(_, truth)| wanted(truth)).collect();
        let share = |covers: &dyn Fn(&SliceLysis, &SliceTruth) -> bool| {
            100.0 * picked.iter().filter(|(f, t)| covers(f, t)).count() as f64 / picked.len().max(1) as f64
        };
        // A hundredth of a point: the truth itself is summed numerically.
        let holds = |e: Estimate, truth: f64| e.low - 0.01 <= truth && truth <= e.high + 0.01;
        [share(&|f, t| holds(f.axial_percent, t.axial)), share(&|f, t| holds(f.circumferential_percent, t.circ30))]
    }
}

/// Share of the contour that lost more than 30, 50 and 99 %.
pub fn circumferential(truth: &SliceTruth) -> [f64; 3] {
    [truth.circ30, truth.circ50, truth.circ99.expect("a phantom knows the deepest loss")]
}

/// Did the slice lose anything?
pub fn is_lysed(truth: &SliceTruth) -> bool {
    truth.axial > 0.0
}

/// In-plane distance between a measured bone's centres and the true ones, mean over the slices of the former.
fn distance_mm(found: &MeasuredBone, truth: &[SliceTruth]) -> f64 {
    let distances = found.cortex.slices.iter().map(|slice| {
        let centre = truth[slice.slice_index].centre_mm.expect("a phantom knows its axis");
        (slice.centre_mm[0] - centre[0]).hypot(slice.centre_mm[1] - centre[1])
    });
    distances.sum::<f64>() / found.cortex.slices.len().max(1) as f64
}

/// Measures a phantom and lays each of its bones beside the truth, in the order of the phantom.
pub fn compare(name: &str, spec: &PhantomSpec) -> Vec<Comparison> {
    let built = spec.build();
    let found = analyze(&built.volume, &Settings::default());
    assert_eq!(found.len(), built.truth.len(), "{name}: bones found");
    let comparisons: Vec<Comparison> = built
        .truth
        .iter()
        .map(|truth| {
            let truth = &truth.slices;
            let nearest =
                |a: &&MeasuredBone, b: &&MeasuredBone| distance_mm(a, truth).total_cmp(&distance_mm(b, truth));
            let bone = found.iter().min_by(nearest).expect("a bone");
            assert!(distance_mm(bone, truth) < 4.0, "{name}: no bone along the true axis");
            let lysis: Option<&Lysis> = bone.lysis.as_ref();
            let slices = lysis.map_or(&[][..], |lysis| &lysis.slices);
            let pairs = bone.cortex.slices.iter().zip(slices);
            Comparison {
                pairs: pairs.filter_map(|(c, l)| l.map(|l| (l, truth[c.slice_index].clone()))).collect(),
                slices: truth.len(),
                lesions: lysis.map_or(0, |lysis| lysis.lesions.len()),
                reference: lysis.map(|lysis| lysis.reference.kind),
            }
        })
        .collect();
    for (n, comparison) in comparisons.iter().enumerate() {
        print_row(&format!("{name} [{n}]"), comparison);
    }
    comparisons
}

/// One line of the table.
pub fn print_row(name: &str, c: &Comparison) {
    let row = |wanted: fn(&SliceTruth) -> bool| {
        if !c.pairs.iter().any(|(_, truth)| wanted(truth)) {
            return "none".to_owned();
        }
        let ([axial, circ, d30, d50, d99], [a, b]) = (c.errors(wanted), c.coverage(wanted));
        format!("{axial:5.2} {circ:5.2} ({d30:5.2} {d50:5.2} {d99:5.2}) covered {a:3.0} {b:3.0} %")
    };
    println!(
        "{name:26} {:2}/{} slices, {} lesions, {:?} | all {} | lysed {}",
        c.pairs.len(),
        c.slices,
        c.lesions,
        c.reference,
        row(|_| true),
        row(is_lysed)
    );
}
