//! Is the ring open? A gap that blur has half filled still lets the ring slide apart, which torsion feels more than anything.

use crate::cortex::SECTORS;

/// Less than this of a wall is left in a gap.
const GAP: f64 = 0.5;
/// What may be left in the middle of a gap beyond what blur carries into it: noise, a filling denser than soft tissue.
const LEFT_OVER: f64 = 0.1;

/// Walls of a section, those of gaps taken out.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    pub walls: Vec<Option<[f64; 2]>>,
    pub is_open: bool,
}

/// Takes out the walls within gaps. A gap is a run of sectors with less than half of their wall left, whose lowest is no more than
/// blur carries into a gap of that width; `shares`: what is left per sector, `arcs_mm`: their length, `sigma_mm`: standard deviation of
/// the blur.
pub fn without_gap(walls: &[Option<[f64; 2]>], shares: &[f64], arcs_mm: &[f64], sigma_mm: f64) -> Opened {
    let mut opened = Opened { walls: walls.to_vec(), is_open: false };
    let low = |s: usize| shares[s % SECTORS] < GAP;
    // From a sector that stands, so that no run is cut in two.
    let Some(start) = (0..SECTORS).find(|s| !low(*s)) else {
        opened.walls.fill(None);
        opened.is_open = true;
        return opened;
    };
    let mut s = start;
    while s < start + SECTORS {
        if !low(s) {
            s += 1;
            continue;
        }
        let run: Vec<usize> = (s..start + SECTORS).take_while(|s| low(*s)).map(|s| s % SECTORS).collect();
        s += run.len();
        let width_mm: f64 = run.iter().map(|s| arcs_mm[*s]).sum();
        let lowest = run.iter().map(|s| shares[*s]).fold(f64::INFINITY, f64::min);
        // A gap of that width, blurred, in its middle.
        let carried = libm::erfc(width_mm / (2.0 * std::f64::consts::SQRT_2 * sigma_mm.max(0.05)));
        if lowest <= carried + LEFT_OVER {
            run.iter().for_each(|s| opened.walls[*s] = None);
            opened.is_open = true;
        }
    }
    opened
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(shares: impl Fn(usize) -> f64) -> Opened {
        let shares: Vec<f64> = (0..SECTORS).map(shares).collect();
        without_gap(&vec![Some([8.0, 14.0]); SECTORS], &shares, &vec![0.6; SECTORS], 0.5)
    }

    #[test]
    fn a_blurred_gap_is_a_gap_and_half_a_wall_is_a_wall() {
        // 4.2 mm wide across sector 0, nothing left in its middle.
        let gap = opened(|s| if !(4..=116).contains(&s) { 0.05 } else { 1.0 });
        assert!(gap.is_open && gap.walls.iter().filter(|w| w.is_none()).count() == 7);
        // A narrow one that blur has filled by a third.
        assert!(opened(|s| if s < 2 { 0.3 } else { 1.0 }).is_open);
        // A wide scallop that leaves 30 % of the wall.
        let scallop = opened(|s| if s < 30 { 0.3 } else { 1.0 });
        assert!(!scallop.is_open && scallop.walls.iter().all(Option::is_some));
        assert!(!opened(|_| 1.0).is_open);
        assert!(opened(|_| 0.0).walls.iter().all(Option::is_none));
    }
}
