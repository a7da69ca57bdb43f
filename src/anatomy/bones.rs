//! Names and sides: by size, company and place in the body, in the patient frame. A guess is called `unknown`.

use super::forearm::{cut_off_hand, radius_and_ulna};
use super::shafts::distance;
use super::skin::{Depth, skin_mm};
use super::{BoneName, Shaft, Side};
use crate::smoothing::{median, quantile};
use crate::volume::{Section, Volume};
use nalgebra::{Point3, Vector3};

/// A second shaft this close beside the first belongs to the same limb segment, mm.
const COMPANION_MM: f64 = 70.0;
/// A companion thinner than this share of the first is a fibula, if it is no further away than this, mm: a rib beside an arm is.
const FIBULA_SHARE: f64 = 0.72;
const FIBULA_MM: f64 = 50.0;
/// Shafts of the forearm are thinner than this where they are thinnest, mm, a tibia is not. Their ends are as wide as a tibia.
const FOREARM_MM: f64 = 18.5;
/// And on the whole no wider than this, mm.
const FOREARM_BELOW_MM: f64 = 23.0;
/// A single shaft must be this wide at its thinnest to be taken for a humerus, mm: a radius or ulna may stand alone in the image.
const HUMERUS_THINNEST_MM: f64 = 17.0;
/// Outer diameter of the shaft between humerus (20 to 25 mm) and femur (26 to 32 mm), with the doubtful span between.
const HUMERUS_BELOW_MM: f64 = 24.0;
const FEMUR_ABOVE_MM: f64 = 25.5;
/// Large humeri reach into that span and beyond, slender femora below it: the soft tissue around the shaft must agree. From the wall to the nearest skin
/// it is no less than this in a thigh, mm, and no more than that in an arm (36 to 100 mm in eleven thighs of patients, 30 mm in a stout arm).
pub(super) const THIGH_MM: f64 = 33.0;
const ARM_MM: f64 = 45.0;
/// And a thigh's section is no smaller than this, mm²: a circle of 38 cm around. (150 cm² and more in those thighs, as far as the image shows them;
/// nine of ten arms are thinner.)
const THIGH_MM2: f64 = 11500.0;
/// A shaft that a slender femur may be as narrow as is a humerus in no larger a limb than this, mm²: a circle of 35 cm around.
const ARM_MM2: f64 = 10000.0;
/// Where the image does not show how deep it lies, its size alone must do: a shaft as wide as this, or as narrow as that, mm.
const WIDE_MM: f64 = 27.0;
const NARROW_MM: f64 = 22.0;
/// No humerus is as wide at its thinnest over this much of its length, mm; its ends are.
pub(super) const WIDER_THAN_ARMS_MM: f64 = 29.0;
const LONG_MM: f64 = 90.0;
/// Skin this close to the wall on one side over most of the shaft is the shin, mm, where the section is about as much longer than wide as a tibia's.
const SHIN_MM: f64 = 14.0;
const SHIN_LONGER: [f64; 2] = [1.25, 2.0];
/// Lungs, HU, and how much of a slice is more than clothes or the table's padding, mm².
const LUNG_HU: [i16; 2] = [-930, -600];
const LUNG_MM2: f64 = 6000.0;
/// What is body and not air or clothes, HU; how much of a column of the image it fills where the body begins, mm; a body is broader than most
/// limbs alone, mm.
const BODY_HU: i16 = -200;
const BODY_MM: f64 = 15.0;
const BODY_WIDTH_MM: f64 = 200.0;
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
pub fn name_bones(volume: &Volume<i16>, mut shafts: Vec<Shaft>) -> Vec<Bone> {
    for [a, b] in forearms(volume, &shafts) {
        cut_off_hand(volume, &mut shafts, [a, b]);
    }
    let middles: Vec<Point3<f64>> = shafts.iter().map(|s| middle(volume, s)).collect();
    let widths: Vec<Widths> = shafts.iter().map(|s| Widths::of(volume, s)).collect();
    let beside: Vec<Option<Beside>> = (0..shafts.len()).map(|a| companion(volume, &shafts, a)).collect();
    let company: Vec<Option<usize>> = beside.iter().map(|near| near.map(|near| near.index)).collect();
    let mut humeri = Vec::new();
    let mut names: Vec<Named> = (0..shafts.len())
        .map(|a| match company[a] {
            Some(b) if widths[a].is_forearm() && widths[b].is_forearm() => {
                let mutual = company[b] == Some(a);
                let (named, humerus) = forearm(volume, &shafts, [a, b], mutual, [widths[a], widths[b]]);
                humeri.extend(humerus);
                named
            }
            _ => {
                let near = beside[a].map(|near| (near.away_mm, widths[near.index]));
                name(volume, &shafts[a], widths[a], near)
            }
        })
        .collect();
    let alone = |a: usize| company[a].is_none() && !shafts[a].cut_everywhere && !widths[a].is_forearm();
    name_by_elbows(&humeri, alone, &mut names);
    let mut bones: Vec<Bone> = shafts
        .into_iter()
        .zip(names)
        .enumerate()
        .map(|(a, (shaft, (name, sure, reason)))| {
            let beside = company[a].map(|b| middles[b].x - middles[a].x);
            let lateral = beside.map(|x| match name {
                BoneName::Tibia => x,
                BoneName::Fibula => -x,
                _ => 0.0,
            });
            let x_mm = match name {
                // Both bones of a forearm are of one side.
                BoneName::Radius | BoneName::Ulna => middles[a].x + 0.5 * beside.unwrap_or(0.0),
                _ => middles[a].x,
            };
            let place = Place { x_mm, body_mm: middle_of_body(volume, &shaft) };
            let (side, side_sure, side_reason) = side(place, lateral.filter(|x| x.abs() > 8.0));
            Bone {
                shaft,
                name,
                side,
                diameter_mm: widths[a].diameter_mm,
                confidence: sure * side_sure,
                reasons: vec![reason, side_reason],
            }
        })
        .collect();
    pair_sides(&mut bones, &middles);
    bones
}

