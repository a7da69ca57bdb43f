//! What a lesion took of each rigidity, with a 95 % interval.
//!
//! Where the interval comes from:
//! - what the loss of cortex itself may be off ([`crate::lysis`] tells it for the axial percentage), raised where a rigidity
//!   loses more than the area does: bending and torsion feel the outer wall more;
//! - the natural difference of left and right, on the part of the section that was restored from the other side;
//! - what a wall of half the density is worth: as a mixture of compact bone and holes it keeps half of its stiffness, as
//!   evenly porous bone less, and only the upper end knows of it;
//! - what the integration itself is off.
//!
//! What calibration and law of stiffness may be off cancels in a ratio but for the little that trabecular bone carries.

use crate::estimate::Estimate;

/// Random difference between a person's two femora, as a share (strength in a fall, 54 pairs: 17 ± 12 %); taken for the standard deviation of
/// what a restored wall would have been.
const LEFT_RIGHT: f64 = 0.17;
/// What the integration is off, percentage points, standard deviation; torsion of an opened ring more.
const INTEGRATION_POINTS: [f64; 3] = [0.6, 1.0, 1.2];
const OPEN_TORSION_POINTS: f64 = 1.5;
/// How much more than the area bending and torsion may lose of what was not seen.
const UNSEEN: [f64; 3] = [1.0, 1.6, 2.0];
/// Most that a loss of area is raised by.
const MOST_RAISED: f64 = 4.0;
const SDS: f64 = 1.96;

/// What is known of the section besides its rigidities.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    /// Share of its cortex that is gone, with its interval.
    pub axial_percent: Estimate,
    /// The reference is the other side.
    pub contralateral: bool,
}

/// Reductions of axial, bending and torsional rigidity, percent. `left`: shares that are left; `shares`: of the intact axial rigidity
/// the part that was restored, and what even porosity would take besides, `None` without loss.
pub fn reductions(left: [f64; 3], shares: Option<(f64, f64)>, is_open: bool, given: Given) -> [Estimate; 3] {
    let axial = given.axial_percent;
    let Some((restored, hidden)) = shares else {
        return UNSEEN.map(|more| Estimate { value: 0.0, low: 0.0, high: (more * axial.high).min(100.0) });
    };
    let reduction = left.map(|left| (100.0 * (1.0 - left)).clamp(0.0, 100.0));
    [0, 1, 2].map(|n| {
        let value = reduction[n];
        let raised = (value / reduction[0].max(1.0)).clamp(1.0, MOST_RAISED);
        let left_right = if given.contralateral {
            100.0 * LEFT_RIGHT * SDS * (1.0 - value / 100.0) * (restored * raised).min(1.0)
        } else {
            0.0
        };
        let own = SDS * if n == 2 && is_open { OPEN_TORSION_POINTS } else { INTEGRATION_POINTS[n] };
        // So little is left of an opened ring that what is uncertain of it is little, too.
        let damped = if n == 2 && is_open { (1.0 - value / 100.0).max(0.05) * raised } else { raised };
        let end = |loss: f64| (damped * loss).hypot(left_right).hypot(own);
        let more = end(axial.high - axial.value) + 100.0 * hidden.max(0.0) * damped;
        Estimate { value, low: (value - end(axial.value - axial.low)).max(0.0), high: (value + more).min(100.0) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOSS: Estimate = Estimate { value: 30.0, low: 27.0, high: 33.0 };

    #[test]
    fn without_loss_nothing_is_lost_and_the_interval_begins_there() {
        let given = Given { axial_percent: Estimate { value: 0.0, low: 0.0, high: 1.5 }, contralateral: false };
        let [ea, ei, gj] = reductions([1.0; 3], None, false, given);
        assert_eq!((ea.value, ea.low, ea.high), (0.0, 0.0, 1.5));
        assert!(ei.value == 0.0 && gj.high == 3.0);
    }

    #[test]
    fn the_other_side_as_reference_is_less_certain() {
        let of = |contralateral| {
            reductions([0.7, 0.5, 0.4], Some((0.3, 0.0)), false, Given { axial_percent: LOSS, contralateral })
        };
        let (own, other) = (of(false), of(true));
        for n in 0..3 {
            assert_eq!(own[n].value, other[n].value);
            assert!(other[n].low < own[n].low && other[n].high > own[n].high);
            assert!((0.0..=other[n].value).contains(&other[n].low) && other[n].high <= 100.0);
        }
        // Bending lost more than area, and may be off by more.
        assert!(own[1].high - own[1].value > own[0].high - own[0].value);
    }

    #[test]
    fn porosity_moves_only_the_upper_end() {
        let given = Given { axial_percent: LOSS, contralateral: false };
        let (plain, porous) = (
            reductions([0.7; 3], Some((0.3, 0.0)), false, given),
            reductions([0.7; 3], Some((0.3, 0.1)), false, given),
        );
        assert!(plain[0].low == porous[0].low && (porous[0].high - plain[0].high - 10.0).abs() < 1e-9);
    }
}
