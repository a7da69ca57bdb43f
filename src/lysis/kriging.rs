//! The intact wall where a loss has taken it, told from all the healthy walls of the bone: kriging.
//!
//! The logarithm of a sector's cortical mass varies over the unrolled bone as a Gaussian process does: a course that all sectors share, ridges
//! that run along the bone, and what changes within centimetres. How much and how far each of them reaches was fitted (maximum
//! likelihood) to the healthy walls of 15 patients' femora, tibiae and humeri; the bone's own unrest scales the whole. What a healthy wall tells
//! of a lost one follows from that, and so does how well it tells it: the farther away, the less, whether along the bone or around it.
//!
//! Sources: Matheron, Econ Geol 58:1246 (1963); Rasmussen and Williams, *Gaussian Processes for Machine Learning* (2006), eqs. 2.25 and 2.26.

use super::surface::Depths;
use crate::cortex::SECTORS;
use crate::cortex::contour::Map;
use nalgebra::linalg::Cholesky;
use nalgebra::{DMatrix, DVector, Dyn};

/// Sectors and millimetres of bone whose healthy walls speak as one.
const BLOCK_SECTORS: usize = 8;
const BLOCK_MM: f64 = 6.6;
/// Blocks around the bone.
pub(super) const AROUND: usize = SECTORS / BLOCK_SECTORS;
/// More of them are not looked at: they grow along the bone instead.
const MOST_BLOCKS: usize = 480;
/// Share of its cells that a block needs healthy.
const SEEN: f64 = 0.3;
/// Fewer blocks tell nothing.
const LEAST_BLOCKS: usize = 10;

/// Variance of the level of a bone, and of its course along the bone with the length of that, mm.
const LEVEL: f64 = 0.262;
const COURSE: (f64, f64) = (0.490, 92.4);
/// Variance, width in degrees and length in mm of ridges, of what changes within centimetres, and of what has corners.
const RIDGE: (f64, f64, f64) = (0.01835, 28.8, 95.9);
const REGION: (f64, f64, f64) = (0.00452, 20.5, 27.6);
const PATCHY: (f64, f64, f64) = (0.00233, 14.4, 34.5);
/// Variance of a block's mean that is its own.
const OWN: f64 = 0.0002;
/// Least unrest of a bone, in units of the patients' that the covariance was fitted to.
const LEAST_SCALE: f64 = 0.05;

/// Entries per sector in the tables of what is left around the bone.
const PER_SECTOR: f64 = 4.0;

/// Healthy walls that speak as one.
struct Block {
    z_mm: f64,
    sector: f64,
    log_mass: f64,
    share: f64,
}

/// Shares of the four parts of the covariance, between two places: level with course, ridges, regions, patches.
type Parts = [f64; 4];

/// All healthy walls of a bone, ready to tell of the others.
pub struct Kriging {
    blocks: Vec<Block>,
    factor: Cholesky<f64, Dyn>,
    weights: DVector<f64>,
    mean: f64,
    /// Unrest of this bone in units of the patients' that the covariance was fitted to, as a variance.
    scale: f64,
    around: Around,
    /// Logarithm of the length of each slice's contour per sector, mm: from depth to mass.
    log_arc: Vec<f64>,
    dz_mm: f64,
}

/// How little is known of one slice: covariance of the logarithm of depth between the blocks around the bone.
pub struct Doubt(DMatrix<f64>);

impl Kriging {
    /// `healthy`: cells that are believed. `None` where too few are.
    pub fn of(depths: &Depths, healthy: &[Vec<bool>]) -> Option<Self> {
        let log_arc = log_arcs(depths);
        let blocks = blocks(depths, healthy, &log_arc);
        if blocks.len() < LEAST_BLOCKS {
            return None;
        }
        let around = Around::new();
        let n = blocks.len();
        let mut covariance = DMatrix::zeros(n, n);
        for (i, a) in blocks.iter().enumerate() {
            for (j, b) in blocks.iter().enumerate().take(i + 1) {
                let value = around.covariance(along(a.z_mm - b.z_mm), a.sector - b.sector);
                covariance[(i, j)] = value;
                covariance[(j, i)] = value;
            }
            covariance[(i, i)] += OWN / a.share;
        }
        let mean = blocks.iter().map(|b| b.log_mass).sum::<f64>() / n as f64;
        let factor = Cholesky::new(covariance)?;
        let rest = DVector::from_iterator(n, blocks.iter().map(|b| b.log_mass - mean));
        let weights = factor.solve(&rest);
        let scale = (rest.dot(&weights) / n as f64).max(LEAST_SCALE);
        Some(Self { blocks, factor, weights, mean, scale, around, log_arc, dz_mm: depths.dz_mm })
    }

