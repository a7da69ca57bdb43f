//! What the page's viewer is drawn from: the sections of one bone as HU with their contours, and where map and profile lie.

use super::picture::{class, intact_inner_radius_mm};
use super::{BoneFigures, ZAxis, map, packed, profile};
use crate::cortex::SECTORS;
use rayon::prelude::*;
use serde::Serialize;

/// One bone.
#[derive(Debug, Clone)]
pub struct ViewerBone {
    /// The height of map and profile.
    pub axis: AxisPlace,
    /// Left border and width of the map's plot, in the units of its drawing.
    pub map: [f64; 2],
    /// The same of the profile.
    pub profile: [f64; 2],
    /// A section per slice of the bone, in the report's order; `None` where not measured or not pictured.
    pub sections: Vec<Option<ViewerSection>>,
    /// The slice to begin with: the first of the pictures.
    pub start: Option<usize>,
    /// Patient z in the bone of the other side, for each slice; `None` where the two were not registered.
    pub homologous_z_mm: Option<Vec<f64>>,
}

/// The axis that map and profile share, in the units of their drawings.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct AxisPlace {
    pub top: f64,
    pub height: f64,
    pub low_mm: f64,
    pub high_mm: f64,
}

/// One section: lengths in hundredths of a millimetre, to be short.
#[derive(Debug, Clone, Serialize)]
pub struct ViewerSection {
    /// Columns and rows.
    pub size: [usize; 2],
    /// Centre of the first pixel, from the bone's centre: towards the patient's left, then to posterior, mm.
    pub origin: [f64; 2],
    /// Distance of columns and of rows, mm.
    pub spacing: [f64; 2],
    /// How far the view reaches from the bone's centre, mm; changes slowly along the bone.
    pub half: f64,
    /// HU, packed.
    pub pixels: String,
    /// The periosteal contour in the middle of each sector; -1 where there is none.
    pub outer: Vec<i32>,
    /// Where the intact wall would end inside.
    pub inner: Vec<i32>,
    /// A digit a sector: 0 intact, 1 above the chosen depth, 2 above half, 3 through the wall.
    pub loss: String,
}

/// The viewer's part of a bone.
pub(in crate::report) fn viewer(figures: &BoneFigures) -> ViewerBone {
    let axis = ZAxis::new(figures.cortex);
    let mut sections: Vec<Option<ViewerSection>> = figures.cortex.slices.iter().map(|_| None).collect();
    let drawn: Vec<(usize, ViewerSection)> =
        figures.stack.par_iter().map(|shown| (shown.row, section(figures, shown))).collect();
    for (row, section) in drawn {
        if let Some(place) = sections.get_mut(row) {
            *place = Some(section);
        }
    }
    ViewerBone {
        axis: AxisPlace { top: axis.top, height: axis.height, low_mm: axis.low_mm, high_mm: axis.high_mm },
        map: [map::LEFT, map::WIDTH],
        profile: [profile::LEFT, profile::WIDTH],
        sections,
        start: figures
            .crops
            .first()
            .and_then(|crop| figures.cortex.slices.iter().position(|s| s.slice_index == crop.slice_index)),
        homologous_z_mm: figures.lysis.reference.homologous_z_mm.clone(),
    }
}

fn section(figures: &BoneFigures, shown: &super::ShownSlice) -> ViewerSection {
    let (row, crop) = (shown.row, &shown.crop);
    let slice = &figures.cortex.slices[row];
    let hundredths = |mm: Option<f64>| mm.filter(|mm| mm.is_finite()).map_or(-1, |mm| (100.0 * mm).round() as i32);
    let thousandths = |mm: f64| (1000.0 * mm).round() / 1000.0;
    let loss = figures.lysis.loss.get(row);
    ViewerSection {
        size: [crop.width, crop.height],
        origin: [0, 1].map(|axis| thousandths(crop.origin_mm[axis] - slice.centre_mm[axis])),
        spacing: crop.spacing_mm,
        half: thousandths(shown.half_mm),
        pixels: packed::packed(crop),
        outer: (0..SECTORS).map(|s| hundredths(slice.periosteal_radius_mm.get(s).map(|r| f64::from(*r)))).collect(),
        inner: (0..SECTORS).map(|s| hundredths(intact_inner_radius_mm(figures, row, s))).collect(),
        loss: (0..SECTORS)
            .map(|s| {
                let class = loss.and_then(|loss| loss.get(s)).map_or(0, |loss| class(*loss, figures.depth));
                char::from(b'0' + class as u8)
            })
            .collect(),
    }
}
