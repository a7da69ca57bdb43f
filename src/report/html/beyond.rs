//! Slices beyond the shaft: a table of what their wall measures.

use super::*;

/// Nothing where the wall of no such slice was told.
pub(super) fn table(language: Language, bone: &BoneReport) -> Markup {
    let told: Vec<&SliceReport> =
        bone.slices.iter().filter(|slice| !slice.measured && slice.cortical_area_mm2.is_some()).collect();
    if told.is_empty() {
        return html! {};
    }
    let is_compared = bone.ends.iter().any(|end| !end.slices.is_empty());
    let label = language.say("Wall beyond the shaft", "Paroi au-delà de la diaphyse");
    html! {
        p { (language.say(
            "Wall beyond the shaft, along the normals of the bone's own contour. No rule and no score counts it.",
            "Paroi au-delà de la diaphyse, le long des normales au contour de l’os. Aucun critère ni score ne la compte.",
        )) }
        @if bone.ends.is_empty() { p { (language.say(
            "Its loss is not measured: the same end of the other side, which would tell what it was, is not in this series or was not measured.",
            "Sa perte n’est pas mesurée : la même extrémité du côté opposé, qui dirait ce qu’elle était, n’est pas dans cette série ou n’a pas été mesurée.",
        )) } }
        @for end in &bone.ends {
            p { (end.sentence(language)) }
            @if let Some(why) = &end.lysis_not_measured_because { p { (words::capitalised(&why.of(language))) "." } }
            @if let Some(reference) = &end.reference {
                p { (language.say("Reference: ", "Référence : ")) (sentence(language, &reference.note)) "." }
            }
        }
        div .scroll .tall role="region" aria-label=(label) tabindex="0" {
            table .narrow {
                thead { tr {
                    th scope="col" { "Instance" } th scope="col" .num { "z, mm" }
                    th scope="col" .num { (language.say("Cortex, mm²", "Corticale, mm²")) }
                    th scope="col" .num { (language.say("Mean wall, mm", "Paroi moyenne, mm")) }
                    @if is_compared {
                        th scope="col" .num { (language.say("Lost, % of cortex", "Perdu, % de corticale")) }
                        th scope="col" .num { (language.say("Lost, % of contour", "Perdu, % du contour")) }
                    }
                } }
                // Head first, as on the viewing station.
                tbody { @for slice in told.iter().rev() { tr {
                    th scope="row" { (slice.instance_number.map_or_else(|| "–".to_owned(), |number| number.to_string())) }
                    td .num { (words::number(language, Some(slice.z_mm), 1)) }
                    td .num { (words::number(language, slice.cortical_area_mm2, 0)) }
                    td .num { (words::number(language, slice.mean_thickness_mm, 1)) }
                    @if is_compared { @for (value, ci95) in lost(bone, slice) {
                        td .num { (with_ci(language, value, ci95)) }
                    } }
                } } }
            }
        }
    }
}

/// Both percentages of a slice and their intervals, where the other side tells them.
fn lost(bone: &BoneReport, slice: &SliceReport) -> [(Option<f64>, Option<[f64; 2]>); 2] {
    let told = bone.ends.iter().find_map(|end| end.slice_at(slice.z_mm));
    [
        (told.map(|told| told.axial_lysis_percent), told.map(|told| told.axial_lysis_ci95)),
        (told.map(|told| told.circumferential_lysis_percent), told.map(|told| told.circumferential_lysis_ci95)),
    ]
}

/// The same for a bone of which no native slice was measured as a shaft's.
pub(super) fn alone(language: Language, index: usize, bone: &BoneReport) -> Markup {
    let table = table(language, bone);
    let heading = format!("beyond-{index}-h");
    html! { @if !table.0.is_empty() {
        section .bone aria-labelledby=(heading) {
            h2 id=(heading) {
                (words::bone_title(language, bone)) (language.say(": beyond the shaft", " : au-delà de la diaphyse"))
            }
            (table)
        }
    } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slices_beyond_the_shaft_whose_wall_was_told_have_a_row() {
        let slice = |measured, cortical_area_mm2| SliceReport {
            measured,
            cortical_area_mm2,
            mean_thickness_mm: cortical_area_mm2.map(|_| 1.25),
            instance_number: Some(7),
            ..SliceReport::default()
        };
        let mut bone = crate::report::fixture::bone().report().bones.remove(0);
        bone.slices = vec![slice(true, Some(300.0)), slice(false, None)];
        assert_eq!(table(Language::En, &bone).into_string(), "");
        bone.slices.push(slice(false, Some(212.4)));
        let page = table(Language::Fr, &bone).into_string();
        assert_eq!((page.matches("<tr>").count(), page.matches("212").count(), page.matches("300").count()), (2, 1, 0));
    }

    /// A stub of a bone is no shaft: what its end shows stands on the page all the same, with a neck and without.
    #[test]
    fn a_bone_without_a_measured_shaft_has_its_walls_beyond_it_on_the_page() {
        let mut report = crate::report::fixture::bone().report();
        let bone = &mut report.bones[0];
        let slice = |z_mm: f64, cortical_area_mm2| SliceReport {
            z_mm,
            cortical_area_mm2,
            mean_thickness_mm: cortical_area_mm2.map(|_| 1.25),
            instance_number: Some(7),
            ..SliceReport::default()
        };
        bone.slices = vec![slice(0.0, Some(212.4)), slice(3.0, None)];
        (bone.lesions, bone.neck) = (Vec::new(), None);
        assert!(!words::is_measured(bone));
        for (language, words) in [(Language::En, "beyond the shaft"), (Language::Fr, "au-delà de la diaphyse")] {
            let page = crate::report::page(&report, &[], language);
            assert!(page.contains("beyond-0-h") && page.contains(words), "{language:?}");
            assert!(page.contains("212"), "{language:?}");
        }
        report.bones[0].slices[0].cortical_area_mm2 = None;
        assert!(!crate::report::page(&report, &[], Language::En).contains("beyond-0-h"));
    }
}
