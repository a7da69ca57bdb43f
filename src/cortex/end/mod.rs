//! Native slices beyond the shaft, through trochanters and metaphyses: contour, thickness and area of the wall.
//!
//! There the section is no ring about the shaft's axis: it bulges, its wall is thin, and the shaft's course says nothing of where its outside
//! lies. The bone's own mask does. Its outline in each slice is the first guess of the contour; rays run along the normals of that contour,
//! not from a centre, and the wall is fitted along each as on the shaft ([`super::wall`]), with the blur, overshoot and density that the
//! shaft's walls told. Twice: the first fit moves the contour to the wall's own edge.
//!
//! A thickness is the width in the slice times `1/√(1 + slope²)`, the slope being how far the contour moves along its normal per
//! millimetre from slice to slice; the slice smears the edge over `slope × thickness`.

mod curve;
mod outline;

pub use curve::Curve;

use super::SECTORS;
use super::limits::{HEAD_ENDS, METAL_HU, ON_HEAD, STRAYS_MM, UNSEEN};
use super::polar::{STEP_MM, cast_ray, in_plane_axes};
use super::scanner::Scanner;
use super::unroll::{share, wall_depth, where_finite};
use super::wall::{Samples, Wall, fit};
use crate::smoothing::{penalty, smooth_robust_around};
use crate::volume::{Region, Volume};
use nalgebra::{Point3, Vector3};
use outline::outline;
use rayon::prelude::*;

/// A ray begins this far inside the contour and ends this far outside, mm.
const INSIDE_MM: f64 = 15.0;
const OUTSIDE_MM: f64 = 6.0;
/// Width that a wall is first taken for, where none stands out, mm.
const FIRST_WIDTH_MM: f64 = 1.0;
/// Widest wall, mm.
const WIDEST_MM: f64 = 10.0;
/// What lies behind a wall is less dense than this share of compact cortex: a step between dense spongy bone and muscle is no wall.
const SPONGY_SHARE: f64 = 0.4;
/// A fitted edge moves the contour where what is shorter than this is smoothed off, mm.
const SMOOTH_MM: f64 = 16.0;
/// The slope is taken between slices this far apart, mm.
const SLOPE_MM: f64 = 6.0;
/// A wall that leans further out of the slice's normal than 60° runs along the slice: slope.
const STEEPEST: f64 = 1.75;
/// Less compact cortex than this, where no wall can be fitted, is no wall, mm.
const GONE_MM: f64 = 0.3;
/// Walls that are thinner on average cannot be told from the spongy bone behind them, mm.
const THINNEST_MM: f64 = 0.7;
/// Rounds in which the contour moves to the wall's own edge.
const ROUNDS: usize = 1;

/// What is known of a bone beyond its shaft before it is measured.
#[derive(Debug, Clone, Copy)]
pub struct EndPlace<'a> {
    /// The bone's ends beside their neighbours, marrow included, on the grid of the volume.
    pub bone: &'a Region,
    /// Blur, overshoot and density that the shaft's walls told.
    pub scanner: Scanner,
    /// Length that one slice averages over, mm.
    pub slice_thickness_mm: f64,
    /// Centre (patient mm) and radius of the head, where there is one.
    pub head: Option<(Point3<f64>, f64)>,
}

/// Why a section beyond the shaft has no numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndUnseen {
    /// It is not one piece: trochanter and neck apart, condyles.
    NotOnePiece,
    /// The image ends within it.
    CutByBorder,
    Metal,
    /// It is the head, in part.
    Head,
    /// The wall runs along the slice on a part of the contour.
    AlongTheSlice,
    /// No wall can be told on a part of the contour.
    WallNotSeen,
    /// The wall is too thin to be told from the spongy bone behind it.
    WallTooThin,
}

