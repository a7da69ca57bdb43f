//! The pipeline on a volume: bones found, cortex unrolled, loss assessed. Knows neither files nor reports.

mod beyond;
mod necks;

pub use beyond::MeasuredEnd;
use beyond::{EndsOf, measured_ends};
pub use necks::MeasuredNeck;

use crate::anatomy::{
    Bone, BoneName, Shaft, Side, Stretch, WholeBone, find_shafts, find_shafts_and_stubs, name_bones, sentences,
    shafts_within, whole_bones,
};
use crate::cortex::end::EndSection;
use crate::cortex::neck::Neck;
use crate::cortex::scanner::Scanner;
use crate::cortex::{Acquisition, Cortex, NotMeasured, measure, not_measured};
use crate::language::{Language, Sentence};
use crate::lysis::neck::assess_neck;
use crate::lysis::{Assessed, Lysis, REGION_MARGIN_MM, ReferenceChoice, Restriction, assess, prepare, restrict};
use crate::rigidity::{self, BoneRigidity, RigiditySettings};
use crate::volume::{NamedRegion, Volume};
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

/// Shafts that have no name and are thinner than this are not reported unless asked for, mm.
const SMALLEST_MM: f64 = 18.5;

/// What the user may choose.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Only this bone, or the name of the bone that could not be named.
    pub bone: Option<BoneName>,
    /// Only this side, or the side of the bone whose side could not be told.
    pub side: Option<Side>,
    /// The bone nearest to this point, patient millimetres.
    pub seed_mm: Option<[f64; 3]>,
    /// Which intact bone to compare with.
    pub reference: ReferenceChoice,
    /// Loss from which a sector counts as involved, 0..1.
    pub depth: f64,
    /// What the headers of the series say about slices and kernel.
    pub acquisition: Acquisition,
    /// The bones, each marked by a mask on the grid of the volume; empty: they are found.
    pub masks: Vec<NamedRegion>,
    /// Outlined lesions on the grid of the volume, to which the report is restricted; empty: all lesions.
    pub regions: Vec<NamedRegion>,
    /// How stiffness is told from HU; `None`: not at all.
    pub rigidity: Option<RigiditySettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bone: None,
            side: None,
            seed_mm: None,
            reference: ReferenceChoice::Auto,
            depth: 0.30,
            acquisition: Acquisition::default(),
            masks: Vec::new(),
            regions: Vec::new(),
            rigidity: Some(RigiditySettings::default()),
        }
    }
}

/// One bone of the series and what was measured of it.
#[derive(Debug, Clone)]
pub struct MeasuredBone {
    pub bone: Bone,
    /// Name of the mask that marked it.
    pub mask: Option<String>,
    /// Its ends and landmarks.
    pub whole: WholeBone,
    pub cortex: Cortex,
    /// `None` where no section could be measured.
    pub lysis: Option<Lysis>,
    /// What came of [`Settings::regions`]; `None` where none were given.
    pub restriction: Option<Restriction>,
    /// Rigidities of its sections; `None` where not asked for, or where HU cannot be calibrated.
    pub rigidity: Option<BoneRigidity>,
    /// Its neck in sections across the neck's own axis; `None` where no head and neck were found.
    pub neck: Option<MeasuredNeck>,
    /// Its slices beyond the shaft, in order: contour and wall of what `cortex` has no numbers for.
    pub beyond: Vec<EndSection>,
    /// What is missing of them, below the shaft and above it.
    pub ends: Vec<MeasuredEnd>,
    /// What the reader must know about this bone.
    pub warnings: Vec<Sentence>,
}

