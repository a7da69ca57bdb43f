//! A named part of the CT, as SEG and RTSTRUCT tell it.

use super::codes::Code;
use crate::volume::Region;

/// One part: a bone, its cortex, a lesion.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// What to call it; viewers show it.
    pub label: String,
    /// What it is made of and what it leaves out.
    pub description: String,
    /// SEG: property category and type, the latter's modifier.
    pub category: Code,
    pub property: Code,
    pub modifier: Option<Code>,
    /// Bone that it is part of, and its side, where the type does not say.
    pub site: Option<(Code, Option<Code>)>,
    /// RT ROI Interpreted Type; empty where none of the defined ones is meant.
    pub interpreted_type: &'static str,
    /// Tracking identifier: the same in the SR.
    pub tracking_id: String,
    pub tracking_uid: String,
    /// sRGB.
    pub colour: [u8; 3],
    /// Its voxels, on the grid that was measured.
    pub region: Region,
}

/// sRGB as DICOM's scaled CIELab (PS3.3, C.10.7.1.1): L* 0 to 100 and a*, b* −128 to 127 on 0 to 65535, from D65 by way of
/// D50 as the profile connection space wants it.
pub(super) fn cielab(rgb: [u8; 3]) -> [u16; 3] {
    let linear = rgb.map(|c| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    });
    // Bradford-adapted sRGB to XYZ, D50, divided by its white.
    let row = |m: [f64; 3], white: f64| (m[0] * linear[0] + m[1] * linear[1] + m[2] * linear[2]) / white;
    let xyz = [
        row([0.4360747, 0.3850649, 0.1430804], 0.9642),
        row([0.2225045, 0.7168786, 0.0606169], 1.0),
        row([0.0139322, 0.0971045, 0.7141733], 0.8251),
    ];
    let f = xyz
        .map(|t| if t > (6.0f64 / 29.0).powi(3) { t.cbrt() } else { t * (29.0f64 / 6.0).powi(2) / 3.0 + 4.0 / 29.0 });
    let (l, a, b) = (116.0 * f[1] - 16.0, 500.0 * (f[0] - f[1]), 200.0 * (f[1] - f[2]));
    let scaled = |share: f64| (65535.0 * share).round().clamp(0.0, 65535.0) as u16;
    [scaled(l / 100.0), scaled((a + 128.0) / 255.0), scaled((b + 128.0) / 255.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lab (D50) of sRGB red is 54.29, 80.81, 69.89 (Lindbloom's calculator).
    #[test]
    fn colours_are_those_of_the_published_transformation() {
        let unscaled =
            |[l, a, b]: [u16; 3]| [f64::from(l) / 655.35, f64::from(a) / 257.0 - 128.0, f64::from(b) / 257.0 - 128.0];
        let near = |rgb, lab: [f64; 3]| unscaled(cielab(rgb)).iter().zip(lab).all(|(x, y)| (x - y).abs() < 0.1);
        assert!(near([255, 0, 0], [54.29, 80.81, 69.89]), "{:?}", unscaled(cielab([255, 0, 0])));
        assert!(near([255; 3], [100.0, 0.0, 0.0]) && near([0; 3], [0.0, 0.0, 0.0]));
    }
}
