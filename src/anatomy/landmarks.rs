//! Where on the bone is what: head, neck, trochanters, condyles, surgical neck, and how much of the bone is seen.

use super::ends::BoneEnd;
use super::head::{GRIPPED_MM, Head};
use super::{Bone, BoneName, Side};
use crate::smoothing::median;
use crate::volume::Volume;
use nalgebra::{Point3, Vector3};
use std::collections::BTreeMap;

/// Steps along the axis in which the shape of an end is read, mm; never finer than the slices.
const STEP_MM: f64 = 2.0;
/// A bump of the contour this high is a lesser trochanter, and its edge is where it is this high, mm.
const TROCHANTER_MM: f64 = 3.0;
const TROCHANTER_EDGE_MM: f64 = 2.0;
/// The contour falls by this beyond the tip of the lesser trochanter, mm.
const TROCHANTER_FALL_MM: f64 = 1.0;
/// The greater trochanter lies beside the axis on the other side from the head, mm.
const GREATER_BESIDE_MM: f64 = 4.0;
/// A humerus is its shaft up to where its section is this much larger.
const SURGICAL_NECK: f64 = 1.4;
/// What lies further beyond the rings than this is an end with its joint, mm.
const JOINT_BEYOND_MM: f64 = 22.0;

/// Points of a bone, patient millimetres, by the names that reports use.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Landmarks {
    pub points_mm: BTreeMap<&'static str, Point3<f64>>,
    /// Radius of the head.
    pub head_radius_mm: Option<f64>,
    /// Between the axes of neck and shaft, on the inner side; 125 to 135° in most adults.
    pub neck_shaft_angle_deg: Option<f64>,
    /// Patient z at which the bone's axis is level with the lower edge of the lesser trochanter.
    pub lesser_trochanter_z_mm: Option<f64>,
    /// Patient z at which the bone's axis is level with the tip of the greater trochanter.
    pub greater_trochanter_z_mm: Option<f64>,
    /// Patient z at which the bone's axis is level with the surgical neck.
    pub surgical_neck_z_mm: Option<f64>,
    /// Length seen along the axis over that of an adult's bone: 1 when both ends are seen.
    pub visible_fraction: Option<f64>,
    /// The sides of the body towards which the head looks, where it is clearly beside the shaft.
    pub side: Option<Side>,
}

/// Lengths that stand for an adult's bone where only a part is seen, mm. Assumptions, not measured on this patient.
fn adult_length_mm(name: BoneName) -> Option<f64> {
    match name {
        BoneName::Femur => Some(450.0),
        BoneName::Tibia => Some(370.0),
        BoneName::Fibula => Some(360.0),
        BoneName::Humerus => Some(320.0),
        BoneName::Radius => Some(240.0),
        BoneName::Ulna => Some(260.0),
        BoneName::Unknown => None,
    }
}

/// The landmarks that the ends of a bone show.
pub fn landmarks(volume: &Volume<i16>, bone: &Bone, ends: &[BoneEnd]) -> Landmarks {
    let mut found = Landmarks::default();
    for end in ends.iter().filter(|end| !end.fused && !end.metal) {
        match (bone.name, end.head) {
            (BoneName::Femur, Some(head)) if head.beside_mm >= GRIPPED_MM => {
                proximal_femur(end, &head, bone.shaft.stub, &mut found);
            }
            (BoneName::Humerus, Some(head)) => proximal_humerus(end, &head, &mut found),
            (BoneName::Femur, None) => condyles(volume, bone, end, &mut found),
            _ => {}
        }
    }
    found.visible_fraction = visible_fraction(volume, bone, ends);
    found
}

/// An end in its own frame.
struct Shape<'a> {
    end: &'a BoneEnd,
    /// Voxels of the bone, mm along the axes of the window.
    places: Vec<Vector3<f64>>,
    step_mm: f64,
}