/// Finds the long bones of `volume` and measures what is missing of their cortex.
///
/// Fibula, radius and ulna are left out unless asked for by name. With masks, only the bones that they mark are
/// measured; the others still serve to name them, and as their twins. The result is in order of the bones' size and does not
/// depend on the number of threads.
pub fn analyze(volume: &Volume<i16>, settings: &Settings) -> Vec<MeasuredBone> {
    let found = bones(volume, settings);
    let cortices: Vec<Option<Cortex>> = found
        .par_iter()
        .map(|(bone, whole, _)| match bone.shaft.cut_everywhere {
            true => Some(not_measured(volume, &bone.shaft.rings, |_| NotMeasured::CutByBorder)),
            false if bone.shaft.stub => Some(beyond::rows_of_stub(volume, bone, whole)),
            false => measure(volume, &bone.shaft, &settings.acquisition),
        })
        .collect();
    // Of the bones that are measured, in the same order: whole bone and mask.
    let mut measured: Vec<(Bone, Cortex)> = Vec::new();
    let (mut wholes, mut masks) = (Vec::new(), Vec::new());
    for ((bone, whole, mask), cortex) in found.into_iter().zip(cortices) {
        if let Some(cortex) = cortex {
            measured.push((bone, cortex));
            wholes.push(whole);
            masks.push(mask);
        }
    }
    let wanted = choose(&measured, &masks, settings);
    // A bone that is neither asked for nor the twin of one needs no intact surface.
    let mut needed = vec![false; measured.len()];
    for (index, _) in wanted.iter().filter(|(_, bone)| !is_too_thin(bone.name)) {
        needed[*index] = true;
        if let Some(twin) = twin_of(&measured, *index) {
            needed[twin] = true;
        }
    }
    let prepared: Vec<_> = measured
        .par_iter()
        .zip(&needed)
        .map(|((_, cortex), needed)| if *needed { prepare(cortex) } else { None })
        .collect();
    let acquisition = &settings.acquisition;
    // A hole may have opened the few rings of a stub: the other side shows the same image.
    let scanners: Vec<Option<Scanner>> = (0..measured.len())
        .into_par_iter()
        .map(|n| needed[n].then(|| necks::scanner(volume, &measured[n].0, &measured[n].1, acquisition)).flatten())
        .collect();
    let scanner_of = |n: usize| {
        let other = || scanners[twin_of(&measured, n)?].filter(|_| needed[n] && !measured[n].0.shaft.cut_everywhere);
        scanners[n].or_else(other)
    };
    let off_shaft: Vec<OffShaft> = (0..measured.len())
        .into_par_iter()
        .map(|n| {
            let ((bone, cortex), whole) = (&measured[n], &wholes[n]);
            let Some(scanner) = scanner_of(n) else { return OffShaft::default() };
            let refused = prepared[n].as_ref().map_or(&[][..], |prepared| prepared.refused());
            OffShaft {
                neck: necks::neck_of(volume, (bone, whole), scanner, acquisition),
                beyond: beyond::beyond_the_shaft(volume, (whole, cortex), refused, scanner, acquisition),
                scanner: Some(scanner),
            }
        })
        .collect();
    wanted
        .into_par_iter()
        .map(|(index, bone)| {
            let cortex = &measured[index].1;
            let twin = twin_of(&measured, index);
            let twin_shaft = twin.and_then(|t| Some((&measured[t].1, prepared[t].as_ref()?)));
            let assessed =
                prepared[index].as_ref().map(|p| assess(cortex, p, twin_shaft, settings.reference, settings.depth));
            let mut finished = finish(volume, bone, wholes[index].clone(), cortex.clone(), assessed);
            finished.mask = masks[index].map(|mask| settings.masks[mask].name.clone());
            if !settings.regions.is_empty() {
                restrict_to_regions(&mut finished, volume, &settings.regions);
            }
            measure_rigidity(&mut finished, volume, settings);
            let twin = twin.filter(|_| settings.reference != ReferenceChoice::Ipsilateral);
            add_neck(&mut finished, &off_shaft[index], twin.map(|t| &off_shaft[t]), settings);
            let ends_of = |n: usize| EndsOf { whole: &wholes[n], cortex: &measured[n].1, beyond: &off_shaft[n].beyond };
            let OffShaft { beyond, scanner, .. } = &off_shaft[index];
            let (this, other) = (ends_of(index), twin.map(ends_of));
            finished.ends = measured_ends(&volume.grid, &this, other.as_ref(), *scanner, settings.depth);
            finished.beyond = beyond.clone();
            finished
        })
        .collect()
}

/// The bones of the volume with what their ends show, and the index of the mask that marks each.
fn bones(volume: &Volume<i16>, settings: &Settings) -> Vec<(Bone, WholeBone, Option<usize>)> {
    let (shafts, masks): (Vec<Shaft>, Vec<Option<usize>>) = if settings.masks.is_empty() {
        let (shafts, stubs) = find_shafts_and_stubs(volume);
        shafts.into_iter().chain(stubs).map(|shaft| (shaft, None)).unzip()
    } else {
        shafts(volume, &settings.masks).into_iter().unzip()
    };
    let named = name_bones(volume, shafts);
    // Thin bones are not measured unless asked for, nor is what a mask marks looked for any further.
    let wanted = |bone: &Bone| bone.shaft.stub || !is_too_thin(bone.name) || settings.bone == Some(bone.name);
    // Stubs, which may be dropped, come last, and there are none with masks: the order of the masks stays.
    let whole = whole_bones(volume, named, wanted);
    whole.into_iter().zip(masks).map(|((bone, whole), mask)| (bone, whole, mask)).collect()
}

