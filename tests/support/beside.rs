//! What lies against bone without being bone, laid into a CT for tests: vessels full of contrast, calcified plaques, new bone under a lifted
//! periosteum; and bone that has lost its density. Where the bone lies is asked of the program on the image without all this.

use super::hardware::{change, shares};
use corticalysis::volume::{Region, Volume};

/// The outside of a bone towards one direction, slice by slice.
pub struct Wall {
    /// Place on the outside, mm from the first voxel; `None` where the slice shows no bone.
    at_mm: Vec<Option<[f64; 2]>>,
    /// Unit vector outwards.
    out: [f64; 2],
    dz_mm: f64,
}

impl Wall {
    /// The outside of `bone` as seen from the middle of each slice towards an angle from the columns' direction.
    pub fn of(volume: &Volume<i16>, bone: &Region, angle_deg: f64) -> Wall {
        let s = volume.grid.spacing_mm;
        let (sin, cos) = angle_deg.to_radians().sin_cos();
        let outside = |k: usize| {
            let runs = bone.runs(k);
            let voxels = || {
                runs.iter().flat_map(|run| (run.first..=run.last).map(move |i| [i as f64 * s.x, run.j as f64 * s.y]))
            };
            let count = voxels().count() as f64;
            if count == 0.0 {
                return None;
            }
            let middle = voxels().fold([0.0; 2], |sum, at| [sum[0] + at[0] / count, sum[1] + at[1] / count]);
            let holds = |mm: f64| {
                bone.contains([
                    ((middle[0] + mm * cos) / s.x).round() as usize,
                    ((middle[1] + mm * sin) / s.y).round() as usize,
                    k,
                ])
            };
            let reach = (0..400).map(|n| 0.25 * f64::from(n)).filter(|mm| holds(*mm)).fold(0.0, f64::max);
            Some([middle[0] + reach * cos, middle[1] + reach * sin])
        };
        let at_mm = (0..volume.grid.size[2]).map(outside).collect();
        Wall { at_mm, out: [cos, sin], dz_mm: s.z }
    }

    /// Signed distance of a place from a tube of this radius that lies against the wall, mm.
    fn off_tube(&self, at: [f64; 3], radius_mm: f64) -> f64 {
        let k = (at[2] / self.dz_mm).round().max(0.0) as usize;
        let Some(Some(wall)) = self.at_mm.get(k) else { return f64::INFINITY };
        let middle = [0, 1].map(|a| wall[a] + radius_mm * self.out[a]);
        (at[0] - middle[0]).hypot(at[1] - middle[1]) - radius_mm
    }
}

/// The image with something of this HU where `solid` (signed distance, mm from the first voxel) is negative.
fn with(volume: &Volume<i16>, hu: f64, solid: impl Fn([f64; 3]) -> f64 + Sync) -> Volume<i16> {
    change(volume, |k, before| {
        let share = shares(volume, k, &solid);
        // What is denser already is bone: the edge of what lies against it does not thin it.
        let mixed = |(hu_before, share): (&i16, f64)| {
            let old = f64::from(*hu_before);
            if old < -1500.0 || old >= hu { *hu_before } else { ((1.0 - share) * old + share * hu).round() as i16 }
        };
        before.iter().zip(share).map(mixed).collect()
    })
}

/// A vessel full of contrast along all of a wall.
pub fn with_vessel(volume: &Volume<i16>, wall: &Wall, radius_mm: f64, hu: f64) -> Volume<i16> {
    with(volume, hu, |at| wall.off_tube(at, radius_mm))
}

/// Calcified plaques, 10 of 25 mm long, of a vessel along a wall.
pub fn with_plaques(volume: &Volume<i16>, wall: &Wall, radius_mm: f64, hu: f64) -> Volume<i16> {
    with(volume, hu, |at| wall.off_tube(at, radius_mm).max(at[2].rem_euclid(25.0) - 10.0))
}

/// A layer of new bone from and to these distances (mm) outside of a bone. `off_mm`: how far outside a place lies; `None` where there is no layer.
pub fn with_layer(
    volume: &Volume<i16>,
    [from_mm, to_mm]: [f64; 2],
    hu: f64,
    off_mm: impl Fn([f64; 3]) -> Option<f64> + Sync,
) -> Volume<i16> {
    with(volume, hu, |at| off_mm(at).map_or(f64::INFINITY, |off| (from_mm - off).max(off - to_mm)))
}

/// The bone with this share of what it is denser than soft tissue.
pub fn with_density(volume: &Volume<i16>, bone: &Region, share: f64) -> Volume<i16> {
    change(volume, |k, before| {
        let nx = volume.grid.size[0];
        let mut after = before.to_vec();
        for run in bone.runs(k) {
            for hu in &mut after[run.j * nx + run.first..=run.j * nx + run.last] {
                *hu = if *hu > 40 { (40.0 + share * (f64::from(*hu) - 40.0)).round() as i16 } else { *hu };
            }
        }
        after
    })
}

/// The image of an osteoporotic patient: compact bone of 1300 HU has this share of what it is denser than soft tissue, spongy bone less, as a power
/// of it ("1" leaves both the same share).
pub fn with_osteoporosis(volume: &Volume<i16>, share: f64, power: f64) -> Volume<i16> {
    let (soft, compact) = (100.0, 1300.0);
    let less = |hu: f64| soft + share * (compact - soft) * ((hu - soft) / (compact - soft)).powf(power);
    change(volume, |_, before| {
        before.iter().map(|hu| if f64::from(*hu) > soft { less(f64::from(*hu)).round() as i16 } else { *hu }).collect()
    })
}