    /// Natural logarithm of the intact depth of each of the `sectors` of slice `k`.
    pub fn log_depths(&self, k: usize, sectors: &[usize]) -> Vec<f64> {
        if sectors.is_empty() {
            return Vec::new();
        }
        let parts = self.parts(k);
        sectors
            .iter()
            .map(|s| {
                let told = self.blocks.iter().zip(&parts).zip(self.weights.iter());
                let sum: f64 =
                    told.map(|((b, part), w)| w * self.around.covariance(*part, *s as f64 + 0.5 - b.sector)).sum();
                self.mean + sum - self.log_arc[k]
            })
            .collect()
    }

    /// Writes the intact depth of the cells of a `place` into `log_depth`.
    pub fn tell(&self, place: &[Vec<bool>], log_depth: &mut Map) {
        for (k, row) in place.iter().enumerate() {
            let sectors: Vec<usize> = (0..SECTORS).filter(|s| row[*s]).collect();
            let told = self.log_depths(k, &sectors);
            sectors.iter().zip(told).for_each(|(s, value)| log_depth[k][*s] = value);
        }
    }

    /// How little is known of slice `k`.
    pub fn doubt(&self, k: usize) -> Doubt {
        let parts = self.parts(k);
        let mut half = DMatrix::from_fn(self.blocks.len(), AROUND, |b, g| {
            self.around.covariance(parts[b], middle(g) - self.blocks[b].sector)
        });
        let own = DMatrix::from_fn(AROUND, AROUND, |g, h| self.around.covariance(along(0.0), middle(g) - middle(h)));
        self.factor.l_dirty().solve_lower_triangular_mut(&mut half);
        Doubt((own - half.tr_mul(&half)) * self.scale)
    }

    fn parts(&self, k: usize) -> Vec<Parts> {
        self.blocks.iter().map(|b| along(k as f64 * self.dz_mm - b.z_mm)).collect()
    }
}

impl Doubt {
    /// Standard deviation of the weighted mean of the logarithm of depth over the slice.
    pub fn of_mean(&self, weight: impl Fn(usize) -> f64) -> f64 {
        let mut sums = [0.0; AROUND];
        (0..SECTORS).for_each(|s| sums[s / BLOCK_SECTORS] += weight(s));
        let total: f64 = sums.iter().sum();
        if total <= 0.0 {
            return 0.0;
        }
        let sums = DVector::from_iterator(AROUND, sums.iter().map(|v| v / total));
        (&self.0 * &sums).dot(&sums).max(0.0).sqrt()
    }

    /// The same for one sector.
    pub fn of_sector(&self, s: usize) -> f64 {
        self.0[(s / BLOCK_SECTORS, s / BLOCK_SECTORS)].max(0.0).sqrt()
    }
}

/// Middle of a block around the bone, in sectors.
fn middle(block: usize) -> f64 {
    (block as f64 + 0.5) * BLOCK_SECTORS as f64
}

/// Of each slice. A metaphysis widens while its wall thins: its mass changes less along the bone than its depth does.
fn log_arcs(depths: &Depths) -> Vec<f64> {
    let mean_mm = |k: usize| {
        let known = (0..SECTORS).filter(|s| depths.known[k][*s]);
        let (sum, count) = known.fold((0.0, 0.0), |(sum, count), s| (sum + depths.arc_mm[k][s], count + 1.0));
        if count > 0.0 { sum / count } else { 1.0 }
    };
    (0..depths.arc_mm.len()).map(|k| mean_mm(k).ln()).collect()
}

fn blocks(depths: &Depths, healthy: &[Vec<bool>], log_arc: &[f64]) -> Vec<Block> {
    let rows: Vec<usize> = (0..healthy.len()).filter(|k| healthy[*k].contains(&true)).collect();
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Vec::new() };
    let by_length = (BLOCK_MM / depths.dz_mm).round() as usize;
    let step = by_length.max((last + 1 - first).div_ceil(MOST_BLOCKS / AROUND)).max(1);
    let mut out = Vec::new();
    for low in (*first..=*last).step_by(step) {
        let high = (low + step).min(last + 1);
        for around in 0..AROUND {
            let (mut count, mut z, mut sector, mut sum) = (0.0, 0.0, 0.0, 0.0);
            for k in low..high {
                for s in (around * BLOCK_SECTORS..(around + 1) * BLOCK_SECTORS).filter(|s| healthy[k][*s]) {
                    count += 1.0;
                    z += k as f64 * depths.dz_mm;
                    sector += s as f64 + 0.5;
                    sum += depths.fitted(k, s) + log_arc[k];
                }
            }
            let share = count / (BLOCK_SECTORS * (high - low)) as f64;
            if share >= SEEN {
                out.push(Block { z_mm: z / count, sector: sector / count, log_mass: sum / count, share });
            }
        }
    }
    out
}

