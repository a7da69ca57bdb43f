//! How deep a bone lies under the skin.

use super::Shaft;
use crate::smoothing::median;
use crate::volume::{NO_DATA, Section, Volume};
use std::f64::consts::TAU;

/// Rays around a ring, and how far they are followed from its middle, mm.
const RAYS: usize = 24;
const REACH_MM: usize = 80;
/// A ring says how deep it lies where at least so many rays reach air or go on for the whole of that; the border cuts the others.
const LEAST_RAYS: usize = 6;
/// Bone, and air or clothes, HU.
const BONE_HU: i16 = 500;
const AIR_HU: i16 = -400;
/// The edge of a cast towards the air is no wider, mm; the thinnest skin over a bone is.
const CAST_EDGE_MM: f64 = 2.0;

/// What a ray from the middle of a ring meets outside of the last bone on its way, mm of soft tissue up to there.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ray {
    Air(f64),
    /// Nothing but tissue as far as it is followed.
    Tissue(f64),
    /// The image ends.
    Border,
}

/// Shortest way from the shaft's wall through the limb to the air, median over its rings; `None` when no air is seen.
pub(super) fn skin_mm(volume: &Volume<i16>, shaft: &Shaft) -> Option<f64> {
    let nearest = |ring: &Section| {
        let air = rays(volume, ring).filter_map(|(ray, _)| if let Ray::Air(mm) = ray { Some(mm) } else { None });
        air.fold(f64::INFINITY, f64::min)
    };
    let mut shortest: Vec<f64> = some_rings(shaft).map(nearest).collect();
    median(&mut shortest).filter(|d| d.is_finite())
}

/// How deep a shaft lies in its limb, as far as the image shows it: medians over its rings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Depth {
    /// From the wall to the nearest air; at least the soft tissue that all rays run through where none meets air, mm.
    pub nearest_mm: f64,
    /// Section of the limb, as the rays tell that the border does not cut, mm²: at least this, where they reach no air.
    pub area_mm2: f64,
}

impl Depth {
    /// `None` where the border cuts too many rays in most rings.
    pub(super) fn of(volume: &Volume<i16>, shaft: &Shaft) -> Option<Depth> {
        let of_ring = |ring: &Section| {
            let seen: Vec<(f64, f64)> = rays(volume, ring)
                .filter_map(|(ray, r)| match ray {
                    Ray::Air(mm) | Ray::Tissue(mm) => Some((mm, r)),
                    Ray::Border => None,
                })
                .collect();
            let area_mm2 = seen.iter().map(|(_, r)| 0.5 * TAU * r * r).sum::<f64>() / seen.len().max(1) as f64;
            let nearest_mm = seen.iter().map(|(mm, _)| *mm).fold(f64::INFINITY, f64::min);
            (seen.len() >= LEAST_RAYS).then_some((nearest_mm, area_mm2))
        };
        let rings: Vec<Option<(f64, f64)>> = some_rings(shaft).map(of_ring).collect();
        let told = || rings.iter().flatten();
        let nearest_mm = median(&mut told().map(|told| told.0).collect::<Vec<f64>>())?;
        let area_mm2 = median(&mut told().map(|told| told.1).collect::<Vec<f64>>())?;
        (2 * told().count() > rings.len()).then_some(Depth { nearest_mm, area_mm2 })
    }
}

/// About a dozen rings of a shaft, evenly along it.
fn some_rings(shaft: &Shaft) -> impl Iterator<Item = &Section> {
    shaft.rings.iter().step_by((shaft.rings.len() / 12).max(1))
}

/// What each ray from the middle of a ring meets, and how far it was followed, mm.
fn rays(volume: &Volume<i16>, ring: &Section) -> impl Iterator<Item = (Ray, f64)> {
    let directions = (0..RAYS).map(|ray| (TAU * ray as f64 / RAYS as f64).sin_cos());
    directions.map(move |(sin, cos)| follow(volume, ring, [cos, sin]))
}

