//! The pipeline on a volume: bones found, cortex unrolled, loss assessed. Knows neither files nor reports.

use crate::anatomy::{Bone, BoneName, Side, find_shafts, name_bones};
use crate::cortex::{Acquisition, Cortex, cut_everywhere, measure};
use crate::lysis::{Assessed, Lysis, ReferenceChoice, assess, prepare};
use crate::volume::Volume;
use nalgebra::Point3;
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
        }
    }
}

/// One bone of the series and what was measured of it.
#[derive(Debug, Clone)]
pub struct MeasuredBone {
    pub bone: Bone,
    pub cortex: Cortex,
    /// `None` where no section could be measured.
    pub lysis: Option<Lysis>,
    /// What the reader must know about this bone.
    pub warnings: Vec<String>,
}

/// Finds the long bones of `volume` and measures what is missing of their cortex.
///
/// Fibula, radius and ulna are left out unless asked for by name. The result is in order of the bones' size and does not
/// depend on the number of threads.
pub fn analyze(volume: &Volume<i16>, settings: &Settings) -> Vec<MeasuredBone> {
    let bones = name_bones(volume, find_shafts(volume));
    let cortices: Vec<(Bone, Option<Cortex>)> = bones
        .into_par_iter()
        .map(|bone| {
            let cortex = if bone.shaft.cut_everywhere {
                Some(cut_everywhere(volume, &bone.shaft))
            } else {
                measure(volume, &bone.shaft, &settings.acquisition)
            };
            (bone, cortex)
        })
        .collect();
    let measured: Vec<(Bone, Cortex)> = cortices.into_iter().filter_map(|(b, c)| Some((b, c?))).collect();
    let wanted = choose(&measured, settings);
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
    wanted
        .into_par_iter()
        .map(|(index, bone)| {
            let cortex = &measured[index].1;
            let twin = twin_of(&measured, index).and_then(|t| Some((&measured[t].1, prepared[t].as_ref()?)));
            let assessed =
                prepared[index].as_ref().map(|p| assess(cortex, p, twin, settings.reference, settings.depth));
            finish(bone, cortex.clone(), assessed)
        })
        .collect()
}

/// The bones the user wants, with the names that the user gave them.
fn choose(measured: &[(Bone, Cortex)], settings: &Settings) -> Vec<(usize, Bone)> {
    let mut chosen: Vec<(usize, Bone)> = match settings.seed_mm {
        Some(seed) => nearest(measured, seed).map(|i| (i, measured[i].0.clone())).into_iter().collect(),
        None => measured.iter().enumerate().map(|(i, (bone, _))| (i, bone.clone())).collect(),
    };
    let told = settings.seed_mm.is_some();
    if let Some(name) = settings.bone {
        let known = chosen.iter().any(|(_, b)| b.name == name);
        // The user knows better than a measure of size: the pointed-at bone, or the nameless one, gets the given name.
        chosen.retain(|(_, b)| told || b.name == name || (!known && b.name == BoneName::Unknown));
        chosen.iter_mut().filter(|(_, b)| b.name != name).for_each(|(_, b)| {
            b.name = name;
            b.reasons.push("name given by the user".into());
        });
    } else if !told {
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

/// The bone whose axis passes nearest to the point, if it is within 40 mm.
fn nearest(measured: &[(Bone, Cortex)], seed_mm: [f64; 3]) -> Option<usize> {
    let seed = Point3::from(seed_mm);
    let away = |cortex: &Cortex| {
        cortex
            .slices
            .iter()
            .map(|s| (Point3::new(s.centre_mm[0], s.centre_mm[1], s.z_mm) - seed).norm())
            .fold(f64::INFINITY, f64::min)
    };
    (0..measured.len())
        .map(|i| (i, away(&measured[i].1)))
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

fn finish(bone: Bone, mut cortex: Cortex, assessed: Option<Assessed>) -> MeasuredBone {
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
        warnings.push("The image border cuts this bone in every slice: nothing of it is measured.".into());
    } else if is_too_thin(bone.name) {
        lysis = None;
        warnings.push(
            "Bones this thin, with crests this sharp, are not measured yet: healthy fibulas showed losses that are anatomy."
                .into(),
        );
    } else if measured == 0 || lysis.is_none() {
        lysis = None;
        warnings
            .push("Fewer than five sections of this bone form a measurable ring: nothing of it is measured.".into());
    }
    MeasuredBone { bone, cortex, lysis, warnings }
}
