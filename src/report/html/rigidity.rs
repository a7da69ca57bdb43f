//! Stiffness of one bone: profiles, the weakest section, how HU became stiffness.

use super::*;
use crate::report::rigidity::NAMES;

/// Nothing where stiffness was not measured.
pub(super) fn section(language: Language, bone: &BoneReport, drawn: Option<&DrawnBone>) -> Markup {
    let Some(stiffness) = &bone.stiffness else { return html! {} };
    html! {
        h3 { "Structural rigidity" }
        @if let Some(weakest) = &bone.weakest_section { (told(language, bone, weakest)) }
        @else { p { "No lesion touches a measured section: nothing is reduced." } }
        @if let Some(drawn) = drawn {
            div .pair {
                @if let Some(profile) = &drawn.rigidity { figure {
                    (PreEscaped(profile))
                    figcaption { "Rigidities across the bone’s axis, and those of the bone with the lost wall put back from the reference. Bone ends are weak by nature." }
                } }
                @if let Some(picture) = &drawn.weakest { figure {
                    (PreEscaped(picture))
                    figcaption { "The weakest section that a lesion touches: modulus-weighted centroid and principal axes." }
                } }
            }
        }
        (calibration(language, stiffness))
    }
}

fn told(language: Language, bone: &BoneReport, weakest: &WeakestSectionReport) -> Markup {
    let slice = bone.slices.iter().find(|slice| slice.z_mm == weakest.z_mm);
    let Some(rigidity) = slice.and_then(|slice| slice.rigidity.as_ref()) else { return html! {} };
    let r = rigidity;
    let rows = [
        (NAMES[0], "MN", r.ea_n / 1e6, r.reference_ea_n / 1e6, r.ea_reduction_percent, r.ea_reduction_ci95),
        (
            NAMES[1],
            "N·m²",
            r.ei_min_nmm2 / 1e6,
            r.reference_ei_min_nmm2 / 1e6,
            r.ei_reduction_percent,
            r.ei_reduction_ci95,
        ),
        (NAMES[2], "N·m²", r.gj_nmm2 / 1e6, r.reference_gj_nmm2 / 1e6, r.gj_reduction_percent, r.gj_reduction_ci95),
    ];
    html! {
        p {
            "Weakest section that a lesion touches: "
            @if let Some(number) = weakest.instance_number { "instance " (number) ", " }
            "z " (words::number(language, Some(weakest.z_mm), 1)) " mm; " (weakest.rigidity) " rigidity reduced by "
            strong { (words::number(language, Some(weakest.reduction_percent), 1)) " %" }
            " (" (words::interval(language, Some(weakest.reduction_ci95), 1)) ")."
            @if weakest.open_ring { " A gap through the wall opens the ring: torsion is Saint-Venant’s solution, the polar form would be far too large." }
        }
        (scrolling("Weakest section", html! {
            table .narrow {
                thead { tr {
                    th scope="col" { "Rigidity" } th scope="col" .num { "As it is" } th scope="col" .num { "Intact" } th scope="col" { "Unit" }
                    th scope="col" .num { "Reduced, %" } th scope="col" .num { "95 % interval" }
                } }
                tbody { @for (name, unit, actual, intact, reduction, ci95) in rows { tr {
                    th scope="row" { (words::capitalised(name)) }
                    td .num { (words::number(language, Some(actual), 2)) } td .num { (words::number(language, Some(intact), 2)) } td { (unit) }
                    td .num { (words::number(language, Some(reduction), 1)) } td .num { (words::interval(language, Some(ci95), 1)) }
                } } }
            }
        }))
    }
}

fn calibration(language: Language, stiffness: &StiffnessReport) -> Markup {
    let calibration = &stiffness.calibration;
    let kind =
        serde_json::to_value(calibration.density).ok().and_then(|v| v.as_str().map(words::plain)).unwrap_or_default();
    html! {
        p {
            "Calibration: " strong { (calibration.method) } ", density of " (kind) "; compact bone "
            (words::number(language, Some(stiffness.cortical_density_g_cm3), 2)) " g/cm³, "
            (words::number(language, Some(stiffness.cortical_modulus_mpa / 1000.0), 1)) " GPa."
            @if let Some(kev) = calibration.effective_energy_kev { " Effective energy " (words::number(language, Some(kev), 0)) " keV." }
            @if let Some(hu) = calibration.residual_hu { " Residuals " (words::number(language, Some(hu), 1)) " HU (standard deviation)." }
        }
        @if !calibration.points.is_empty() { p .source {
            @for (n, point) in calibration.points.iter().enumerate() {
                @if n > 0 { "; " }
                (words::plain(&point.name)) " " (words::number(language, Some(point.measured_hu), 1)) " HU, expected " (words::number(language, Some(point.expected_hu), 1))
            }
            "."
        } }
        p .source { "Law: " (stiffness.law_description) "." }
        (warnings(language, &calibration.warnings.iter().cloned().map(Sentence::english_only).collect::<Vec<_>>()))
    }
}
