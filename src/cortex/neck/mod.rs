//! The femoral neck in sections across its own axis: contour, thickness and area of its wall.
//!
//! In the native slices a neck is cut at 40 to 60°, runs into head and trochanter within one slice and is no ring of the shaft. Here rays
//! start from the middle of sections across the neck and run through the CT itself, so that no image is made in between.
//! The wall is fitted as on the shaft ([`super::wall`]), with one difference: the scanner's blur is not the same on all sides of an
//! oblique bone. Across a wall whose normal leans by `n_z` out of the slice the blur in the plane counts with
//! `√(1 − n_z²)` and that across slices with `|n_z|`. On the upper and lower wall of a neck the second is most of it: 3 mm slices
//! show a 1 mm wall there as a faint band, whose width the fit still tells, because the density of compact cortex is known from the shaft.

mod axis;
mod frame;
mod outline;

pub use frame::NeckFrame;

use super::SECTORS;
use super::contour::Map;
use super::limits::{HEAD_ENDS, METAL_HU, ON_HEAD, STRAYS_MM, UNSEEN};
use super::polar::STEP_MM;
use super::profile::Edge;
use super::scanner::Scanner;
use super::unroll::{Surface, share, wall_depth, where_finite};
use super::wall::{Samples, Wall, fit};
use crate::smoothing::{penalty, quantile, smooth_robust_around, smooth_robust_columns, straight_line};
use crate::volume::{Region, Volume};
use outline::{area_and_centroid, outline};
use rayon::prelude::*;

/// Distance between sections, mm.
pub const SECTION_MM: f64 = 1.0;
/// Sections are looked for from here to there, in radii of the head from its centre.
const SEARCHED: [f64; 2] = [0.5, 2.2];
/// Where the narrowest section lies, in the same measure.
const NARROWEST: [f64; 2] = [0.8, 1.9];
/// A section is the neck's while it is no larger than the narrowest by this much: beyond it head or trochanters begin.
const FLARE: f64 = 1.4;
/// Room to look at around the contour, mm.
const AROUND_MM: f64 = 10.0;
/// Width that a wall is first taken for, mm.
const FIRST_WIDTH_MM: f64 = 1.5;
/// No wall of a neck is wider, mm.
const WIDEST_MM: f64 = 9.0;
/// What lies behind a wall is less dense than this share of compact cortex.
const MARROW_SHARE: f64 = 0.75;
/// The contour is smooth over this along the neck, mm, and around it, sectors.
const SMOOTH_MM: f64 = 14.0;
const SMOOTH_SECTORS: f64 = 14.0;
/// Less compact cortex than this, where no wall can be fitted, is no wall, mm.
const GONE_MM: f64 = 0.5;
/// Fewest sections that make a neck.
const FEWEST: usize = 4;

/// What is known of a neck before it is measured.
#[derive(Debug, Clone, Copy)]
pub struct NeckPlace<'a> {
    /// The bone beside its neighbours, marrow included, on the grid of the volume.
    pub bone: &'a Region,
    /// The head's centre, and roughly where the neck runs.
    pub frame: NeckFrame,
    pub head_radius_mm: f64,
    /// Blur in the plane and density of compact cortex, told by the rings of the same bone: walls that thin, in sections that few,
    /// do not tell both.
    pub scanner: Scanner,
    /// Length that one slice averages over, mm.
    pub slice_thickness_mm: f64,
}

/// Why a section of the neck has no numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeckUnseen {
    /// The section still is, in part, the head, or already the trochanters.
    NoNeck,
    /// The image ends within it.
    CutByBorder,
    Metal,
    /// No wall can be told on a part of the circumference.
    WallNotSeen,
}

/// One section across the neck.
#[derive(Debug, Clone, PartialEq)]
pub struct NeckSection {
    /// From the head's centre along the neck, mm.
    pub from_head_mm: f64,
    /// Middle of the section in the frame's front and up.
    pub centre_mm: [f64; 2],
    /// `None` when it is measured.
    pub not_measured: Option<NeckUnseen>,
    /// By sector: from the centre to the periosteal contour, length of the contour, thickness across the wall, which is NaN where
    /// what stands there is no wall that could be fitted.
    pub radius_mm: Vec<f64>,
    pub arc_mm: Vec<f64>,
    pub thickness_mm: Vec<f64>,
    /// By sector, where something dense stands that is no wall: the compact cortex that it stands for, mm. NaN elsewhere.
    pub unfitted_mm: Vec<f64>,
    /// By sector: how far the scanner spreads things along the contour, standard deviation in mm.
    pub blur_along_mm: Vec<f64>,
}

