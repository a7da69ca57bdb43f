//! Which of several series is analysed.
//!
//! In this order, each step among those the one before left:
//!
//! 1. usable, and stored as axial slices rather than sagittal or coronal ones, where there are such;
//! 2. with bone in it, where any has;
//! 3. thinnest: slice distance within 0.25 mm of the smallest;
//! 4. most bone: at least 80 % of the largest volume above 250 HU, estimated from nine slices spread over the series;
//! 5. a soft reconstruction kernel, where there is one: sharp ones overshoot at the cortex;
//! 6. the most slices, then the lowest UID.

use super::load::sampled_slices;
use super::series::{Layout, Series};
use rayon::prelude::*;

/// Difference in slice distance that is none, mm.
const SAME_SPACING_MM: f64 = 0.25;
/// HU of bone rather than contrast medium in veins; vessels of the trunk are brighter, but in all series alike.
const BONE_HU: i16 = 250;
/// Share of the most bone that is as good as the most.
const MUCH_BONE: f64 = 0.8;
/// Slices looked at in each series.
const SAMPLES: usize = 9;

/// The series to analyse by the rule above, and why it was that one. `None` where none is usable.
pub fn choose<'a>(series: impl IntoIterator<Item = &'a Series>) -> Option<(&'a Series, &'static str)> {
    let mut left: Vec<&Series> = series.into_iter().filter(|s| s.faults.is_empty()).collect();
    let mut why = "the only one that can be used";
    narrow(&mut left, &mut why, "stored as axial slices", |s| {
        !matches!(s.layout, Layout::Rearranged { turn: true, .. })
    });
    if left.len() > 1 {
        let bone_mm3: Vec<f64> = left.par_iter().map(|s| bone_mm3(s)).collect();
        let mut weighed: Vec<(&Series, f64)> = left.into_iter().zip(bone_mm3).collect();
        narrow(&mut weighed, &mut why, "the only one that shows bone", |(_, bone)| *bone > 0.0);
        let thinnest = weighed.iter().map(|(s, _)| s.grid.spacing_mm.z).fold(f64::INFINITY, f64::min);
        narrow(&mut weighed, &mut why, "the thinnest slices", |(s, _)| {
            s.grid.spacing_mm.z <= thinnest + SAME_SPACING_MM
        });
        let most = weighed.iter().map(|(_, bone)| *bone).fold(0.0, f64::max);
        narrow(&mut weighed, &mut why, "the most bone among the thinnest", |(_, bone)| *bone >= MUCH_BONE * most);
        narrow(&mut weighed, &mut why, "the soft kernel among equals", |(s, _)| {
            is_soft(&s.header.kernel) == Some(true)
        });
        narrow(&mut weighed, &mut why, "no sharp kernel among equals", |(s, _)| {
            is_soft(&s.header.kernel) != Some(false)
        });
        left = weighed.into_iter().map(|(s, _)| s).collect();
    }
    let most = left.iter().map(|s| s.images().len()).max()?;
    narrow(&mut left, &mut why, "the most slices among equals", |s| s.images().len() == most);
    if left.len() > 1 {
        why = "the lowest UID among equals";
    }
    left.sort_by(|a, b| a.header.series_instance_uid.cmp(&b.header.series_instance_uid));
    left.first().map(|chosen| (*chosen, why))
}

/// Keeps those that are so, if any is, and notes the reason if that decided anything.
fn narrow<T>(left: &mut Vec<T>, why: &mut &'static str, reason: &'static str, is: impl Fn(&T) -> bool) {
    let before = left.len();
    if left.iter().any(&is) {
        left.retain(is);
    }
    if left.len() < before {
        *why = reason;
    }
}

/// Volume above [`BONE_HU`], by a few slices; slices that cannot be read count as empty.
fn bone_mm3(series: &Series) -> f64 {
    let spacing = series.stored_grid().spacing_mm;
    let images = series.images().len();
    let slices = sampled_slices(series, SAMPLES);
    let voxels: usize = slices.iter().map(|slice| slice.iter().filter(|hu| **hu >= BONE_HU).count()).sum();
    voxels as f64 * spacing.x * spacing.y * spacing.z * images as f64 / slices.len().max(1) as f64
}

/// Whether a reconstruction kernel is soft, by the makers' names; `None` where the name is not known.
fn is_soft(kernel: &str) -> Option<bool> {
    let name = kernel.split('\\').next().unwrap_or_default().trim().to_uppercase();
    match name.as_str() {
        "STANDARD" | "SOFT" | "STND" | "A" | "B" | "BODY" | "SMOOTH" => return Some(true),
        "BONE" | "BONEPLUS" | "BONE PLUS" | "LUNG" | "EDGE" | "DETAIL" | "ULTRA" | "D" | "E" | "L" | "YC" | "YD"
        | "SHARP" => {
            return Some(false);
        }
        _ => {}
    }
    let digits: String = name.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    let number: u32 = digits.parse().ok()?;
    let letters: String = name.chars().take_while(char::is_ascii_alphabetic).collect();
    match letters.as_str() {
        // Canon and Toshiba: body kernels from FC01, brain from FC20, bone and lung above.
        "FC" => Some(number < 30),
        // Siemens: the number is the sharpness.
        "B" | "I" | "J" | "H" | "T" | "D" | "U" | "BR" | "BF" | "BV" | "HR" | "HC" | "HV" | "QR" | "BL" | "SA"
        | "TR" => Some(number < 50),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_of_the_makers() {
        for soft in ["STANDARD", "Soft", "B30f", "Br40d\\3", "FC18", "I31s", "B", "Hr38h"] {
            assert_eq!(is_soft(soft), Some(true), "{soft}");
        }
        for sharp in ["BONE", "BONEPLUS", "B70f", "Br64", "FC30", "LUNG", "YC"] {
            assert_eq!(is_soft(sharp), Some(false), "{sharp}");
        }
        for unknown in ["", "my own", "XYZ 12"] {
            assert_eq!(is_soft(unknown), None, "{unknown}");
        }
    }
}
