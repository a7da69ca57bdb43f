//! Metal, cement, casts, fractures and stumps laid into a CT, for tests.
//!
//! Streaks are not painted: the error that a polychromatic scan of the metal makes in the projections is reconstructed
//! (filtered back projection of parallel beams) and added to the image, with the noise of the rays that the metal starves. Where bones
//! lie is asked of the program on the image *without* all this; nothing here shares code with what detects it.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::anatomy::{Shaft, find_shafts};
use corticalysis::volume::Volume;
use rayon::prelude::*;
use std::f64::consts::PI;

/// HU of the metal before the scanner clips it, and the largest that 12 bits hold.
const METAL_HU: f64 = 12_000.0;
const CLIP_HU: f64 = 3071.0;
/// Blur of edges in the slice, mm (standard deviation).
const BLUR_MM: f64 = 0.7;
/// Attenuation of water at the energies of CT, per mm, and of steel at two that stand for the spectrum.
const WATER_PER_MM: f64 = 0.019;
const STEEL_PER_MM: [f64; 2] = [0.75, 0.25];
/// Photons of a ray through the limb alone.
const PHOTONS: f64 = 2.0e4;
/// Projections over 180°.
const VIEWS: usize = 360;

/// A bone of an image, as far as placing things in it needs.
pub struct Place {
    pub shaft: Shaft,
    /// In-plane centre per slice of the volume, mm.
    pub axis: Vec<[f64; 2]>,
    pub dz: f64,
}

impl Place {
    /// The largest shaft of an image, or the one at this position of their order.
    pub fn of(volume: &Volume<i16>, which: usize) -> Place {
        let shaft = find_shafts(volume).swap_remove(which);
        let axis = shaft.axis(volume);
        Place { shaft, axis, dz: volume.grid.spacing_mm.z }
    }

    /// Distance from the first slice, mm, of a share of the way from the first ring to the last.
    pub fn z(&self, share: f64) -> f64 {
        let (first, last) = self.shaft.span();
        (first as f64 + share * (last - first) as f64) * self.dz
    }

    /// The axis at a height, mm.
    pub fn at(&self, z: f64) -> [f64; 2] {
        let k = (z / self.dz).clamp(0.0, (self.axis.len() - 1) as f64);
        let (a, share) = (k as usize, k.fract());
        let b = (a + 1).min(self.axis.len() - 1);
        [0, 1].map(|n| self.axis[a][n] * (1.0 - share) + self.axis[b][n] * share)
    }

    /// Half the diameter of the ring nearest to a height, mm.
    pub fn radius(&self, z: f64) -> f64 {
        let nearest = |r: &&corticalysis::volume::Section| (r.k as f64 * self.dz - z).abs();
        let ring = self.shaft.rings.iter().min_by(|a, b| nearest(a).total_cmp(&nearest(b))).expect("rings");
        (ring.filled_area_mm2 / PI).sqrt()
    }
}

fn coverage(signed_mm: f64) -> f64 {
    // Normal distribution function, near enough for an edge.
    1.0 / (1.0 + (1.702 * signed_mm / BLUR_MM).exp())
}

/// Share of each voxel of slice `k` that lies within the solid of this signed distance (mm from the first voxel).
pub fn shares(volume: &Volume<i16>, k: usize, solid: &(impl Fn([f64; 3]) -> f64 + Sync)) -> Vec<f64> {
    let [nx, ny, _] = volume.grid.size;
    let s = volume.grid.spacing_mm;
    let mut out = vec![0.0; nx * ny];
    for j in 0..ny {
        for i in 0..nx {
            for part in 0..5 {
                let z = (k as f64 + (f64::from(part) - 2.0) / 5.0) * s.z;
                let d = solid([i as f64 * s.x, j as f64 * s.y, z]);
                if d < 4.0 * BLUR_MM {
                    out[j * nx + i] += 0.2 * coverage(d);
                }
            }
        }
    }
    out
}