/// Pairs of thin shafts that run beside each other for longer than beside any other: a radius with the carpal and the metacarpal in line with it has
/// others near.
fn forearms(volume: &Volume<i16>, shafts: &[Shaft]) -> Vec<[usize; 2]> {
    let thin: Vec<bool> = shafts.iter().map(|s| !s.cut_everywhere && Widths::of(volume, s).is_forearm()).collect();
    let longest = |a: usize| {
        let beside = all_beside(volume, shafts, a).into_iter().filter(|near| thin[near.index]);
        let by = |x: &Beside, y: &Beside| x.length_mm.total_cmp(&y.length_mm).then(y.away_mm.total_cmp(&x.away_mm));
        beside.max_by(by).map(|near| near.index)
    };
    let pair = |a: usize| longest(a).filter(|b| a < *b && longest(*b) == Some(a)).map(|b| [a, b]);
    (0..shafts.len()).filter(|a| thin[*a]).filter_map(pair).collect()
}

/// Patient position of the shaft's middle.
fn middle(volume: &Volume<i16>, shaft: &Shaft) -> Point3<f64> {
    let ring = &shaft.rings[shaft.rings.len() / 2];
    let s = volume.grid.spacing_mm;
    volume.grid.to_patient(Vector3::new(ring.centroid_mm[0] / s.x, ring.centroid_mm[1] / s.y, ring.k as f64))
}

/// Another shaft that runs beside one over at least 30 mm.
#[derive(Debug, Clone, Copy)]
struct Beside {
    index: usize,
    /// How far it is away, and over how much it runs beside, mm.
    away_mm: f64,
    length_mm: f64,
}

