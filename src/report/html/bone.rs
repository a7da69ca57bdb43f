//! All that is known of one bone: viewer, figures, flagged slices, lesions, rules, Mirels, reference, what was not measured.

use super::super::rule_words::yes_or_no;
use super::*;

/// One section; without figures the tables stand alone. A bone of which nothing was measured has its card, no section.
pub(super) fn section(
    language: Language,
    report: &Report,
    index: usize,
    bone: &BoneReport,
    drawn: Option<&DrawnBone>,
) -> Markup {
    let id = format!("bone-{index}");
    let heading = format!("{id}-h");
    html! {
        section .bone id=(id) aria-labelledby=(heading) {
            h2 id=(heading) { (words::bone_title(language, bone)) }
            @if let Some(drawn) = drawn {
                (viewer::skeleton(language, report, index, bone, &drawn.viewer))
                (pictures(language, bone, drawn))
            }
            (flagged(language, bone))
            h3 { (language.say("Lesions", "Lésions")) }
            @if bone.lesions.is_empty() { p { (words::no_lesion(language, bone)) } }
            @else { (lesions(language, &bone.lesions)) }
            @if !bone.rules.is_empty() { h3 { (language.say("Rules", "Critères")) } (rules::table(language, bone)) }
            (rigidity::section(language, bone, drawn))
            (neck::part(language, bone))
            @if let Some(mirels) = &bone.mirels { (mirels::section(language, bone, mirels)) }
            @if let Some(advice) = &bone.recommendation { (mirels::quotes(language, advice)) }
            @if let Some(reference) = &bone.reference {
                h3 { (language.say("Reference", "Référence")) }
                p {
                    strong { (kind(language, &reference.kind)) }
                    (language.say(": ", " : ")) (sentence(language, &reference.note)) "."
                }
            }
            h3 { (language.say("Not measured", "Non mesuré")) }
            (not_measured(language, bone))
            (beyond::table(language, bone))
            @if bone.visible_fraction.is_some() || !bone.landmarks.is_empty() {
                h3 { (language.say("Anatomy", "Anatomie")) }
                (anatomy(language, bone))
            }
        }
    }
}

fn kind(language: Language, kind: &str) -> String {
    words::capitalised(match kind {
        "ipsilateral" => language.pick("ipsilateral", "ipsilatéral"),
        "contralateral" => language.pick("contralateral", "controlatéral"),
        other => other,
    })
}