pub fn change(volume: &Volume<i16>, f: impl Fn(usize, &[i16]) -> Vec<i16> + Sync) -> Volume<i16> {
    let slices: Vec<Vec<i16>> = (0..volume.grid.size[2]).into_par_iter().map(|k| f(k, volume.slice(k))).collect();
    Volume { grid: volume.grid.clone(), voxels: slices.concat().into() }
}

/// The image with a solid of metal in it, streaks included.
pub fn with_metal(volume: &Volume<i16>, solid: impl Fn([f64; 3]) -> f64 + Sync) -> Volume<i16> {
    let [nx, ny, _] = volume.grid.size;
    let pixel = volume.grid.spacing_mm.x;
    change(volume, |k, before| {
        let metal = shares(volume, k, &solid);
        if metal.iter().all(|m| *m < 0.02) {
            return before.to_vec();
        }
        let streaks = streaks(&metal, nx, ny, pixel, k as u64);
        (0..nx * ny)
            .map(|n| {
                let hu = f64::from(before[n]);
                if hu < -1500.0 {
                    return before[n];
                }
                ((1.0 - metal[n]) * hu + metal[n] * METAL_HU + streaks[n]).round().clamp(-1024.0, CLIP_HU) as i16
            })
            .collect()
    })
}

/// HU that the metal's own projections get wrong.
fn streaks(metal: &[f64], nx: usize, ny: usize, pixel: f64, seed: u64) -> Vec<f64> {
    let reach = ((nx * nx + ny * ny) as f64).sqrt() / 2.0 + 2.0;
    let bins = 2 * reach.ceil() as usize + 1;
    let centre = [0.5 * (nx as f64 - 1.0), 0.5 * (ny as f64 - 1.0)];
    let middle = (bins / 2) as f64;
    let solid: Vec<(f64, f64, f64)> = (0..nx * ny)
        .filter(|n| metal[*n] > 0.01)
        .map(|n| ((n % nx) as f64 - centre[0], (n / nx) as f64 - centre[1], metal[n]))
        .collect();
    let mut image = vec![0.0; nx * ny];
    let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ seed.wrapping_mul(0xD134_2543_DE82_EF95));
    let true_per_mm = (METAL_HU / 1000.0 + 1.0) * WATER_PER_MM;
    for view in 0..VIEWS {
        let (sin, cos) = (PI * view as f64 / VIEWS as f64).sin_cos();
        let mut way = vec![0.0; bins];
        for (x, y, m) in &solid {
            let t = x * cos + y * sin + middle;
            let (low, share) = (t.floor() as usize, t.fract());
            way[low] += m * pixel * (1.0 - share);
            way[low + 1] += m * pixel * share;
        }
        let wrong: Vec<f64> = way
            .iter()
            .map(|l| {
                if *l < 0.05 {
                    return 0.0;
                }
                let passed = STEEL_PER_MM.iter().map(|mu| 0.5 * (-mu * l).exp()).sum::<f64>();
                let noise = random.normal() * (1.0 / (PHOTONS * passed.max(1e-4))).sqrt();
                // A detector counts at least something.
                -passed.max(1e-4).ln() - true_per_mm * l + noise
            })
            .collect();
        let filtered = ramp(&wrong, pixel);
        for j in 0..ny {
            let base = (j as f64 - centre[1]) * sin - centre[0] * cos + middle;
            for i in 0..nx {
                let t = base + i as f64 * cos;
                let low = t as usize;
                let share = t - low as f64;
                image[j * nx + i] += filtered[low] * (1.0 - share) + filtered[low + 1] * share;
            }
        }
    }
    image.iter().map(|v| v * PI / VIEWS as f64 / WATER_PER_MM * 1000.0).collect()
}

