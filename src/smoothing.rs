//! One smoother for every curve along a bone: penalised least squares (Whittaker 1923; Eilers, *A perfect smoother*,
//! Anal. Chem. 75:3631, 2003).
//!
//! Minimises `Σ w (y − f)² + λ Σ (Δ² f)²`. Where the weight is zero the curve is carried on: interpolated inside,
//! straight beyond the ends.

use rayon::prelude::*;

/// λ whose half-power wavelength is `wavelength` samples.
pub fn penalty(wavelength: f64) -> f64 {
    (wavelength / (2.0 * std::f64::consts::PI)).powi(4)
}

/// A value per row (slice) and column (sector).
type Rows = [Vec<f64>];

/// Columns that are smoothed side by side: their sums do not wait for one another.
const LANES: usize = 8;

/// Smooths `values` (entries of weight zero are not looked at and may be NaN).
///
/// Needs two entries of positive weight; with fewer the weighted mean (or 0) is returned everywhere.
pub fn smooth(values: &[f64], weights: &[f64], lambda: f64) -> Vec<f64> {
    flat(&whittaker(&lanes(values), &lanes(weights), &Bands::of(values.len(), lambda)))
}

/// [`smooth`] down every column of a map; the rows of `values` and `weights` have the same length.
pub fn smooth_columns(values: &Rows, weights: &Rows, lambda: f64) -> Vec<Vec<f64>> {
    let bands = Bands::of(values.len(), lambda);
    by_lanes(values, weights, |values, weights| whittaker(values, weights, &bands))
}

/// As [`smooth`], with outliers of either sign losing their weight (Tukey's bisquare on the residual's MAD).
///
/// `floor` is the smallest spread, in units of the values, that counts as an outlier's yardstick.
pub fn smooth_robust(values: &[f64], weights: &[f64], lambda: f64, floor: f64) -> Vec<f64> {
    flat(&robust(&lanes(values), &lanes(weights), &Bands::of(values.len(), lambda), floor))
}

/// [`smooth_robust`] down every column of a map.
pub fn smooth_robust_columns(values: &Rows, weights: &Rows, lambda: f64, floor: f64) -> Vec<Vec<f64>> {
    let bands = Bands::of(values.len(), lambda);
    by_lanes(values, weights, |values, weights| robust(values, weights, &bands, floor))
}

/// [`smooth`] of a closed curve, whose last entry lies beside its first.
pub fn smooth_closed(values: &[f64], weights: &[f64], lambda: f64) -> Vec<f64> {
    // Three turns one after another, of which the middle one is kept, close it.
    let n = values.len();
    let turns = smooth(&values.repeat(3), &weights.repeat(3), lambda);
    turns[n..2 * n].to_vec()
}

/// [`smooth_robust`] of every row of a map as a closed curve.
pub fn smooth_robust_around(values: &Rows, weights: &Rows, lambda: f64, floor: f64) -> Vec<Vec<f64>> {
    let width = values.first().map_or(0, Vec::len);
    let turns = |map: &Rows| -> Vec<Vec<f64>> {
        (0..3 * width).map(|t| map.iter().map(|row| row[t % width]).collect()).collect()
    };
    let around = smooth_robust_columns(&turns(values), &turns(weights), lambda, floor);
    (0..values.len()).map(|k| (0..width).map(|s| around[width + s][k]).collect()).collect()
}

fn lanes(values: &[f64]) -> Vec<[f64; 1]> {
    values.iter().map(|v| [*v]).collect()
}

fn flat(lanes: &[[f64; 1]]) -> Vec<f64> {
    lanes.iter().map(|[v]| *v).collect()
}

