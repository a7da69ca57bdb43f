//! The end of a bone, apart from its neighbours: from the shaft through metaphysis and joint, as far as the image shows it.
//!
//! 1. Everything that is bone, as solids with open joint spaces ([`super::solid`]).
//! 2. Solids that still touch are taken apart where they are narrow ([`super::parts`]); a femoral head, which its socket
//!    grips on all sides, along its own ball ([`super::head`]).
//! 3. Where that surface runs through bone, a second cut between both sides finds the joint space near it ([`super::divide`]).
//! 4. The outside moves to where the wall has fallen half way ([`super::edge`]); marrow behind a shell that hardly shows is taken in ([`super::pools`]),
//!    and what already rises to a neighbour's wall is left to the neighbour.
//!
//! The shaft needs none of this: its rings are closed and stand alone.

use super::beyond::beyond_joint;
use super::divide::{Division, divide};
use super::edge::{to_half_height, without_rising_flank};
use super::head::{GRIPPED_MM, Head, seen_head};
use super::parts::parts;
use super::pools::with_pools;
use super::seeds::{NEIGHBOUR, OWN, seeds};
use super::shafts::Shaft;
use super::solid::{Holes, fill_bone, fill_holes, solid};
use super::stretches::{Finding, Stretch};
use super::window::{IN_SLICE, Window};
use super::{Bone, BoneName};
use crate::smoothing::median;
use crate::volume::{Volume, squared_distance_mm2};
use nalgebra::Vector3;
use std::collections::HashSet;

/// How far a bone may reach beside its axis and beyond its last ring, mm.
const BESIDE_MM: f64 = 80.0;
const BEYOND_MM: f64 = 130.0;
/// How much of the shaft comes with its end, mm.
const OVERLAP_MM: f64 = 30.0;
/// Shorter than this, what lies beyond the rings is no end to speak of, mm.
const LEAST_END_MM: f64 = 9.0;
/// Sharpening with which joint spaces stay open: gain and blur, mm.
const OPEN: (f32, f64) = (3.5, 1.2);
/// The neck, and nothing of the socket, lies within this angle of its axis.
const NECK_DEG: f64 = 60.0;
/// Surely the socket: beyond this angle, between the joint space and this much further out, mm.
const SOCKET_DEG: f64 = 75.0;
const SOCKET_MM: [f64; 2] = [3.2, 10.0];
/// Where the joint space of a head runs, mm outside the ball.
const SPACE_MM: f64 = 1.0;
/// Deeper than this within the ball of a head that the border cuts, all is bone: there no shell closes it, mm.
const DEEP_MM: f64 = 4.0;
/// No more than a fiftieth of a bone's end lies further beside its axis than this, mm.
const FAR_MM: f64 = 72.0;
/// Rings over less than this are a stub, mm.
const SHORT_MM: f64 = 25.0;
/// Half the width of a gap in a shell that is seen as closed, mm.
const GAP_MM: f64 = 3.0;
/// Half the width of what is no part of a bone's shape, mm.
const SPIKE_MM: f64 = 2.0;
/// The walls of shafts that are not osteoporotic are denser (75th percentile within a section), HU; and how far a weaker one is made up for.
const SOUND_WALL_HU: f64 = 1200.0;
const MOST_WEAKNESS: f64 = 1.8;
/// In the slice beyond the last ring a bone's section does not fall to this share of the ring's.
const LOST: f64 = 0.5;
/// Metal in an end: HU of the window's averaged voxels, and how much of it is more than a clip, mm³.
const METAL_HU: f32 = 2200.0;
const METAL_MM3: f64 = 100.0;

/// An end that was lost and looked for again has more than this share of the last ring's section beyond it, over this, mm.
const WIDENS: [f64; 2] = [0.9, 30.0];

/// A hole is bridged over this along the bone, mm, while of the ring's section this share still is wall: a joint space has none.
const HOLE_MM: f64 = 30.0;
const WALL_STANDS: f64 = 0.1;

