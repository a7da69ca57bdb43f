//! Errors in figures: pure functions of numbers.
//!
//! Quantiles are the smallest value that the given share of the errors does not exceed (no interpolation), so that with
//! few sections the 95th percentile is an error that occurred. The standard deviation divides by n − 1.
//!
//! Bland JM, Altman DG (1986), *Statistical methods for assessing agreement between two methods of clinical
//! measurement*, Lancet 327:307–310. Bland JM, Altman DG (2007), *Agreement between methods of measurement with multiple
//! observations per individual*, J Biopharm Stat 17:571–582.

use super::quantity::Pair;
use serde::{Serialize, Serializer};

/// Half the width of a normal distribution's middle 95 %, in standard deviations.
const NORMAL_95: f64 = 1.96;

/// Errors (measured minus true) of a set of sections, in the unit of the quantity. `None` where there are too few.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ErrorStats {
    /// How many errors.
    pub n: usize,
    /// Their mean.
    #[serde(serialize_with = "short")]
    pub bias: Option<f64>,
    /// Standard deviation; needs two.
    #[serde(serialize_with = "short")]
    pub sd: Option<f64>,
    /// Mean of the absolute errors.
    #[serde(serialize_with = "short")]
    pub mean_absolute: Option<f64>,
    /// Median of the errors with their sign.
    #[serde(serialize_with = "short")]
    pub median: Option<f64>,
    /// The absolute error that 95 % of them do not exceed.
    #[serde(serialize_with = "short")]
    pub p95_absolute: Option<f64>,
    /// The largest absolute error.
    #[serde(serialize_with = "short")]
    pub largest_absolute: Option<f64>,
    /// Bland–Altman limits of agreement, bias ± 1.96 SD, as if the sections were independent.
    #[serde(serialize_with = "short_pair")]
    pub limits: Option<[f64; 2]>,
}

impl ErrorStats {
    /// Of these errors, in any order.
    pub fn of(errors: &[f64]) -> Self {
        let bias = mean(errors);
        let sd = standard_deviation(errors);
        let absolute: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
        Self {
            n: errors.len(),
            bias,
            sd,
            mean_absolute: mean(&absolute),
            median: median(errors),
            p95_absolute: quantile(&absolute, 0.95),
            largest_absolute: quantile(&absolute, 1.0),
            limits: limits(bias, sd),
        }
    }
}

/// How often 95 % intervals hold the truth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Coverage {
    /// How many intervals.
    pub n: usize,
    /// How many of them hold the truth.
    pub covered: usize,
    /// Their share, percent.
    #[serde(serialize_with = "short")]
    pub percent: Option<f64>,
    /// Mean distance between the ends of the intervals, in the unit of the quantity.
    #[serde(serialize_with = "short")]
    pub mean_width: Option<f64>,
}

impl Coverage {
    /// Of the pairs that have an interval.
    pub fn of<'a>(pairs: impl IntoIterator<Item = &'a Pair>) -> Self {
        let with_interval: Vec<_> =
            pairs.into_iter().filter_map(|pair| Some((pair.is_covered()?, pair.interval?))).collect();
        let widths: Vec<f64> = with_interval.iter().map(|(_, [low, high])| high - low).collect();
        let (n, covered) = (with_interval.len(), with_interval.iter().filter(|(covered, _)| *covered).count());
        Self { n, covered, percent: percent(covered, n), mean_width: mean(&widths) }
    }
}

/// Errors of sections that belong to cases: every case counts the same, whatever the number of its sections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct CaseMeans {
    /// Cases that have at least one error.
    pub cases: usize,
    /// Mean of the cases' biases.
    #[serde(serialize_with = "short")]
    pub bias: Option<f64>,
    /// Standard deviation of the cases' biases; needs two cases.
    #[serde(serialize_with = "short")]
    pub sd_of_bias: Option<f64>,
    /// Mean of the cases' mean absolute errors.
    #[serde(serialize_with = "short")]
    pub mean_absolute: Option<f64>,
    /// Largest of the cases' mean absolute errors.
    #[serde(serialize_with = "short")]
    pub worst_mean_absolute: Option<f64>,
    /// Bland–Altman limits for sections within cases: pooled bias ± 1.96 √(variance within + between cases).
    #[serde(serialize_with = "short_pair")]
    pub limits: Option<[f64; 2]>,
}