/// One native slice beyond the shaft.
#[derive(Debug, Clone, PartialEq)]
pub struct EndSection {
    pub slice_index: usize,
    /// `None` when it is measured.
    pub not_measured: Option<EndUnseen>,
    /// The periosteal contour: [`SECTORS`] points evenly along it from the patient's left, in-plane millimetres. Empty where the section is not
    /// one piece.
    pub contour: Curve,
    /// By point: the wall's width across the contour in the slice, and its thickness in space, mm; NaN where no wall could be told.
    pub width_mm: Vec<f64>,
    pub thickness_mm: Vec<f64>,
    /// By point: how much wider than thick a wall is in the slice, which it leans out of; NaN where no slice beside tells.
    pub lean: Vec<f64>,
    /// By point, where something dense stands that is no wall: the compact cortex that it stands for, mm. NaN elsewhere.
    pub unfitted_mm: Vec<f64>,
}

impl EndSection {
    /// Cortical area in the slice, mm²: where no wall was told, as much as on average elsewhere.
    pub fn cortical_area_mm2(&self) -> f64 {
        let (arcs, turns) = (self.contour.arcs_mm(), self.contour.turns());
        let (mut area, mut known_mm) = (0.0, 0.0);
        for (n, width) in self.width_mm.iter().enumerate().filter(|(_, width)| width.is_finite()) {
            // The inside of a bend is shorter than its outside, down to a point.
            let shorter = (width * turns[n] / arcs[n].max(1e-9)).clamp(-1.0, 1.0);
            area += arcs[n] * width * (1.0 - 0.5 * shorter);
            known_mm += arcs[n];
        }
        area * arcs.iter().sum::<f64>() / known_mm
    }

    /// Thickness averaged along the contour, mm.
    pub fn mean_thickness_mm(&self) -> f64 {
        let arcs = self.contour.arcs_mm();
        let known = || (0..arcs.len()).filter(|n| self.thickness_mm[*n].is_finite());
        known().map(|n| arcs[n] * self.thickness_mm[n]).sum::<f64>() / known().map(|n| arcs[n]).sum::<f64>()
    }
}

/// Measures the sections in the slices `wanted` (in order) that hold any of the bone.
pub fn measure_end(volume: &Volume<i16>, place: &EndPlace, wanted: &[usize]) -> Vec<EndSection> {
    let reach = ((0.5 * SLOPE_MM / volume.grid.spacing_mm.z).round() as usize).max(1);
    let near = |k: usize| {
        let next = wanted.partition_point(|w| *w < k);
        [next.checked_sub(1), Some(next)]
            .into_iter()
            .flatten()
            .filter_map(|n| wanted.get(n))
            .any(|w| w.abs_diff(k) <= reach)
    };
    let Some((first, last)) = wanted.first().zip(wanted.last()) else { return Vec::new() };
    // The slices beside the wanted ones tell their slopes.
    let around: Vec<usize> = (first.saturating_sub(reach)..=(last + reach).min(volume.grid.size[2] - 1))
        .filter(|k| near(*k) && !place.bone.runs(*k).is_empty())
        .collect();
    let (left, _) = in_plane_axes(&volume.grid);
    let curves = around.par_iter().map(|k| {
        let curve = outline(volume, place.bone, *k)?;
        Some(curve.beginning_towards(left).resampled(SECTORS))
    });
    let pixel_mm = volume.grid.spacing_mm.x.min(volume.grid.spacing_mm.y);
    let mut seen = Seen {
        volume,
        place,
        curves: curves.collect(),
        slices: around,
        reach,
        stride: (0.5 * pixel_mm / STEP_MM).round().max(1.0) as usize,
    };
    for _ in 0..ROUNDS {
        seen.curves = seen.moved_to_the_edges();
    }
    let of = |k: &usize| seen.slices.binary_search(k).ok();
    wanted.par_iter().filter_map(of).map(|n| seen.section(n)).collect()
}