/// One end of a bone in its surroundings.
#[derive(Debug, Clone)]
pub struct BoneEnd {
    pub window: Window,
    /// The voxels of the window that are this bone, marrow included.
    pub inside: Vec<bool>,
    /// Its head, where one is seen.
    pub head: Option<Head>,
    /// Is it the end towards the last slice?
    pub upper: bool,
    /// The last point of the shaft's axis within the rings, mm along the axes of the window.
    pub base_mm: Vector3<f64>,
    /// The shaft's axis there, pointing out of the shaft; a unit vector.
    pub outwards: Vector3<f64>,
    /// It could not be told apart from its surroundings: `inside` holds part of its neighbours, or next to nothing.
    pub fused: bool,
    /// Next to nothing of it is there.
    pub(super) lost: bool,
    /// Metal lies in it: what it shows is not the bone's.
    pub metal: bool,
}

/// The end of `bones[which]` towards the first slice, or the last one (`upper`). `None` where the shaft runs to the border of
/// the image, where the border cuts it everywhere, and where there is no voxel of its own.
pub fn bone_end(volume: &Volume<i16>, bones: &[Bone], which: usize, upper: bool) -> Option<BoneEnd> {
    let bone = &bones[which];
    let shaft = &bone.shaft;
    let (first, last) = shaft.span();
    let left = if upper { volume.grid.size[2] - 1 - last } else { first };
    if shaft.cut_everywhere || shaft.within.is_some() || left as f64 * volume.grid.spacing_mm.z < LEAST_END_MM {
        return None;
    }
    let found = end_told_by(volume, bones, which, upper, Holes::Small);
    // A hole nearly as wide as the bone empties it of its marrow: only then is it looked for.
    match &found {
        Some(end) if !end.lost => found,
        _ => end_told_by(volume, bones, which, upper, Holes::Large).filter(|end| !end.lost && !end.fused).or(found),
    }
}

/// The same, its wall with holes of one kind.
fn end_told_by(volume: &Volume<i16>, bones: &[Bone], which: usize, upper: bool, holes: Holes) -> Option<BoneEnd> {
    let bone = &bones[which];
    let shaft = &bone.shaft;
    let (first, last) = shaft.span();
    let axis = shaft.axis(volume);
    let weakness = weakness(shaft);
    let window = window_around(volume, shaft, &axis, upper).stretched(weakness);
    let (base_mm, outwards) = course(&window, volume, shaft, &axis, upper);
    let sharp = window.sharpened(OPEN.0, OPEN.1);
    let solid = solid(&window, &sharp, OPEN.0, weakness > 1.0, holes);
    let mut solid = without_voids(&window, solid, |_| false);
    plug(&window, volume, bones, &mut solid);
    if holes == Holes::Large {
        bridge(&window, base_mm, outwards, &mut solid);
    }
    let mut seeds = seeds(&window, volume, bones, which, &solid);
    // Only these two have a ball for a head; a heel looks like one.
    let named = matches!(bone.name, BoneName::Femur | BoneName::Humerus | BoneName::Unknown);
    // The name of a stub is worth little before its head is seen.
    let may_have_head = named || bone.shaft.stub;
    let head = if may_have_head { seen_head(&window, &solid, bone, [base_mm, outwards], upper) } else { None };
    let all = solid.clone();
    let gripped = head.filter(|head| head.beside_mm >= GRIPPED_MM);
    if let Some(head) = gripped {
        carve(&window, &head, &mut solid, &mut seeds);
    }
    let mut part = parts(&window, &solid, &seeds);
    // The neck of a head beside the shaft lies beyond a gap, too, as seen from the trochanters.
    if gripped.is_none() {
        let beyond = beyond_joint(&window, &solid, &part, outwards, section_mm2(shaft));
        if !beyond.is_empty() {
            for voxel in beyond {
                seeds[voxel] = if seeds[voxel] == 0 { NEIGHBOUR } else { seeds[voxel] };
            }
            part = parts(&window, &solid, &seeds);
        }
    }
    let coarse: Vec<bool> = part.iter().map(|p| *p == OWN).collect();
    let others: Vec<bool> = all.iter().zip(&coarse).map(|(bone, own)| *bone && !own).collect();
    let Division { own: inside, others } = divide(&window, &coarse, &others);
    let inside = connected(&window, inside, &seeds)?;
    let inside = without_voids(&window, inside, |voxel| others[voxel]);
    let mut moved = to_half_height(&window, &sharp, &inside, &others);
    // What is surely the bone's stays, however faint its shell: the ball of a head.
    moved.iter_mut().enumerate().for_each(|(n, moved)| *moved |= inside[n] && seeds[n] == OWN);
    let moved = with_pools(&window, moved, &others, upper);
    let inside = fill_bone(&window, moved);
    let inside = without_rising_flank(&window, &without_spikes(&window, inside), &others);
    let inside = connected(&window, inside, &seeds)?;
    let reach_mm = head.map_or(FAR_MM, |head| FAR_MM.max(head.beside_mm + 1.3 * head.ball.radius_mm));
    let is_stump = |s: &Stretch| s.finding == Finding::Stump && if upper { s.last >= last } else { s.first <= first };
    // A ring may be seen as near to the joint as a slice; what is looked for again must be there altogether.
    let least = if holes == Holes::Small { [LOST, 0.0] } else { WIDENS };
    let lost = !shaft.stretches.iter().any(is_stump) && is_lost(&window, &inside, base_mm, upper, least);
    let fused = lost || !is_apart(&window, &inside, base_mm, outwards, reach_mm);
    let metal = holds_metal(&window, &inside);
    // A ball of metal is a prosthesis.
    let head = head.filter(|_| !metal);
    Some(BoneEnd { window, inside, head, upper, base_mm, outwards, fused, lost, metal })
}