impl CaseMeans {
    /// Of the errors of each case. Cases without an error are left out.
    pub fn of(cases: &[Vec<f64>]) -> Self {
        let cases: Vec<&[f64]> = cases.iter().map(Vec::as_slice).filter(|errors| !errors.is_empty()).collect();
        let stats: Vec<ErrorStats> = cases.iter().map(|errors| ErrorStats::of(errors)).collect();
        let biases: Vec<f64> = stats.iter().filter_map(|stats| stats.bias).collect();
        let absolute: Vec<f64> = stats.iter().filter_map(|stats| stats.mean_absolute).collect();
        Self {
            cases: cases.len(),
            bias: mean(&biases),
            sd_of_bias: standard_deviation(&biases),
            mean_absolute: mean(&absolute),
            worst_mean_absolute: quantile(&absolute, 1.0),
            limits: limits(mean(&cases.concat()), clustered_deviation(&cases)),
        }
    }
}

/// The mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Standard deviation with n − 1; `None` of fewer than two.
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    Some((values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt())
}

/// The middle value, or the mean of the two in the middle; `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let values = sorted(values);
    let upper = *values.get(values.len() / 2)?;
    Some(if values.len() % 2 == 1 { upper } else { (values[values.len() / 2 - 1] + upper) / 2.0 })
}

/// The smallest value that `share` (0 to 1) of the values does not exceed; `None` of nothing.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    // 0.95 × 20 is a little above 19 in floating point: it must not become the 20th.
    let rank = (values.len() as f64 * share - 1e-9).ceil() as usize;
    sorted(values).get(rank.saturating_sub(1)).copied()
}

/// `part` of `whole`, percent; `None` of nothing.
pub fn percent(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| 100.0 * part as f64 / whole as f64)
}

fn limits(bias: Option<f64>, sd: Option<f64>) -> Option<[f64; 2]> {
    let (bias, sd) = (bias?, sd?);
    Some([bias - NORMAL_95 * sd, bias + NORMAL_95 * sd])
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

/// Standard deviation of a section of a new case: by analysis of variance, within plus between (Bland and Altman 2007).
/// `None` of fewer than two cases, or when none has two sections.
fn clustered_deviation(cases: &[&[f64]]) -> Option<f64> {
    let (groups, n) = (cases.len() as f64, cases.iter().map(|errors| errors.len()).sum::<usize>() as f64);
    if groups < 2.0 || n <= groups {
        return None;
    }
    let pooled = mean(&cases.concat())?;
    let (mut within, mut between, mut squares) = (0.0, 0.0, 0.0);
    for errors in cases {
        let (mean, size) = (mean(errors)?, errors.len() as f64);
        within += errors.iter().map(|error| (error - mean).powi(2)).sum::<f64>();
        between += size * (mean - pooled).powi(2);
        squares += size * size;
    }
    let (within, between) = (within / (n - groups), between / (groups - 1.0));
    let usual_size = (n - squares / n) / (groups - 1.0);
    Some((within + ((between - within) / usual_size).max(0.0)).sqrt())
}

/// Four decimals: more than any of the measurements deserves, and the same bytes from every sum.
pub(super) fn rounded(value: f64) -> Option<f64> {
    value.is_finite().then(|| (value * 1e4).round() / 1e4 + 0.0)
}

pub(super) fn short<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    value.and_then(rounded).serialize(serializer)
}

