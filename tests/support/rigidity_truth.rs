//! What a defect took of a bone's rigidity, by direct integration across its axis over two images: one intact, one with the defect.
//! Code of its own: it shares nothing with what measures but the place of the bone's axis and the numbers of the report.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::volume::Volume;
use nalgebra::{Point3, Vector3};
use serde_json::Value;

/// Places this far from the axis belong to the bone, mm.
const REACH_MM: f64 = 30.0;
const STEP_MM: f64 = 0.5;

/// Modulus of a pixel, relative to compact bone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    /// A mixture of compact bone and soft tissue.
    Mixture,
    /// The default law, pixel by pixel, on the report's calibration.
    Law { hu_zero: f64, g_cm3_per_hu: f64 },
}

/// One section of a report beside the truth, percent: axial, bending.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    pub z_mm: f64,
    pub found: [f64; 2],
    pub ci95: [[f64; 2]; 2],
    pub truth: [f64; 2],
}

fn modulus(hu: f64, cortical_hu: f64, reading: Reading) -> f64 {
    if hu < 150.0 {
        return 0.0;
    }
    match reading {
        Reading::Mixture => (hu - 50.0) / (cortical_hu - 50.0),
        Reading::Law { hu_zero, g_cm3_per_hu } => {
            let of = |hu: f64| {
                let apparent = ((hu - hu_zero) * g_cm3_per_hu + 0.09) / 1.14 / 0.598;
                if apparent < 1.123 { 0.82 * apparent * apparent + 0.07 } else { 21.91 * apparent - 23.5 }
            };
            of(hu) / of(cortical_hu)
        }
    }
}

/// HU between the voxels around a point; far below bone outside the image.
fn hu_at(volume: &Volume<i16>, point: Point3<f64>) -> f64 {
    let at = volume.grid.to_index(point);
    let size = volume.grid.size;
    let low = [0, 1, 2].map(|a| at[a].floor());
    let mut sum = 0.0;
    for corner in 0..8usize {
        let offset = [0, 1, 2].map(|a| (corner >> a & 1) as f64);
        let weight: f64 = (0..3).map(|a| 1.0 - (at[a] - low[a] - offset[a]).abs()).product();
        if weight == 0.0 {
            continue;
        }
        let index = [0, 1, 2].map(|a| low[a] + offset[a]);
        if (0..2).any(|a| index[a] < 0.0 || index[a] >= size[a] as f64) {
            return -1000.0;
        }
        let k = index[2].clamp(0.0, (size[2] - 1) as f64) as usize;
        sum += weight * f64::from(volume.voxels[(k * size[1] + index[1] as usize) * size[0] + index[0] as usize]);
    }
    sum
}

/// Samples of the plane across the bone's axis, every [`STEP_MM`]: where, and HU of the intact image and of the other.
struct Samples {
    at: Vec<[f64; 2]>,
    intact_hu: Vec<f64>,
    defect_hu: Vec<f64>,
}

impl Samples {
    /// Only within the outline of the intact bone, or a millimetre outside it (the blur carries nothing further): noise far out would count by the
    /// square of its distance, and so would what touches the bone in one section and not in the next, an ossification in the muscle or a
    /// vessel. What hangs on the outline as such a thing does, narrower than a bone's own crests, is taken off.
    fn across(
        intact: &Volume<i16>,
        defect: &Volume<i16>,
        centre: Point3<f64>,
        axis: Vector3<f64>,
        cortical_hu: f64,
    ) -> Self {
        let first = (Vector3::x() - axis * axis.x).normalize();
        let second = axis.cross(&first);
        let n = (REACH_MM / STEP_MM) as i32;
        let side = (2 * n + 1) as usize;
        let place =
            |p: usize| [(p % side) as f64 - f64::from(n), (p / side) as f64 - f64::from(n)].map(|v| v * STEP_MM);
        let point = |p: usize| {
            let [u, v] = place(p);
            centre + first * u + second * v
        };
        let hu: Vec<f64> = (0..side * side).map(|p| hu_at(intact, point(p))).collect();
        let bone = opened(&largest_piece(&hu, side, WALL_SHARE * cortical_hu), side, (OPENING_MM / STEP_MM) as i32);
        let near = |p: usize| {
            let (i, j) = ((p % side) as i32, (p / side) as i32);
            let within = |v: i32| (0..side as i32).contains(&v);
            (-2..=2).any(|dj| {
                (-2..=2)
                    .any(|di| within(i + di) && within(j + dj) && bone[((j + dj) as usize) * side + (i + di) as usize])
            })
        };
        let chosen: Vec<usize> =
            (0..side * side).filter(|p| place(*p)[0].hypot(place(*p)[1]) <= REACH_MM && near(*p)).collect();
        Self {
            at: chosen.iter().map(|p| place(*p)).collect(),
            intact_hu: chosen.iter().map(|p| hu[*p]).collect(),
            defect_hu: chosen.iter().map(|p| hu_at(defect, point(*p))).collect(),
        }
    }