/// The box that holds the end, with enough of the shaft to know it by.
fn window_around(volume: &Volume<i16>, shaft: &Shaft, axis: &[[f64; 2]], upper: bool) -> Window {
    let s = volume.grid.spacing_mm;
    let size = volume.grid.size;
    let (first, last) = shaft.span();
    let (beyond, overlap) = ((BEYOND_MM / s.z).ceil() as usize, (OVERLAP_MM / s.z).ceil() as usize);
    let (low, high) = match upper {
        true => (last.saturating_sub(overlap).max(first), (last + beyond).min(size[2] - 1)),
        false => (first.saturating_sub(beyond), (first + overlap).min(last)),
    };
    let mut from = [usize::MAX, usize::MAX, low];
    let mut to = [0, 0, high];
    // A few rings do not tell where the bone goes: it is looked for around them.
    let short = shaft.length_mm(volume) < SHORT_MM;
    let end = if upper { last } else { first };
    for k in low..=high {
        let at = axis[if short { end } else { k }];
        for a in 0..2 {
            let most = size[a] as f64 - 1.0;
            from[a] = from[a].min(((at[a] - BESIDE_MM) / s[a]).clamp(0.0, most) as usize);
            to[a] = to[a].max(((at[a] + BESIDE_MM) / s[a]).clamp(0.0, most) as usize);
        }
    }
    Window::of(volume, from, to)
}

/// How many times as dense the bone would be if it were not osteoporotic, by its shaft's wall; 1 for others, and for a stub, whose wall is thin
/// near a joint.
fn weakness(shaft: &Shaft) -> f32 {
    let mut walls: Vec<f64> = shaft.rings.iter().map(|ring| ring.wall_hu).collect();
    match median(&mut walls) {
        Some(wall_hu) if !shaft.stub => (SOUND_WALL_HU / wall_hu).clamp(1.0, MOST_WEAKNESS) as f32,
        _ => 1.0,
    }
}

/// The last point of the axis within the rings, and its direction there, out of the shaft.
fn course(
    window: &Window,
    volume: &Volume<i16>,
    shaft: &Shaft,
    axis: &[[f64; 2]],
    upper: bool,
) -> (Vector3<f64>, Vector3<f64>) {
    let s = volume.grid.spacing_mm;
    let (first, last) = shaft.span();
    let point = |k: usize| window.place_mm(window.place([axis[k][0] / s.x, axis[k][1] / s.y, k as f64]));
    let reach = ((40.0 / s.z) as usize).clamp(1, (last - first).max(1));
    let (end, inner) = if upper { (last, last.saturating_sub(reach)) } else { (first, first + reach) };
    let course = point(end) - point(inner);
    let outwards = Vector3::new(0.0, 0.0, if upper { 1.0 } else { -1.0 });
    // A few rings, oblique as they are near a trochanter, tell no direction.
    (point(end), if course.norm() < SHORT_MM { outwards } else { course.normalize() })
}

/// Area of the shaft, canal included, in the middle one of its slices by size.
fn section_mm2(shaft: &Shaft) -> f64 {
    let mut areas: Vec<f64> = shaft.rings.iter().map(|ring| ring.filled_area_mm2).collect();
    median(&mut areas).unwrap_or(0.0)
}

