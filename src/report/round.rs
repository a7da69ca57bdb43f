//! Numbers as they are printed: so many decimals as the measurement deserves, so that the same input gives the same bytes.

use super::model::*;
use crate::rigidity::Calibration;

/// `value` with `decimals` decimals; never −0.
pub(super) fn to_decimals(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    // Adding zero turns −0 into 0: a report must not print "-0.0".
    (value * scale).round() / scale + 0.0
}

fn number(value: &mut f64, decimals: i32) {
    *value = to_decimals(*value, decimals);
}

/// JSON knows no NaN: what is not finite was not measured.
fn maybe(value: &mut Option<f64>, decimals: i32) {
    *value = value.filter(|v| v.is_finite()).map(|v| to_decimals(v, decimals));
}

fn pair(values: &mut [f64; 2], decimals: i32) {
    values.iter_mut().for_each(|v| number(v, decimals));
}

fn maybe_pair(values: &mut Option<[f64; 2]>, decimals: i32) {
    *values = values.filter(|pair| pair.iter().all(|v| v.is_finite()));
    if let Some(values) = values {
        pair(values, decimals);
    }
}

impl Report {
    /// The same report with every number rounded for output: percent to 0.1, lengths to 0.1 or 0.01 mm, areas to
    /// 0.1 mm², fractions to 0.001; what is not finite becomes `null`.
    pub fn rounded(&self) -> Self {
        let mut report = self.clone();
        maybe(&mut report.series.kvp, 1);
        pair(&mut report.series.pixel_spacing_mm, 5);
        number(&mut report.series.slice_spacing_mm, 4);
        for bone in &mut report.bones {
            number(&mut bone.confidence, 2);
            pair(&mut bone.z_range_mm, 2);
            maybe(&mut bone.length_mm, 1);
            bone.landmarks.values_mut().flatten().for_each(|v| number(v, 1));
            maybe(&mut bone.visible_fraction, 2);
            if let Some(proximal) = &mut bone.proximal {
                maybe(&mut proximal.head_radius_mm, 1);
                maybe(&mut proximal.neck_shaft_angle_deg, 0);
                maybe(&mut proximal.lesser_trochanter_edge_z_mm, 1);
            }
            if let Some(image) = &mut bone.image {
                maybe(&mut image.cortical_hu, 0);
                maybe(&mut image.blur_fwhm_mm, 2);
                maybe(&mut image.overshoot, 2);
                maybe(&mut image.noise_hu, 1);
            }
            bone.slices.iter_mut().for_each(slice);
            if let Some(stiffness) = &mut bone.stiffness {
                number(&mut stiffness.cortical_hu, 0);
                number(&mut stiffness.cortical_density_g_cm3, 3);
                number(&mut stiffness.cortical_modulus_mpa, 0);
                calibration(&mut stiffness.calibration);
            }
            if let Some(weakest) = &mut bone.weakest_section {
                number(&mut weakest.z_mm, 2);
                number(&mut weakest.reduction_percent, 1);
                pair(&mut weakest.reduction_ci95, 1);
            }
            bone.lesions.iter_mut().for_each(lesion);
            bone.neck.iter_mut().for_each(NeckReport::round);
            bone.ends.iter_mut().for_each(EndReport::round);
            for (name, value) in bone.rules.iter_mut().flat_map(|rule| &mut rule.values) {
                // As the slices and lesions that they are of, or the same number would be printed in two ways.
                let decimals =
                    if value.unit == "%" || (value.unit == "mm" && !name.ends_with("_z_mm")) { 1 } else { 2 };
                maybe(&mut value.value, decimals);
                maybe_pair(&mut value.ci95, decimals);
            }
        }
        report
    }
}

fn slice(slice: &mut SliceReport) {
    number(&mut slice.z_mm, 2);
    maybe_pair(&mut slice.centre_mm, 1);
    maybe(&mut slice.axial_lysis_percent, 1);
    maybe_pair(&mut slice.axial_lysis_ci95, 1);
    maybe(&mut slice.circumferential_lysis_percent, 1);
    maybe_pair(&mut slice.circumferential_lysis_ci95, 1);
    if let Some(by_depth) = &mut slice.circumferential_by_depth {
        for value in [&mut by_depth.d30, &mut by_depth.d50, &mut by_depth.d99] {
            number(value, 1);
        }
    }
    maybe(&mut slice.cortical_area_mm2, 1);
    maybe(&mut slice.reference_area_mm2, 1);
    maybe(&mut slice.mean_thickness_mm, 2);
    maybe(&mut slice.reference_thickness_mm, 2);
    slice.rigidity.iter_mut().for_each(rigidity);
}

fn calibration(calibration: &mut Calibration) {
    for node in &mut calibration.curve {
        number(&mut node.hu, 1);
        number(&mut node.density_g_cm3, 5);
    }
    for point in &mut calibration.points {
        number(&mut point.measured_hu, 1);
        number(&mut point.expected_hu, 1);
    }
    maybe(&mut calibration.residual_hu, 1);
    maybe(&mut calibration.effective_energy_kev, 2);
}

/// Rigidities to five digits, of which the last means nothing any more.
fn rigidity(rigidity: &mut RigidityReport) {
    let r = rigidity;
    for value in [
        &mut r.ea_n,
        &mut r.ei_max_nmm2,
        &mut r.ei_min_nmm2,
        &mut r.gj_nmm2,
        &mut r.gj_polar_nmm2,
        &mut r.reference_ea_n,
        &mut r.reference_ei_max_nmm2,
        &mut r.reference_ei_min_nmm2,
        &mut r.reference_gj_nmm2,
    ] {
        let step = 10f64.powi((value.abs().max(1.0).log10().floor() as i32 - 4).max(0));
        *value = (*value / step).round() * step + 0.0;
    }
    for value in [&mut r.ea_reduction_percent, &mut r.ei_reduction_percent, &mut r.gj_reduction_percent] {
        number(value, 1);
    }
    for ci95 in [&mut r.ea_reduction_ci95, &mut r.ei_reduction_ci95, &mut r.gj_reduction_ci95] {
        pair(ci95, 1);
    }
    number(&mut r.major_axis_deg, 1);
    r.centroid_mm.iter_mut().for_each(|v| number(v, 2));
}

fn lesion(lesion: &mut LesionReport) {
    pair(&mut lesion.z_range_mm, 2);
    maybe(&mut lesion.axial_extent_mm, 1);
    maybe_pair(&mut lesion.axial_extent_ci95, 1);
    maybe(&mut lesion.height_mm, 1);
    maybe_pair(&mut lesion.height_ci95, 1);
    maybe(&mut lesion.max_axial_lysis_percent, 1);
    maybe_pair(&mut lesion.max_axial_lysis_ci95, 1);
    maybe(&mut lesion.max_circumferential_lysis_percent, 1);
    maybe_pair(&mut lesion.max_circumferential_lysis_ci95, 1);
    maybe(&mut lesion.size_fraction_of_cortex, 3);
    maybe(&mut lesion.size_fraction_of_diameter, 3);
}
