//! The axis of a neck: from the head's centre into the middle of the bone that begins at the head.

use super::frame::NeckFrame;
use crate::volume::{Grid, Region};
use nalgebra::Vector3;
use rayon::prelude::*;

/// The bone between these distances from the head's centre tells the axis, in radii of the head: from the surface of the head to the root of the
/// trochanters. So far out a hole in the wall is little of it; further out it is the shaft's.
const SHELL: [f64; 2] = [1.05, 1.8];
/// What lies at a border of the shell counts the less, over this, mm: a voxel that comes or goes moves nothing at once.
const FADES_MM: f64 = 3.0;

/// The frame with its axis along the mean direction in which `bone` is seen from the head's centre; as it was where there is no such bone.
///
/// The middle of the narrowest section, by which a neck is found, moves with a voxel, and a hole in a wall turns that axis by up to 7° towards
/// the other wall: then the other side is laid on a part of the neck that is not the same.
pub fn through_the_bone(frame: NeckFrame, bone: &Region, grid: &Grid, head_radius_mm: f64) -> NeckFrame {
    let [low, high] = SHELL.map(|radii| radii * head_radius_mm);
    let slice = |k: usize| -> Vector3<f64> {
        let places = bone.runs(k).iter().flat_map(|run| (run.first..=run.last).map(move |i| [i, run.j, k]));
        let seen = |at: [usize; 3]| {
            let from = grid.to_patient(Vector3::from(at.map(|v| v as f64))) - frame.head_mm;
            let mm = from.norm();
            let weight = ((mm - low).min(high - mm) / FADES_MM).min(1.0);
            if weight > 0.0 && from.dot(&frame.axis) > 0.0 { from * (weight / mm) } else { Vector3::zeros() }
        };
        places.map(seen).sum()
    };
    // Summed slice by slice in their order: the same for any number of threads.
    let by_slice: Vec<Vector3<f64>> = (0..grid.size[2]).into_par_iter().map(slice).collect();
    NeckFrame::new(frame.head_mm, frame.head_mm + by_slice.iter().sum::<Vector3<f64>>()).unwrap_or(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Matrix3, Point3};

    const RADIUS_MM: f64 = 20.0;

    fn grid() -> Grid {
        Grid {
            size: [80, 80, 40],
            origin_mm: Point3::new(-40.0, -40.0, -40.0),
            directions: Matrix3::identity(),
            spacing_mm: Vector3::new(1.0, 1.0, 2.0),
        }
    }

    /// A tube of 14 mm radius along this axis from the middle of a ball at the origin; `hole` is out of it.
    fn tube(axis: Vector3<f64>, hole: Option<(Vector3<f64>, f64)>) -> Region {
        let grid = grid();
        Region::from_fn(grid.size, |i, j, k| {
            let at = grid.to_patient(Vector3::new(i as f64, j as f64, k as f64)).coords;
            let in_tube = at.dot(&axis) > 0.0 && (at - axis * at.dot(&axis)).norm() < 14.0;
            (at.norm() < RADIUS_MM || in_tube) && hole.is_none_or(|(centre, radius)| (at - centre).norm() > radius)
        })
    }

    #[test]
    fn the_axis_is_that_of_the_bone_whatever_was_guessed_and_hardly_that_of_a_hole() {
        let axis = Vector3::new(0.7, -0.3, -0.65).normalize();
        let guess = NeckFrame::new(Point3::origin(), Point3::new(0.75, -0.1, -0.65)).expect("a frame");
        assert!(guess.axis.angle(&axis).to_degrees() > 8.0);
        let of = |bone: &Region| through_the_bone(guess, bone, &grid(), RADIUS_MM).axis.angle(&axis).to_degrees();
        assert!(of(&tube(axis, None)) < 1.0, "{}", of(&tube(axis, None)));
        // In the front wall, as wide as half of the neck.
        let wall = axis * 26.0 + guess.front * 13.0;
        let holed = of(&tube(axis, Some((wall, 8.0))));
        assert!(holed < 4.0, "{holed}");
    }

    #[test]
    fn without_a_bone_the_frame_is_the_guess() {
        let guess = NeckFrame::new(Point3::origin(), Point3::new(0.75, -0.1, -0.65)).expect("a frame");
        assert_eq!(through_the_bone(guess, &Region::empty(grid().size), &grid(), RADIUS_MM), guess);
    }
}
