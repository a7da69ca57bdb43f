//! Names and sides: by size, company and place in the body, in the patient frame. A guess is called `unknown`.

use super::{BoneName, Shaft, Side};
use crate::smoothing::median;
use crate::volume::Volume;
use nalgebra::{Point3, Vector3};

/// A second shaft this close beside the first belongs to the same limb segment, mm.
const COMPANION_MM: f64 = 70.0;
/// A companion thinner than this share of the first is a fibula.
const FIBULA_SHARE: f64 = 0.72;
/// Shafts of the forearm are thinner than this, mm.
const FOREARM_MM: f64 = 18.5;
/// Outer diameter of the shaft between humerus (20 to 25 mm) and femur (26 to 32 mm), with the doubtful span between.
const HUMERUS_BELOW_MM: f64 = 24.0;
const FEMUR_ABOVE_MM: f64 = 25.5;
/// Skin this close to the wall on one side over most of the shaft is the shin, mm.
const SHIN_MM: f64 = 14.0;
/// The edge of a cast towards the air is no wider, mm; the thinnest skin over a bone is.
const CAST_EDGE_MM: f64 = 2.0;
/// A limb nearer to the scanner's middle than this has no side by its place alone, mm.
const MIDLINE_MM: f64 = 25.0;

/// A long bone: its shaft, what it is called and why.
#[derive(Debug, Clone)]
pub struct Bone {
    pub shaft: Shaft,
    pub name: BoneName,
    pub side: Side,
    /// Outer diameter of the shaft across its axis, mm.
    pub diameter_mm: f64,
    /// How sure name and side are, 0 to 1; a judgement, not a probability that was validated.
    pub confidence: f64,
    /// Why it is called so, in words.
    pub reasons: Vec<String>,
}

/// Names the shafts of a volume.
pub fn name_bones(volume: &Volume<i16>, shafts: Vec<Shaft>) -> Vec<Bone> {
    let middles: Vec<Point3<f64>> = shafts.iter().map(|s| middle(volume, s)).collect();
    let diameters: Vec<f64> = shafts.iter().map(|s| s.diameter_mm(volume)).collect();
    let company: Vec<Option<usize>> = (0..shafts.len()).map(|a| companion(volume, &shafts, a)).collect();
    let mut bones: Vec<Bone> = shafts
        .into_iter()
        .enumerate()
        .map(|(a, shaft)| {
            let beside = company[a].map(|b| (diameters[b], middles[b].x - middles[a].x));
            let (name, sure, reason) = name(volume, &shaft, diameters[a], beside);
            let lateral = company[a].map(|b| match name {
                BoneName::Tibia => middles[b].x - middles[a].x,
                BoneName::Fibula => middles[a].x - middles[b].x,
                _ => 0.0,
            });
            let (side, side_sure, side_reason) = side(middles[a].x, lateral.filter(|x| x.abs() > 8.0));
            Bone {
                shaft,
                name,
                side,
                diameter_mm: diameters[a],
                confidence: sure * side_sure,
                reasons: vec![reason, side_reason],
            }
        })
        .collect();
    pair_sides(&mut bones, &middles);
    bones
}

/// Patient position of the shaft's middle.
fn middle(volume: &Volume<i16>, shaft: &Shaft) -> Point3<f64> {
    let ring = &shaft.rings[shaft.rings.len() / 2];
    let s = volume.grid.spacing_mm;
    volume.grid.to_patient(Vector3::new(ring.centroid_mm[0] / s.x, ring.centroid_mm[1] / s.y, ring.k as f64))
}

/// The nearest shaft that runs beside this one over at least 30 mm.
fn companion(volume: &Volume<i16>, shafts: &[Shaft], a: usize) -> Option<usize> {
    let dz = volume.grid.spacing_mm.z;
    let mut best: Option<(f64, usize)> = None;
    for b in (0..shafts.len()).filter(|b| *b != a) {
        let mut apart: Vec<f64> = Vec::new();
        for ring in &shafts[a].rings {
            if let Ok(i) = shafts[b].rings.binary_search_by_key(&ring.k, |r| r.k) {
                let other = &shafts[b].rings[i];
                apart.push(
                    (ring.centroid_mm[0] - other.centroid_mm[0]).hypot(ring.centroid_mm[1] - other.centroid_mm[1]),
                );
            }
        }
        if (apart.len() as f64) * dz < 30.0 {
            continue;
        }
        if let Some(mm) = median(&mut apart)
            && mm < COMPANION_MM
            && best.is_none_or(|(d, _)| mm < d)
        {
            best = Some((mm, b));
        }
    }
    best.map(|b| b.1)
}

