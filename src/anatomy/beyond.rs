//! What lies beyond the joint space: the neighbour that shows no shaft of its own.
//!
//! Seen from the shaft along its axis a bone ends once. What follows after a gap, over an area as broad as the shaft, is the bone on the other
//! side of the joint: a plateau below condyles. The image may show so little of it that it is a thin plate, which no narrow place
//! tells from the bone that it touches here and there ([`super::parts`]).

use super::seeds::OWN;
use super::window::{IN_SLICE, Window};
use crate::volume::DIRECTIONS;
use nalgebra::Vector3;

/// What a line along the axis has met so far.
#[derive(Clone, Copy, PartialEq)]
enum Met {
    Nothing,
    Bone,
    Gap,
}

/// The voxels of `solid` beyond a joint space, as seen along `outwards` (the shaft's axis, a unit vector along the axes of the window), in
/// pieces that cover at least `least_mm2` across the slices; empty where none of them was taken for the bone in `part`.
pub(super) fn beyond_joint(
    window: &Window,
    solid: &[bool],
    part: &[u8],
    outwards: Vector3<f64>,
    least_mm2: f64,
) -> Vec<usize> {
    let mut marked = after_gap(window, solid, part, outwards);
    keep_where_most(window, part, &mut marked);
    let plane = window.size[0] * window.size[1];
    let least = least_mm2 / (window.spacing_mm[0] * window.spacing_mm[1]);
    let mut left = marked.clone();
    let mut found = Vec::new();
    for start in (0..marked.len()).filter(|n| marked[*n]) {
        if !left[start] {
            continue;
        }
        let piece = take_piece(window, &mut left, start, DIRECTIONS);
        let mut covered: Vec<usize> = piece.iter().map(|n| n % plane).collect();
        covered.sort_unstable();
        covered.dedup();
        if covered.len() as f64 >= least {
            found.extend(piece);
        }
    }
    if found.iter().any(|n| part[*n] == OWN) { found } else { Vec::new() }
}

/// Keeps what is marked of the bone itself where, of what hangs together in a slice, most is: below the flare of a metaphysis that leans over
/// its shaft a line leaves the bone and enters it again.
fn keep_where_most(window: &Window, part: &[u8], marked: &mut [bool]) {
    let mut left: Vec<bool> = part.iter().map(|part| *part == OWN).collect();
    for start in 0..part.len() {
        if !left[start] || !marked[start] {
            continue;
        }
        let piece = take_piece(window, &mut left, start, IN_SLICE);
        let beyond = piece.iter().filter(|n| marked[**n]).count();
        if 2 * beyond < piece.len() {
            piece.into_iter().for_each(|n| marked[n] = false);
        }
    }
}

/// Solid voxels that a line along `outwards` meets after the bone and a gap.
fn after_gap(window: &Window, solid: &[bool], part: &[u8], outwards: Vector3<f64>) -> Vec<bool> {
    let [columns, rows, slices] = window.size;
    let mut marked = vec![false; solid.len()];
    let upwards = outwards.z >= 0.0;
    // Columns and rows that the line moves on from one slice to the next.
    let slope: [f64; 2] =
        std::array::from_fn(|a| outwards[a] / outwards.z.abs().max(0.5) * window.spacing_mm[2] / window.spacing_mm[a]);
    let mut met = vec![Met::Nothing; columns * rows];
    let moved = |step: usize, a: usize| (slope[a] * step as f64).round() as isize;
    for step in 0..slices {
        let k = if upwards { step } else { slices - 1 - step };
        // `met` belongs to the lines, numbered by where they pass the first slice.
        for j in 0..rows {
            for i in 0..columns {
                let line = [i as isize - moved(step, 0), j as isize - moved(step, 1)];
                let within = |v: isize, n: usize| usize::try_from(v).ok().filter(|v| *v < n);
                let (Some(x), Some(y)) = (within(line[0], columns), within(line[1], rows)) else { continue };
                let (voxel, line) = (i + columns * (j + rows * k), x + columns * y);
                let other = part[voxel] != OWN && part[voxel] != 0;
                match met[line] {
                    Met::Nothing if part[voxel] == OWN => met[line] = Met::Bone,
                    Met::Bone if !solid[voxel] => met[line] = Met::Gap,
                    Met::Gap if solid[voxel] && !other => marked[voxel] = true,
                    _ => {}
                }
            }
        }
    }
    marked
}

/// Takes the voxels that hang together with `start` along the first so many directions out of `left`.
fn take_piece(window: &Window, left: &mut [bool], start: usize, directions: usize) -> Vec<usize> {
    left[start] = false;
    window.piece(vec![start], directions, |n| std::mem::replace(&mut left[n], false))
}
