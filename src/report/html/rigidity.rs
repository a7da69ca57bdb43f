//! Stiffness of one bone: profiles, the weakest section, how HU became stiffness.

use super::*;
use crate::report::rigidity::NAMES;

/// Nothing where stiffness was not measured.
pub(super) fn section(language: Language, bone: &BoneReport, drawn: Option<&DrawnBone>) -> Markup {
    let Some(stiffness) = &bone.stiffness else { return html! {} };
    html! {
        h3 { (language.say("Structural rigidity", "Rigidité structurelle")) }
        @if let Some(weakest) = &bone.weakest_section { (told(language, bone, weakest)) }
        @else {
            p { (language.say(
                "No lesion touches a measured section: nothing is reduced.",
                "Aucune lésion ne touche une section mesurée : rien n’est réduit.",
            )) }
        }
        @if let Some(drawn) = drawn {
            div .pair {
                @if let Some(profile) = &drawn.rigidity { figure {
                    (PreEscaped(profile))
                    figcaption { (language.say(
                        "Rigidities across the bone’s axis, and those of the bone with the lost wall put back from the reference. Bone ends are weak by nature.",
                        "Rigidités perpendiculaires à l’axe de l’os, et celles de l’os dont la paroi perdue est remise d’après la référence. Les extrémités sont faibles par nature.",
                    )) }
                } }
                @if let Some(picture) = &drawn.weakest { figure {
                    (PreEscaped(picture))
                    figcaption { (language.say(
                        "The weakest section that a lesion touches: modulus-weighted centroid and principal axes.",
                        "La section la plus faible qu’une lésion touche : centre pondéré par le module et axes principaux.",
                    )) }
                } }
            }
        }
        (calibration(language, stiffness))
    }
}

/// One of the three rigidities in words.
fn name(language: Language, english: &str) -> &str {
    let french = match english {
        "axial" => "axiale",
        "bending" => "en flexion",
        "torsional" => "en torsion",
        other => other,
    };
    language.pick(english, french)
}

fn told(language: Language, bone: &BoneReport, weakest: &WeakestSectionReport) -> Markup {
    let slice = bone.slices.iter().find(|slice| slice.z_mm == weakest.z_mm);
    let Some(r) = slice.and_then(|slice| slice.rigidity.as_ref()) else { return html! {} };
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
    let number = |value: f64, decimals| words::number(language, Some(value), decimals);
    let which = name(language, &weakest.rigidity);
    html! {
        p {
            (language.say("Weakest section that a lesion touches: ", "Section la plus faible qu’une lésion touche : "))
            @if let Some(number) = weakest.instance_number { "instance " (number) ", " }
            "z " (number(weakest.z_mm, 1)) "\u{a0}mm"
            (language.say(format!("; {which} rigidity reduced by "), format!(" ; rigidité {which} réduite de ")))
            strong { (number(weakest.reduction_percent, 1)) "\u{a0}%" }
            " (" (words::interval(language, Some(weakest.reduction_ci95), 1)) ")."
            @if weakest.open_ring {
                (language.say(
                    " A gap through the wall opens the ring: torsion is Saint-Venant’s solution, the polar form would be far too large.",
                    " Une brèche de toute l’épaisseur ouvre l’anneau : la torsion est la solution de Saint-Venant, la forme polaire serait bien trop grande.",
                ))
            }
        }
        (scrolling(&language.say("Weakest section", "Section la plus faible"), html! {
            table .narrow {
                thead { tr {
                    th scope="col" { (language.say("Rigidity", "Rigidité")) }
                    th scope="col" .num { (language.say("As it is", "Telle quelle")) }
                    th scope="col" .num { (language.say("Intact", "Intacte")) }
                    th scope="col" { (language.say("Unit", "Unité")) }
                    th scope="col" .num { (language.say("Reduced, %", "Réduction, %")) }
                    th scope="col" .num { (language.say("95 % interval", "Intervalle à 95 %")) }
                } }
                tbody { @for (which, unit, actual, intact, reduction, ci95) in rows { tr {
                    th scope="row" { (words::capitalised(name(language, which))) }
                    td .num { (number(actual, 2)) } td .num { (number(intact, 2)) } td { (unit) }
                    td .num { (number(reduction, 1)) } td .num { (words::interval(language, Some(ci95), 1)) }
                } } }
            }
        }))
    }
}

fn calibration(language: Language, stiffness: &StiffnessReport) -> Markup {
    let calibration = &stiffness.calibration;
    let kind =
        serde_json::to_value(calibration.density).ok().and_then(|v| v.as_str().map(words::plain)).unwrap_or_default();
    let number = |value: f64, decimals| words::number(language, Some(value), decimals);
    let density = number(stiffness.cortical_density_g_cm3, 2);
    let modulus = number(stiffness.cortical_modulus_mpa / 1000.0, 1);
    let points: Vec<String> = calibration
        .points
        .iter()
        .map(|point| {
            let (name, measured) = (words::plain(&point.name), number(point.measured_hu, 1));
            let expected = number(point.expected_hu, 1);
            language.pick(
                format!("{name} {measured} HU, expected {expected}"),
                format!("{} {measured} UH, attendu {expected}", tissue(&name)),
            )
        })
        .collect();
    html! {
        p {
            (language.say("Calibration: ", "Calibration : ")) strong { (calibration.method) }
            (language.say(
                format!(", density of {kind}; compact bone {density} g/cm³, {modulus} GPa."),
                format!(", densité de {kind} ; os compact {density} g/cm³, {modulus} GPa."),
            ))
            @if let Some(kev) = calibration.effective_energy_kev {
                (language.say(
                    format!(" Effective energy {} keV.", number(kev, 0)),
                    format!(" Énergie effective {} keV.", number(kev, 0)),
                ))
            }
            @if let Some(hu) = calibration.residual_hu {
                (language.say(
                    format!(" Residuals {} HU (standard deviation).", number(hu, 1)),
                    format!(" Résidus {} UH (écart-type).", number(hu, 1)),
                ))
            }
        }
        @if !points.is_empty() { p .source { (points.join(language.pick("; ", "\u{a0}; "))) "." } }
        p .source {
            (language.say("Law: ", "Loi : "))
            @if language == Language::En { (stiffness.law_description) } @else { span lang="en" { (stiffness.law_description) } }
            "."
        }
        (warnings(language, &english(&calibration.warnings)))
    }
}

/// What a calibration was made from, in French; as it stands where it is a rod's or a user's own name.
fn tissue(name: &str) -> &str {
    match name {
        "fat" => "graisse",
        "muscle" => "muscle",
        "blood" => "sang",
        other => other,
    }
}