    /// EA, and EI as (xx, yy, xy) about the centroid of stiffness.
    fn integrate(&self, hu: &[f64], cortical_hu: f64, reading: Reading) -> (f64, [f64; 3]) {
        let (mut a, mut sx, mut sy, mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        for ([x, y], hu) in self.at.iter().zip(hu) {
            let e = modulus(*hu, cortical_hu, reading);
            a += e;
            sx += e * x;
            sy += e * y;
            xx += e * x * x;
            yy += e * y * y;
            xy += e * x * y;
        }
        (a, [xx - sx * sx / a, yy - sy * sy / a, xy - sx * sy / a])
    }
}

/// What hangs on the outline and is narrower than twice this is no bone of the section, mm.
const OPENING_MM: f64 = 4.0;
/// Share of compact bone's HU that tells its wall from an ossification.
const WALL_SHARE: f64 = 0.4;

/// The largest connected piece above a threshold, with what it encloses: no other bone, no ossification beside it.
fn largest_piece(hu: &[f64], side: usize, threshold_hu: f64) -> Vec<bool> {
    let piece = pieces(side, |p| hu[p] > threshold_hu);
    let outside = pieces(side, |p| piece.label[p] != piece.largest);
    // The background is the piece that the corner belongs to; what else is not the wall lies inside it.
    let background = outside.label[0];
    (0..hu.len()).map(|p| piece.largest > 0 && outside.label[p] != background).collect()
}

/// The picture without what no disc of this radius, samples, fits into.
fn opened(bone: &[bool], side: usize, radius: i32) -> Vec<bool> {
    let disc: Vec<(i32, i32)> = (-radius..=radius)
        .flat_map(|j| (-radius..=radius).map(move |i| (i, j)))
        .filter(|(i, j)| i * i + j * j <= radius * radius)
        .collect();
    let around = |p: usize| {
        let (i, j) = ((p % side) as i32, (p / side) as i32);
        disc.iter().map(move |(di, dj)| (i + di, j + dj))
    };
    let at = |picture: &[bool], (i, j): (i32, i32)| {
        let within = (0..side as i32).contains(&i) && (0..side as i32).contains(&j);
        within && picture[j as usize * side + i as usize]
    };
    let fits: Vec<bool> = (0..side * side).map(|p| around(p).all(|place| at(bone, place))).collect();
    (0..side * side).map(|p| around(p).any(|place| at(&fits, place))).collect()
}

/// Connected pieces of a square picture, numbered from 1, and the largest of them; 0 is none.
struct Pieces {
    label: Vec<usize>,
    largest: usize,
}

fn pieces(side: usize, inside: impl Fn(usize) -> bool) -> Pieces {
    let mut piece = vec![0usize; side * side];
    let mut sizes = vec![0usize];
    for start in 0..side * side {
        if !inside(start) || piece[start] > 0 {
            continue;
        }
        let label = sizes.len();
        sizes.push(0);
        let mut open = vec![start];
        piece[start] = label;
        while let Some(p) = open.pop() {
            sizes[label] += 1;
            let (i, j) = (p % side, p / side);
            let beside = [
                (i > 0, p.wrapping_sub(1)),
                (i + 1 < side, p + 1),
                (j > 0, p.wrapping_sub(side)),
                (j + 1 < side, p + side),
            ];
            for (within, next) in beside {
                if within && inside(next) && piece[next] == 0 {
                    piece[next] = label;
                    open.push(next);
                }
            }
        }
    }
    let largest = (1..sizes.len()).max_by_key(|label| sizes[*label]).unwrap_or(0);
    Pieces { label: piece, largest }
}

/// Smallest root of det(A − λ B) = 0.
fn least_share([axx, ayy, axy]: [f64; 3], [bxx, byy, bxy]: [f64; 3]) -> f64 {
    let (p, q, r) = (bxx * byy - bxy * bxy, axx * byy + ayy * bxx - 2.0 * axy * bxy, axx * ayy - axy * axy);
    (q - (q * q - 4.0 * p * r).max(0.0).sqrt()) / (2.0 * p)
}

/// Sections of a bone of the report that a lesion touches: in the slices of the lesions, and where a plane across the bone meets one from
/// another slice.
pub fn compare(
    bone: &Value,
    intact: &Volume<i16>,
    defect: &Volume<i16>,
    reading: impl Fn(&Value) -> Reading,
) -> Vec<Pair> {
    let cortical_hu = bone["image"]["cortical_hu"].as_f64().expect("HU of compact bone");
    let reading = reading(bone);
    let lesions: Vec<[f64; 2]> = bone["lesions"]
        .as_array()
        .expect("lesions")
        .iter()
        .map(|l| [0, 1].map(|n| l["z_range_mm"][n].as_f64().expect("a number")))
        .collect();
    let slices = bone["slices"].as_array().expect("slices");
    let measured = slices.iter().filter(|s| s["rigidity"].is_object());
    measured
        .filter_map(|slice| {
            let z_mm = slice["z_mm"].as_f64()?;
            let told = slice["rigidity"]["ea_reduction_percent"].as_f64()?;
            if told == 0.0 && !lesions.iter().any(|[low, high]| (low - 0.1..=high + 0.1).contains(&z_mm)) {
                return None;
            }
            // The axis, over 5 mm on both sides.
            let place = |slice: &Value| {
                let [x, y] = [0, 1].map(|n| slice["centre_mm"][n].as_f64().expect("a number"));
                Point3::new(x, y, slice["z_mm"].as_f64().expect("a number"))
            };
            let near = |z: f64| {
                let away = |s: &&Value| (s["z_mm"].as_f64().unwrap_or(f64::NAN) - z).abs();
                slices.iter().min_by(|a, b| away(a).total_cmp(&away(b))).map(place).expect("a slice")
            };
            let axis = (near(z_mm + 5.0) - near(z_mm - 5.0)).normalize();
            let samples = Samples::across(intact, defect, place(slice), axis, cortical_hu);
            let part = |hu: &[f64]| samples.integrate(hu, cortical_hu, reading);
            let ((a0, i0), (a1, i1)) = (part(&samples.intact_hu), part(&samples.defect_hu));
            let share = if a1 > 0.0 { least_share(i1, i0) } else { 0.0 };
            let number = |name: &str| slice["rigidity"][name].as_f64().expect("a number");
            let ci95 = |name: &str| [0, 1].map(|n| slice["rigidity"][name][n].as_f64().expect("a number"));
            Some(Pair {
                z_mm,
                found: [number("ea_reduction_percent"), number("ei_reduction_percent")],
                ci95: [ci95("ea_reduction_ci95"), ci95("ei_reduction_ci95")],
                truth: [100.0 * (1.0 - a1 / a0), 100.0 * (1.0 - share)],
            })
        })
        .collect()
}

/// The law of the report's own calibration.
pub fn by_law(bone: &Value) -> Reading {
    let curve = &bone["stiffness"]["calibration"]["curve"];
    let node = |n: usize, name: &str| curve[n][name].as_f64().expect("a number");
    let g_cm3_per_hu = (node(1, "density_g_cm3") - node(0, "density_g_cm3")) / (node(1, "hu") - node(0, "hu"));
    Reading::Law { hu_zero: node(0, "hu") - node(0, "density_g_cm3") / g_cm3_per_hu, g_cm3_per_hu }
}