/// The shafts of the volume, those within the masks first, each with the index of its mask. A bone that is marked is not
/// found once more.
fn shafts(volume: &Volume<i16>, masks: &[NamedRegion]) -> Vec<(Shaft, Option<usize>)> {
    let of_mask = |(n, mask): (usize, &NamedRegion)| {
        shafts_within(volume, &mask.region).into_iter().map(move |shaft| (shaft, Some(n)))
    };
    let mut shafts: Vec<(Shaft, Option<usize>)> = masks.iter().enumerate().flat_map(of_mask).collect();
    let [dx, dy] = [volume.grid.spacing_mm.x, volume.grid.spacing_mm.y];
    // The middle of a ring may lie in the canal, which a mask of the cortex leaves out: the shafts are compared.
    let same = |a: &Shaft, b: &Shaft| {
        a.rings.iter().any(|ring| {
            let near = |other: &&crate::volume::Section| {
                let apart = [0, 1].map(|axis| ring.centroid_mm[axis] - other.centroid_mm[axis]);
                apart[0].hypot(apart[1]) < 0.5 * ring.axes_mm[1]
            };
            b.rings.iter().filter(|other| other.k == ring.k).any(|other| near(&other))
        })
    };
    let marked = |shaft: &Shaft| {
        let inside = |ring: &crate::volume::Section| {
            let at = [ring.centroid_mm[0] / dx, ring.centroid_mm[1] / dy].map(|v| v.round().max(0.0) as usize);
            masks.iter().any(|mask| mask.region.contains([at[0], at[1], ring.k]))
        };
        shaft.rings.iter().any(inside)
    };
    let others: Vec<Shaft> = find_shafts(volume)
        .into_iter()
        .filter(|found| !marked(found) && !shafts.iter().any(|(masked, _)| same(masked, found)))
        .collect();
    shafts.extend(others.into_iter().map(|found| (found, None)));
    shafts
}

/// The bones the user wants, with the names that the user gave them; of marked ones only, where masks were given.
fn choose(measured: &[(Bone, Cortex)], masks: &[Option<usize>], settings: &Settings) -> Vec<(usize, Bone)> {
    let offered: Vec<usize> =
        (0..measured.len()).filter(|i| settings.masks.is_empty() || masks[*i].is_some()).collect();
    let offered = match settings.seed_mm {
        Some(seed) => nearest(measured, &offered, seed).into_iter().collect(),
        None => offered,
    };
    let mut chosen: Vec<(usize, Bone)> = offered.into_iter().map(|i| (i, measured[i].0.clone())).collect();
    // Pointed at, by a seed or by the only mask.
    let told = settings.seed_mm.is_some() || (!settings.masks.is_empty() && chosen.len() == 1);
    if let Some(name) = settings.bone {
        let known = chosen.iter().any(|(_, b)| b.name == name);
        // The user knows better than a measure of size: the pointed-at bone, or the nameless one, gets the given name.
        chosen.retain(|(_, b)| told || b.name == name || (!known && b.name == BoneName::Unknown));
        chosen.iter_mut().filter(|(_, b)| b.name != name).for_each(|(_, b)| {
            b.name = name;
            b.reasons.push("name given by the user".into());
        });
    } else if !told && settings.masks.is_empty() {
        chosen.retain(|(_, b)| match b.name {
            name if is_too_thin(name) => false,
            // Nameless and thin: forearm, rib, metatarsal. A bone cut by the border everywhere has no known size.
            BoneName::Unknown => b.shaft.cut_everywhere || b.diameter_mm >= SMALLEST_MM,
            _ => true,
        });
    }
    if let Some(side) = settings.side {
        let known = chosen.iter().any(|(_, b)| b.side == side);
        chosen.retain(|(_, b)| told || b.side == side || (!known && b.side == Side::Unknown));
        chosen.iter_mut().filter(|(_, b)| b.side != side).for_each(|(_, b)| {
            b.side = side;
            b.reasons.push("side given by the user".into());
        });
    }
    chosen
}