/// Applies `smoother` to [`LANES`] columns at a time.
fn by_lanes(
    values: &Rows,
    weights: &Rows,
    smoother: impl Fn(&[[f64; LANES]], &[[f64; LANES]]) -> Vec<[f64; LANES]> + Sync,
) -> Vec<Vec<f64>> {
    let width = values.first().map_or(0, Vec::len);
    // A lane without a column has no weight anywhere.
    let take = |map: &Rows, first: usize| -> Vec<[f64; LANES]> {
        map.iter().map(|row| std::array::from_fn(|l| row.get(first + l).copied().unwrap_or(0.0))).collect()
    };
    let blocks: Vec<Vec<[f64; LANES]>> = (0..width.div_ceil(LANES))
        .into_par_iter()
        .map(|block| smoother(&take(values, block * LANES), &take(weights, block * LANES)))
        .collect();
    (0..values.len()).map(|k| (0..width).map(|s| blocks[s / LANES][k][s % LANES]).collect()).collect()
}

/// The bands of `λ D₂ᵀD₂`: diagonal, first and second beside it.
struct Bands {
    rows: Vec<[f64; 3]>,
}

impl Bands {
    fn of(n: usize, lambda: f64) -> Self {
        let band = |i: usize, offset: usize| -> f64 {
            let j = i + offset;
            if n < 3 || j >= n {
                return 0.0;
            }
            // D₂ row r touches r, r+1, r+2 with 1, −2, 1.
            (i.saturating_sub(2).max(j.saturating_sub(2))..=i.min(n - 3))
                .filter(|r| j <= r + 2)
                .map(|r| [1.0, -2.0, 1.0][i - r] * [1.0, -2.0, 1.0][j - r])
                .sum::<f64>()
                * lambda
        };
        Self { rows: (0..n).map(|i| [band(i, 0), band(i, 1), band(i, 2)]).collect() }
    }
}

/// One row of the factor of `W + λ D₂ᵀD₂`, `L` columns side by side: its diagonal, what it takes from the two rows behind it, and
/// the right side so far.
#[derive(Clone, Copy)]
struct Factor<const L: usize> {
    diagonal: [f64; L],
    first: [f64; L],
    second: [f64; L],
    right: [f64; L],
}

/// Cholesky-like LDLᵀ of the pentadiagonal matrix `W + λ D₂ᵀD₂`, `L` columns side by side.
fn whittaker<const L: usize>(values: &[[f64; L]], weights: &[[f64; L]], bands: &Bands) -> Vec<[f64; L]> {
    let n = values.len();
    let none = Factor { diagonal: [0.0; L], first: [0.0; L], second: [0.0; L], right: [0.0; L] };
    let (mut before, mut last) = (none, none);
    let mut out: Vec<[f64; L]> = Vec::with_capacity(n);
    let mut taken: Vec<[[f64; L]; 2]> = Vec::with_capacity(n);
    for i in 0..n {
        let [diagonal, first, second] = bands.rows[i];
        let mut row = none;
        for l in 0..L {
            let weight = weights[i][l].max(0.0);
            let value = if weight > 0.0 { weight * values[i][l] } else { 0.0 };
            let passed = last.first[l] * last.diagonal[l];
            row.diagonal[l] =
                weight + diagonal - last.first[l] * passed - before.second[l] * before.second[l] * before.diagonal[l];
            let inverse = 1.0 / row.diagonal[l];
            row.first[l] = (first - last.second[l] * passed) * inverse;
            row.second[l] = second * inverse;
            row.right[l] = value - last.first[l] * last.right[l] - before.second[l] * before.right[l];
        }
        out.push(std::array::from_fn(|l| row.right[l] / row.diagonal[l]));
        taken.push([row.first, row.second]);
        (before, last) = (last, row);
    }
    let (mut behind, mut after) = ([0.0; L], [0.0; L]);
    for (row, [first, second]) in out.iter_mut().zip(&taken).rev() {
        for l in 0..L {
            row[l] -= first[l] * behind[l] + second[l] * after[l];
        }
        (after, behind) = (behind, *row);
    }
    for l in 0..L {
        let known = weights.iter().filter(|w| w[l] > 0.0).count();
        if n < 3 || known < 2 {
            let held = values.iter().zip(weights).filter(|(_, w)| w[l] > 0.0);
            let (sum, total) = held.fold((0.0, 0.0), |(s, t), (y, w)| (s + y[l] * w[l], t + w[l]));
            out.iter_mut().for_each(|row| row[l] = if total > 0.0 { sum / total } else { 0.0 });
        }
    }
    out
}