/// Fills the canals of the rings, which nothing but the ring encloses: a thin one costs less to leave out than to take in.
fn plug(window: &Window, volume: &Volume<i16>, bones: &[Bone], solid: &mut [bool]) {
    let s = volume.grid.spacing_mm;
    let pixel_mm2 = window.spacing_mm[0] * window.spacing_mm[1];
    for shaft in bones.iter().map(|bone| &bone.shaft) {
        let axis = shaft.axis(volume);
        let most = (1.2 * section_mm2(shaft) / pixel_mm2) as usize;
        let (first, last) = shaft.span();
        for k in first..=last {
            let centre = window.place([axis[k][0] / s.x, axis[k][1] / s.y, k as f64]);
            if let Some(start) = window.voxel(centre).filter(|voxel| !solid[*voxel]) {
                plug_slice(window, start, most, solid);
            }
        }
    }
}

/// Fills the hollow of one slice that `start` lies in, unless it is larger than `most` voxels: then the ring is open.
fn plug_slice(window: &Window, start: usize, most: usize, solid: &mut [bool]) {
    solid[start] = true;
    let mut count = 1;
    let hollow = window.piece(vec![start], IN_SLICE, |n| {
        let takes = !solid[n] && count <= most;
        solid[n] |= takes;
        count += usize::from(takes);
        takes
    });
    if hollow.len() > most {
        hollow.into_iter().for_each(|voxel| solid[voxel] = false);
    }
}

/// Goes on with the section of the last ring, at `base_mm`, along the axis over a hole of which some wall still stands, up to where there is bone again: a
/// bone widens towards its end.
fn bridge(window: &Window, base_mm: Vector3<f64>, outwards: Vector3<f64>, solid: &mut [bool]) {
    let place = |mm: Vector3<f64>| window.voxel(std::array::from_fn(|a| mm[a] / window.spacing_mm[a]));
    let Some(start) = place(base_mm).filter(|start| solid[*start]) else { return };
    let mut seen = HashSet::from([start]);
    let section = window.piece(vec![start], IN_SLICE, |n| solid[n] && seen.insert(n));
    let step = outwards * (window.spacing_mm[2] / outwards.z.abs().max(0.5));
    let steps = (HOLE_MM / window.spacing_mm[2]) as usize;
    let line = |n: &usize| (1..=steps).map(|s| place(window.mm(*n) + step * s as f64)).collect();
    let lines: Vec<Vec<Option<usize>>> = section.iter().map(line).collect();
    let is_solid = |voxel: &Option<usize>| voxel.is_some_and(|n| solid[n]);
    let stands = |s: &usize| {
        let wall = lines.iter().filter(|line| is_solid(&line[*s])).count();
        wall as f64 >= WALL_STANDS * lines.len() as f64
    };
    let reach = (0..steps).take_while(stands).count();
    // Up to the last solid voxel of each line.
    let hole = |line: &Vec<Option<usize>>| {
        let last = line[..reach].iter().rposition(is_solid).unwrap_or(0);
        line[..last].to_vec()
    };
    let holes: Vec<usize> = lines.iter().flat_map(hole).flatten().collect();
    holes.into_iter().for_each(|n| solid[n] = true);
}

/// Fills what is enclosed but for gaps in the shell that are narrower than twice [`GAP_MM`]. A joint space is narrower than
/// that itself, so nothing of it is left to fill.
fn without_voids(window: &Window, mut inside: Vec<bool>, taken: impl Fn(usize) -> bool) -> Vec<bool> {
    let (size, spacing_mm) = (window.size, window.spacing_mm);
    let away: Vec<bool> = inside.iter().map(|v| !v).collect();
    let distance = squared_distance_mm2(&away, size, spacing_mm);
    let thick: Vec<bool> = distance.iter().map(|d| *d <= (GAP_MM * GAP_MM) as f32).collect();
    let filled = fill_holes(window, thick.clone());
    if filled == thick {
        return inside;
    }
    // Back from the middle of what was filled to the wall it was held off from.
    let void: Vec<bool> = filled.iter().zip(&thick).map(|(filled, thick)| *filled && !thick).collect();
    let outside: Vec<bool> = void.iter().map(|v| !v).collect();
    let back = squared_distance_mm2(&outside, size, spacing_mm);
    let reach = ((GAP_MM + 1.0) * (GAP_MM + 1.0)) as f32;
    for n in 0..inside.len() {
        if back[n] <= reach && !taken(n) {
            inside[n] = true;
        }
    }
    inside
}