/// The bone of those offered whose axis passes nearest to the point, if it is within 40 mm.
fn nearest(measured: &[(Bone, Cortex)], offered: &[usize], seed_mm: [f64; 3]) -> Option<usize> {
    let seed = Point3::from(seed_mm);
    let away = |cortex: &Cortex| {
        cortex
            .slices
            .iter()
            .map(|s| (Point3::new(s.centre_mm[0], s.centre_mm[1], s.z_mm) - seed).norm())
            .fold(f64::INFINITY, f64::min)
    };
    offered
        .iter()
        .map(|i| (*i, away(&measured[*i].1)))
        .filter(|(_, d)| *d < 40.0)
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(i, _)| i)
}

/// The bone of the same name on the other side.
fn twin_of(measured: &[(Bone, Cortex)], index: usize) -> Option<usize> {
    let bone = &measured[index].0;
    let other = match bone.side {
        Side::Left => Side::Right,
        Side::Right => Side::Left,
        Side::Unknown => return None,
    };
    (bone.name != BoneName::Unknown)
        .then(|| (0..measured.len()).find(|i| measured[*i].0.name == bone.name && measured[*i].0.side == other))?
}

/// Bones that are found but not measured.
fn is_too_thin(name: BoneName) -> bool {
    matches!(name, BoneName::Fibula | BoneName::Radius | BoneName::Ulna)
}

fn finish(
    volume: &Volume<i16>,
    bone: Bone,
    whole: WholeBone,
    mut cortex: Cortex,
    assessed: Option<Assessed>,
) -> MeasuredBone {
    let mut warnings = Vec::new();
    let mut lysis = None;
    if let Some(Assessed { lysis: found, refused }) = assessed {
        for (row, reason) in refused {
            cortex.slices[row].not_measured = Some(reason);
        }
        lysis = Some(found);
    }
    let measured = cortex.slices.iter().filter(|s| s.not_measured.is_none()).count();
    if bone.shaft.cut_everywhere {
        warnings.push(Sentence::new(
            "The image border cuts this bone in every slice: nothing of it is measured.",
            "Le bord de l’image coupe cet os dans chaque coupe : rien n’en est mesuré.",
        ));
    } else if is_too_thin(bone.name) {
        lysis = None;
        warnings.push(Sentence::new(
            "Bones this thin, with crests this sharp, are not measured yet: healthy fibulas showed losses that are anatomy.",
            "Les os aussi fins, aux crêtes aussi vives, ne sont pas encore mesurés : des fibulas saines montraient des pertes \
             qui sont de l’anatomie.",
        ));
    } else if measured == 0 || lysis.is_none() {
        lysis = None;
        warnings.push(Sentence::new(
            "Fewer than five sections of this bone form a measurable ring: nothing of its shaft is measured.",
            "Moins de cinq sections de cet os forment un anneau mesurable : rien de sa diaphyse n’est mesuré.",
        ));
    }
    // Last: the first warning is the reason why nothing was measured, where that is so.
    for ((end, fin), fused) in [("lower", "inférieurs"), ("upper", "supérieurs")].iter().zip(whole.fused) {
        if fused {
            warnings.push(Sentence::new(
                format!(
                    "Beyond its {end} rings the bone could not be told apart from its surroundings: no landmarks are read there, and masks leave it out."
                ),
                format!(
                    "Au-delà de ses anneaux {fin}, l’os n’a pas pu être distingué de ce qui l’entoure : aucun repère n’y est lu, et les masques ne le comprennent pas."
                ),
            ));
        }
    }
    if whole.head_cut {
        warnings.push(Sentence::new(
            "The border of the image cuts the head: its centre and radius are not told, and its neck is not measured.",
            "Le bord de l’image coupe la tête : son centre et son rayon ne sont pas donnés, et son col n’est pas mesuré.",
        ));
    }
    for ((end, bout), metal) in [("lower", "inférieure"), ("upper", "supérieure")].iter().zip(whole.metal) {
        if metal {
            warnings.push(Sentence::new(
                format!("Metal lies in the {end} end of the bone: no landmarks are read there, and masks leave it out."),
                format!(
                    "Du métal se trouve dans l’extrémité {bout} de l’os : aucun repère n’y est lu, et les masques ne la comprennent pas."
                ),
            ));
        }
    }
    warnings.extend(what_is_said(volume, &bone.shaft, &cortex));
    MeasuredBone {
        bone,
        mask: None,
        whole,
        cortex,
        lysis,
        restriction: None,
        rigidity: None,
        neck: None,
        beyond: Vec::new(),
        ends: Vec::new(),
        warnings,
    }
}