/// A weight that changes by no more than this has settled.
const SETTLED: f64 = 0.01;
/// Rounds of reweighting at most.
const ROUNDS: usize = 8;
/// Weight of an outlier, as a share of its own.
const OUTLIER: f64 = 1e-6;

/// [`smooth_robust`], `L` columns side by side.
fn robust<const L: usize>(values: &[[f64; L]], weights: &[[f64; L]], bands: &Bands, floor: f64) -> Vec<[f64; L]> {
    let mut current = weights.to_vec();
    let mut curve = whittaker(values, &current, bands);
    let mut residuals: Vec<f64> = Vec::with_capacity(values.len());
    // A column that has settled keeps its weights: what it gets does not depend on its neighbours.
    let mut settled = [false; L];
    for _ in 0..ROUNDS {
        for l in 0..L {
            if settled[l] {
                continue;
            }
            let held = || (0..values.len()).filter(|i| weights[*i][l] > 0.0);
            residuals.clear();
            residuals.extend(held().map(|i| (values[i][l] - curve[i][l]).abs()));
            settled[l] = true;
            let Some(mad) = median(&mut residuals) else { continue };
            let scale = 4.685 * (1.4826 * mad).max(floor);
            for i in held() {
                let u = (values[i][l] - curve[i][l]) / scale;
                let share = if u.abs() < 1.0 { (1.0 - u * u).powi(2).max(OUTLIER) } else { OUTLIER };
                let weight = weights[i][l] * share;
                settled[l] &= (weight - current[i][l]).abs() <= SETTLED * weights[i][l];
                current[i][l] = weight;
            }
        }
        curve = whittaker(values, &current, bands);
        if settled.iter().all(|s| *s) {
            break;
        }
    }
    curve
}

/// Lets the curve level off beyond the first and last entry of a weight above `held`: its slope there dies away over `fade`
/// samples. A straight line carried far beyond what holds it soon means nothing.
pub fn level_off(curve: &mut [f64], weights: &[f64], held: f64, fade: f64) {
    let (Some(first), Some(last)) = (weights.iter().position(|w| *w > held), weights.iter().rposition(|w| *w > held))
    else {
        return;
    };
    if last <= first {
        return;
    }
    let reach = |away: usize| fade * (1.0 - (-(away as f64) / fade).exp());
    let (at_last, slope_last) = (curve[last], curve[last] - curve[last - 1]);
    for i in last + 1..curve.len() {
        curve[i] = at_last + slope_last * reach(i - last);
    }
    let (at_first, slope_first) = (curve[first], curve[first] - curve[first + 1]);
    for i in 0..first {
        curve[i] = at_first + slope_first * reach(first - i);
    }
}

/// [`level_off`] of every column of a map.
pub fn level_off_columns(map: &mut [Vec<f64>], weights: &Rows, held: f64, fade: f64) {
    for s in 0..map.first().map_or(0, Vec::len) {
        let mut column: Vec<f64> = map.iter().map(|row| row[s]).collect();
        let weights: Vec<f64> = weights.iter().map(|row| row[s]).collect();
        level_off(&mut column, &weights, held, fade);
        map.iter_mut().zip(column).for_each(|(row, value)| row[s] = value);
    }
}

/// The straight line through points by least squares: value at 0 and slope.
pub fn straight_line(points: &[(f64, f64)]) -> (f64, f64) {
    let n = points.len().max(1) as f64;
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let spread = points.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>();
    let slope = if spread > 0.0 { points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>() / spread } else { 0.0 };
    (my - slope * mx, slope)
}

