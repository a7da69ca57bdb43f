//! A synthetic bone end of known wall: a tube that flares, with a bulge on one side. Nothing here uses the program's measuring.

use super::neck::{PIXEL_MM, SOFT_HU, scanned};
use corticalysis::volume::{Grid, Region, Volume};
use nalgebra::{Matrix3, Point3, Vector3};
use std::f64::consts::TAU;

/// A flared tube about the z axis, wider across than deep, whose wall is thicker on one side.
pub struct SyntheticEnd {
    pub slice_mm: f64,
    pub sigma_mm: f64,
    pub noise_hu: f64,
    pub cortical_hu: f64,
    /// HU of the spongy bone within, and by how much it is denser right behind the wall: that falls to a third every two millimetres.
    pub spongy_hu: f64,
    pub denser_hu: f64,
    /// Half width at the lower and upper end, mm.
    pub radius_mm: [f64; 2],
    /// How far the bulge stands out, mm.
    pub bulge_mm: f64,
    /// Thickness at the thinnest and thickest place around, mm; towards the upper end it falls to `thinned` of that.
    pub thickness_mm: [f64; 2],
    pub thinned: f64,
}

impl Default for SyntheticEnd {
    fn default() -> Self {
        Self {
            slice_mm: 3.0,
            sigma_mm: 0.6,
            noise_hu: 12.0,
            cortical_hu: 1350.0,
            spongy_hu: 180.0,
            denser_hu: 0.0,
            radius_mm: [14.0, 24.0],
            bulge_mm: 8.0,
            thickness_mm: [1.6, 4.0],
            thinned: 0.5,
        }
    }
}

const HEIGHT_MM: f64 = 60.0;
/// Angles of a table of the wall.
const ANGLES: usize = 720;
/// Where the bulge is: radians around from the patient's left, and height.
const BULGE_AT: (f64, f64) = (4.0, 30.0);

impl SyntheticEnd {
    /// Distance of the outside from the z axis.
    fn outer_mm(&self, angle: f64, z: f64) -> f64 {
        let [low, high] = self.radius_mm;
        // From an even tube into the flare.
        let part = (z / HEIGHT_MM).clamp(0.0, 1.0);
        let round = low + (high - low) * part * part;
        let away = (angle - BULGE_AT.0 + 0.5 * TAU).rem_euclid(TAU) - 0.5 * TAU;
        let bulge = self.bulge_mm * (-(away / 0.45).powi(2) - ((z - BULGE_AT.1) / 11.0).powi(2)).exp();
        round * (1.0 + 0.12 * (2.0 * angle).cos()) + bulge
    }

    /// Steps outwards per radian and per mm of height.
    fn slopes(&self, angle: f64, z: f64) -> [f64; 2] {
        let h = 1e-4;
        let by_angle = (self.outer_mm(angle + h, z) - self.outer_mm(angle - h, z)) / (2.0 * h);
        [by_angle, (self.outer_mm(angle, z + h) - self.outer_mm(angle, z - h)) / (2.0 * h)]
    }

    /// Distance of the inside of the wall from the z axis.
    fn inner_mm(&self, angle: f64, z: f64) -> f64 {
        let [thin, thick] = self.thickness_mm;
        let around = 0.5 * (1.0 - (angle - 1.0).cos());
        let part = (z / HEIGHT_MM).clamp(0.0, 1.0);
        let wall = (thin + (thick - thin) * around) * (1.0 - (1.0 - self.thinned) * part);
        let (r, [by_angle, by_z]) = (self.outer_mm(angle, z), self.slopes(angle, z));
        // About as thick across the wall as it should be; what it is exactly is told below.
        r - wall * (1.0 + (by_angle / r).powi(2) + by_z * by_z).sqrt()
    }

    /// HU where the outside and the inside of the wall lie so far from the axis.
    fn hu(&self, from_axis_mm: f64, [outer_mm, inner_mm]: [f64; 2]) -> f64 {
        if from_axis_mm > outer_mm {
            SOFT_HU
        } else if from_axis_mm > inner_mm {
            self.cortical_hu
        } else {
            self.spongy_hu + self.denser_hu * ((from_axis_mm - inner_mm) / 2.0).exp()
        }
    }