impl NeckSection {
    /// Area of wall that a thickness makes in a sector, mm²; the inside of a bend is shorter than its outside.
    pub fn area_mm2(&self, sector: usize, thickness_mm: f64) -> f64 {
        let radius = self.radius_mm[sector].max(1e-3);
        self.arc_mm[sector] * thickness_mm * (1.0 - 0.5 * (thickness_mm / radius).min(1.0))
    }

    /// Cortical area of the section, mm²: where no wall was fitted, as much as on average elsewhere.
    pub fn cortical_area_mm2(&self) -> f64 {
        let known = || (0..SECTORS).filter(|s| self.thickness_mm[*s].is_finite());
        let area: f64 = known().map(|s| self.area_mm2(s, self.thickness_mm[s])).sum();
        let arc: f64 = known().map(|s| self.arc_mm[s]).sum();
        area * self.perimeter_mm() / arc
    }

    /// Area within the contour, mm².
    pub fn area_inside_mm2(&self) -> f64 {
        area_and_centroid(&self.radius_mm).0
    }

    /// Length of the contour, mm.
    pub fn perimeter_mm(&self) -> f64 {
        self.arc_mm.iter().sum()
    }

    /// Thickness averaged along the contour, and that which a tenth of the contour falls short of, mm: the thinnest single sector
    /// is noise.
    pub fn mean_and_low_thickness_mm(&self) -> [f64; 2] {
        let known: Vec<usize> = (0..SECTORS).filter(|s| self.thickness_mm[*s].is_finite()).collect();
        let arc: f64 = known.iter().map(|s| self.arc_mm[*s]).sum();
        let mean = known.iter().map(|s| self.thickness_mm[*s] * self.arc_mm[*s]).sum::<f64>() / arc;
        let mut all: Vec<f64> = known.iter().map(|s| self.thickness_mm[*s]).collect();
        [mean, quantile(&mut all, 0.1).unwrap_or(f64::NAN)]
    }
}

/// A neck measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Neck {
    pub frame: NeckFrame,
    pub head_radius_mm: f64,
    pub scanner: Scanner,
    pub sections: Vec<NeckSection>,
}

/// Measures the neck's sections; `None` where no neck is seen or nothing tells the scanner's blur.
pub fn measure_neck(volume: &Volume<i16>, place: &NeckPlace) -> Option<Neck> {
    let radius = place.head_radius_mm;
    let frame = axis::through_the_bone(place.frame, place.bone, &volume.grid, radius);
    let place = &NeckPlace { frame, ..*place };
    let count = ((SEARCHED[1] - SEARCHED[0]) * radius / SECTION_MM) as usize;
    let along: Vec<f64> = (0..count).map(|n| SEARCHED[0] * radius + n as f64 * SECTION_MM).collect();
    let (along, centres, first) = neck_course(volume, place, &along)?;
    let samples = ((first.iter().flatten().copied().filter(|r| r.is_finite()).fold(0.0, f64::max) + AROUND_MM)
        / STEP_MM) as usize;
    let origins: Vec<_> = along.iter().zip(&centres).map(|(d, c)| place.frame.point(*d, *c)).collect();
    let hu = frame::rays(volume, &place.frame, &origins, samples);
    let across_mm = frame::sigma_across_slices_mm(place.slice_thickness_mm, volume.grid.spacing_mm.z);
    let mut seen = Seen { place, hu: &hu, samples, centres_mm: &centres, radius_mm: first, across_mm };
    // The mask is as coarse as the slices; two rounds bring the contour to the wall's own edge.
    for _ in 0..2 {
        let walls = seen.walls();
        seen.radius_mm = seen.smooth_contour(&walls);
    }
    let walls = seen.walls();
    let sections = (0..along.len()).map(|k| seen.section(k, along[k], &walls[k])).collect();
    Some(Neck { frame: place.frame, head_radius_mm: radius, scanner: place.scanner, sections })
}