/// The shafts that run beside this one, in their order.
fn all_beside(volume: &Volume<i16>, shafts: &[Shaft], a: usize) -> Vec<Beside> {
    let dz = volume.grid.spacing_mm.z;
    let of = |index: usize| {
        let to_other = |ring: &Section| Some(distance(ring.centroid_mm, shafts[index].ring_at(ring.k)?.centroid_mm));
        let mut apart: Vec<f64> = shafts[a].rings.iter().filter_map(to_other).collect();
        let length_mm = apart.len() as f64 * dz;
        let away_mm = median(&mut apart).filter(|mm| length_mm >= 30.0 && *mm < COMPANION_MM)?;
        Some(Beside { index, away_mm, length_mm })
    };
    (0..shafts.len()).filter(|b| *b != a).filter_map(of).collect()
}

/// The nearest of them.
fn companion(volume: &Volume<i16>, shafts: &[Shaft], a: usize) -> Option<Beside> {
    all_beside(volume, shafts, a).into_iter().min_by(|x, y| x.away_mm.total_cmp(&y.away_mm))
}

/// A name, how sure it is, and why.
type Named = (BoneName, f64, String);

/// How wide a shaft is across its axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widths {
    /// Median over the rings, mm.
    diameter_mm: f64,
    /// What nine tenths of the rings are wider than, mm.
    pub(super) thinnest_mm: f64,
}

impl Widths {
    pub(super) fn of(volume: &Volume<i16>, shaft: &Shaft) -> Widths {
        let diameter_mm = shaft.diameter_mm(volume);
        let areas = || shaft.rings.iter().map(|ring| ring.filled_area_mm2).collect::<Vec<f64>>();
        let share = |q| quantile(&mut areas(), q).unwrap_or(0.0);
        // Oblique to the slices all rings are larger by about the same share. What the border leaves of a bone has no thinnest place.
        let narrow = if shaft.cut_everywhere { 1.0 } else { share(0.1) / share(0.5).max(1e-9) };
        let thinnest_mm = diameter_mm * narrow.sqrt();
        Widths { diameter_mm, thinnest_mm }
    }

    fn is_forearm(&self) -> bool {
        self.thinnest_mm < FOREARM_MM
    }
}

/// The first one's name of two thin shafts beside each other, each the other's nearest where this is `mutual`, and the humerus that goes on
/// beyond their elbow.
fn forearm(
    volume: &Volume<i16>,
    shafts: &[Shaft],
    pair: [usize; 2],
    mutual: bool,
    widths: [Widths; 2],
) -> (Named, Option<usize>) {
    // Asked for in one order only, so that both get the same answer.
    let ordered = if pair[0] < pair[1] { pair } else { [pair[1], pair[0]] };
    let [own, other] = widths.map(|w| w.diameter_mm);
    let told = match own.max(other) {
        // A humerus and what goes on beyond its elbow, followed as one.
        wide if wide >= FOREARM_BELOW_MM => Err("one is too wide on the whole"),
        _ if mutual => radius_and_ulna(volume, shafts, ordered),
        _ => Err("another bone is nearer to one"),
    };
    match told {
        Ok(told) => {
            let name = told.names[usize::from(ordered[0] != pair[0])];
            let grows = if name == BoneName::Ulna { "elbow" } else { "hand" };
            let why = told.reason;
            let text = format!("{own:.0} mm across, beside one of {other:.0} mm, larger towards the {grows}: {why}");
            ((name, told.sure, text), told.humerus)
        }
        Err(why) => {
            let text =
                format!("{own:.0} mm across, beside one of {other:.0} mm: radius or ulna, not told apart ({why})");
            ((BoneName::Unknown, 0.5, text), None)
        }
    }
}

/// What size and depth left open, told by what goes on beyond a joint: a humerus beyond the elbow of radius and ulna.
fn name_by_elbows(humeri: &[usize], alone: impl Fn(usize) -> bool, names: &mut [Named]) {
    for h in humeri.iter().copied().filter(|h| alone(*h)) {
        if matches!(names[h].0, BoneName::Unknown | BoneName::Humerus) {
            names[h] = (BoneName::Humerus, 0.95, "radius and ulna go on beyond its elbow".into());
        }
    }
}