fn name(volume: &Volume<i16>, shaft: &Shaft, diameter_mm: f64, beside: Option<(f64, f64)>) -> (BoneName, f64, String) {
    let d = format!("{diameter_mm:.0} mm across");
    if let Some((other, _)) = beside {
        if other < FIBULA_SHARE * diameter_mm && diameter_mm > FOREARM_MM {
            return (BoneName::Tibia, 0.95, format!("{d}, with a thinner shaft ({other:.0} mm) beside it"));
        }
        if diameter_mm < FIBULA_SHARE * other && other > FOREARM_MM {
            return (BoneName::Fibula, 0.95, format!("{d}, beside a thicker shaft ({other:.0} mm)"));
        }
        if diameter_mm < FOREARM_MM && other < FOREARM_MM {
            let why = format!("{d}, beside one of {other:.0} mm: radius or ulna, not told apart");
            return (BoneName::Unknown, 0.5, why);
        }
    }
    if shaft.cut_everywhere {
        return (BoneName::Unknown, 0.3, "the image border cuts it everywhere: its size is not known".into());
    }
    match skin_mm(volume, shaft) {
        Some(skin) if skin < SHIN_MM && diameter_mm > 19.0 => {
            (BoneName::Tibia, 0.8, format!("{d}, {skin:.0} mm under the skin like a shin"))
        }
        _ if diameter_mm >= FEMUR_ABOVE_MM => {
            let sure = if diameter_mm > 27.0 { 0.95 } else { 0.85 };
            (BoneName::Femur, sure, format!("{d}, a single shaft deep in the limb"))
        }
        _ if (15.0..HUMERUS_BELOW_MM).contains(&diameter_mm) => {
            (BoneName::Humerus, 0.85, format!("{d}, a single shaft deep in the limb"))
        }
        _ => (BoneName::Unknown, 0.4, format!("{d}: neither clearly a humerus nor a femur")),
    }
}

/// Shortest way from the shaft's wall through the limb to the air, median over its rings; `None` when no air is seen.
fn skin_mm(volume: &Volume<i16>, shaft: &Shaft) -> Option<f64> {
    let [columns, rows, _] = volume.grid.size;
    let s = volume.grid.spacing_mm;
    let stride = (shaft.rings.len() / 12).max(1);
    let mut shortest: Vec<f64> = Vec::new();
    for ring in shaft.rings.iter().step_by(stride) {
        let pixels = volume.slice(ring.k);
        let mut best = f64::INFINITY;
        for ray in 0..24 {
            let (sin, cos) = (2.0 * std::f64::consts::PI * f64::from(ray) / 24.0).sin_cos();
            // Where the last dense run ends, where it began, and where the one before it ended.
            let (mut wall_mm, mut began_mm, mut before_mm) = (0.0, 0.0, 0.0);
            for step in 0..80 {
                let r = f64::from(step);
                let (x, y) = ((ring.centroid_mm[0] + r * cos) / s.x, (ring.centroid_mm[1] + r * sin) / s.y);
                if x < 0.0 || y < 0.0 || x >= columns as f64 - 0.5 || y >= rows as f64 - 0.5 {
                    break;
                }
                let hu = pixels[y.round() as usize * columns + x.round() as usize];
                if hu > 500 {
                    if r - wall_mm > 1.5 {
                        (began_mm, before_mm) = (r, wall_mm);
                    }
                    wall_mm = r;
                } else if hu < -400 {
                    // Dense up to the air is a cast: the skin lies under it.
                    let cast = before_mm > 0.0 && r - wall_mm <= CAST_EDGE_MM;
                    best = best.min(if cast { began_mm - before_mm } else { r - wall_mm });
                    break;
                }
            }
        }
        shortest.push(best);
    }
    median(&mut shortest).filter(|d| d.is_finite())
}

/// Side from the fibula (always lateral), else from the place in the scanner.
fn side(x_mm: f64, fibula_dx_mm: Option<f64>) -> (Side, f64, String) {
    let by = |x: f64| if x > 0.0 { Side::Left } else { Side::Right };
    match fibula_dx_mm {
        Some(dx) => (by(dx), 0.98, "side by the fibula, which is lateral".into()),
        None if x_mm.abs() > MIDLINE_MM => {
            (by(x_mm), 0.9, format!("side by its place, {:.0} mm from the scanner's middle", x_mm.abs()))
        }
        None => (Side::Unknown, 0.5, "too near the middle to have a side by its place".into()),
    }
}

/// Two bones of one name are left and right of each other, wherever the patient lies in the scanner.
fn pair_sides(bones: &mut [Bone], middles: &[Point3<f64>]) {
    for name in [BoneName::Femur, BoneName::Tibia, BoneName::Fibula, BoneName::Humerus] {
        let pair: Vec<usize> = (0..bones.len()).filter(|b| bones[*b].name == name).collect();
        if let [a, b] = pair[..]
            && (middles[a].x - middles[b].x).abs() > 40.0
        {
            let (left, right) = if middles[a].x > middles[b].x { (a, b) } else { (b, a) };
            for (bone, side) in [(left, Side::Left), (right, Side::Right)] {
                bones[bone].side = side;
                bones[bone].reasons[1] = "side by the pair".into();
            }
        }
    }
}
