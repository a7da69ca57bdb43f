//! The pictures of the report, as SVG: the unrolled cortex, the profile along the bone, the worst slices.
//!
//! Vector drawing with rasters (map cells, CT pixels) embedded as PNG: crisp in print, small, and themed by the CSS
//! variables of [`STYLE`], so that one drawing serves light and dark pages.

pub(super) mod capture;
mod colour;
mod crop;
mod map;
mod packed;
mod picture;
pub(crate) mod plain;
mod profile;
mod rigidity;
pub(crate) mod svg;
mod viewer;

pub use crop::SliceCrop;
pub use map::unrolled_map;
pub use picture::slice_picture;
pub use profile::profile;
pub use rigidity::{rigidity_profile, weakest_picture};
pub use svg::standalone;
pub(super) use viewer::viewer;
pub use viewer::{AxisPlace, ViewerBone, ViewerSection};

use crate::cortex::Cortex;
use crate::language::Language;
use crate::lysis::{Lysis, SliceLysis};
use crate::rigidity::BoneRigidity;
use crate::scores::rules::SliceLoss;
use crate::volume::{Grid, Volume};
use rayon::prelude::*;

/// What the pictures of one bone are drawn from.
#[derive(Debug, Clone)]
pub struct BoneFigures<'a> {
    /// Which of the report's bones this is.
    pub bone_index: usize,
    pub cortex: &'a Cortex,
    pub lysis: &'a Lysis,
    /// The slices to show as pictures, in the order to show them; three to six are enough.
    pub crops: Vec<SliceCrop>,
    /// The slices that the page's viewer scrolls through, in the order of the cortex.
    pub stack: Vec<ShownSlice>,
    /// Loss above which cortex counts as lost, 0 to 1.
    pub depth: f64,
    /// Its stiffness, and the slice of the weakest section where a lesion touches one.
    pub rigidity: Option<(&'a BoneRigidity, Option<SliceCrop>)>,
}

/// A measured slice in the page's viewer.
#[derive(Debug, Clone)]
pub struct ShownSlice {
    /// Its row of the cortex.
    pub row: usize,
    pub crop: SliceCrop,
    /// How far the view reaches from the bone's centre.
    pub half_mm: f64,
}

impl<'a> BoneFigures<'a> {
    /// Chooses the slices to picture: the worst ones, at most `pictures`, not all from the same spot; one from the
    /// middle of the shaft when nothing lost more than `depth`. `instance_number` is asked by slice index.
    pub fn of_worst_slices(
        bone_index: usize,
        (cortex, lysis): (&'a Cortex, &'a Lysis),
        volume: &Volume<i16>,
        depth: f64,
        pictures: usize,
        instance_number: impl Fn(usize) -> Option<i64>,
    ) -> Self {
        let crop = |row: usize| {
            let section = cortex.slices.get(row)?;
            SliceCrop::from_volume(volume, section, instance_number(section.slice_index), MARGIN_MM)
        };
        let crops = worst_rows(cortex, lysis, pictures).into_iter().filter_map(crop).collect();
        Self { bone_index, cortex, lysis, crops, stack: Vec::new(), depth, rigidity: None }
    }

    /// With every measured slice for the viewer; every `step`th only, and `kept` ones, where they would be too many for a
    /// page. `instance_number` is asked by slice index.
    pub fn with_stack(
        self,
        volume: &Volume<i16>,
        step: usize,
        kept: impl Fn(usize) -> bool + Sync,
        instance_number: impl Fn(usize) -> Option<i64> + Sync,
    ) -> Self {
        let views = views_mm(self.cortex);
        let pictured: Vec<usize> = self.crops.iter().map(|crop| crop.slice_index).collect();
        let shown = |row: usize| {
            let section = &self.cortex.slices[row];
            let wanted = row.is_multiple_of(step.max(1)) || kept(row) || pictured.contains(&section.slice_index);
            let measured = section.not_measured.is_none() && self.lysis.slices.get(row).is_some_and(Option::is_some);
            if !(wanted && measured) {
                return None;
            }
            let number = instance_number(section.slice_index);
            Some(ShownSlice {
                row,
                crop: SliceCrop::around(volume, section, number, views[row] / WIDEST_ZOOM)?,
                half_mm: views[row],
            })
        };
        let stack = (0..self.cortex.slices.len()).into_par_iter().filter_map(shown).collect();
        Self { stack, ..self }
    }

    /// With the bone's stiffness, the weakest section pictured.
    pub fn with_rigidity(
        self,
        rigidity: &'a BoneRigidity,
        volume: &Volume<i16>,
        instance_number: impl Fn(usize) -> Option<i64>,
    ) -> Self {
        let crop = rigidity.weakest(self.lysis).and_then(|(row, _)| {
            let section = self.cortex.slices.get(row)?;
            SliceCrop::from_volume(volume, section, instance_number(section.slice_index), MARGIN_MM)
        });
        Self { rigidity: Some((rigidity, crop)), ..self }
    }
}

/// What a picture shows outside of the bone: enough to see a soft-tissue mass beside it.
const MARGIN_MM: f64 = 12.0;