fn name(volume: &Volume<i16>, shaft: &Shaft, widths: Widths, beside: Option<(f64, Widths)>) -> Named {
    let diameter_mm = widths.diameter_mm;
    let d = format!("{diameter_mm:.0} mm across");
    if let Some((_, beside)) = beside.filter(|(away_mm, _)| *away_mm <= FIBULA_MM) {
        let other = beside.diameter_mm;
        if other < FIBULA_SHARE * diameter_mm && !widths.is_forearm() {
            return (BoneName::Tibia, 0.95, format!("{d}, with a thinner shaft ({other:.0} mm) beside it"));
        }
        if diameter_mm < FIBULA_SHARE * other && !beside.is_forearm() {
            return (BoneName::Fibula, 0.95, format!("{d}, beside a thicker shaft ({other:.0} mm)"));
        }
        if widths.is_forearm() != beside.is_forearm() {
            let why = format!("{d}, beside one of {other:.0} mm: neither clearly a leg nor a forearm");
            return (BoneName::Unknown, 0.4, why);
        }
    }
    if shaft.cut_everywhere {
        return (BoneName::Unknown, 0.3, "the image border cuts it everywhere: its size is not known".into());
    }
    let mut longer: Vec<f64> = shaft.rings.iter().map(|ring| ring.axes_mm[0] / ring.axes_mm[1].max(1e-9)).collect();
    let shin = median(&mut longer).is_some_and(|longer| (SHIN_LONGER[0]..SHIN_LONGER[1]).contains(&longer));
    match skin_mm(volume, shaft).filter(|skin| shin && *skin < SHIN_MM && diameter_mm > 19.0) {
        Some(skin) => (BoneName::Tibia, 0.8, format!("{d}, {skin:.0} mm under the skin like a shin")),
        None => humerus_or_femur(volume, shaft, widths),
    }
}

/// A single shaft that is no shin, by its size, what lies around it, and lungs beside it.
fn humerus_or_femur(volume: &Volume<i16>, shaft: &Shaft, widths: Widths) -> Named {
    let Widths { diameter_mm, thinnest_mm } = widths;
    let d = format!("{diameter_mm:.0} mm across");
    if (HUMERUS_THINNEST_MM..WIDER_THAN_ARMS_MM).contains(&thinnest_mm) && lungs_beside(volume, shaft) {
        return (BoneName::Humerus, 0.85, format!("{d}, a single shaft beside the lungs"));
    }
    let depth = Depth::of(volume, shaft);
    let wide = |mm: f64| thinnest_mm >= mm && shaft.length_mm(volume) >= LONG_MM;
    let (femur, humerus) = match depth {
        Some(depth) => {
            let arm = depth.nearest_mm < THIGH_MM && depth.area_mm2 < ARM_MM2;
            let thigh = depth.nearest_mm >= THIGH_MM && depth.area_mm2 >= THIGH_MM2;
            (
                wide(WIDER_THAN_ARMS_MM) || (diameter_mm >= FEMUR_ABOVE_MM && thigh),
                depth.nearest_mm <= ARM_MM && (diameter_mm < NARROW_MM || (diameter_mm < HUMERUS_BELOW_MM && arm)),
            )
        }
        None => (wide(WIDE_MM), diameter_mm < NARROW_MM),
    };
    let under = match depth {
        Some(depth) => format!("under at least {:.0} mm of soft tissue", depth.nearest_mm),
        None => "how deep the image does not show".into(),
    };
    if femur {
        let sure = if diameter_mm > 27.0 { 0.95 } else { 0.85 };
        (BoneName::Femur, sure, format!("{d}, a single shaft deep in the limb ({under})"))
    } else if humerus && thinnest_mm >= HUMERUS_THINNEST_MM {
        (BoneName::Humerus, 0.85, format!("{d}, a single shaft deep in the limb ({under})"))
    } else {
        (BoneName::Unknown, 0.4, format!("{d}, {under}: neither clearly a humerus nor a femur"))
    }
}

