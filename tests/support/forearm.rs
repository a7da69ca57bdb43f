//! A synthetic arm from above the elbow to the hand. Nothing here uses the program's measuring.
//!
//! Lengths and widths after Preterms et al., SA Orthop J 2021 (CT of 97 forearms: radius 238 ± 18 mm, ulna 260 ± 20 mm); Mahaisavariya et al.,
//! Proc Inst Mech Eng H 2004 (head of the radius 20.5 mm, neck 14.7 mm, head 12.9 mm high); Erdem, Int J Morphol (ulna 16.8 × 16.5 mm at
//! 54 mm from the tip of the olecranon, 14.1 × 15.1 mm at 76 mm). What lies between is drawn through them.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::volume::{Grid, Volume};
use nalgebra::{Matrix3, Point3, Vector3};
use rayon::prelude::*;

/// Which bone of the arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArmBone {
    Humerus,
    Radius,
    Ulna,
    Carpal,
    Metacarpal,
}

/// How the arm lies and what the image shows of it. Lengths along the arm count from the elbow's joint line to the hand.
#[derive(Debug, Clone)]
pub struct Arm {
    pub left: bool,
    /// The hand towards the patient's head.
    pub raised: bool,
    /// 0: the palm to the front, 150: the radius crossed over the ulna.
    pub pronation_deg: f64,
    /// The whole arm turned about its length.
    pub turned_deg: f64,
    /// Widths as a share of the average ones.
    pub scale: f64,
    /// Walls as a share of the average ones.
    pub wall: f64,
    /// Width of the limb as a share of the average one.
    pub flesh: f64,
    /// First and last place along the arm that the image shows, mm.
    pub seen_mm: [f64; 2],
    /// Where the arm's middle lies, patient mm from left to right.
    pub x_mm: f64,
    /// How far the image reaches beside the arm's middle in the patient's left and right, mm.
    pub reach_mm: [f64; 2],
    pub pixel_mm: f64,
    pub slice_mm: f64,
    pub noise_hu: f64,
    /// The axes of the image turned about, as after a scan feet first or prone: columns, rows, slices.
    pub flipped: [bool; 3],
    /// Width of the joint spaces at elbow and wrist, mm.
    pub joint_mm: f64,
}

impl Default for Arm {
    fn default() -> Self {
        Self {
            left: true,
            raised: false,
            pronation_deg: 0.0,
            turned_deg: 0.0,
            scale: 1.0,
            wall: 1.0,
            flesh: 1.0,
            seen_mm: [-110.0, 330.0],
            x_mm: 180.0,
            reach_mm: [75.0, 75.0],
            pixel_mm: 0.9,
            slice_mm: 2.0,
            noise_hu: 20.0,
            flipped: [false; 3],
            joint_mm: 2.5,
        }
    }
}

/// A section of a bone across the arm: place along the arm, middle to the radial side and to the back, half widths, wall, all mm.
type Station = [f64; 6];

/// Trochlea, capitulum, epicondyles, shaft. The joint line is at 0; the ulna's notch is behind it.
const HUMERUS: &[Station] = &[
    [-400.0, 0.0, 0.0, 11.0, 11.0, 3.6],
    [-80.0, 0.0, 0.0, 11.0, 10.5, 3.6],
    [-55.0, 0.0, 0.0, 17.0, 8.5, 2.6],
    [-28.0, 0.0, 0.0, 28.0, 8.0, 1.6],
    [-14.0, 0.0, -1.0, 24.0, 8.5, 1.2],
    [0.0, 0.0, -2.0, 20.0, 8.0, 1.0],
];
/// Olecranon behind the trochlea, coronoid, shaft, head.
const ULNA: &[Station] = &[
    [-22.0, -8.0, 17.5, 9.0, 7.0, 1.5],
    [-8.0, -8.0, 17.0, 10.5, 7.2, 2.0],
    [0.0, -8.0, 17.0, 11.0, 7.4, 2.0],
    [4.0, -8.0, 9.0, 11.5, 15.0, 1.5],
    [14.0, -9.0, 10.0, 10.5, 13.0, 2.2],
    [32.0, -11.0, 12.0, 8.4, 8.6, 3.4],
    [54.0, -12.0, 12.0, 7.5, 7.2, 4.0],
    [120.0, -12.0, 11.0, 7.2, 6.4, 3.6],
    [180.0, -11.0, 8.0, 6.0, 5.6, 2.8],
    [215.0, -10.0, 6.0, 5.8, 5.8, 1.8],
    [228.0, -10.0, 6.0, 8.0, 7.6, 1.0],
    [236.0, -10.0, 6.0, 8.4, 8.0, 0.9],
];
/// Head, neck, tuberosity, shaft, distal end; its middle is told from the ulna's.
const RADIUS: &[Station] = &[
    [0.0, 19.0, -10.0, 10.2, 10.2, 1.0],
    [10.0, 19.0, -11.0, 10.0, 10.0, 1.3],
    [16.0, 19.5, -11.0, 7.4, 7.3, 2.2],
    [32.0, 20.0, -11.0, 7.6, 7.8, 2.8],
    [50.0, 22.0, -9.0, 6.8, 6.4, 3.4],
    [120.0, 29.0, -6.0, 7.6, 6.2, 3.4],
    [180.0, 27.0, -4.0, 8.2, 6.2, 2.8],
    [212.0, 24.0, -3.0, 11.0, 8.0, 1.6],
    [228.0, 26.5, -2.0, 14.5, 9.5, 1.1],
    [240.0, 27.5, -2.0, 15.5, 9.5, 1.0],
];
/// Half widths of the limb along the arm, mm.
const SKIN: &[[f64; 3]] = &[
    [-400.0, 48.0, 48.0],
    [-30.0, 44.0, 36.0],
    [60.0, 46.0, 38.0],
    [180.0, 36.0, 26.0],
    [240.0, 31.0, 21.0],
    [290.0, 44.0, 17.0],
    [400.0, 44.0, 16.0],
];

