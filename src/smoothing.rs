//! One smoother for every curve along a bone: penalised least squares (Whittaker 1923; Eilers, *A perfect smoother*,
//! Anal. Chem. 75:3631, 2003).
//!
//! Minimises `Σ w (y − f)² + λ Σ (Δ² f)²`. Where the weight is zero the curve is carried on: interpolated inside,
//! straight beyond the ends.

/// λ whose half-power wavelength is `wavelength` samples.
pub fn penalty(wavelength: f64) -> f64 {
    (wavelength / (2.0 * std::f64::consts::PI)).powi(4)
}

/// Smooths `values` (entries of weight zero are not looked at and may be NaN).
///
/// Needs two entries of positive weight; with fewer the weighted mean (or 0) is returned everywhere.
pub fn smooth(values: &[f64], weights: &[f64], lambda: f64) -> Vec<f64> {
    let n = values.len();
    let known = weights.iter().filter(|w| **w > 0.0).count();
    if n < 3 || known < 2 {
        let (sum, total) =
            values.iter().zip(weights).filter(|(_, w)| **w > 0.0).fold((0.0, 0.0), |(s, t), (y, w)| (s + y * w, t + w));
        return vec![if total > 0.0 { sum / total } else { 0.0 }; n];
    }
    // Cholesky-like LDLᵀ of the pentadiagonal matrix W + λ D₂ᵀD₂.
    let band = |i: usize, offset: usize| -> f64 {
        let j = i + offset;
        // D₂ row r touches r, r+1, r+2 with 1, −2, 1.
        (i.saturating_sub(2).max(j.saturating_sub(2))..=i.min(n - 3))
            .filter(|r| j <= r + 2)
            .map(|r| [1.0, -2.0, 1.0][i - r] * [1.0, -2.0, 1.0][j - r])
            .sum::<f64>()
            * lambda
    };
    let (mut d, mut e, mut f, mut z) = (vec![0.0; n], vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    for i in 0..n {
        let rhs = if weights[i] > 0.0 { weights[i] * values[i] } else { 0.0 };
        let mut diagonal = weights[i].max(0.0) + band(i, 0);
        let mut first = if i + 1 < n { band(i, 1) } else { 0.0 };
        let second = if i + 2 < n { band(i, 2) } else { 0.0 };
        let mut right = rhs;
        if i >= 1 {
            diagonal -= e[i - 1] * e[i - 1] * d[i - 1];
            first -= e[i - 1] * f[i - 1] * d[i - 1];
            right -= e[i - 1] * z[i - 1];
        }
        if i >= 2 {
            diagonal -= f[i - 2] * f[i - 2] * d[i - 2];
            right -= f[i - 2] * z[i - 2];
        }
        d[i] = diagonal;
        e[i] = first / diagonal;
        f[i] = second / diagonal;
        z[i] = right;
    }
    let mut out: Vec<f64> = z.iter().zip(&d).map(|(z, d)| z / d).collect();
    for i in (0..n).rev() {
        if i + 1 < n {
            out[i] -= e[i] * out[i + 1];
        }
        if i + 2 < n {
            out[i] -= f[i] * out[i + 2];
        }
    }
    out
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

/// As [`smooth`], with outliers of either sign losing their weight (Tukey's bisquare on the residual's MAD).
///
/// `floor` is the smallest spread, in units of the values, that counts as an outlier's yardstick.
pub fn smooth_robust(values: &[f64], weights: &[f64], lambda: f64, floor: f64) -> Vec<f64> {
    let mut current = weights.to_vec();
    let mut curve = smooth(values, &current, lambda);
    for _ in 0..8 {
        let mut residuals: Vec<f64> =
            (0..values.len()).filter(|i| weights[*i] > 0.0).map(|i| (values[i] - curve[i]).abs()).collect();
        let Some(mad) = median(&mut residuals) else { return curve };
        let scale = 4.685 * (1.4826 * mad).max(floor);
        for i in 0..values.len() {
            if weights[i] > 0.0 {
                let u = (values[i] - curve[i]) / scale;
                current[i] = weights[i] * if u.abs() < 1.0 { (1.0 - u * u).powi(2).max(1e-6) } else { 1e-6 };
            }
        }
        curve = smooth(values, &current, lambda);
    }
    curve
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
