//! The head at the end of a shaft: which of the balls that an image shows is one, and where it lies to its shaft.

use super::ball::{Ball, Balls};
use super::cap::cut_head;
use super::window::Window;
use super::{Bone, BoneName, Side};
use nalgebra::Vector3;

/// A head beside the axis by at least this is a femur's, whose socket grips it, mm.
pub(super) const GRIPPED_MM: f64 = 22.0;
/// A head lies within this of the end of its shaft, mm.
const HEAD_WITHIN_MM: f64 = 110.0;
/// And no further beside its axis than this, mm.
const HEAD_BESIDE_MM: f64 = 70.0;
/// Share of a head's surface away from its neck that must lie on the ball. A condyle, or a shaft seen as a ball, shows less.
const HEAD_SHARE: f64 = 0.65;
/// A ball of which the border leaves no more than this beyond its centre is hardly half seen, mm.
const HALF_MM: f64 = 6.0;
/// Condyles lie at least this far apart, mm.
const CONDYLES_MM: f64 = 32.0;

/// The head of a bone.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    pub ball: Ball,
    /// From its centre towards the shaft, a unit vector.
    pub neck: Vector3<f64>,
    /// How far its centre lies beside the axis of the shaft, mm.
    pub beside_mm: f64,
    /// Share of the surface away from the neck that lies on the ball, of what the image shows of it.
    pub(super) share: f64,
    /// Does the border of the image cut it, so that its ball was fitted to a part?
    pub cut: bool,
    /// Does the image show enough of it to tell its centre and its radius?
    pub told: bool,
    /// From the axis of the shaft to the centre.
    pub(super) off: Vector3<f64>,
}

impl Head {
    /// Share of the way from the shaft's axis to the head that leads to the patient's left, -1 to 1.
    pub(super) fn leftwards(&self, window: &Window) -> f64 {
        window.direction_of(self.off.normalize()).x
    }

    /// Left or right: a head looks towards the middle of the body. `None` where it looks ahead or back.
    pub(super) fn side(&self, window: &Window) -> Option<Side> {
        match self.leftwards(window) {
            x if x < -0.5 => Some(Side::Left),
            x if x > 0.5 => Some(Side::Right),
            _ => None,
        }
    }

    /// A ball as the head at one end of a shaft, its share not yet known; `None` where it lies elsewhere.
    pub(super) fn placed(ball: Ball, end_mm: Vector3<f64>, outwards: Vector3<f64>) -> Option<Head> {
        let to_head = ball.centre_mm - end_mm;
        let ahead = to_head.dot(&outwards);
        let off = to_head - outwards * ahead;
        let beside_mm = off.norm();
        // Beyond the end of the rings, near the axis, and not inside the shaft itself.
        if ahead < -10.0 || to_head.norm() > HEAD_WITHIN_MM || beside_mm > HEAD_BESIDE_MM {
            return None;
        }
        let down = (0.8 * beside_mm).max(0.9 * ball.radius_mm);
        let neck = -(off + outwards * down).normalize();
        Some(Head { ball, neck, beside_mm, share: 0.0, cut: false, told: true, off })
    }
}

/// The head of a bone at the end of its shaft: a whole ball, or of a femur what the border of the image leaves of it.
///
/// `solid` is what is bone in the window; `end` the last point of the shaft's axis and its direction, out of the shaft, along the axes of the window.
pub(super) fn seen_head(
    window: &Window,
    solid: &[bool],
    bone: &Bone,
    end: [Vector3<f64>; 2],
    upper: bool,
) -> Option<Head> {
    let finder = Balls::new(window);
    let may_be_femur = bone.shaft.stub || matches!(bone.name, BoneName::Femur | BoneName::Unknown);
    // The side of a stub is worth as little as its name.
    let side = if bone.shaft.stub { Side::Unknown } else { bone.side };
    let cut = || if may_be_femur { cut_head(&finder, solid, end, upper, side) } else { None };
    let whole = whole_head(&finder, end[0], end[1]);
    // What is hardly half a ball is better told by the fit that knows that it is cut.
    if whole.is_some_and(|head| !is_half(window, &head, upper)) { whole } else { cut().or(whole) }
}

/// Does the window end near the height of the head's centre?
fn is_half(window: &Window, head: &Head, upper: bool) -> bool {
    let last_mm = window.last_slice(upper).0 as f64 * window.spacing_mm[2];
    let left_mm = if upper { last_mm - head.ball.centre_mm.z } else { head.ball.centre_mm.z };
    left_mm <= HALF_MM
}

/// The head that belongs to this shaft, as far as it is seen as a ball.
fn whole_head(finder: &Balls, base_mm: Vector3<f64>, outwards: Vector3<f64>) -> Option<Head> {
    let here: Vec<Head> =
        finder.find().into_iter().filter_map(|ball| at_end(finder, ball, base_mm, outwards)).collect();
    // Of two condyles each looks like a ball; a head has no twin on the other side of the axis.
    let is_condyle = |head: &Head| {
        let opposite = |other: &Head| {
            head.off.dot(&other.off) < 0.0
                && other.beside_mm > 0.5 * head.beside_mm
                && (head.ball.centre_mm - other.ball.centre_mm).norm() > CONDYLES_MM
        };
        here.iter().any(|other| other.share >= 0.6 * head.share && opposite(other))
    };
    here.iter()
        .filter(|head| head.share >= HEAD_SHARE && !is_condyle(head))
        .max_by(|a, b| a.share.total_cmp(&b.share))
        .copied()
}

/// A ball as the head at one end of a shaft, which points `outwards` there; `None` where it lies elsewhere.
fn at_end(finder: &Balls, ball: Ball, end_mm: Vector3<f64>, outwards: Vector3<f64>) -> Option<Head> {
    let head = Head::placed(ball, end_mm, outwards)?;
    let share = finder.cap_share(&ball, -head.neck)?;
    Some(Head { share, ..head })
}