const SOFT_HU: f64 = 50.0;
const AIR_HU: f64 = -1000.0;
const CORTICAL_HU: f64 = 1350.0;
/// Within the shafts, and within the ends.
const MARROW_HU: f64 = -40.0;
const SPONGY_HU: f64 = 230.0;
/// Blur of the scanner in the slice and across slices, mm.
const SIGMA_MM: f64 = 0.7;

/// How far outside a bone its blurred edge shows, mm.
const EDGE_MM: f64 = 4.0;

/// A bone's section in one slice.
#[derive(Debug, Clone, Copy)]
struct Cut {
    bone: ArmBone,
    middle_mm: [f64; 2],
    half_mm: [f64; 2],
    turned: f64,
    wall_mm: f64,
    /// Distance to the nearer end of the bone along the arm; negative beyond it.
    to_end_mm: f64,
    inside_hu: f64,
}

impl Cut {
    /// How deep a place of the arm lies within the section, mm; about that, for slender ones. The second is sine and cosine of `turned`.
    fn inside_mm(&self, place: [f64; 2], (sin, cos): (f64, f64)) -> f64 {
        let from = [place[0] - self.middle_mm[0], place[1] - self.middle_mm[1]];
        let own =
            [(cos * from[0] - sin * from[1]) / self.half_mm[0], (sin * from[0] + cos * from[1]) / self.half_mm[1]];
        let share = own[0].hypot(own[1]);
        // First-order distance to an ellipse: its equation over the length of its gradient.
        let steep = (own[0] / self.half_mm[0]).hypot(own[1] / self.half_mm[1]) / share.max(1e-9);
        let flat = if share < 1e-6 { self.half_mm[0].min(self.half_mm[1]) } else { (1.0 - share) / steep };
        flat.min(self.to_end_mm)
    }

    /// Beyond this from its middle its edge shows nothing, mm².
    fn reach_mm2(&self) -> f64 {
        let (most, least) = (self.half_mm[0].max(self.half_mm[1]), self.half_mm[0].min(self.half_mm[1]));
        (most * (1.0 + EDGE_MM / least)).powi(2)
    }
}