    pub fn grid(&self) -> Grid {
        let reach = 1.15 * self.radius_mm[1] + self.bulge_mm + 12.0;
        let spacing_mm = Vector3::new(PIXEL_MM, PIXEL_MM, self.slice_mm);
        Grid {
            size: [
                (2.0 * reach / PIXEL_MM) as usize,
                (2.0 * reach / PIXEL_MM) as usize,
                (HEIGHT_MM / self.slice_mm) as usize,
            ],
            origin_mm: Point3::new(-reach, -reach, 0.0),
            directions: Matrix3::identity(),
            spacing_mm,
        }
    }

    pub fn volume(&self) -> Volume<i16> {
        // Outside and inside by height and angle: the image asks for them some hundred million times. An eighth of a slice is a layer of it.
        let grid = self.grid();
        let layer_mm = self.slice_mm / 8.0;
        let height = |layer: usize| (layer as f64 + 0.5) * layer_mm - 0.5 * self.slice_mm;
        let walls: Vec<(Vec<[f64; 2]>, [f64; 2])> = (0..8 * grid.size[2])
            .map(|layer| {
                let at = |n: usize| TAU * n as f64 / ANGLES as f64;
                let wall = |n: usize| [self.outer_mm(at(n), height(layer)), self.inner_mm(at(n), height(layer))];
                let all: Vec<[f64; 2]> = (0..ANGLES).map(wall).collect();
                let ends = [
                    all.iter().map(|wall| wall[0]).fold(0.0, f64::max),
                    all.iter().map(|wall| wall[1]).fold(f64::INFINITY, f64::min),
                ];
                (all, ends)
            })
            .collect();
        scanned(grid, self.sigma_mm, self.noise_hu, |at| {
            let layer = ((at.z + 0.5 * self.slice_mm) / layer_mm - 0.5).round() as usize;
            let (wall, ends) = &walls[layer];
            let r = at.x.hypot(at.y);
            // What lies deep behind the wall everywhere, or outside of all of it, needs no angle.
            if r > ends[0] || r < ends[1] - 12.0 {
                return self.hu(r, *ends);
            }
            let turn = at.y.atan2(at.x).rem_euclid(TAU) / TAU * ANGLES as f64;
            let (n, part) = (turn as usize % ANGLES, turn.fract());
            let (a, b) = (wall[n], wall[(n + 1) % ANGLES]);
            self.hu(r, [0, 1].map(|i| a[i] * (1.0 - part) + b[i] * part))
        })
    }

    /// The bone, as voxels whose middle is within.
    pub fn region(&self, grid: &Grid) -> Region {
        Region::from_fn(grid.size, |i, j, k| {
            let at = grid.to_patient(Vector3::new(i as f64, j as f64, k as f64));
            at.x.hypot(at.y) <= self.outer_mm(at.y.atan2(at.x), at.z)
        })
    }

    /// Area of wall at a height, mm².
    pub fn cortical_area_mm2(&self, z: f64) -> f64 {
        let steps = 3600;
        let sector = |n: usize| {
            let angle = TAU * n as f64 / steps as f64;
            0.5 * (self.outer_mm(angle, z).powi(2) - self.inner_mm(angle, z).powi(2)) * TAU / steps as f64
        };
        (0..steps).map(sector).sum()
    }

    /// Thickness of the wall across its outside at the place of the outside that looks to a point from the axis.
    pub fn thickness_at(&self, at: [f64; 2], z: f64) -> f64 {
        let angle = at[1].atan2(at[0]);
        let (r, [by_angle, by_z]) = (self.outer_mm(angle, z), self.slopes(angle, z));
        let (sin, cos) = angle.sin_cos();
        // The normal of r − R(θ, z) = 0, inwards.
        let out = Vector3::new(cos + by_angle / r * sin, sin - by_angle / r * cos, -by_z).normalize();
        let from = Point3::new(r * cos, r * sin, z);
        let spongy = |t: f64| {
            let p = from - out * t;
            p.x.hypot(p.y) < self.inner_mm(p.y.atan2(p.x), p.z)
        };
        (0..1200).map(|n| 0.01 * f64::from(n)).find(|t| spongy(*t)).unwrap_or(12.0)
    }

    /// Length of the outside at a height, mm, and the thickness averaged along it.
    pub fn mean_thickness_mm(&self, z: f64) -> f64 {
        let steps = 360;
        let (mut sum, mut length) = (0.0, 0.0);
        for n in 0..steps {
            let angle = TAU * n as f64 / steps as f64;
            let (r, [by_angle, _]) = (self.outer_mm(angle, z), self.slopes(angle, z));
            let arc = r.hypot(by_angle);
            sum += arc * self.thickness_at([r * angle.cos(), r * angle.sin()], z);
            length += arc;
        }
        sum / length
    }
}