fn follow(volume: &Volume<i16>, ring: &Section, direction: [f64; 2]) -> (Ray, f64) {
    let [columns, rows, _] = volume.grid.size;
    let s = volume.grid.spacing_mm;
    let pixels = volume.slice(ring.k);
    // Where the last dense run ends, where it began, and where the one before it ended.
    let (mut wall_mm, mut began_mm, mut before_mm) = (0.0, 0.0, 0.0);
    for step in 0..REACH_MM {
        let r = step as f64;
        let x = (ring.centroid_mm[0] + r * direction[0]) / s.x;
        let y = (ring.centroid_mm[1] + r * direction[1]) / s.y;
        if x < 0.0 || y < 0.0 || x >= columns as f64 - 0.5 || y >= rows as f64 - 0.5 {
            return (Ray::Border, r);
        }
        let hu = pixels[y.round() as usize * columns + x.round() as usize];
        if hu == NO_DATA {
            return (Ray::Border, r);
        } else if hu > BONE_HU {
            if r - wall_mm > 1.5 {
                (began_mm, before_mm) = (r, wall_mm);
            }
            wall_mm = r;
        } else if hu < AIR_HU {
            // Dense up to the air is a cast: the skin lies under it.
            let cast = before_mm > 0.0 && r - wall_mm <= CAST_EDGE_MM;
            return (Ray::Air(if cast { began_mm - before_mm } else { r - wall_mm }), r);
        }
    }
    // A cast at the end of the ray, too.
    let before_cast_mm = if before_mm > 0.0 { began_mm - before_mm } else { 0.0 };
    (Ray::Tissue(before_cast_mm.max(REACH_MM as f64 - wall_mm)), REACH_MM as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Grid, sections};
    use nalgebra::{Matrix3, Point3, Vector3};

    /// A tube of bone, 22 mm across, in a limb of this radius within an image of this half width, mm.
    fn limb(radius_mm: f64, half_mm: usize) -> (Volume<i16>, Shaft) {
        let side = 2 * half_mm + 1;
        let size = [side, side, 5];
        let hu = |n: usize| {
            let (x, y) = ((n % side) as f64 - half_mm as f64, (n / side % side) as f64 - half_mm as f64);
            match x.hypot(y) {
                r if r > radius_mm => -1000,
                r if r <= 11.0 && r > 7.0 => 1200,
                _ => 50,
            }
        };
        let grid = Grid {
            size,
            origin_mm: Point3::origin(),
            directions: Matrix3::identity(),
            spacing_mm: Vector3::new(1.0, 1.0, 2.0),
        };
        let voxels: Vec<i16> = (0..grid.len()).map(hu).collect();
        let volume = Volume { voxels: voxels.into(), grid };
        let rings = (0..5).flat_map(|k| sections(&volume, k, 300, 50.0)).collect();
        (volume, Shaft { rings, cut_everywhere: false, within: None, stub: false, stretches: Vec::new() })
    }

    #[test]
    fn depth_is_to_the_air_at_least_what_is_seen_or_not_known() {
        let (volume, shaft) = limb(45.0, 60);
        let near = |value: f64, wanted: f64| (value - wanted).abs() < 2.0;
        let depth = Depth::of(&volume, &shaft).expect("seen");
        assert!(skin_mm(&volume, &shaft).is_some_and(|mm| near(mm, 34.0)) && near(depth.nearest_mm, 34.0));
        assert!((depth.area_mm2 / (0.5 * TAU * 45.0 * 45.0) - 1.0).abs() < 0.08, "{}", depth.area_mm2);
        // A cast on the skin, at 30 mm from the wall and where the rays end.
        for (limb_mm, deep_mm) in [(41.0, 30.0), (76.0, 65.0)] {
            let (mut volume, shaft) = limb(limb_mm, 100);
            for (n, hu) in volume.voxels.iter_mut().enumerate() {
                let r = ((n % 201) as f64 - 100.0).hypot((n / 201 % 201) as f64 - 100.0);
                *hu = if (limb_mm..limb_mm + 6.0).contains(&r) { 800 } else { *hu };
            }
            let depth = Depth::of(&volume, &shaft).expect("seen");
            assert!(near(depth.nearest_mm, deep_mm), "{} {deep_mm}", depth.nearest_mm);
        }
        // No air within reach.
        let (volume, shaft) = limb(150.0, 100);
        assert!(skin_mm(&volume, &shaft).is_none());
        assert!(Depth::of(&volume, &shaft).is_some_and(|depth| near(depth.nearest_mm, 69.0)));
        // The image ends in the limb.
        let (volume, shaft) = limb(45.0, 30);
        assert!(skin_mm(&volume, &shaft).is_none() && Depth::of(&volume, &shaft).is_none());
    }
}
