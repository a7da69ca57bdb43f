//! Solids that touch, taken apart where they are narrow.
//!
//! Where two bones touch, the contact is narrow compared with either of them; the neck of a bone is not so narrow compared with
//! its shaft. The distance to the outside, followed from its heights downwards, shows both: two heights belong to one
//! bone when the pass between them is not much lower than the lower of the two.

use super::window::{Window, blur};
use crate::smoothing::quantile;
use crate::volume::squared_distance_mm2;

/// A pass at least this high, as a share of the lower of its two heights, joins them.
const PASS: f32 = 0.7;
/// So does one nearly as wide as the shaft itself: condyles are much thicker than what joins them to it.
const SHAFT_PASS: f32 = 0.8;
/// Ripples of the distance that voxels make are smoothed away, mm.
const SIGMA_MM: f64 = 0.7;
/// Distances are told apart to this, mm.
const RESOLUTION_MM: f32 = 1.0 / 32.0;
const NOTHING: u32 = u32::MAX;

/// For each voxel of `solid` the seed (from 1) whose part it belongs to; 0 for parts without a seed and for what is no bone.
///
/// `seeds` holds for each voxel the bone it is known to belong to, or 0.
pub fn parts(window: &Window, solid: &[bool], seeds: &[u8]) -> Vec<u8> {
    let squared = squared_distance_mm2(solid, window.size, window.spacing_mm);
    let depth: Vec<f32> = squared.iter().map(|d| d.sqrt().min(200.0)).collect();
    let depth = blur(&depth, window.size, window.spacing_mm, SIGMA_MM);
    let mut order: Vec<(u32, u32)> = (0..solid.len())
        .filter(|n| solid[*n])
        .map(|n| (u32::MAX - (depth[n] / RESOLUTION_MM) as u32, n as u32))
        .collect();
    order.sort_unstable();
    let mut along_seeds: Vec<f64> =
        (0..solid.len()).filter(|n| solid[*n] && seeds[*n] == 1).map(|n| f64::from(depth[n])).collect();
    let wide = SHAFT_PASS * quantile(&mut along_seeds, 0.75).unwrap_or(f64::INFINITY) as f32;
    let mut heights = Heights { parent: Vec::new(), peak: Vec::new(), seed: Vec::new(), wide };
    let mut height = vec![NOTHING; solid.len()];
    for (_, voxel) in &order {
        let v = *voxel as usize;
        let around = window.neighbours(v).into_iter().flatten().filter(|o| height[*o] != NOTHING);
        let mut around: Vec<(f32, u32)> = around.map(|o| (depth[o], height[o])).collect();
        around.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let Some(&(_, first)) = around.first() else {
            height[v] = heights.start(depth[v], seeds[v]);
            continue;
        };
        height[v] = heights.top(first);
        if seeds[v] != 0 {
            heights.claim(height[v], seeds[v]);
        }
        for (_, other) in &around[1..] {
            heights.meet(height[v], *other, depth[v]);
        }
    }
    let mut part = vec![0; solid.len()];
    for (_, voxel) in &order {
        let top = heights.top(height[*voxel as usize]);
        part[*voxel as usize] = heights.seed[top as usize];
    }
    part
}

/// The heights found so far, those that are one bone joined.
struct Heights {
    parent: Vec<u32>,
    peak: Vec<f32>,
    seed: Vec<u8>,
    /// A pass as high as this joins whatever it leads to, mm.
    wide: f32,
}

impl Heights {
    fn start(&mut self, peak: f32, seed: u8) -> u32 {
        self.parent.push(self.parent.len() as u32);
        self.peak.push(peak);
        self.seed.push(seed);
        self.parent.len() as u32 - 1
    }

    fn top(&mut self, mut height: u32) -> u32 {
        while self.parent[height as usize] != height {
            let above = self.parent[height as usize];
            self.parent[height as usize] = self.parent[above as usize];
            height = above;
        }
        height
    }

    fn claim(&mut self, height: u32, seed: u8) {
        let top = self.top(height) as usize;
        if self.seed[top] == 0 {
            self.seed[top] = seed;
        }
    }

    /// Two heights meet in a pass; they become one, or stay two.
    fn meet(&mut self, a: u32, b: u32, pass: f32) {
        let (a, b) = (self.top(a), self.top(b));
        let (x, y) = (a as usize, b as usize);
        let strangers = self.seed[x] != 0 && self.seed[y] != 0 && self.seed[x] != self.seed[y];
        if a == b || strangers || pass < (PASS * self.peak[x].min(self.peak[y])).min(self.wide) {
            return;
        }
        let (kept, joined) = (a.min(b) as usize, a.max(b) as usize);
        self.parent[joined] = kept as u32;
        self.peak[kept] = self.peak[kept].max(self.peak[joined]);
        self.seed[kept] = self.seed[kept].max(self.seed[joined]);
    }
}
