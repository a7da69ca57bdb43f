//! Stretches of a shaft that are not bone as it grew: metal, a filled canal, a fracture, the end of a stump.

use super::Shaft;
use super::foreign::{Metal, fillings, in_a_cast, metal_stretches};
use super::fractures::{gaps, steps, united};
use super::peaks::Peaks;
use super::stump::stumps;
use crate::language::{Language, Sentence};
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
pub fn sentences(stretches: &[Stretch], z_mm: impl Fn(usize) -> f64) -> Vec<Sentence> {
    let range = |s: &Stretch| {
        let (a, b) = (z_mm(s.first), z_mm(s.last));
        let (low, high) = (format!("{:.1}", a.min(b)), format!("{:.1}", a.max(b)));
        let english = format!("z {low} to {high} mm");
        (english, format!("z {} à {} mm", Language::Fr.decimal(low), Language::Fr.decimal(high)))
    };
    let mut out = Vec::new();
    let metal: Vec<(String, String)> = stretches.iter().filter(|s| s.finding == Finding::Metal).map(range).collect();
    if !metal.is_empty() {
        let (english, french): (Vec<String>, Vec<String>) = metal.into_iter().unzip();
        out.push(Sentence::new(
            format!(
                "Metal in or near this bone ({}): what it and its streaks disturb is not measured.",
                english.join(", ")
            ),
            format!(
                "Métal dans cet os ou près de lui ({}) : ce que lui et ses artefacts perturbent n’est pas mesuré.",
                french.join(", ")
            ),
        ));
    }
    out.extend(stretches.iter().filter_map(|stretch| sentence(stretch.finding, range(stretch))));
    out
}

/// What is said of one stretch, `at` its range in both languages; metal is said of all stretches together.
fn sentence(finding: Finding, (at, ici): (String, String)) -> Option<Sentence> {
    const FRAGMENTS: &str = "Each fragment of 40 mm or more is measured on its own, what lies between is not; scores of an impending fracture do \
        not apply to a bone that is broken.";
    const FRAGMENTS_FR: &str = "Chaque fragment de 40 mm ou plus est mesuré à part, ce qui est entre eux ne l’est pas ; les scores de fracture imminente \
        ne s’appliquent pas à un os fracturé.";
    Some(match finding {
        Finding::Metal => return None,
        Finding::Filling { hu, measurable: false } => Sentence::new(
            format!(
                "The canal is filled with something of about {hu:.0} HU ({at}): cement or dense sclerosis. The wall does not stand out from it and is not measured there."
            ),
            format!(
                "Le canal est rempli par un matériau d’environ {hu:.0} UH ({ici}) : ciment ou sclérose dense. La paroi ne s’en distingue pas et n’y est pas mesurée."
            ),
        ),
        Finding::Filling { hu, measurable: true } => Sentence::new(
            format!(
                "The canal is filled with something of about {hu:.0} HU ({at}): sclerosis or cement. What it replaces of the wall may not show."
            ),
            format!(
                "Le canal est rempli par un matériau d’environ {hu:.0} UH ({ici}) : sclérose ou ciment. Ce qu’il remplace de la paroi peut ne pas se voir."
            ),
        ),
        Finding::Step { mm } => Sentence::new(
            format!("This bone is broken ({at}): its axis jumps by {mm:.0} mm. {FRAGMENTS}"),
            format!("Cet os est fracturé ({ici}) : son axe se décale de {mm:.0} mm. {FRAGMENTS_FR}"),
        ),
        Finding::Gap { mm } => {
            let length = format!("{mm:.1}");
            Sentence::new(
                format!(
                    "This bone is broken or was cut ({at}): its wall is missing all around over {length} mm. {FRAGMENTS}"
                ),
                format!(
                    "Cet os est fracturé ou a été sectionné ({ici}) : sa paroi manque sur toute la circonférence sur {} mm. {FRAGMENTS_FR}",
                    Language::Fr.decimal(length.clone())
                ),
            )
        }
        Finding::Stump => Sentence::new(
            format!(
                "This bone ends in soft tissue at its full width ({at}): an amputation, a resection, or a fragment whose other part was not found."
            ),
            format!(
                "Cet os se termine dans les parties molles, à pleine largeur ({ici}) : amputation, résection, ou fragment dont l’autre partie n’a pas été trouvée."
            ),
        ),
        Finding::Cast => Sentence::new(
            "A shell of plaster or plastic lies around this limb; it is not taken for bone.",
            "Une coque de plâtre ou de plastique entoure ce membre ; elle n’est pas prise pour de l’os.",
        ),
    })
}