/// Median of finite values; reorders its input. `None` when empty.
pub fn median(values: &mut [f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The value at rank `q·(n − 1)` (rounded) of finite values; reorders its input. `None` when empty.
pub fn quantile(values: &mut [f64], q: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let rank = (q * (values.len() - 1) as f64).round() as usize;
    Some(*values.select_nth_unstable_by(rank, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_is_kept_and_carried_across_a_gap_and_beyond() {
        let values: Vec<f64> = (0..40).map(|i| 3.0 + 0.5 * f64::from(i)).collect();
        let weights: Vec<f64> = (0..40).map(|i| if (10..25).contains(&i) || i > 35 { 0.0 } else { 1.0 }).collect();
        for (got, want) in smooth(&values, &weights, 1e4).iter().zip(&values) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
    }

    #[test]
    fn a_column_of_a_map_is_smoothed_like_a_curve_by_itself() {
        // More columns than lanes, with gaps, one of a single entry and one of none.
        let (n, width) = (30usize, 11usize);
        let value = |i: usize, s: usize| ((3 * i + 7 * s) % 13) as f64 - 0.2 * i as f64;
        let weight = |i: usize, s: usize| match s {
            9 => f64::from(u8::from(i == 4)),
            10 => 0.0,
            _ => f64::from(u8::from(!(i + s).is_multiple_of(4))),
        };
        let map = |of: &dyn Fn(usize, usize) -> f64| -> Vec<Vec<f64>> {
            (0..n).map(|i| (0..width).map(|s| of(i, s)).collect()).collect()
        };
        let (values, weights) = (map(&value), map(&weight));
        let (plain, robust) =
            (smooth_columns(&values, &weights, 20.0), smooth_robust_columns(&values, &weights, 20.0, 0.1));
        for s in 0..width {
            let column = |map: &Rows| map.iter().map(|row| row[s]).collect::<Vec<f64>>();
            let (y, w) = (column(&values), column(&weights));
            assert_eq!(column(&plain), smooth(&y, &w, 20.0));
            assert_eq!(column(&robust), smooth_robust(&y, &w, 20.0, 0.1));
        }
        assert_eq!((plain[0][9], plain[29][9], plain[7][10]), (values[4][9], values[4][9], 0.0));
    }

    #[test]
    fn an_outlier_does_not_move_the_robust_curve() {
        let mut values: Vec<f64> = (0..60).map(|i| (f64::from(i) / 20.0).sin() * 5.0).collect();
        let clean = smooth(&values, &vec![1.0; 60], 10.0);
        values[30] += 40.0;
        values[31] += 40.0;
        let robust = smooth_robust(&values, &vec![1.0; 60], 10.0, 0.05);
        for (a, b) in robust.iter().zip(&clean) {
            assert!((a - b).abs() < 0.1);
        }
    }

    #[test]
    fn beyond_what_holds_it_a_curve_levels_off() {
        let mut curve: Vec<f64> = (0..100).map(f64::from).collect();
        let weights: Vec<f64> = (0..100).map(|i| if (40..60).contains(&i) { 1.0 } else { 0.0 }).collect();
        level_off(&mut curve, &weights, 0.5, 5.0);
        assert_eq!(curve[50], 50.0);
        assert!(curve[61] > 59.5 && curve[99] < 64.1 && curve[99] > 63.9);
        assert!(curve[0] > 35.0 && curve[0] < 35.1);
    }

    #[test]
    fn the_stated_wavelength_passes_at_half_power() {
        let n = 2000;
        let wave = |i: usize| (2.0 * std::f64::consts::PI * i as f64 / 50.0).sin();
        let values: Vec<f64> = (0..n).map(wave).collect();
        let out = smooth(&values, &vec![1.0; n], penalty(50.0));
        let gain = out[n / 2 - 25..n / 2 + 25].iter().fold(0.0f64, |a, v| a.max(v.abs()));
        assert!((gain - 0.5).abs() < 0.02, "{gain}");
    }
}
