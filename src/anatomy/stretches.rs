//! Stretches of a shaft that are not bone as it grew: metal, a filled canal, a fracture, the end of a stump.

use super::Shaft;
use super::foreign::{Metal, fillings, in_a_cast, metal_stretches};
use super::fractures::{gaps, steps, united};
use super::peaks::Peaks;
use super::stump::stumps;
use crate::volume::Volume;

/// What a stretch of a shaft shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// Metal in the bone, beside it, or so near that its streaks cross it.
    Metal,
    /// The canal is filled with something of this many HU: cement, or sclerosis. `measurable` while the wall still stands out.
    Filling { hu: f64, measurable: bool },
    /// The axis jumps by this much, mm.
    Step { mm: f64 },
    /// The wall is missing all around over this much along the bone, mm.
    Gap { mm: f64 },
    /// The bone ends in soft tissue, at its full width.
    Stump,
    /// A shell of plaster or plastic lies around the limb. Nothing is spoilt by it.
    Cast,
}

/// A finding and the slices that it is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    pub finding: Finding,
    pub first: usize,
    pub last: usize,
}

impl Stretch {
    pub fn contains(&self, k: usize) -> bool {
        (self.first..=self.last).contains(&k)
    }

    /// Is the bone in two pieces here?
    pub fn is_fracture(&self) -> bool {
        matches!(self.finding, Finding::Step { .. } | Finding::Gap { .. })
    }
}

/// Looks a shaft over and sets its stretches.
pub(super) fn look_over(volume: &Volume<i16>, metal: &Metal, mut shaft: Shaft) -> Shaft {
    if shaft.cut_everywhere {
        return shaft;
    }
    // Until here it knows only the fractures over which its fragments were joined.
    let joints = std::mem::take(&mut shaft.stretches);
    shaft.stretches = metal_stretches(volume, metal, &shaft);
    if shaft.stub {
        return shaft;
    }
    let filled = fillings(volume, &shaft);
    shaft.stretches.extend(filled);
    // Steps first: they part the axis that the others are seen from.
    let mut steps = steps(&shaft, volume.grid.spacing_mm.z);
    steps.extend(joints);
    shaft.break_at(united(steps));
    let peaks = Peaks::around(volume, &shaft);
    let gaps = gaps(&peaks, &shaft);
    shaft.break_at(gaps);
    let stumps = stumps(volume, &peaks, &shaft);
    shaft.stretches.extend(stumps);
    if in_a_cast(volume, &shaft) {
        let (first, last) = shaft.span();
        shaft.stretches.push(Stretch { finding: Finding::Cast, first, last });
    }
    shaft
}

/// What is said of a bone's stretches, one sentence for each kind, in a fixed order; `z_mm` tells the height of a slice.
pub fn sentences(stretches: &[Stretch], z_mm: impl Fn(usize) -> f64) -> Vec<String> {
    let range = |s: &&Stretch| {
        let (a, b) = (z_mm(s.first), z_mm(s.last));
        format!("z {:.1} to {:.1} mm", a.min(b), a.max(b))
    };
    let of =
        |kind: &dyn Fn(&Finding) -> bool| -> Vec<&Stretch> { stretches.iter().filter(|s| kind(&s.finding)).collect() };
    let list = |found: &[&Stretch]| found.iter().map(range).collect::<Vec<_>>().join(", ");
    let mut out = Vec::new();
    let metal = of(&|f| *f == Finding::Metal);
    if !metal.is_empty() {
        out.push(format!(
            "Metal in or near this bone ({}): what it and its streaks disturb is not measured.",
            list(&metal)
        ));
    }
    for stretch in stretches {
        let at = range(&stretch);
        match stretch.finding {
            Finding::Filling { hu, measurable: false } => out.push(format!(
                "The canal is filled with something of about {hu:.0} HU ({at}): cement or dense sclerosis. The wall does not stand out from it and is not measured there."
            )),
            Finding::Filling { hu, measurable: true } => out.push(format!(
                "The canal is filled with something of about {hu:.0} HU ({at}): sclerosis or cement. What it replaces of the wall may not show."
            )),
            Finding::Step { mm } => out.push(format!(
                "This bone is broken ({at}): its axis jumps by {mm:.0} mm. Each fragment of 40 mm or more is measured on its own, what lies between is not; scores of an impending fracture do not apply to a bone that is broken."
            )),
            Finding::Gap { mm } => out.push(format!(
                "This bone is broken or was cut ({at}): its wall is missing all around over {mm:.1} mm. Each fragment of 40 mm or more is measured on its own, what lies between is not; scores of an impending fracture do not apply to a bone that is broken."
            )),
            Finding::Stump => out.push(format!(
                "This bone ends in soft tissue at its full width ({at}): an amputation, a resection, or a fragment whose other part was not found."
            )),
            Finding::Cast => out.push("A shell of plaster or plastic lies around this limb; it is not taken for bone.".into()),
            Finding::Metal => {}
        }
    }
    out
}