/// Distances along the neck that belong to it, the middles of their sections and the outline of the mask there.
fn neck_course(volume: &Volume<i16>, place: &NeckPlace, along: &[f64]) -> Option<(Vec<f64>, Vec<[f64; 2]>, Map)> {
    let of = |centres: &[[f64; 2]]| outline(place.bone, &volume.grid, &place.frame, along, centres);
    let mut centres = vec![[0.0; 2]; along.len()];
    let mut range = 0..0;
    for _ in 0..2 {
        let shapes: Vec<(f64, [f64; 2])> = of(&centres).iter().map(|row| area_and_centroid(row)).collect();
        let narrow = |k: &usize| {
            let share = along[*k] / place.head_radius_mm;
            (NARROWEST[0]..=NARROWEST[1]).contains(&share) && shapes[*k].0.is_finite()
        };
        let waist = (0..along.len()).filter(narrow).min_by(|a, b| shapes[*a].0.total_cmp(&shapes[*b].0))?;
        let neck = |k: &usize| shapes[*k].0 <= FLARE * shapes[waist].0;
        let first = (0..=waist).rev().take_while(neck).last()?;
        let last = (waist..along.len()).take_while(neck).last()?;
        range = first..last + 1;
        // A straight line through the middles: the axis from the head's centre need not run through the middle of the neck.
        let points: Vec<(f64, [f64; 2])> =
            range.clone().map(|k| (along[k], [0, 1].map(|a| centres[k][a] + shapes[k].1[a]))).collect();
        let line = [0, 1].map(|a| straight_line(&points.iter().map(|(d, c)| (*d, c[a])).collect::<Vec<_>>()));
        centres = along.iter().map(|d| line.map(|(at, slope)| at + slope * d)).collect();
    }
    if range.len() < FEWEST {
        return None;
    }
    let map = of(&centres);
    Some((along[range.clone()].to_vec(), centres[range.clone()].to_vec(), map[range].to_vec()))
}

/// The neck as its rays show it.
struct Seen<'a> {
    place: &'a NeckPlace<'a>,
    hu: &'a [f32],
    samples: usize,
    centres_mm: &'a [[f64; 2]],
    radius_mm: Map,
    /// Standard deviation of the blur across slices.
    across_mm: f64,
}

/// What the scanner does to the wall at one place.
struct Geometry {
    surface: Surface,
    /// Standard deviation of the blur across the wall, mm.
    sigma_mm: f64,
}

impl Geometry {
    /// The same along the ray.
    fn along_ray_mm(&self) -> f64 {
        self.sigma_mm / self.surface.cosine.max(0.3)
    }
}