/// The viewer's smallest zoom (`ZOOMS` in `stage.js`): the soft tissue around the bone, too, can be looked at.
const WIDEST_ZOOM: f64 = 0.6;

/// How many pixels all measured slices of a bone have together in the viewer.
pub fn stack_pixels(cortex: &Cortex, grid: &Grid) -> f64 {
    let views = views_mm(cortex);
    let measured = cortex.slices.iter().zip(&views).filter(|(slice, _)| slice.not_measured.is_none());
    let area = |half_mm: &f64| (2.0 * half_mm / WIDEST_ZOOM).powi(2) / (grid.spacing_mm.x * grid.spacing_mm.y);
    measured.map(|(_, half_mm)| area(half_mm)).sum()
}

/// Half the side of the view of each slice, mm: the bone fills it, and while scrolling its scale changes slowly.
fn views_mm(cortex: &Cortex) -> Vec<f64> {
    /// Along the bone, to either side.
    const NEAR_MM: f64 = 25.0;
    let near = (NEAR_MM / cortex.slice_spacing_mm.max(0.1)).ceil() as usize;
    let around = |values: &[f64], row: usize| row.saturating_sub(near)..(row + near + 1).min(values.len());
    let reach: Vec<f64> = cortex
        .slices
        .iter()
        .map(|slice| if slice.not_measured.is_none() { crop::reach_mm(slice) } else { 0.0 })
        .collect();
    let largest: Vec<f64> =
        (0..reach.len()).map(|row| reach[around(&reach, row)].iter().copied().fold(0.0, f64::max)).collect();
    (0..largest.len())
        .map(|row| {
            let near = &largest[around(&largest, row)];
            near.iter().sum::<f64>() / near.len() as f64 + MARGIN_MM
        })
        .collect()
}

/// Rows of `lysis.slices`, worst first; the first is the slice that decides the guideline's rule.
fn worst_rows(cortex: &Cortex, lysis: &Lysis, most: usize) -> Vec<usize> {
    let loss = |row: usize, slice: &SliceLysis| SliceLoss {
        z_mm: cortex.slices.get(row).map_or(f64::NAN, |section| section.z_mm),
        axial_percent: slice.axial_percent,
        circumferential_percent: slice.circumferential_percent,
    };
    let measured = |row: &usize| cortex.slices.get(*row).is_none_or(|section| section.not_measured.is_none());
    let mut rows: Vec<(usize, SliceLoss)> = lysis
        .slices
        .iter()
        .enumerate()
        .filter_map(|(row, slice)| Some((row, loss(row, slice.as_ref()?))))
        .filter(|(row, _)| measured(row))
        .collect();
    let lost = |slice: &SliceLoss| slice.axial_percent.value > 0.0 && slice.circumferential_percent.value > 0.0;
    if most > 0 && !rows.iter().any(|(_, slice)| lost(slice)) {
        // Nothing is worst: a slice from the middle of the shaft shows that, one from its end would be a poor example.
        return rows.get(rows.len() / 2).map(|(row, _)| *row).into_iter().collect();
    }
    // Reversed before the stable sort: of complete equals the rule, too, takes the one nearest the head.
    rows.reverse();
    rows.sort_by(|(_, a), (_, b)| b.cmp_deciding(a));
    let mut chosen: Vec<usize> = Vec::new();
    for (row, slice) in rows {
        let wanted = chosen.is_empty() || lost(&slice);
        if wanted && chosen.len() < most && chosen.iter().all(|other| other.abs_diff(row) > 2) {
            chosen.push(row);
        }
    }
    chosen
}

/// Colours and type of the figures; `--name` variables so that a dark page or a printer changes them in one place.
pub const STYLE: &str = include_str!("style.css");

/// The axis that map and profile share: patient z, head up, so that the two can stand side by side.
#[derive(Debug, Clone)]
struct ZAxis {
    /// Lower and upper border of every slice of the cortex.
    rows_mm: Vec<[f64; 2]>,
    low_mm: f64,
    high_mm: f64,
    /// Pixel rows of the plot's upper border and its height.
    top: f64,
    height: f64,
}

impl ZAxis {
    const TOP: f64 = 34.0;