fn short_pair<S: Serializer>(pair: &Option<[f64; 2]>, serializer: S) -> Result<S::Ok, S::Error> {
    pair.map(|pair| pair.map(rounded)).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, wanted: f64) {
        let found = found.expect("a number");
        assert!((found - wanted).abs() < 1e-12, "{found} is not {wanted}");
    }

    /// The constants were printed by numpy 2.4: `std(ddof=1)`, `quantile(method='inverted_cdf')`.
    #[test]
    fn errors_agree_with_numpy() {
        let stats = ErrorStats::of(&[0.4, -1.3, 2.7, 0.0, 3.1, -0.6, 5.2, -2.2, 0.9, 1.5, -0.1, 0.7]);
        assert_eq!(stats.n, 12);
        near(stats.bias, 0.8583333333333334);
        near(stats.sd, 2.038474622819423);
        near(stats.mean_absolute, 1.5583333333333336);
        near(stats.median, 0.55);
        near(stats.p95_absolute, 5.2);
        near(stats.largest_absolute, 5.2);
        let [low, high] = stats.limits.unwrap();
        near(Some(low), -3.137076927392736);
        near(Some(high), 4.853743594059402);
    }

    #[test]
    fn quantiles_are_values_that_occurred() {
        let absolute = [0.4, 1.3, 2.7, 0.0, 3.1, 0.6, 5.2, 2.2, 0.9, 1.5, 0.1, 0.7];
        near(quantile(&absolute, 0.5), 0.9);
        near(quantile(&absolute, 0.75), 2.2);
        let twenty: Vec<f64> = (1..=20).map(f64::from).collect();
        near(quantile(&twenty, 0.95), 19.0);
        near(quantile(&[7.0], 0.95), 7.0);
        assert_eq!(quantile(&[], 0.95), None);
    }

    /// By hand: 1, 2, 3, 10 has mean 4, squares 9 + 4 + 1 + 36 = 50, SD √(50/3), median 2.5.
    #[test]
    fn errors_agree_with_the_hand() {
        let stats = ErrorStats::of(&[10.0, 1.0, 3.0, 2.0]);
        near(stats.bias, 4.0);
        near(stats.sd, (50.0f64 / 3.0).sqrt());
        near(stats.median, 2.5);
    }

    #[test]
    fn too_few_errors_give_nothing_rather_than_nan() {
        assert_eq!(ErrorStats::of(&[]), ErrorStats::default());
        let one = ErrorStats::of(&[-2.0]);
        assert_eq!((one.bias, one.mean_absolute, one.sd, one.limits), (Some(-2.0), Some(2.0), None, None));
    }

    /// The constants were printed by numpy, from the formulae of Bland and Altman 2007.
    #[test]
    fn every_case_counts_the_same_and_the_limits_know_of_cases() {
        let cases = [vec![0.4, -1.3, 2.7, 0.0, 3.1], vec![-0.6, 5.2, -2.2], vec![4.9, 6.5, 5.9, 6.7], vec![]];
        let means = CaseMeans::of(&cases);
        assert_eq!(means.cases, 3);
        near(means.bias, 2.5933333333333333);
        near(means.sd_of_bias, 2.951632316758531);
        near(means.mean_absolute, 3.388888888888889);
        near(means.worst_mean_absolute, 6.0);
        let [low, high] = means.limits.unwrap();
        near(Some(low), -4.361081663060709);
        near(Some(high), 9.577748329727376);
        assert_eq!(CaseMeans::of(&[vec![1.0, 2.0]]).limits, None);
        assert_eq!(CaseMeans::of(&[vec![1.0], vec![2.0]]).limits, None);
    }

    #[test]
    fn coverage_counts_only_what_has_an_interval() {
        let pair = |truth, interval| Pair { truth, measured: 5.0, interval };
        let pairs = [pair(5.0, Some([4.0, 6.0])), pair(9.0, Some([4.0, 8.0])), pair(9.0, None)];
        let coverage = Coverage::of(&pairs);
        assert_eq!((coverage.n, coverage.covered), (2, 1));
        near(coverage.percent, 50.0);
        near(coverage.mean_width, 3.0);
        assert_eq!(Coverage::of(&[]), Coverage::default());
    }

    #[test]
    fn no_minus_zero_and_no_nan_is_printed() {
        assert!(rounded(-0.00001).is_some_and(f64::is_sign_positive));
        assert_eq!((rounded(f64::NAN), rounded(1.234_56)), (None, Some(1.2346)));
    }
}