/// Ramp filter (Ramachandran and Lakshminarayanan), smoothed over three samples as standard kernels do.
fn ramp(projection: &[f64], step: f64) -> Vec<f64> {
    let n = projection.len();
    let known: Vec<(usize, f64)> = projection.iter().copied().enumerate().filter(|(_, v)| *v != 0.0).collect();
    let kernel = |d: i64| match d {
        0 => 0.25 / (step * step),
        d if d % 2 == 0 => 0.0,
        d => -1.0 / (PI * PI * step * step * (d * d) as f64),
    };
    let sharp: Vec<f64> =
        (0..n).map(|a| step * known.iter().map(|(b, v)| v * kernel(a as i64 - *b as i64)).sum::<f64>()).collect();
    (0..n).map(|a| 0.5 * sharp[a] + 0.25 * (sharp[a.saturating_sub(1)] + sharp[(a + 1).min(n - 1)])).collect()
}

struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().max(1e-12).ln()).sqrt() * (2.0 * PI * self.unit()).cos()
    }
}

/// A rod of this diameter along the axis between two heights.
pub fn nail(place: &Place, diameter_mm: f64, z: [f64; 2]) -> impl Fn([f64; 3]) -> f64 + Sync + '_ {
    move |[x, y, h]| {
        let c = place.at(h);
        ((x - c[0]).hypot(y - c[1]) - 0.5 * diameter_mm).max(z[0] - h).max(h - z[1])
    }
}

/// A plate on the outside with screws through both walls.
pub fn plate(place: &Place, angle: f64, z: [f64; 2], screws: usize) -> impl Fn([f64; 3]) -> f64 + Sync + '_ {
    let (sin, cos) = angle.sin_cos();
    // Straight, outside of the widest ring on its way.
    let outer = (0..=10).map(|n| place.radius(z[0] + 0.1 * f64::from(n) * (z[1] - z[0]))).fold(0.0, f64::max) + 0.5;
    move |[x, y, h]| {
        let c = place.at(h);
        let (u, v) = ((x - c[0]) * cos + (y - c[1]) * sin, (y - c[1]) * cos - (x - c[0]) * sin);
        let plate = (u - outer - 4.0).max(outer - u).max(v.abs() - 7.0).max(z[0] - h).max(h - z[1]);
        let screw = (0..screws)
            .map(|n| {
                let at = z[0] + (n as f64 + 0.5) / screws as f64 * (z[1] - z[0]);
                (v.hypot(h - at) - 2.25).max(u - outer - 2.0).max(-outer - 2.0 - u)
            })
            .fold(f64::MAX, f64::min);
        plate.min(screw)
    }
}

/// A stem along the axis from `z[0]` up to `z[1]`, a neck from there to the head and a ball; `head_mm` from the first voxel.
pub fn prosthesis(
    place: &Place,
    z: [f64; 2],
    head_mm: [f64; 3],
    radius_mm: f64,
) -> impl Fn([f64; 3]) -> f64 + Sync + '_ {
    let top = place.at(z[1]);
    let foot = [top[0], top[1], z[1]];
    move |p| {
        let c = place.at(p[2]);
        let thick = 4.5 + 3.5 * ((p[2] - z[0]) / (z[1] - z[0])).clamp(0.0, 1.0);
        let stem = ((p[0] - c[0]).hypot(p[1] - c[1]) - thick).max(z[0] - p[2]).max(p[2] - z[1]);
        let off = |a: [f64; 3], b: [f64; 3]| [0, 1, 2].map(|n| a[n] - b[n]);
        let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        let (way, from) = (off(head_mm, foot), off(p, foot));
        let t = (dot(from, way) / dot(way, way)).clamp(0.0, 1.0);
        let neck = off(from, way.map(|w| w * t));
        let ball = off(p, head_mm);
        stem.min(dot(neck, neck).sqrt() - 6.5).min(dot(ball, ball).sqrt() - radius_mm)
    }
}