impl Arm {
    /// Sections of all bones at a place along the arm, in the arm's own frame (radial side, back).
    fn cuts(&self, s: f64) -> Vec<Cut> {
        let mut cuts = Vec::new();
        let mut add =
            |bone, stations: &[Station], first: f64, last: f64, middle: &dyn Fn(&Station) -> ([f64; 2], f64)| {
                let to_end_mm = (s - first).min(last - s);
                if to_end_mm < -4.0 {
                    return;
                }
                let at = between(stations, s);
                let (middle_mm, turned) = middle(&at);
                let wall_mm = at[5] * self.wall;
                let inside_hu = if at[5] < 2.3 { SPONGY_HU } else { MARROW_HU };
                let half_mm = [at[3] * self.scale, at[4] * self.scale];
                cuts.push(Cut { bone, middle_mm, half_mm, turned, wall_mm, to_end_mm, inside_hu });
            };
        add(ArmBone::Humerus, HUMERUS, -400.0, -self.joint_mm, &|at| ([at[1], at[2]], 0.0));
        add(ArmBone::Ulna, ULNA, -22.0, 236.0, &|at| ([at[1], at[2]], 0.0));
        let crossing = self.crossing(s);
        add(ArmBone::Radius, RADIUS, 0.0, 240.0, &|at| (self.across(s, [at[1], at[2]], crossing), crossing));
        let hand = |side: f64, back: f64| self.across(236.0, [11.0 + side, -2.0 + back], self.crossing(236.0));
        let turned = self.crossing(236.0);
        for (row, from) in [(0, 240.0 + self.joint_mm), (1, 258.0 + 1.5 * self.joint_mm)] {
            for n in 0..4 {
                let (middle, half) = (hand(15.0 * (f64::from(n) - 1.5), f64::from(row)), 6.6);
                let away = (s - from - 8.0) / 8.0;
                let round = (1.0 - 0.6 * away * away).max(0.1).sqrt();
                let stations = [[0.0, 0.0, 0.0, half * round, 7.4 * round, 1.2]];
                add(ArmBone::Carpal, &stations, from, from + 16.0, &|_| (middle, turned));
            }
        }
        for n in 0..5 {
            let middle = hand(14.5 * (f64::from(n) - 2.0), 1.0);
            let stations = [[0.0, 0.0, 0.0, 4.6, 4.4, 1.9]];
            add(ArmBone::Metacarpal, &stations, 281.0, 340.0, &|_| (middle, turned));
        }
        cuts
    }

    /// By how much the radius is turned about the ulna at a place along the arm, radians from the radial side to the front.
    fn crossing(&self, s: f64) -> f64 {
        (self.pronation_deg * (s / 236.0).clamp(0.0, 1.0)).to_radians()
    }

    /// The middle of what lies so from the ulna, turned about it.
    fn across(&self, s: f64, from_ulna: [f64; 2], turned: f64) -> [f64; 2] {
        let ulna = between(ULNA, s);
        let (sin, cos) = (-turned).sin_cos();
        [ulna[1] + cos * from_ulna[0] - sin * from_ulna[1], ulna[2] + sin * from_ulna[0] + cos * from_ulna[1]]
    }

    /// From the arm's frame (radial side, back, towards the hand) to the patient's.
    fn to_patient(&self, radial: f64, back: f64, along: f64) -> Point3<f64> {
        let (sin, cos) = self.turned_deg.to_radians().sin_cos();
        let (radial, back) = (cos * radial - sin * back, sin * radial + cos * back);
        let side = if self.left { 1.0 } else { -1.0 };
        // A raised arm is swung over the front: its back looks to the front, its radial side stays lateral.
        let up = if self.raised { 1.0 } else { -1.0 };
        Point3::new(self.x_mm + side * radial, -up * back, up * along)
    }

    /// Middle of a bone at a place along the arm, patient mm.
    pub fn middle_of(&self, bone: ArmBone, s: f64) -> Point3<f64> {
        let cut = self.cuts(s).into_iter().find(|cut| cut.bone == bone).expect("the bone is there");
        self.to_patient(cut.middle_mm[0], cut.middle_mm[1], s)
    }

    /// The bone whose section holds a place of the patient; `None` where none does.
    pub fn bone_at(&self, at: Point3<f64>) -> Option<ArmBone> {
        let s = if self.raised { at.z } else { -at.z };
        let place = self.in_arm([at.x, at.y]);
        self.cuts(s).into_iter().find(|cut| cut.inside_mm(place, cut.turned.sin_cos()) > 0.0).map(|cut| cut.bone)
    }

    /// A place across the arm in its own frame, mm from its middle.
    fn in_arm(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let side = if self.left { 1.0 } else { -1.0 };
        let up = if self.raised { 1.0 } else { -1.0 };
        let turned_arm = [side * (x - self.x_mm), -up * y];
        let (sin, cos) = (-self.turned_deg.to_radians()).sin_cos();
        [cos * turned_arm[0] - sin * turned_arm[1], sin * turned_arm[0] + cos * turned_arm[1]]
    }