/// Opens the joint space around a head along its ball, and marks both sides of it.
fn carve(window: &Window, head: &Head, solid: &mut [bool], seeds: &mut [u8]) {
    let cosine = |deg: f64| deg.to_radians().cos();
    let Head { ball, neck, .. } = head;
    for voxel in 0..solid.len() {
        let off = window.mm(voxel) - ball.centre_mm;
        let r = off.norm();
        if r > ball.radius_mm + SOCKET_MM[1] {
            continue;
        }
        let along = off.dot(neck) / r.max(1e-9);
        if r <= ball.radius_mm - 2.0 {
            seeds[voxel] = OWN;
            solid[voxel] |= head.cut && r <= ball.radius_mm - DEEP_MM;
        } else if r > ball.radius_mm + SOCKET_MM[0] && along < cosine(SOCKET_DEG) && seeds[voxel] == 0 {
            seeds[voxel] = NEIGHBOUR;
        }
        if (ball.radius_mm + SPACE_MM..=ball.radius_mm + SOCKET_MM[0]).contains(&r) && along < cosine(NECK_DEG) {
            solid[voxel] = false;
        }
    }
}

fn holds_metal(window: &Window, inside: &[bool]) -> bool {
    let voxel_mm3: f64 = window.spacing_mm.iter().product();
    let voxels = window.hu.iter().zip(inside).filter(|(hu, inside)| **inside && **hu >= METAL_HU).count();
    voxels as f64 * voxel_mm3 >= METAL_MM3
}

/// Did it come apart? A bone does not reach far beside its axis; a pelvis or a foot does.
fn is_apart(window: &Window, inside: &[bool], base_mm: Vector3<f64>, outwards: Vector3<f64>, reach_mm: f64) -> bool {
    let (mut all, mut far) = (0usize, 0usize);
    for voxel in (0..inside.len()).filter(|n| inside[*n]) {
        let from = window.mm(voxel) - base_mm;
        all += 1;
        far += usize::from((from - outwards * from.dot(&outwards)).norm() > reach_mm);
    }
    far * 50 <= all
}

/// Is no more than a share of the last ring's section there somewhere over a length (mm) beyond it? A bone widens towards its end.
fn is_lost(window: &Window, inside: &[bool], base_mm: Vector3<f64>, upper: bool, [share, length_mm]: [f64; 2]) -> bool {
    let plane = window.size[0] * window.size[1];
    let slices = inside.chunks(plane).map(|slice| slice.iter().filter(|v| **v).count());
    let areas: Vec<usize> = if upper { slices.collect() } else { slices.rev().collect() };
    let last = areas.len() - 1;
    let base = ((base_mm.z / window.spacing_mm[2]).round() as usize).min(last);
    let base = if upper { base } else { last - base };
    let slices = ((length_mm / window.spacing_mm[2]) as usize).max(1);
    areas.iter().skip(base + 1).take(slices).any(|area| *area as f64 <= share * areas[base] as f64)
}

/// Without what is thinner than twice [`SPIKE_MM`] and sticks out by more: a vessel's calcification, a streak, a neighbour's shell.
fn without_spikes(window: &Window, inside: Vec<bool>) -> Vec<bool> {
    let depth = squared_distance_mm2(&inside, window.size, window.spacing_mm);
    let thin: Vec<bool> = depth.iter().map(|d| *d < (SPIKE_MM * SPIKE_MM) as f32).collect();
    let to_core = squared_distance_mm2(&thin, window.size, window.spacing_mm);
    let reach = (1.8 * SPIKE_MM).powi(2) as f32;
    inside.iter().zip(to_core).map(|(inside, d)| *inside && d <= reach).collect()
}

/// The piece that holds the seeds of this bone.
fn connected(window: &Window, inside: Vec<bool>, seeds: &[u8]) -> Option<Vec<bool>> {
    let own: Vec<usize> = (0..inside.len()).filter(|n| inside[*n] && seeds[*n] == OWN).collect();
    (!own.is_empty()).then(|| window.reached(own, |voxel| inside[voxel]))
}