/// The sentences about metal, fillings, fractures and stumps within what is reported of a bone.
fn what_is_said(volume: &Volume<i16>, shaft: &Shaft, cortex: &Cortex) -> Vec<Sentence> {
    let (Some(low), Some(high)) = (cortex.slices.first(), cortex.slices.last()) else { return Vec::new() };
    // A stump begins where the bone's last slice ends.
    let within = |s: &&Stretch| s.last + 1 >= low.slice_index && s.first <= high.slice_index + 1;
    let inside = |k: usize| k.clamp(low.slice_index, high.slice_index);
    let stretches: Vec<Stretch> = shaft
        .stretches
        .iter()
        .filter(within)
        .map(|s| Stretch { first: inside(s.first), last: inside(s.last), ..*s })
        .collect();
    sentences(&stretches, |k| volume.grid.to_patient(Vector3::new(0.0, 0.0, k as f64)).z)
}

/// Stiffness of the bone's sections, where its loss was measured.
fn measure_rigidity(measured: &mut MeasuredBone, volume: &Volume<i16>, settings: &Settings) {
    let (Some(asked), Some(lysis)) = (&settings.rigidity, &measured.lysis) else { return };
    match rigidity::measure(volume, &measured.cortex, lysis, asked, settings.acquisition.slice_thickness_mm) {
        Ok(rigidity) => measured.rigidity = Some(rigidity),
        Err(why) => measured.warnings.push(Sentence::english_only(why)),
    }
}

/// What was measured of a bone beside its shaft.
#[derive(Default)]
struct OffShaft {
    neck: Option<Neck>,
    beyond: Vec<EndSection>,
    /// What its rings told of the image.
    scanner: Option<Scanner>,
}

/// The neck and what is missing of it against the other side's.
fn add_neck(measured: &mut MeasuredBone, this: &OffShaft, other: Option<&OffShaft>, settings: &Settings) {
    let Some(neck) = this.neck.clone() else { return };
    let lysis = assess_neck(&neck, other.and_then(|other| other.neck.as_ref()), settings.depth);
    measured.neck = Some(MeasuredNeck { neck, lysis });
}

/// Keeps the lesions that the regions are about, and says what that left out.
fn restrict_to_regions(measured: &mut MeasuredBone, volume: &Volume<i16>, regions: &[NamedRegion]) {
    let Some(lysis) = &mut measured.lysis else { return };
    let restriction = restrict(lysis, &measured.cortex, &volume.grid, regions);
    for (name, near) in restriction.regions.iter().zip(&restriction.near) {
        let named = lysis.lesions.iter().any(|lesion| lesion.region.as_ref() == Some(name));
        if !near {
            measured.warnings.push(Sentence::new(
                format!("The region {name:?} does not come within {REGION_MARGIN_MM} mm of this bone's wall."),
                format!(
                    "La région « {name} » ne s’approche pas à moins de {REGION_MARGIN_MM} mm de la corticale de cet os."
                ),
            ));
        } else if !named {
            measured.warnings.push(Sentence::new(
                format!("No lesion of this bone's cortex was found within {REGION_MARGIN_MM} mm of the region {name:?}."),
                format!(
                    "Aucune lésion de la corticale de cet os n’a été trouvée à moins de {REGION_MARGIN_MM} mm de la région « {name} »."
                ),
            ));
        }
    }
    for lesion in &restriction.left_out {
        let [low, high] = lesion.z_range_mm;
        let (axial, around) = (lesion.max_axial_lysis_percent.value, lesion.max_circumferential_lysis_percent.value);
        let [from, to, axiale, autour] = [low, high, axial, around].map(|v| Language::Fr.decimal(format!("{v:.1}")));
        measured.warnings.push(Sentence::new(
            format!(
                "A lesion outside the regions asked for is not reported: z {low:.1} to {high:.1} mm, axial lysis up to \
                 {axial:.1} %, circumferential up to {around:.1} %. The percentages of its slices stand as they are."
            ),
            format!(
                "Une lésion hors des régions demandées n’est pas rapportée : z {from} à {to} mm, ostéolyse axiale jusqu’à \
                 {axiale} %, circonférentielle jusqu’à {autour} %. Les pourcentages de ses coupes restent tels quels."
            ),
        ));
    }
    measured.restriction = Some(restriction);
}