    pub fn grid(&self) -> Grid {
        let [from, to] = self.seen_mm;
        let (low_z, high_z) = if self.raised { (from, to) } else { (-to, -from) };
        let low = Vector3::new(self.x_mm - self.reach_mm[1], -70.0, low_z);
        let high = Vector3::new(self.x_mm + self.reach_mm[0], 70.0, high_z);
        let spacing_mm = Vector3::new(self.pixel_mm, self.pixel_mm, self.slice_mm);
        let size: [usize; 3] = std::array::from_fn(|a| ((high[a] - low[a]) / spacing_mm[a]) as usize);
        let sign = self.flipped.map(|flipped| if flipped { -1.0 } else { 1.0 });
        let origin = Vector3::from_fn(|a, _| if self.flipped[a] { high[a] } else { low[a] });
        let directions = Matrix3::from_diagonal(&Vector3::from(sign));
        Grid { size, origin_mm: Point3::from(origin), directions, spacing_mm }
    }

    /// The image of the arm.
    pub fn volume(&self) -> Volume<i16> {
        let grid = self.grid();
        let [columns, rows, slices] = grid.size;
        let slice = |k: usize| -> Vec<i16> {
            let z = grid.to_patient(Vector3::new(0.0, 0.0, k as f64)).z;
            let s = if self.raised { z } else { -z };
            let limb = self.limb(s);
            let limb = (limb.turned.sin_cos(), limb);
            let cuts: Vec<_> =
                self.cuts(s).into_iter().map(|cut| (cut.turned.sin_cos(), cut.reach_mm2(), cut)).collect();
            let pixel = |n: usize| {
                let at = grid.to_patient(Vector3::new((n % columns) as f64, (n / columns) as f64, k as f64));
                let place = self.in_arm([at.x, at.y]);
                let mut hu = AIR_HU + (SOFT_HU - AIR_HU) * step(limb.1.inside_mm(place, limb.0));
                for (turned, reach_mm2, cut) in &cuts {
                    let [x, y] = [0, 1].map(|n| place[n] - cut.middle_mm[n]);
                    if x * x + y * y > *reach_mm2 {
                        continue;
                    }
                    let depth = cut.inside_mm(place, *turned);
                    if depth > -EDGE_MM {
                        hu += (CORTICAL_HU - SOFT_HU) * step(depth);
                        hu += (cut.inside_hu - CORTICAL_HU) * step(depth - cut.wall_mm);
                    }
                }
                (hu + self.noise_hu * noise(k * columns * rows + n)).round() as i16
            };
            (0..columns * rows).map(pixel).collect()
        };
        let voxels: Vec<i16> = (0..slices).into_par_iter().map(slice).collect::<Vec<_>>().concat();
        Volume { grid, voxels: voxels.into() }
    }

    /// The flesh around the bones.
    fn limb(&self, s: f64) -> Cut {
        let skin = between3(SKIN, s);
        // The hand's flesh goes with the hand.
        let (share, hand) =
            (((s - 100.0) / 136.0).clamp(0.0, 1.0), self.across(236.0, [11.0, -2.0], self.crossing(236.0)));
        Cut {
            bone: ArmBone::Humerus,
            middle_mm: hand.map(|v| share * v),
            half_mm: [self.flesh * skin[1], self.flesh * skin[2]],
            turned: self.crossing(s),
            wall_mm: 0.0,
            to_end_mm: 100.0,
            inside_hu: 0.0,
        }
    }
}

/// Share of what a blurred edge shows at this depth behind it.
fn step(depth_mm: f64) -> f64 {
    // A logistic curve differs from the error function by less than a hundredth.
    1.0 / (1.0 + (-1.702 * depth_mm / SIGMA_MM).exp())
}

fn between(stations: &[Station], s: f64) -> Station {
    let above = stations.partition_point(|station| station[0] < s).clamp(1, stations.len().max(2) - 1);
    if stations.len() == 1 {
        return stations[0];
    }
    let (a, b) = (stations[above - 1], stations[above]);
    let t = ((s - a[0]) / (b[0] - a[0])).clamp(0.0, 1.0);
    std::array::from_fn(|n| a[n] * (1.0 - t) + b[n] * t)
}

fn between3(stations: &[[f64; 3]], s: f64) -> [f64; 3] {
    let above = stations.partition_point(|station| station[0] < s).clamp(1, stations.len() - 1);
    let (a, b) = (stations[above - 1], stations[above]);
    let t = ((s - a[0]) / (b[0] - a[0])).clamp(0.0, 1.0);
    std::array::from_fn(|n| a[n] * (1.0 - t) + b[n] * t)
}

/// About normal, the same for the same voxel.
fn noise(n: usize) -> f64 {
    let mut state = n as u64 ^ 0x9E37_79B9_7F4A_7C15;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (state >> 33) ^ (state >> 17);
        (mixed & 0xFFFF) as f64 / 65536.0
    };
    (0..6).map(|_| uniform() - 0.5).sum::<f64>() * 2f64.sqrt()
}
