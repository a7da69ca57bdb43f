//! A piece of a slice without what hangs on it: a vessel full of contrast, a calcification, a spur.
//!
//! An opening of the filled piece by a disc: what is narrower than the disc, or hangs on by a neck that is, falls off.

use super::Run;
use super::distance::squared_distance_mm2;

/// A filled piece in its bounding box, row by row.
pub(super) struct Filled<'a> {
    pub inside: &'a [bool],
    /// Columns and rows.
    pub size: [usize; 2],
    pub spacing_mm: [f64; 2],
}

impl Filled<'_> {
    /// Those places that a disc of this radius reaches which lies wholly inside, as far as they hang together with most of them.
    pub fn opened(&self, radius_mm: f64) -> Vec<bool> {
        let [width, height] = self.size;
        let ([w, h], inside) = self.bordered();
        let spacing_mm = [self.spacing_mm[0], self.spacing_mm[1], 1.0];
        let reach = (radius_mm * radius_mm) as f32;
        let deep: Vec<bool> = squared_distance_mm2(&inside, [w, h, 1], spacing_mm).iter().map(|d| *d > reach).collect();
        if !deep.contains(&true) {
            return vec![false; width * height];
        }
        let not_deep: Vec<bool> = largest(&deep, w).iter().map(|d| !d).collect();
        let near = squared_distance_mm2(&not_deep, [w, h, 1], spacing_mm);
        (0..width * height)
            .map(|n| {
                let (i, j) = (n % width, n / width);
                self.inside[n] && near[(j + 1) * w + i + 1] <= reach
            })
            .collect()
    }

    /// Does a disc of this radius lie anywhere inside?
    pub fn holds_disc(&self, radius_mm: f64) -> bool {
        let ([w, h], inside) = self.bordered();
        let deep = squared_distance_mm2(&inside, [w, h, 1], [self.spacing_mm[0], self.spacing_mm[1], 1.0]);
        deep.iter().any(|d| *d > (radius_mm * radius_mm) as f32)
    }

    /// With a border of what is outside all around, and its size.
    fn bordered(&self) -> ([usize; 2], Vec<bool>) {
        let ([width, height], [w, h]) = (self.size, self.size.map(|n| n + 2));
        let mut inside = vec![false; w * h];
        for j in 0..height {
            inside[(j + 1) * w + 1..(j + 1) * w + 1 + width].copy_from_slice(&self.inside[j * width..(j + 1) * width]);
        }
        ([w, h], inside)
    }
}

/// The largest part (4-neighbours) of what is `held`, in rows of this width; nothing touches the first or last row or column.
fn largest(held: &[bool], width: usize) -> Vec<bool> {
    let mut number = vec![0usize; held.len()];
    let mut sizes = vec![0usize];
    for start in 0..held.len() {
        if !held[start] || number[start] > 0 {
            continue;
        }
        sizes.push(0);
        let own = sizes.len() - 1;
        let mut stack = vec![start];
        number[start] = own;
        while let Some(p) = stack.pop() {
            sizes[own] += 1;
            for q in [p - 1, p + 1, p - width, p + width] {
                if held[q] && number[q] == 0 {
                    number[q] = own;
                    stack.push(q);
                }
            }
        }
    }
    let most = sizes.iter().copied().max().unwrap_or(0);
    let own = sizes.iter().position(|size| *size == most).filter(|n| *n > 0);
    number.iter().map(|n| Some(*n) == own).collect()
}

/// The parts of some runs that are `kept`; `first`: column and row of the box's first place.
pub(super) fn kept(members: &[Run], keep: &[bool], first: [usize; 2], width: usize) -> Vec<Run> {
    let held = |i: usize, j: usize| keep[(j - first[1]) * width + i - first[0]];
    let mut out = Vec::new();
    for run in members {
        let mut from = None;
        for i in run.first..=run.last + 1 {
            match (from, i <= run.last && held(i, run.j)) {
                (None, true) => from = Some(i),
                (Some(start), false) => {
                    out.push(Run { j: run.j, first: start, last: i - 1 });
                    from = None;
                }
                _ => {}
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Discs (centre and radius, mm) on half-millimetre pixels.
    fn discs(of: &[([f64; 2], f64)]) -> Vec<bool> {
        let inside = |n: usize| {
            let (x, y) = (0.5 * (n % 120) as f64, 0.5 * (n / 120) as f64);
            of.iter().any(|([cx, cy], r)| (x - cx).hypot(y - cy) <= *r)
        };
        (0..120 * 100).map(inside).collect()
    }

    fn opened(inside: &[bool], radius_mm: f64) -> Vec<bool> {
        Filled { inside, size: [120, 100], spacing_mm: [0.5, 0.5] }.opened(radius_mm)
    }

    #[test]
    fn what_is_narrower_than_the_disc_falls_off_and_the_rest_stays() {
        let bone = discs(&[([25.0, 25.0], 13.0)]);
        let with_vessel = discs(&[([25.0, 25.0], 13.0), ([41.5, 25.0], 4.0)]);
        let left = opened(&with_vessel, 5.0);
        let differs = (0..left.len()).filter(|n| left[*n] != bone[*n]).count();
        assert!(differs * 50 <= bone.iter().filter(|b| **b).count(), "{differs}");
        // A second bone hangs together by the vessel between both: the larger one stays.
        let two = opened(&discs(&[([18.0, 25.0], 13.0), ([35.0, 25.0], 4.0), ([46.0, 25.0], 8.0)]), 5.0);
        assert!(two[50 * 120 + 36] && !two[50 * 120 + 92]);
        let vessel = discs(&[([25.0, 25.0], 4.0)]);
        assert!(!opened(&vessel, 5.0).contains(&true));
        let holds = |mm| Filled { inside: &vessel, size: [120, 100], spacing_mm: [0.5, 0.5] }.holds_disc(mm);
        assert!(holds(3.5) && !holds(4.8));
    }

    #[test]
    fn runs_are_cut_where_nothing_is_kept() {
        let keep = [true, true, false, true, false, false, true, true, true, false];
        let runs = [Run { j: 7, first: 10, last: 14 }, Run { j: 8, first: 10, last: 13 }];
        let left = kept(&runs, &keep, [10, 7], 5);
        let expected = [(7, 10, 11), (7, 13, 13), (8, 11, 13)];
        assert_eq!(left.iter().map(|r| (r.j, r.first, r.last)).collect::<Vec<_>>(), expected);
    }
}
