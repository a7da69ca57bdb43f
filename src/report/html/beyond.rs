//! Slices beyond the shaft: a table of what their wall measures.

use super::*;

/// Nothing where the wall of no such slice was told.
pub(super) fn table(language: Language, bone: &BoneReport) -> Markup {
    let told: Vec<&SliceReport> =
        bone.slices.iter().filter(|slice| !slice.measured && slice.cortical_area_mm2.is_some()).collect();
    if told.is_empty() {
        return html! {};
    }
    let label = language.say("Wall beyond the shaft", "Paroi au-delà de la diaphyse");
    html! {
        p { (language.say(
            "Wall beyond the shaft, along the normals of the bone's own contour. Its loss is not measured, and no rule and no score counts it.",
            "Paroi au-delà de la diaphyse, le long des normales au contour de l’os. Sa perte n’est pas mesurée, et aucun critère ni score ne la compte.",
        )) }
        div .scroll .tall role="region" aria-label=(label) tabindex="0" {
            table .narrow {
                thead { tr {
                    th scope="col" { "Instance" } th scope="col" .num { "z, mm" }
                    th scope="col" .num { (language.say("Cortex, mm²", "Corticale, mm²")) }
                    th scope="col" .num { (language.say("Mean wall, mm", "Paroi moyenne, mm")) }
                } }
                // Head first, as on the viewing station.
                tbody { @for slice in told.iter().rev() { tr {
                    th scope="row" { (slice.instance_number.map_or_else(|| "–".to_owned(), |number| number.to_string())) }
                    td .num { (words::number(language, Some(slice.z_mm), 1)) }
                    td .num { (words::number(language, slice.cortical_area_mm2, 0)) }
                    td .num { (words::number(language, slice.mean_thickness_mm, 1)) }
                } } }
            }
        }
    }
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