/// What distance along the bone leaves of each part.
fn along(mm: f64) -> Parts {
    let smooth = |length: f64| (-0.5 * (mm / length).powi(2)).exp();
    [LEVEL + COURSE.0 * smooth(COURSE.1), RIDGE.0, REGION.0 * smooth(REGION.2), PATCHY.0 * (-mm.abs() / PATCHY.2).exp()]
}

/// What distance around the bone leaves of each part.
struct Around {
    table: Vec<[f64; 3]>,
}

impl Around {
    fn new() -> Self {
        let at = |n: usize| {
            let half = std::f64::consts::PI * n as f64 / PER_SECTOR / SECTORS as f64;
            // Along the chord, so that the covariance stays positive where the bone closes.
            let chord = 2.0 * half.sin();
            [RIDGE.1, REGION.1, PATCHY.1].map(|width: f64| (-0.5 * (chord / width.to_radians()).powi(2)).exp())
        };
        Self { table: (0..=(SECTORS as f64 * PER_SECTOR) as usize).map(at).collect() }
    }

    /// Covariance of two places whose distance along the bone leaves `parts`, and that are so many sectors apart.
    fn covariance(&self, parts: Parts, sectors: f64) -> f64 {
        let left = &self.table[((sectors.abs() * PER_SECTOR).round() as usize).min(self.table.len() - 1)];
        parts[0] + parts[1] * left[0] + parts[2] * left[1] + parts[3] * left[2]
    }
}

#[cfg(test)]
mod tests {
    use super::super::permeation::Permeation;
    use super::*;

    const SLICES: usize = 60;

    /// A shaft with a crest and a taper towards both ends.
    fn wall(k: usize, s: usize) -> f64 {
        let theta = 2.0 * std::f64::consts::PI * s as f64 / SECTORS as f64;
        let crest = 0.3 * (-((s as f64 - 30.0) / 8.0).powi(2)).exp();
        (5.0f64 + 0.8 * theta.cos()).ln() + crest - 0.5 * ((k as f64 - 30.0) / 30.0).powi(2)
    }

    fn told(healthy: impl Fn(usize, usize) -> bool) -> Option<Kriging> {
        // What is lost has no say: its depth is anything.
        let cell = |k: usize, s: usize| if healthy(k, s) { wall(k, s) } else { -6.0 };
        let log_depth: Map = (0..SLICES).map(|k| (0..SECTORS).map(|s| cell(k, s)).collect()).collect();
        let (known, ones) = (vec![vec![true; SECTORS]; SLICES], vec![vec![1.0; SECTORS]; SLICES]);
        let depths = Depths {
            log_depth: &log_depth,
            known: &known,
            arc_mm: &ones,
            peak_share: &ones,
            permeation: &Permeation::none(SLICES),
            dz_mm: 3.0,
        };
        let is: Vec<Vec<bool>> = (0..SLICES).map(|k| (0..SECTORS).map(|s| healthy(k, s)).collect()).collect();
        Kriging::of(&depths, &is)
    }

    fn mean_error(kriging: &Kriging, k: usize, sectors: &[usize]) -> f64 {
        let told = kriging.log_depths(k, sectors);
        sectors.iter().zip(told).map(|(s, v)| v - wall(k, *s)).sum::<f64>() / sectors.len() as f64
    }

    #[test]
    fn a_lost_wall_is_told_from_the_others_and_within_what_is_said_of_it() {
        let sectors: Vec<usize> = (10..60).collect();
        for rows in [20..36, 44..60] {
            let kriging = told(|k, s| !(rows.contains(&k) && sectors.contains(&s))).unwrap();
            for k in rows {
                let off = mean_error(&kriging, k, &sectors);
                let doubt = kriging.doubt(k).of_mean(|s| f64::from(u8::from(sectors.contains(&s))));
                assert!(off.abs() < 0.05 && off.abs() < 3.0 * doubt, "{k}: {off} {doubt}");
            }
        }
    }

    #[test]
    fn a_healthy_wall_is_told_as_it_is_and_the_farther_one_is_from_it_the_less_is_known() {
        let kriging = told(|k, _| k < 40).unwrap();
        assert!(mean_error(&kriging, 20, &(0..SECTORS).collect::<Vec<_>>()).abs() < 0.01);
        let doubts: Vec<f64> = [20, 40, 45, 50, 59].map(|k| kriging.doubt(k).of_mean(|_| 1.0)).to_vec();
        assert!(doubts.windows(2).all(|pair| pair[0] < pair[1]), "{doubts:?}");
        // Around the bone too: a wall beside a healthy one is better known than one in the middle of the loss.
        let kriging = told(|k, s| !(20..40).contains(&k) || s >= 60).unwrap();
        assert!(kriging.doubt(30).of_sector(2) < kriging.doubt(30).of_sector(30));
    }

    #[test]
    fn a_handful_of_walls_tells_nothing() {
        assert!(told(|k, s| k == 10 && s < 30).is_none());
    }
}
