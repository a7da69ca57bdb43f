//! Distance to the nearest voxel outside a set, exactly.
//!
//! One pass of lower envelopes of parabolas along each axis: Felzenszwalb and Huttenlocher, *Distance transforms of sampled
//! functions*, Theory of Computing 8:415, 2012.

use rayon::prelude::*;

/// Squared distance (mm²) from the centre of each voxel to the nearest voxel that is not `inside`; 0 outside.
///
/// `size` columns, rows and slices, `spacing_mm` between them; what lies beyond the box counts as neither. Where nothing is
/// outside every distance is infinite.
pub fn squared_distance_mm2(inside: &[bool], size: [usize; 3], spacing_mm: [f64; 3]) -> Vec<f32> {
    let [columns, rows, slices] = size;
    let mut field: Vec<f32> = inside.iter().map(|v| if *v { f32::INFINITY } else { 0.0 }).collect();
    if field.is_empty() {
        return field;
    }
    let plane = columns * rows;
    field.par_chunks_mut(plane).for_each(|slice| {
        let mut line = Line::new(columns.max(rows));
        slice.chunks_mut(columns).for_each(|row| along_row(row, spacing_mm[0]));
        for i in 0..columns {
            line.transform(slice, i, columns, rows, spacing_mm[1]);
        }
    });
    if slices > 1 {
        // Across slices: turned so that the columns along z lie together, a band of rows at a time.
        let turned: Vec<Vec<f32>> = (0..rows)
            .into_par_iter()
            .map(|j| {
                let mut line = Line::new(slices);
                let mut band = vec![0.0; columns * slices];
                for k in 0..slices {
                    band[k * columns..(k + 1) * columns]
                        .copy_from_slice(&field[k * plane + j * columns..k * plane + (j + 1) * columns]);
                }
                for i in 0..columns {
                    line.transform(&mut band, i, columns, slices, spacing_mm[2]);
                }
                band
            })
            .collect();
        field.par_chunks_mut(plane).enumerate().for_each(|(k, slice)| {
            for (j, row) in slice.chunks_mut(columns).enumerate() {
                row.copy_from_slice(&turned[j][k * columns..(k + 1) * columns]);
            }
        });
    }
    field
}

/// The first pass: in a row of zeros and infinities the nearest zero is the last one met from either end.
fn along_row(row: &mut [f32], spacing_mm: f64) {
    let mut last: Option<usize> = None;
    for q in 0..row.len() {
        if row[q] == 0.0 {
            last = Some(q);
        } else if let Some(zero) = last {
            row[q] = squared(q - zero, spacing_mm);
        }
    }
    last = None;
    for q in (0..row.len()).rev() {
        if row[q] == 0.0 {
            last = Some(q);
        } else if let Some(zero) = last {
            row[q] = row[q].min(squared(zero - q, spacing_mm));
        }
    }
}

fn squared(steps: usize, spacing_mm: f64) -> f32 {
    let apart = steps as f64 * spacing_mm;
    (apart * apart) as f32
}

/// Room for the envelope of one line.
struct Line {
    values: Vec<f64>,
    vertex: Vec<usize>,
    from: Vec<f64>,
}

impl Line {
    fn new(longest: usize) -> Line {
        Line { values: vec![0.0; longest], vertex: vec![0; longest], from: vec![0.0; longest + 1] }
    }

    /// Squared distances along one line of `n` values that begins at `start`, `step` apart.
    fn transform(&mut self, data: &mut [f32], start: usize, step: usize, n: usize, spacing_mm: f64) {
        if (0..n).all(|q| data[start + q * step] == 0.0) {
            return;
        }
        let mut top: Option<usize> = None;
        let square = spacing_mm * spacing_mm;
        for q in 0..n {
            let value = f64::from(data[start + q * step]);
            self.values[q] = value;
            if value.is_infinite() {
                continue;
            }
            let mut next = top.map_or(0, |t| t + 1);
            let mut from = f64::NEG_INFINITY;
            while next > 0 {
                let v = self.vertex[next - 1];
                let (a, b) = (q as f64, v as f64);
                from = ((value - self.values[v]) / square + (a * a - b * b)) / (2.0 * (a - b));
                if from > self.from[next - 1] {
                    break;
                }
                next -= 1;
            }
            self.vertex[next] = q;
            self.from[next] = if next == 0 { f64::NEG_INFINITY } else { from };
            top = Some(next);
        }
        let Some(top) = top else { return };
        let mut envelope = 0;
        for q in 0..n {
            while envelope < top && self.from[envelope + 1] < q as f64 {
                envelope += 1;
            }
            let v = self.vertex[envelope];
            let apart = (q as f64 - v as f64) * spacing_mm;
            data[start + q * step] = (apart * apart + self.values[v]) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_distance_to_the_nearest_voxel_outside(
            inside in prop::collection::vec(prop::bool::weighted(0.85), 7 * 6 * 5),
            spacing in prop::array::uniform3(0.4f64..4.0),
        ) {
            let size = [7usize, 6, 5];
            let found = squared_distance_mm2(&inside, size, spacing);
            let place = |n: usize| [n % 7, n / 7 % 6, n / 42];
            for n in 0..inside.len() {
                let nearest = (0..inside.len())
                    .filter(|m| !inside[*m])
                    .map(|m| (0..3).map(|a| ((place(n)[a] as f64 - place(m)[a] as f64) * spacing[a]).powi(2)).sum::<f64>())
                    .fold(f64::INFINITY, f64::min);
                prop_assert!(f64::from(found[n]) == nearest || (f64::from(found[n]) / nearest - 1.0).abs() < 1e-5);
            }
        }
    }
}