/// Slices of the end as far as they are seen.
struct Seen<'a> {
    volume: &'a Volume<i16>,
    place: &'a EndPlace<'a>,
    slices: Vec<usize>,
    /// `None` where the section is not one piece.
    curves: Vec<Option<Curve>>,
    /// Slices on either side that tell the slope.
    reach: usize,
    /// Samples of a ray that make half a pixel.
    stride: usize,
}

/// What a ray along the contour's normal shows.
struct Ray {
    hu: Vec<f32>,
    /// Movement of the contour along the normal, mm per mm across the slice; NaN where no slice beside tells.
    slope: f64,
}

impl Seen<'_> {
    /// The contour of slice `k`, where it is seen.
    fn curve_of(&self, k: usize) -> Option<&Curve> {
        self.curves[self.slices.binary_search(&k).ok()?].as_ref()
    }

    fn slope(&self, k: usize, at: [f64; 2]) -> f64 {
        let farthest = |k: &dyn Fn(usize) -> Option<usize>| {
            (1..=self.reach).rev().find_map(|away| Some((away, self.curve_of(k(away)?)?.signed_distance_mm(at))))
        };
        let below = farthest(&|away| k.checked_sub(away));
        let above = farthest(&|away| k.checked_add(away));
        let [below, above] = [below, above].map(|side| side.unwrap_or((0, 0.0)));
        (below.1 - above.1) / ((below.0 + above.0) as f64 * self.volume.grid.spacing_mm.z)
    }

    fn rays(&self, n: usize, curve: &Curve) -> Vec<Ray> {
        let (k, samples) = (self.slices[n], ((INSIDE_MM + OUTSIDE_MM) / STEP_MM) as usize);
        let places = curve.points.iter().zip(curve.normals());
        let ray = |(at, normal): (&[f64; 2], [f64; 2])| {
            let mut hu = vec![f32::NAN; samples];
            let start = [0, 1].map(|a| at[a] - INSIDE_MM * normal[a]);
            cast_ray(self.volume, k, start, normal, &mut hu);
            Ray { hu, slope: self.slope(k, *at) }
        };
        places.map(ray).collect()
    }

    fn wall(&self, ray: &Ray) -> Option<Wall> {
        let scanner = &self.place.scanner;
        let slope = if ray.slope.is_finite() { ray.slope.abs().min(STEEPEST) } else { 0.0 };
        let edge = scanner.edge(1.0, slope * self.place.slice_thickness_mm);
        let seen_mm = wall_depth(&ray.hu, INSIDE_MM, scanner.cortical_hu);
        let width_mm = if seen_mm.is_finite() { seen_mm.clamp(0.2, WIDEST_MM) } else { FIRST_WIDTH_MM };
        let samples = Samples::around(&ray.hu, STEP_MM, self.stride, INSIDE_MM, width_mm)?;
        let wall = fit(&samples, &edge, scanner.cortical_hu, INSIDE_MM, width_mm)?;
        (wall.inside_hu < SPONGY_SHARE * scanner.cortical_hu).then_some(wall)
    }

    /// The contours, moved to the fitted edges as far as these are smooth around.
    fn moved_to_the_edges(&self) -> Vec<Option<Curve>> {
        let move_one = |(n, curve): (usize, &Option<Curve>)| {
            let curve = curve.as_ref()?;
            let rays = self.rays(n, curve);
            let off: Vec<f64> =
                rays.iter().map(|ray| self.wall(ray).map_or(f64::NAN, |wall| wall.outer_mm - INSIDE_MM)).collect();
            let off = vec![off];
            let step_mm = curve.arcs_mm().iter().sum::<f64>() / SECTORS as f64;
            let by = smooth_robust_around(&off, &where_finite(&off), penalty(SMOOTH_MM / step_mm), 0.2);
            Some(curve.moved(&by[0]))
        };
        self.curves.par_iter().enumerate().map(move_one).collect()
    }

    /// Compact cortex that the HU around the contour stand for, mm.
    fn what_is_left_mm(&self, ray: &Ray) -> f64 {
        let reach = 1.0 + self.place.scanner.sigma_mm;
        let at = |mm: f64| (mm / STEP_MM).round() as usize;
        let window = &ray.hu[at(INSIDE_MM - 1.5 - reach)..=at(INSIDE_MM + reach)];
        window.iter().map(|v| share(f64::from(*v), self.place.scanner.cortical_hu) * STEP_MM).sum()
    }

    fn section(&self, n: usize) -> EndSection {
        let slice_index = self.slices[n];
        let none = EndSection {
            slice_index,
            not_measured: Some(EndUnseen::NotOnePiece),
            contour: Curve::default(),
            width_mm: Vec::new(),
            thickness_mm: Vec::new(),
            lean: Vec::new(),
            unfitted_mm: Vec::new(),
        };
        let Some(contour) = self.curves[n].clone() else { return none };
        let rays = self.rays(n, &contour);
        let width = |ray: &Ray| {
            if ray.slope.is_nan() || ray.slope.abs() > STEEPEST {
                return (f64::NAN, f64::NAN);
            }
            match self.wall(ray).filter(|wall| (wall.outer_mm - INSIDE_MM).abs() <= STRAYS_MM) {
                Some(wall) => (wall.width_mm, f64::NAN),
                None => {
                    let left = self.what_is_left_mm(ray);
                    if left <= GONE_MM { (left, f64::NAN) } else { (f64::NAN, left) }
                }
            }
        };
        let (width_mm, unfitted_mm): (Vec<f64>, Vec<f64>) = rays.iter().map(width).unzip();
        let lean: Vec<f64> = rays.iter().map(|ray| (1.0 + ray.slope * ray.slope).sqrt()).collect();
        let thickness_mm = width_mm.iter().zip(&lean).map(|(width, lean)| width / lean).collect();
        let mut section = EndSection { not_measured: None, contour, width_mm, thickness_mm, lean, unfitted_mm, ..none };
        section.not_measured = self.unseen(&section, &rays);
        section
    }

    fn unseen(&self, section: &EndSection, rays: &[Ray]) -> Option<EndUnseen> {
        let share = |bad: &dyn Fn(usize) -> bool| (0..SECTORS).filter(|s| bad(*s)).count() as f64 / SECTORS as f64;
        // What the fit looks at outside, and the widest wall inside.
        let looked_at =
            |s: usize| &rays[s].hu[((INSIDE_MM - 2.5) / STEP_MM) as usize..=((INSIDE_MM + 2.5) / STEP_MM) as usize];
        let any = |bad: &dyn Fn(f32) -> bool| (0..SECTORS).any(|s| looked_at(s).iter().any(|v| bad(*v)));
        let grid = &self.volume.grid;
        let on_head = |s: usize| {
            let at = section.contour.points[s];
            let index = Vector3::new(at[0] / grid.spacing_mm.x, at[1] / grid.spacing_mm.y, section.slice_index as f64);
            self.place
                .head
                .is_some_and(|(centre, radius)| (grid.to_patient(index) - centre).norm() < HEAD_ENDS * radius)
        };
        let steep = share(&|s| rays[s].slope.is_nan() || rays[s].slope.abs() > STEEPEST);
        if any(&|v| v.is_nan()) {
            Some(EndUnseen::CutByBorder)
        } else if any(&|v| v > METAL_HU) {
            Some(EndUnseen::Metal)
        } else if share(&on_head) > ON_HEAD {
            Some(EndUnseen::Head)
        } else if share(&|s| section.width_mm[s].is_nan()) > UNSEEN {
            Some(if steep > 0.5 * UNSEEN { EndUnseen::AlongTheSlice } else { EndUnseen::WallNotSeen })
        } else if section.mean_thickness_mm() < THINNEST_MM {
            Some(EndUnseen::WallTooThin)
        } else {
            None
        }
    }
}