/// The marrow between two heights filled with cement of about this many HU.
pub fn with_cement(volume: &Volume<i16>, place: &Place, z: [f64; 2], hu: f64) -> Volume<i16> {
    let [nx, ny, _] = volume.grid.size;
    let s = volume.grid.spacing_mm;
    change(volume, |k, before| {
        let share = ((k as f64 + 0.5).min(z[1] / s.z) - (k as f64 - 0.5).max(z[0] / s.z)).clamp(0.0, 1.0);
        if share == 0.0 {
            return before.to_vec();
        }
        let centre = place.at(k as f64 * s.z);
        let start = (centre[1] / s.y).round() as usize * nx + (centre[0] / s.x).round() as usize;
        let mut marrow = vec![0.0; nx * ny];
        let mut stack = vec![start];
        let limit = place.radius(k as f64 * s.z);
        while let Some(n) = stack.pop() {
            let off = [(n % nx) as f64 * s.x - centre[0], (n / nx) as f64 * s.y - centre[1]];
            if marrow[n] > 0.0 || before[n] > 500 || off[0].hypot(off[1]) > limit {
                continue;
            }
            marrow[n] = 1.0;
            stack.extend([n + 1, n - 1, n + nx, n - nx]);
        }
        let soft = blurred(&marrow, nx, ny, BLUR_MM / s.x);
        let mut random = Random(0xABCD_EF12_3456_789B ^ (k as u64) << 20);
        let mottle: Vec<f64> = (0..nx * ny).map(|_| random.normal()).collect();
        let mottle = blurred(&mottle, nx, ny, 1.5);
        (0..nx * ny)
            .map(|n| {
                let c = share * soft[n];
                let filled = hu * (1.0 + 0.5 * mottle[n]);
                (f64::from(before[n]) * (1.0 - c) + filled * c).round() as i16
            })
            .collect()
    })
}

/// A shell of this thickness around the skin, some millimetres of padding between, where the image shows air there.
pub fn with_cast(volume: &Volume<i16>, padding_mm: f64, thickness_mm: f64, hu: f64) -> Volume<i16> {
    let [nx, ny, _] = volume.grid.size;
    let s = volume.grid.spacing_mm;
    change(volume, |_, before| {
        let body: Vec<bool> = before.iter().map(|v| *v > -300 || *v < -1500).collect();
        let reach = ((padding_mm + thickness_mm) / s.x).ceil() as i64 + 2;
        (0..nx * ny)
            .map(|n| {
                if body[n] {
                    return before[n];
                }
                let (i, j) = ((n % nx) as i64, (n / nx) as i64);
                let mut nearest = f64::MAX;
                for dj in -reach..=reach {
                    for di in -reach..=reach {
                        let (a, b) = (i + di, j + dj);
                        if (0..nx as i64).contains(&a)
                            && (0..ny as i64).contains(&b)
                            && body[b as usize * nx + a as usize]
                        {
                            nearest = nearest.min((di as f64 * s.x).hypot(dj as f64 * s.y));
                        }
                    }
                }
                let d = (nearest - padding_mm - 0.5 * thickness_mm).abs() - 0.5 * thickness_mm;
                let c = coverage(d);
                (f64::from(before[n]) * (1.0 - c) + hu * c).round() as i16
            })
            .collect()
    })
}

