//! How sharp and how noisy a real image is, so that a defect can look like the rest of it.

use super::guide::{Guide, RAY_STEP_MM, RAYS, image_along};
use crate::phantom::noise::sigma_of;
use crate::smoothing::median;
use crate::volume::{NO_DATA, Volume};

/// What was measured on an image.
pub struct Quality {
    /// Full width at half maximum of the in-plane blur.
    pub fwhm_mm: f64,
    /// Standard deviation of the noise in muscle.
    pub noise_hu: f64,
    /// Weight of each direct neighbour in a pixel's noise, see `ScannerSpec::noise_neighbour`.
    pub noise_neighbour: f64,
}

/// Measures the closed rings and the muscle around them. What cannot be measured gets a usual value.
pub fn of(volume: &Volume<i16>, guide: &Guide) -> Quality {
    let (noise_hu, noise_neighbour) = noise(volume, guide).unwrap_or((15.0, 0.35));
    Quality { fwhm_mm: fwhm_mm(volume, guide), noise_hu, noise_neighbour }
}

/// From the distance over which the outer edge of thick walls falls from three quarters to one quarter: 1.349 standard
/// deviations of a Gaussian.
fn fwhm_mm(volume: &Volume<i16>, guide: &Guide) -> f64 {
    let pixel = volume.grid.spacing_mm.x.max(volume.grid.spacing_mm.y);
    let mut found = Vec::new();
    for slice in guide.slices.iter().filter(|s| s.ring) {
        for ray in (0..RAYS).step_by(6) {
            let Some(hu) = image_along(volume, slice, ray).into_iter().collect::<Option<Vec<f64>>>() else { continue };
            let Some(top) = (0..hu.len()).max_by(|a, b| hu[*a].total_cmp(&hu[*b])) else { continue };
            let outside = hu[hu.len() - 1];
            // A plateau of 3 mm, and muscle outside: a thinner wall is blurred into a lower, wider one.
            let thick = hu.iter().filter(|value| **value > 0.8 * hu[top]).count();
            if hu[top] < 1000.0 || !(-150.0..200.0).contains(&outside) || (thick as f64) * RAY_STEP_MM < 3.0 {
                continue;
            }
            let crossing = |share: f64| {
                let level = outside + share * (hu[top] - outside);
                let n = (top..hu.len()).find(|n| hu[*n] < level)?;
                Some(n as f64 - (level - hu[n]) / (hu[n - 1] - hu[n]))
            };
            if let (Some(high), Some(low)) = (crossing(0.75), crossing(0.25)) {
                found.push((low - high) * RAY_STEP_MM);
            }
        }
    }
    let Some(edge) = median(&mut found) else { return 1.3 * pixel };
    let seen = edge / 1.349 / sigma_of(1.0);
    // Going between pixels in a straight line adds a variance of a sixth of a pixel squared.
    let pixels = pixel * pixel / 6.0 / sigma_of(1.0).powi(2);
    (seen * seen - pixels).max(0.0).sqrt().clamp(0.7 * pixel, 4.0)
}

/// Standard deviation, and the weight of neighbours that explains how alike they are.
fn noise(volume: &Volume<i16>, guide: &Guide) -> Option<(f64, f64)> {
    let [nx, ny, _] = volume.grid.size;
    let muscle = |hu: i16| hu != NO_DATA && (-20..140).contains(&hu);
    let mut differences: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    for slice in guide.slices.iter().filter(|s| s.ring) {
        let pixels = volume.slice(slice.k);
        let centre = volume.grid.to_index(slice.centre_mm);
        for j in 0..ny {
            for i in 0..nx.saturating_sub(3) {
                let (dx, dy) = (
                    (i as f64 - centre.x) * volume.grid.spacing_mm.x,
                    (j as f64 - centre.y) * volume.grid.spacing_mm.y,
                );
                let away = dx.hypot(dy) - slice.widest_mm();
                let row = &pixels[j * nx + i..j * nx + i + 4];
                if (4.0..25.0).contains(&away) && row.iter().all(|hu| muscle(*hu)) {
                    differences[0].push(f64::from(row[0] - row[1]).abs());
                    differences[1].push(f64::from(row[0] - row[3]).abs());
                }
            }
        }
    }
    if differences[0].len() < 200 {
        return None;
    }
    // 0.6745 standard deviations hold half of a Gaussian; a difference has the variance of two.
    let [near, far] = differences.map(|mut d| median(&mut d).map(|m| m / 0.6745 / 2f64.sqrt()));
    let (near, far) = (near?, far?.max(0.5));
    let alike = (1.0 - (near / far).powi(2)).clamp(-0.6, 0.7);
    let neighbour = if alike.abs() < 1e-3 { 0.0 } else { (1.0 - (1.0 - 2.0 * alike * alike).sqrt()) / (2.0 * alike) };
    Some((far, neighbour))
}