/// Do most slices of the shaft show lungs?
fn lungs_beside(volume: &Volume<i16>, shaft: &Shaft) -> bool {
    let pixel_mm2 = volume.grid.spacing_mm.x * volume.grid.spacing_mm.y;
    let rings: Vec<&Section> = shaft.rings.iter().step_by((shaft.rings.len() / 8).max(1)).collect();
    let shows = |ring: &&&Section| {
        let lung = volume.slice(ring.k).iter().filter(|hu| (LUNG_HU[0]..LUNG_HU[1]).contains(hu)).count();
        lung as f64 * pixel_mm2 >= LUNG_MM2
    };
    2 * rings.iter().filter(shows).count() > rings.len()
}

/// Where a bone lies from left to right, patient mm.
#[derive(Debug, Clone, Copy)]
struct Place {
    x_mm: f64,
    /// The middle of the body beside it, where the image shows the whole width of it.
    body_mm: Option<f64>,
}

/// Side from the fibula (always lateral), else from the place in the scanner.
fn side(place: Place, fibula_dx_mm: Option<f64>) -> (Side, f64, String) {
    let by = |x: f64| if x > 0.0 { Side::Left } else { Side::Right };
    let x_mm = place.x_mm;
    let other_half = |body: f64| (x_mm - body) * x_mm < 0.0 && (x_mm - body).abs() > MIDLINE_MM;
    match fibula_dx_mm {
        Some(dx) => (by(dx), 0.98, "side by the fibula, which is lateral".into()),
        None if x_mm.abs() <= MIDLINE_MM => {
            (Side::Unknown, 0.5, "too near the middle to have a side by its place".into())
        }
        None if place.body_mm.is_some_and(other_half) => {
            (Side::Unknown, 0.5, "on one side of the scanner's middle and on the other of the body's".into())
        }
        None => (by(x_mm), 0.9, format!("side by its place, {:.0} mm from the scanner's middle", x_mm.abs())),
    }
}

/// The middle of all that is body in the slices of a shaft, where the image shows it from side to side and it is broader than a limb.
fn middle_of_body(volume: &Volume<i16>, shaft: &Shaft) -> Option<f64> {
    let [columns, rows, _] = volume.grid.size;
    let stride = (shaft.rings.len() / 8).max(1);
    let mut ends = [Vec::new(), Vec::new()];
    for ring in shaft.rings.iter().step_by(stride) {
        let pixels = volume.slice(ring.k);
        let body = |i: &usize| {
            let tissue = (0..rows).filter(|j| pixels[j * columns + i] > BODY_HU).count();
            tissue as f64 * volume.grid.spacing_mm.y >= BODY_MM
        };
        let (first, last) = ((0..columns).find(body)?, (0..columns).rev().find(body)?);
        if first == 0 || last + 1 == columns {
            return None;
        }
        for (ends, i) in ends.iter_mut().zip([first, last]) {
            ends.push(volume.grid.to_patient(Vector3::new(i as f64, 0.5 * rows as f64, ring.k as f64)).x);
        }
    }
    let [first, last] = ends.each_mut().map(|ends| median(ends).unwrap_or(0.0));
    ((first - last).abs() > BODY_WIDTH_MM).then_some(0.5 * (first + last))
}

/// Two bones of one name beside each other are left and right of each other, wherever the patient lies in the scanner.
fn pair_sides(bones: &mut [Bone], middles: &[Point3<f64>]) {
    use BoneName::{Femur, Fibula, Humerus, Radius, Tibia, Ulna};
    for name in [Femur, Tibia, Fibula, Humerus, Radius, Ulna] {
        let pair: Vec<usize> = (0..bones.len()).filter(|b| bones[*b].name == name).collect();
        // One above the other they are no pair: an arm taken for a leg.
        let level = |a: usize, b: usize| {
            let (a, b) = (bones[a].shaft.span(), bones[b].shaft.span());
            a.0 <= b.1 && b.0 <= a.1
        };
        if let [a, b] = pair[..]
            && (middles[a].x - middles[b].x).abs() > 40.0
            && level(a, b)
        {
            let (left, right) = if middles[a].x > middles[b].x { (a, b) } else { (b, a) };
            for (bone, side) in [(left, Side::Left), (right, Side::Right)] {
                bones[bone].side = side;
                bones[bone].reasons[1] = "side by the pair".into();
            }
        }
    }
}