impl Seen<'_> {
    fn ray(&self, k: usize, s: usize) -> &[f32] {
        &self.hu[(k * SECTORS + s) * self.samples..][..self.samples]
    }

    fn geometry(&self, k: usize, s: usize) -> Geometry {
        let surface = Surface::at(self.centres_mm, &self.radius_mm, k, s, SECTION_MM);
        let sigma_mm = self.sigma_mm(surface.normal);
        Geometry { surface, sigma_mm }
    }

    /// Standard deviation of the blur in a direction of the frame, mm.
    fn sigma_mm(&self, direction: [f64; 3]) -> f64 {
        let out = self.place.frame.to_patient(direction).z.abs().min(1.0);
        (self.place.scanner.sigma_mm * (1.0 - out * out).sqrt()).hypot(out * self.across_mm)
    }

    /// The wall of every sector and section.
    fn walls(&self) -> Vec<Vec<Option<Wall>>> {
        (0..self.radius_mm.len()).into_par_iter().map(|k| (0..SECTORS).map(|s| self.wall(k, s)).collect()).collect()
    }

    fn wall(&self, k: usize, s: usize) -> Option<Wall> {
        let geometry = self.geometry(k, s);
        let outer_mm = self.radius_mm[k][s];
        let scanner = &self.place.scanner;
        let edge = Edge::new(geometry.along_ray_mm(), 0.0, scanner.overshoot);
        // Where a wall stands out, what it looks to be wide; samples must reach beyond its inner edge.
        let ray = self.ray(k, s);
        let seen_mm = wall_depth(ray, outer_mm, scanner.cortical_hu);
        let width_mm = if seen_mm.is_finite() { seen_mm.min(WIDEST_MM) } else { FIRST_WIDTH_MM };
        let samples = Samples::around(ray, STEP_MM, 1, outer_mm, width_mm + geometry.along_ray_mm())?;
        let wall = fit(&samples, &edge, scanner.cortical_hu, outer_mm, width_mm)?;
        // As dense within as without: an edge, but no wall that ends.
        (wall.inside_hu < MARROW_SHARE * scanner.cortical_hu).then_some(wall)
    }

    /// The fitted edges, smooth along and around the neck; where none is seen, the contour of before.
    fn smooth_contour(&self, walls: &[Vec<Option<Wall>>]) -> Map {
        let n = walls.len();
        let seen: Map =
            (0..n).map(|k| (0..SECTORS).map(|s| walls[k][s].map_or(f64::NAN, |w| w.outer_mm)).collect()).collect();
        let weights = where_finite(&seen);
        let along = smooth_robust_columns(&seen, &weights, penalty(SMOOTH_MM / SECTION_MM), 0.2);
        let held = |s: usize| weights.iter().map(|row| row[s]).sum::<f64>() >= 3.0;
        let carried: Map =
            along.iter().map(|row| (0..SECTORS).map(|s| if held(s) { row[s] } else { f64::NAN }).collect()).collect();
        smooth_robust_around(&carried, &where_finite(&carried), penalty(SMOOTH_SECTORS), 0.2)
    }

    /// Compact cortex that the HU around the contour stand for, mm across the wall.
    fn what_is_left_mm(&self, k: usize, s: usize, geometry: &Geometry) -> f64 {
        let reach = 1.0 + geometry.along_ray_mm();
        let at = |mm: f64| ((mm / STEP_MM).round().max(0.0) as usize).min(self.samples - 1);
        let outer_mm = self.radius_mm[k][s];
        let window = &self.ray(k, s)[at(outer_mm - FIRST_WIDTH_MM - reach)..=at(outer_mm + reach)];
        let left_mm: f64 = window.iter().map(|v| share(f64::from(*v), self.place.scanner.cortical_hu) * STEP_MM).sum();
        left_mm * geometry.surface.cosine
    }

    fn section(&self, k: usize, from_head_mm: f64, walls: &[Option<Wall>]) -> NeckSection {
        let radius_mm = self.radius_mm[k].clone();
        let mut section = NeckSection {
            from_head_mm,
            centre_mm: self.centres_mm[k],
            not_measured: None,
            arc_mm: Vec::with_capacity(SECTORS),
            thickness_mm: Vec::with_capacity(SECTORS),
            unfitted_mm: Vec::with_capacity(SECTORS),
            blur_along_mm: Vec::with_capacity(SECTORS),
            radius_mm,
        };
        let angle = std::f64::consts::TAU / SECTORS as f64;
        for (s, wall) in walls.iter().enumerate() {
            let geometry = self.geometry(k, s);
            let fitted = wall.filter(|wall| (wall.outer_mm - section.radius_mm[s]).abs() <= STRAYS_MM);
            let (thickness, unfitted) = match fitted {
                Some(wall) => (wall.width_mm * geometry.surface.cosine, f64::NAN),
                None => match self.what_is_left_mm(k, s, &geometry) {
                    next_to_nothing if next_to_nothing <= GONE_MM => (next_to_nothing, f64::NAN),
                    dense => (f64::NAN, dense),
                },
            };
            section.arc_mm.push(geometry.surface.arc_per_radian_mm * angle);
            section.thickness_mm.push(thickness);
            section.unfitted_mm.push(unfitted);
            section.blur_along_mm.push(self.blur_along_mm(&geometry));
        }
        section.not_measured = self.unseen(k, &section);
        section
    }

    /// Standard deviation of the blur along the contour, where the plane of the section cuts the surface.
    fn blur_along_mm(&self, geometry: &Geometry) -> f64 {
        let [nx, ny, _] = geometry.surface.normal;
        let across = nx.hypot(ny).max(1e-9);
        self.sigma_mm([-ny / across, nx / across, 0.0])
    }

    fn unseen(&self, k: usize, section: &NeckSection) -> Option<NeckUnseen> {
        let reach = |s: usize| (((section.radius_mm[s] + 2.5) / STEP_MM).max(0.0) as usize).min(self.samples - 1);
        let any = |bad: &dyn Fn(f32) -> bool| (0..SECTORS).any(|s| self.ray(k, s)[..=reach(s)].iter().any(|v| bad(*v)));
        let of_all = |bad: &dyn Fn(usize) -> bool| (0..SECTORS).filter(|s| bad(*s)).count() as f64 / SECTORS as f64;
        let frame = &self.place.frame;
        let on_head = |s: usize| {
            let origin = frame.point(section.from_head_mm, section.centre_mm);
            let at = origin + frame.direction(s) * section.radius_mm[s];
            (at - frame.head_mm).norm() < HEAD_ENDS * self.place.head_radius_mm
        };
        if any(&|v| v.is_nan()) {
            Some(NeckUnseen::CutByBorder)
        } else if any(&|v| v > METAL_HU) {
            Some(NeckUnseen::Metal)
        } else if of_all(&on_head) > ON_HEAD {
            Some(NeckUnseen::NoNeck)
        } else if of_all(&|s| section.thickness_mm[s].is_nan()) > UNSEEN {
            Some(NeckUnseen::WallNotSeen)
        } else {
            None
        }
    }
}