/// Everything above a plane moved in the slice by `shift_mm`, and down by `down_mm` over what lies below it: the fragments then
/// stand side by side. The plane leans by `lean` mm per mm towards +x.
pub fn with_step(
    volume: &Volume<i16>,
    place: &Place,
    z: f64,
    lean: f64,
    shift_mm: [f64; 2],
    down_mm: f64,
) -> Volume<i16> {
    let [nx, ny, nz] = volume.grid.size;
    let s = volume.grid.spacing_mm;
    let centre = place.at(z);
    let fill = -1000.0;
    let value = |i: f64, j: f64, k: f64| {
        let inside =
            i >= 0.0 && j >= 0.0 && k >= 0.0 && i <= (nx - 1) as f64 && j <= (ny - 1) as f64 && k <= (nz - 1) as f64;
        if !inside {
            return fill;
        }
        let mut sum = 0.0;
        for corner in 0..8usize {
            let (mut weight, mut at) = (1.0, [0usize; 3]);
            for (a, v) in [i, j, k].into_iter().enumerate() {
                let low = v as usize;
                let up = corner >> a & 1;
                weight *= if up == 1 { v - low as f64 } else { 1.0 - (v - low as f64) };
                at[a] = (low + up).min(volume.grid.size[a] - 1);
            }
            sum += weight * f64::from(volume.voxels[at[0] + nx * (at[1] + ny * at[2])]);
        }
        sum
    };
    change(volume, |k, before| {
        (0..nx * ny)
            .map(|n| {
                let (i, j) = ((n % nx) as f64, (n / nx) as f64);
                let mut sum = 0.0;
                for part in 0..5 {
                    let h = (k as f64 + (f64::from(part) - 2.0) / 5.0) * s.z;
                    let edge = |x: f64| z + lean * (x - centre[0]);
                    let below = if h <= edge(i * s.x) { f64::from(before[n]) } else { f64::MIN };
                    // Where the moved part came from.
                    let from = [i * s.x - shift_mm[0], j * s.y - shift_mm[1], k as f64 * s.z + down_mm];
                    let moved = h + down_mm > edge(from[0]);
                    let above = if moved { value(from[0] / s.x, from[1] / s.y, from[2] / s.z) } else { f64::MIN };
                    let both = below.max(above);
                    // A gap between the parts is filled with soft tissue.
                    sum += if both == f64::MIN { 45.0 } else { both };
                }
                if before[n] < -1500 { before[n] } else { (sum / 5.0).round() as i16 }
            })
            .collect()
    })
}

/// The bone taken out between two parallel planes (`to` infinite: a stump), soft tissue in its place.
pub fn without_bone(volume: &Volume<i16>, place: &Place, from: f64, to: f64, lean: f64) -> Volume<i16> {
    let [nx, ny, _] = volume.grid.size;
    let s = volume.grid.spacing_mm;
    change(volume, |k, before| {
        let centre = place.at(k as f64 * s.z);
        let reach = if to.is_finite() { place.radius(k as f64 * s.z) + 8.0 } else { 60.0 };
        let mut random = Random(0x1234_5678_9ABC_DEF1 ^ (k as u64) << 24);
        (0..nx * ny)
            .map(|n| {
                let (x, y) = ((n % nx) as f64 * s.x, (n / nx) as f64 * s.y);
                let noise = 12.0 * random.normal();
                if before[n] < 120 || (x - centre[0]).hypot(y - centre[1]) > reach {
                    // Marrow goes as well, and what is left of a soft edge.
                    let marrow = (x - centre[0]).hypot(y - centre[1]) < place.radius(k as f64 * s.z);
                    if !marrow {
                        return before[n];
                    }
                }
                let gone = (0..5)
                    .filter(|part| {
                        let h = (k as f64 + (f64::from(*part) - 2.0) / 5.0) * s.z - lean * (x - centre[0]);
                        h > from && h < to
                    })
                    .count() as f64
                    / 5.0;
                (f64::from(before[n]) * (1.0 - gone) + (45.0 + noise) * gone).round() as i16
            })
            .collect()
    })
}

fn blurred(values: &[f64], nx: usize, ny: usize, sigma: f64) -> Vec<f64> {
    let reach = (3.0 * sigma).ceil() as i64;
    let weight = |d: i64| (-0.5 * (d as f64 / sigma).powi(2)).exp();
    let total: f64 = (-reach..=reach).map(weight).sum();
    let along = |values: &[f64], step: [i64; 2]| -> Vec<f64> {
        (0..(nx * ny) as i64)
            .map(|n| {
                let (i, j) = (n % nx as i64, n / nx as i64);
                let at = |d: i64| {
                    let (a, b) = ((i + d * step[0]).clamp(0, nx as i64 - 1), (j + d * step[1]).clamp(0, ny as i64 - 1));
                    values[(b * nx as i64 + a) as usize]
                };
                (-reach..=reach).map(|d| weight(d) * at(d)).sum::<f64>() / total
            })
            .collect()
    };
    along(&along(values, [1, 0]), [0, 1])
}