    fn new(cortex: &Cortex) -> Self {
        let z: Vec<f64> = cortex.slices.iter().map(|slice| slice.z_mm).collect();
        let mut gaps: Vec<f64> = z.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > 0.0).collect();
        gaps.sort_by(f64::total_cmp);
        let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(1.0);
        // A slice reaches half-way to its neighbour, but never across a hole in the series.
        let reach = |gap: Option<f64>| gap.unwrap_or(usual).clamp(0.0, 1.5 * usual) / 2.0;
        let rows_mm: Vec<_> = (0..z.len())
            .map(|row| {
                let below = row.checked_sub(1).map(|previous| z[row] - z[previous]);
                let above = z.get(row + 1).map(|next| next - z[row]);
                [z[row] - reach(below), z[row] + reach(above)]
            })
            .collect();
        let low_mm = rows_mm.first().map_or(0.0, |row| row[0]);
        let high_mm = rows_mm.last().map_or(1.0, |row| row[1]).max(low_mm + 1.0);
        let height = (1.7 * (high_mm - low_mm)).clamp(260.0, 620.0);
        Self { rows_mm, low_mm, high_mm, top: Self::TOP, height }
    }

    /// Pixel row of a patient z.
    fn y(&self, z_mm: f64) -> f64 {
        self.top + self.height * (self.high_mm - z_mm) / (self.high_mm - self.low_mm)
    }

    fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Round values to label.
    fn ticks(&self) -> Vec<f64> {
        let step = nice_step((self.high_mm - self.low_mm) / (self.height / 55.0));
        let first = (self.low_mm / step).ceil() as i64;
        let last = (self.high_mm / step).floor() as i64;
        (first..=last).map(|n| n as f64 * step).collect()
    }

    /// Axis line, ticks and labels left of `x`.
    fn draw(&self, language: Language, svg: &mut svg::Svg, x: f64) {
        for z in self.ticks() {
            let y = self.y(z);
            svg.line([x - 5.0, y], [x, y], "cx-axis");
            svg.text([x - 8.0, y + 4.0], "cx-label cx-end", &super::words::number(language, Some(z), 0));
        }
        let middle = self.top + self.height / 2.0;
        let (x, middle) = (svg::n(x - 46.0), svg::n(middle));
        let name = language.pick("patient z, mm (head up)", "z du patient, mm (tête en haut)");
        svg.raw(&format!(
            r#"<text class="cx-label cx-mid" x="{x}" y="{middle}" transform="rotate(-90 {x} {middle})">{name}</text>"#
        ));
    }
}

/// The round step (1, 2 or 5 times a power of ten) that is at least `wanted`.
pub(crate) fn nice_step(wanted: f64) -> f64 {
    let power = 10f64.powf(wanted.max(1e-6).log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|m| m * power).find(|step| *step >= wanted).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    const EN: Language = Language::En;

    #[test]
    fn steps_are_round() {
        for (wanted, step) in [(0.7, 1.0), (1.2, 2.0), (3.0, 5.0), (7.0, 10.0), (34.0, 50.0)] {
            assert!((nice_step(wanted) - step).abs() < 1e-9, "{wanted}");
        }
    }

    #[test]
    fn the_worst_slices_are_chosen_and_one_is_shown_of_a_healthy_bone() {
        let mut bone = fixture::bone();
        let rows = worst_rows(&bone.cortex, &bone.lysis, 4);
        let numbers = |row: usize| bone.lysis.slices[row].expect("measured").circumferential_percent.value;
        assert_eq!(rows.len(), 4);
        let values: Vec<f64> = rows.iter().map(|row| numbers(*row)).collect();
        assert!(values.is_sorted_by(|a, b| a >= b) && values[3] > 25.0, "{values:?}");
        for slice in bone.lysis.slices.iter_mut().flatten() {
            slice.circumferential_percent = Default::default();
        }
        assert_eq!(worst_rows(&bone.cortex, &bone.lysis, 4).len(), 1);
        bone.lysis.slices.clear();
        assert!(worst_rows(&bone.cortex, &bone.lysis, 4).is_empty());
    }

    #[test]
    fn every_figure_is_well_formed_and_needs_nothing_from_outside() {
        let bone = fixture::bone();
        let flagged = vec![false; bone.cortex.slices.len()];
        let figures = bone.figures(0);
        let mut drawn =
            vec![unrolled_map(&figures, EN, "Left femur", "a"), profile(&figures, EN, &flagged, "Left femur", "b")];
        drawn.extend(figures.crops.iter().map(|crop| slice_picture(&figures, crop, EN, "Left femur", "c")));
        for figure in drawn.iter().map(|figure| standalone(figure)) {
            assert_eq!(figure.matches("<svg").count(), figure.matches("</svg>").count());
            assert!(figure.contains("role=\"img\"") && figure.contains("<title"));
            // The letters of a picture may spell anything.
            let figure: String = figure.split("base64,").map(|part| part.trim_start_matches(|c| c != '"')).collect();
            for outside in ["href=\"http", "url(http", "NaN", "inf"] {
                assert!(!figure.contains(outside), "{outside}");
            }
        }
    }

    #[test]
    fn a_bone_without_any_slice_draws_without_a_panic() {
        let bone = fixture::bone();
        let cortex = Cortex { cortical_hu: 1500.0, scanner: None, slice_spacing_mm: 3.0, slices: Vec::new() };
        let figures = BoneFigures {
            bone_index: 0,
            cortex: &cortex,
            lysis: &bone.lysis,
            crops: bone.crops(),
            stack: Vec::new(),
            depth: 0.3,
            rigidity: None,
        };
        assert!(unrolled_map(&figures, EN, "x", "x").contains("<svg"));
        assert!(profile(&figures, EN, &[], "x", "x").contains("<svg"));
        assert!(slice_picture(&figures, &figures.crops[0], EN, "x", "x").contains("<svg"));
    }
}