impl<'a> Shape<'a> {
    fn of(end: &'a BoneEnd) -> Shape<'a> {
        let places = (0..end.inside.len()).filter(|n| end.inside[*n]).map(|n| end.window.mm(n)).collect();
        // Beside a steep axis neighbouring slices come closer along it.
        let rise = end.window.spacing_mm[2] * end.outwards.z.abs();
        Shape { end, places, step_mm: STEP_MM.max(rise) }
    }

    /// Distance along the axis from the last ring outwards, mm.
    fn along(&self, place: Vector3<f64>) -> f64 {
        (place - self.end.base_mm).dot(&self.end.outwards)
    }

    /// The way from the axis to a place, at right angles to it.
    fn off(&self, place: Vector3<f64>) -> Vector3<f64> {
        let from = place - self.end.base_mm;
        from - self.end.outwards * from.dot(&self.end.outwards)
    }

    fn range_mm(&self) -> [f64; 2] {
        self.places.iter().map(|p| self.along(*p)).fold([f64::MAX, f64::MIN], |r, t| [r[0].min(t), r[1].max(t)])
    }

    /// What the voxels of each step along the axis give, folded.
    fn by_step<T: Clone>(&self, start: T, fold: impl Fn(&mut T, Vector3<f64>)) -> Vec<(f64, T)> {
        let [low, high] = self.range_mm();
        let count = ((high - low) / self.step_mm).ceil().max(1.0) as usize + 1;
        let mut steps = vec![start; count];
        for place in &self.places {
            fold(&mut steps[((self.along(*place) - low) / self.step_mm) as usize], *place);
        }
        steps.into_iter().enumerate().map(|(n, value)| (low + (n as f64 + 0.5) * self.step_mm, value)).collect()
    }

    fn point(&self, place: Vector3<f64>) -> Point3<f64> {
        self.end.window.patient_of_mm(place)
    }

    /// Patient z of the axis at a distance along it.
    fn z_at(&self, along_mm: f64) -> f64 {
        self.point(self.end.base_mm + self.end.outwards * along_mm).z
    }

    /// Does the image end in the slice of this place, on the side to which the end points?
    fn at_end_of_image(&self, place: Vector3<f64>) -> bool {
        let window = &self.end.window;
        let (last, at_edge) = window.last_slice(self.end.upper);
        at_edge && (place.z / window.spacing_mm[2]).round() == last as f64
    }

    /// Does the image end at this place?
    fn at_border(&self, place: Vector3<f64>) -> bool {
        let at = std::array::from_fn(|a| place[a] / self.end.window.spacing_mm[a]);
        let voxel = self.end.window.voxel(at);
        voxel.is_some_and(|voxel| (0..3).any(|axis| self.end.window.at_edge_of_image(voxel, axis)))
    }
}

fn proximal_femur(end: &BoneEnd, head: &Head, stub: bool, found: &mut Landmarks) {
    let shape = Shape::of(end);
    if head.told {
        found.points_mm.insert("femoral_head_centre", shape.point(head.ball.centre_mm));
        found.head_radius_mm = Some(head.ball.radius_mm);
    }
    let medial = shape.off(head.ball.centre_mm).normalize();
    found.side = head.side(&end.window);
    if let Some(neck) = neck_centre(&shape, head) {
        found.points_mm.insert("femoral_neck_centre", shape.point(neck));
        let axis = (neck - head.ball.centre_mm).normalize();
        let angle = 180.0 - axis.dot(&-end.outwards).clamp(-1.0, 1.0).acos().to_degrees();
        found.neck_shaft_angle_deg = (head.told && !stub).then_some(angle);
    }
    // A few rings tell no axis of the shaft: neither its angle with the neck nor where trochanters stand on it.
    if stub {
        return;
    }
    let head_along = shape.along(head.ball.centre_mm);
    if let Some((tip, edge_mm)) = lesser_trochanter(&shape, medial, head_along - 0.6 * head.ball.radius_mm) {
        found.points_mm.insert("lesser_trochanter", shape.point(tip));
        found.lesser_trochanter_z_mm = Some(shape.z_at(edge_mm));
    }
    let greater = |p: &&Vector3<f64>| shape.off(**p).dot(&medial) < -GREATER_BESIDE_MM;
    let tip = shape.places.iter().filter(greater).max_by(|a, b| shape.along(**a).total_cmp(&shape.along(**b)));
    // What the border cuts goes on beyond it, along a tilted axis maybe further than what is seen.
    let cut = shape.places.iter().filter(greater).any(|place| shape.at_end_of_image(*place));
    if let Some(tip) = tip.filter(|tip| !cut && !shape.at_border(**tip)) {
        found.points_mm.insert("greater_trochanter", shape.point(*tip));
        found.greater_trochanter_z_mm = Some(shape.z_at(shape.along(*tip)));
    }
}

/// The middle of the narrowest section between head and trochanters, across the line from the head to the shaft; `None` where the image does not
/// show all of that section.
fn neck_centre(shape: &Shape, head: &Head) -> Option<Vector3<f64>> {
    let radius = head.ball.radius_mm;
    let mut axis = head.neck;
    let mut centre = None;
    // The first section is across a guess of the axis, the second across what the first one showed.
    for _ in 0..3 {
        let mut best: Option<(usize, Vector3<f64>, bool)> = None;
        let mut d = 0.9 * radius;
        while d <= 1.9 * radius {
            let (mut count, mut sum, mut cut) = (0usize, Vector3::zeros(), false);
            for place in &shape.places {
                let from = place - head.ball.centre_mm;
                let ahead = from.dot(&axis);
                if (ahead - d).abs() <= 2.0 && (from - axis * ahead).norm() <= 1.3 * radius {
                    count += 1;
                    sum += place;
                    cut |= shape.at_end_of_image(*place);
                }
            }
            if count > 0 && best.is_none_or(|(least, ..)| count < least) {
                best = Some((count, sum / count as f64, cut));
            }
            d += 1.5;
        }
        let (_, middle, cut) = best?;
        axis = (middle - head.ball.centre_mm).normalize();
        centre = (!cut).then_some(middle);
    }
    centre
}

/// The tip of the lesser trochanter and the distance along the axis of its lower edge: the first bump of the contour
/// backwards and inwards that is met from the shaft upwards.
fn lesser_trochanter(shape: &Shape, medial: Vector3<f64>, below_mm: f64) -> Option<(Vector3<f64>, f64)> {
    let back = shape.end.window.axes_of(Vector3::y());
    let outwards = shape.end.outwards;
    let across = |v: Vector3<f64>| v - outwards * v.dot(&outwards);
    let back = across(back) - medial * across(back).dot(&medial);
    let towards = (0.6 * medial + 0.8 * back.normalize()).normalize();
    let reach = shape.by_step((f64::MIN, Vector3::zeros()), |most, place| {
        let r = shape.off(place).dot(&towards);
        if r > most.0 {
            *most = (r, place);
        }
    });
    let mut low: Vec<f64> =
        reach.iter().filter(|s| s.0 < reach[0].0 + 18.0 && s.1.0 > f64::MIN).map(|s| s.1.0).collect();
    let base = median(&mut low)?;
    let mut peak: Option<(f64, f64, Vector3<f64>)> = None;
    let mut edge = reach[0].0;
    for (t, (r, place)) in reach.iter().filter(|(t, (r, _))| *r > f64::MIN && *t < below_mm) {
        if *r < base + TROCHANTER_EDGE_MM && peak.is_none_or(|(most, ..)| most < base + TROCHANTER_MM) {
            edge = *t;
            peak = None;
            continue;
        }
        match peak {
            Some((most, ..)) if *r < most - TROCHANTER_FALL_MM && most > base + TROCHANTER_MM => break,
            Some((most, ..)) if *r <= most => {}
            _ => peak = Some((*r, *t, *place)),
        }
    }
    let (most, _, tip) = peak?;
    (most >= base + TROCHANTER_MM).then_some((tip, edge + 0.5 * shape.step_mm))
}

fn proximal_humerus(end: &BoneEnd, head: &Head, found: &mut Landmarks) {
    let shape = Shape::of(end);
    found.points_mm.insert("humeral_head_centre", shape.point(head.ball.centre_mm));
    found.head_radius_mm = Some(head.ball.radius_mm);
    let areas = shape.by_step((0usize, Vector3::zeros()), |(count, sum), place| {
        *count += 1;
        *sum += place;
    });
    let mut shaft: Vec<f64> = areas.iter().filter(|a| a.0 < areas[0].0 + 20.0).map(|a| a.1.0 as f64).collect();
    let Some(shaft) = median(&mut shaft) else { return };
    let head_along = shape.along(head.ball.centre_mm);
    let neck = areas.iter().rev().find(|(t, (count, _))| *t < head_along && *count as f64 <= SURGICAL_NECK * shaft);
    if let Some((t, (count, sum))) = neck.filter(|(_, (count, _))| *count > 0) {
        found.points_mm.insert("surgical_neck", shape.point(sum / *count as f64));
        found.surgical_neck_z_mm = Some(shape.z_at(*t));
    }
}

/// The lowest points of both condyles, where the lower end of a femur is seen to its joint.
fn condyles(volume: &Volume<i16>, bone: &Bone, end: &BoneEnd, found: &mut Landmarks) {
    let shape = Shape::of(end);
    // A femur's knee lies towards the feet.
    let z = volume.grid.directions.column(2).z;
    let down = if end.upper { z < 0.0 } else { z > 0.0 };
    if !down || shape.range_mm()[1] < JOINT_BEYOND_MM || bone.side == Side::Unknown {
        return;
    }
    let medial = end.window.axes_of(if bone.side == Side::Left { -Vector3::x() } else { Vector3::x() });
    for (name, direction) in [("medial_condyle", medial), ("lateral_condyle", -medial)] {
        let half = shape.places.iter().filter(|p| shape.off(**p).dot(&direction) > 8.0);
        let lowest = half.max_by(|a, b| shape.along(**a).total_cmp(&shape.along(**b)));
        if let Some(lowest) = lowest.filter(|lowest| !shape.at_border(**lowest)) {
            found.points_mm.insert(name, shape.point(*lowest));
        }
    }
}

fn visible_fraction(volume: &Volume<i16>, bone: &Bone, ends: &[BoneEnd]) -> Option<f64> {
    let expected = adult_length_mm(bone.name)?;
    let (mut length, mut joints) = (bone.shaft.length_mm(volume), 0);
    for end in ends.iter().filter(|end| !end.fused && !end.metal) {
        let shape = Shape::of(end);
        let beyond = shape.range_mm()[1].max(0.0);
        length += beyond;
        let tip = shape.places.iter().max_by(|a, b| shape.along(**a).total_cmp(&shape.along(**b)));
        joints += usize::from(beyond >= JOINT_BEYOND_MM && tip.is_some_and(|tip| !shape.at_border(*tip)));
    }
    Some(if joints == 2 { 1.0 } else { (length / expected).min(1.0) })
}