/// The slices above both thresholds, each with the number to type into the viewing station.
fn flagged(language: Language, bone: &BoneReport) -> Markup {
    let rows: Vec<(usize, &SliceReport)> = bone.slices.iter().enumerate().filter(|(_, s)| s.flagged).collect();
    let runs = words::flagged_runs(bone);
    let percent = |value, ci95| {
        html! { (words::number(language, value, 1)) " " span .ci { "(" (words::interval(language, ci95, 1)) ")" } }
    };
    html! {
        h3 { (language.say("Flagged slices", "Coupes signalées")) }
        @if rows.is_empty() {
            p { (language.say(
                "No slice is above 30 % in the axial plane and 50 % of the circumference.",
                "Aucune coupe ne dépasse 30 % dans le plan axial et 50 % dans la circonférence.",
            )) }
        } @else {
            p {
                (language.say("On the viewing station: ", "Sur la console : "))
                strong { (words::short_runs(language, &runs)) } " (" (words::slices(language, rows.len())) ")."
            }
            div .scroll .tall role="region" aria-label=(language.say("Flagged slices", "Coupes signalées")) tabindex="0" {
                table .flagged {
                    thead { tr {
                        th scope="col" { "Instance" } th scope="col" .num { "z, mm" }
                        th scope="col" .num { (language.say("Axial lysis, %", "Plan axial, %")) }
                        th scope="col" .num { (language.say("Circumferential, %", "Circonférence, %")) }
                    } }
                    tbody {
                        // Head first, as on the viewing station.
                        @for (row, slice) in rows.iter().rev() {
                            tr data-row=(row) data-slice=(row) {
                                th scope="row" {
                                    (slice.instance_number.map_or_else(|| "–".to_owned(), |number| number.to_string()))
                                    @if let Some(remark) = words::remark(language, slice.review.as_ref()) {
                                        span .detail { " " (remark) }
                                    }
                                }
                                td .num { (words::number(language, Some(slice.z_mm), 1)) }
                                td .num .nowrap { (percent(slice.axial_lysis_percent, slice.axial_lysis_ci95)) }
                                td .num .nowrap {
                                    (percent(slice.circumferential_lysis_percent, slice.circumferential_lysis_ci95))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What is seen of the bone, and its landmarks.
fn anatomy(language: Language, bone: &BoneReport) -> Markup {
    let coordinates = |at: &[f64; 3]| at.map(|v| words::number(language, Some(v), 1)).join(language.pick(", ", " ; "));
    let mm = |value: f64| words::number(language, Some(value), 1);
    html! {
        @if let Some(fraction) = bone.visible_fraction {
            @let percent = words::number(language, Some(100.0 * fraction), 0);
            p { (language.say(
                format!("Seen of the bone: about {percent} %, against the length of an adult's bone where not both ends are seen."),
                format!("Part visible de l’os : environ {percent} %, par rapport à la longueur d’un os adulte quand les deux extrémités ne sont pas vues."),
            )) }
        }
        @if let Some(proximal) = &bone.proximal {
            p {
                @if let Some(radius) = proximal.head_radius_mm {
                    (language.say(format!("Head of {} mm radius. ", mm(radius)), format!("Tête de {} mm de rayon. ", mm(radius))))
                }
                @if let Some(angle) = proximal.neck_shaft_angle_deg {
                    @let angle = words::number(language, Some(angle), 0);
                    (language.say(format!("Neck and shaft at {angle}°. "), format!("Angle cervico-diaphysaire de {angle}°. ")))
                }
                @if let Some(z) = proximal.lesser_trochanter_edge_z_mm {
                    (language.say(
                        format!("Lower edge of the lesser trochanter, where the trochanteric region ends, at z {} mm.", mm(z)),
                        format!("Bord inférieur du petit trochanter, où finit la région trochantérienne, à z {} mm.", mm(z)),
                    ))
                }
            }
        }
        @if !bone.landmarks.is_empty() {
            (scrolling(&language.say("Landmarks", "Repères"), html! {
                table .narrow {
                    thead { tr {
                        th scope="col" { (language.say("Landmark", "Repère")) }
                        th scope="col" { (language.say("Patient x, y, z, mm", "Patient x ; y ; z, mm")) }
                    } }
                    tbody { @for (name, at) in &bone.landmarks {
                        tr { th scope="row" { (words::capitalised(&landmark(language, name))) } td .nowrap { (coordinates(at)) } }
                    } }
                }
            }))
        }
    }
}

/// A landmark's name in words.
fn landmark(language: Language, name: &str) -> String {
    let french = match name {
        "femoral_head_centre" => "centre de la tête fémorale",
        "femoral_neck_centre" => "centre du col fémoral",
        "greater_trochanter" => "grand trochanter",
        "lesser_trochanter" => "petit trochanter",
        "medial_condyle" => "condyle médial",
        "lateral_condyle" => "condyle latéral",
        "humeral_head_centre" => "centre de la tête humérale",
        "surgical_neck" => "col chirurgical",
        other => return words::plain(other),
    };
    language.pick(words::plain(name), french.to_owned())
}

fn pictures(language: Language, bone: &BoneReport, drawn: &DrawnBone) -> Markup {
    html! {
        div .pair {
            figure .map {
                (PreEscaped(&drawn.map))
                figcaption { (language.say(
                    "The cortex unrolled: light is intact, dark is gone. Compared with the reference, sector by sector.",
                    "La corticale déroulée : clair, intact ; sombre, disparu. Comparée à la référence, secteur par secteur.",
                )) }
            }
            figure .profile {
                (PreEscaped(&drawn.profile))
                figcaption { (language.say(
                    "Both percentages along the bone. The red bar with the flag marks slices above both thresholds.",
                    "Les deux pourcentages le long de l’os. La barre rouge au drapeau marque les coupes au-dessus des deux seuils.",
                )) }
            }
        }
        @if !drawn.pictures.is_empty() {
            div .still {
                h3 {
                    @if bone.lesions.is_empty() { (language.say("A slice for comparison", "Une coupe pour comparaison")) }
                    @else { (language.say("Worst slices", "Coupes les plus atteintes")) }
                }
                div .pictures { @for (_, picture) in &drawn.pictures { figure { (PreEscaped(picture)) } } }
            }
        }
    }
}

fn lesions(language: Language, lesions: &[LesionReport]) -> Markup {
    let with_ci = |value, ci95| {
        html! { (words::number(language, value, 1)) br; span .ci .nowrap { (words::interval(language, ci95, 1)) } }
    };
    let share = |fraction: Option<f64>| words::number(language, fraction.map(|f| 100.0 * f), 0);
    let place = |lesion: &LesionReport| {
        lesion.location.as_deref().map_or_else(|| "–".into(), |place| words::place_word(language, place))
    };
    scrolling(
        &language.say("Lesions", "Lésions"),
        html! {
            table .lesions {
                thead { tr {
                    th scope="col" { (language.say("No.", "Nº")) }
                    th scope="col" { (language.say("Type", "Nature")) }
                    th scope="col" { (language.say("Place", "Siège")) }
                    th scope="col" { "z, mm" }
                    th scope="col" .num { (language.say("Extent along the bone, mm", "Longueur le long de l’os, mm")) }
                    th scope="col" .num { (language.say("Height, mm", "Hauteur, mm")) }
                    th scope="col" { (language.say("Through the wall", "Toute l’épaisseur")) }
                    th scope="col" .num { (language.say("Largest axial lysis, %", "Plan axial, au plus, %")) }
                    th scope="col" .num { (language.say("Largest circumf. lysis, %", "Circonférence, au plus, %")) }
                    th scope="col" .num { (language.say("Of the cortex, %", "De la corticale, %")) }
                    th scope="col" .num { (language.say("Of the diameter, %", "Du diamètre, %")) }
                } }
                tbody { @for lesion in lesions {
                    tr data-lesion=(lesion.id) {
                        th scope="row" { (lesion.id) (words::region_of(lesion)) }
                        td { (words::level_word(language, &lesion.kind)) }
                        td { (place(lesion)) }
                        td .nowrap { (words::range_text(language, lesion.z_range_mm, 1)) }
                        td .num { (with_ci(lesion.axial_extent_mm, lesion.axial_extent_ci95)) }
                        td .num { (with_ci(lesion.height_mm, lesion.height_ci95)) }
                        td { (yes_or_no(language, lesion.through_the_wall)) }
                        td .num { (with_ci(lesion.max_axial_lysis_percent, lesion.max_axial_lysis_ci95)) }
                        td .num { (with_ci(lesion.max_circumferential_lysis_percent, lesion.max_circumferential_lysis_ci95)) }
                        td .num { (share(lesion.size_fraction_of_cortex)) } td .num { (share(lesion.size_fraction_of_diameter)) }
                    }
                } }
            }
        },
    )
}

fn not_measured(language: Language, bone: &BoneReport) -> Markup {
    let runs = words::not_measured_runs(bone);
    html! {
        @if runs.is_empty() {
            p { (language.say("Every slice of the bone was measured.", "Toutes les coupes de l’os ont été mesurées.")) }
        } @else {
            ul { @for (reason, run) in runs {
                li {
                    (words::capitalised(&run.text(language))) ", " (words::slices(language, run.count))
                    (language.say(": ", " : ")) (sentence(language, &reason)) "."
                }
            } }
        }
    }
}
