//! The slices beyond the shaft against those of the other side, as the report tells them.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::ReferenceReport;
use super::round::to_decimals;
use super::words;
use crate::analysis::{MeasuredBone, MeasuredEnd};
use crate::anatomy::Side;
use crate::dicom::Series;
use crate::language::{Language, Sentence, Text};
use crate::lysis::end::EndLesion;
use crate::lysis::other_side::{NoOtherSide, OtherSide, WallLoss};

/// The slices beyond one end of the shaft, through trochanters or a metaphysis, held against those of the other side. No rule and no score counts
/// them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndReport {
    /// `lower` or `upper`: below or above the shaft, in the patient.
    pub end: String,
    /// Patient z of its lowest and highest slice.
    pub z_range_mm: [f64; 2],
    /// Where the intact wall was taken from; `null` where no loss was measured.
    pub reference: Option<ReferenceReport>,
    /// Why no loss was measured, where `reference` is `null`.
    pub lysis_not_measured_because: Option<Sentence>,
    /// Those slices in which the other side tells the loss, in order of increasing z.
    pub slices: Vec<EndSliceReport>,
    pub lesions: Vec<EndLesionReport>,
}

/// The loss in one slice beyond the shaft.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndSliceReport {
    pub instance_number: Option<i64>,
    pub z_mm: f64,
    /// Area of the fitted wall.
    pub cortical_area_mm2: f64,
    /// The same when intact.
    pub reference_area_mm2: f64,
    /// Share of the slice's cortical area that is gone, percent.
    pub axial_lysis_percent: f64,
    pub axial_lysis_ci95: [f64; 2],
    /// Share of the contour that lost more than the chosen depth, percent.
    pub circumferential_lysis_percent: f64,
    pub circumferential_lysis_ci95: [f64; 2],
}

/// A connected patch of lost wall beyond the shaft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndLesionReport {
    /// 1, 2, … within the end, from below.
    pub id: usize,
    /// Patient z of its lowest and highest slice.
    pub z_range_mm: [f64; 2],
    /// `medial`, `lateral`, `front` or `back` wall.
    pub wall: String,
    pub through_the_wall: bool,
    pub max_axial_lysis_percent: f64,
    pub max_axial_lysis_ci95: [f64; 2],
    pub max_circumferential_lysis_percent: f64,
    pub max_circumferential_lysis_ci95: [f64; 2],
}

/// What the reader must know of a bone that lost wall beyond its shaft.
pub(super) const END_LOST: Text = Text::new(
    "Cortex is missing beyond the shaft, against the other side. No rule and no score counts it: they were made for slices and lengths of the \
     shaft.",
    "De la corticale manque au-delà de la diaphyse, comparée au côté opposé. Aucun critère ni score ne la compte : ils ont été faits pour des \
     coupes et des longueurs de la diaphyse.",
);

/// Why a slice beyond the shaft whose loss the other side tells counts as not measured.
pub(super) const TOLD_BY_OTHER_SIDE: Text = Text::new(
    "beyond the shaft: its loss is told against the other side alone, and no rule counts it",
    "au-delà de la diaphyse : sa perte n’est connue que par comparaison au côté opposé, et aucun critère ne la compte",
);

/// The ends that there was another side for.
pub(super) fn end_reports(series: &Series, measured: &MeasuredBone) -> Vec<EndReport> {
    let has_twin = |end: &&MeasuredEnd| end.lysis.reference != Err(NoOtherSide::NotMeasured);
    measured.ends.iter().filter(has_twin).map(|end| end_report(series, measured, end)).collect()
}

fn end_report(series: &Series, measured: &MeasuredBone, end: &MeasuredEnd) -> EndReport {
    let sections = &measured.beyond[end.sections.clone()];
    let z_of = |k: usize| {
        let row = measured.cortex.slices.binary_search_by_key(&k, |slice| slice.slice_index);
        row.map_or(f64::NAN, |row| measured.cortex.slices[row].z_mm)
    };
    let of_slice = |(n, loss): (usize, &Option<WallLoss>)| {
        let (section, loss) = (&sections[n], loss.as_ref()?);
        let source = series.slices.get(section.slice_index).and_then(Option::as_ref);
        let (axial, around) = (loss.axial_percent, loss.circumferential_percent);
        Some(EndSliceReport {
            instance_number: source.and_then(|source| source.instance_number),
            z_mm: z_of(section.slice_index),
            cortical_area_mm2: section.cortical_area_mm2(),
            reference_area_mm2: loss.reference_area_mm2,
            axial_lysis_percent: axial.value,
            axial_lysis_ci95: [axial.low, axial.high],
            circumferential_lysis_percent: around.value,
            circumferential_lysis_ci95: [around.low, around.high],
        })
    };
    let lesion = |lesion: &EndLesion| {
        let (axial, around) = (lesion.max_axial_percent, lesion.max_circumferential_percent);
        EndLesionReport {
            id: lesion.id,
            z_range_mm: lesion.slices.map(z_of),
            wall: wall(measured.bone.side, lesion.towards_mm).into(),
            through_the_wall: lesion.through_the_wall,
            max_axial_lysis_percent: axial.value,
            max_axial_lysis_ci95: [axial.low, axial.high],
            max_circumferential_lysis_percent: around.value,
            max_circumferential_lysis_ci95: [around.low, around.high],
        }
    };
    let ends = [sections.first(), sections.last()].map(|section| section.map_or(0, |section| section.slice_index));
    EndReport {
        end: if end.is_upper { "upper" } else { "lower" }.into(),
        z_range_mm: ends.map(z_of),
        reference: end.lysis.reference.as_ref().ok().map(reference),
        lysis_not_measured_because: end.lysis.reference.as_ref().err().map(no_reference),
        slices: end.lysis.sections.iter().enumerate().filter_map(of_slice).collect(),
        lesions: end.lysis.lesions.iter().map(lesion).collect(),
    }
}

/// The wall on that side of the bone. `towards_mm`: to the patient's left and back.
fn wall(side: Side, towards_mm: [f64; 2]) -> &'static str {
    let [left, back] = towards_mm;
    if back.abs() > left.abs() {
        return if back > 0.0 { "back" } else { "front" };
    }
    match (side, left > 0.0) {
        (Side::Left, true) | (Side::Right, false) => "lateral",
        (Side::Left, false) | (Side::Right, true) => "medial",
        (Side::Unknown, true) => "left",
        (Side::Unknown, false) => "right",
    }
}

/// The word for a wall.
pub(super) fn wall_word(language: Language, wall: &str) -> Cow<'static, str> {
    let text = match wall {
        "medial" => Text::new("medial", "médiale"),
        "lateral" => Text::new("lateral", "latérale"),
        "front" => Text::new("front", "antérieure"),
        "back" => Text::new("back", "postérieure"),
        "left" => Text::new("left", "gauche"),
        _ => Text::new("right", "droite"),
    };
    text.of(language)
}

/// The word for an end.
pub(super) fn end_word(language: Language, end: &str) -> Cow<'static, str> {
    let text = if end == "upper" { Text::new("upper", "supérieure") } else { Text::new("lower", "inférieure") };
    text.of(language)
}

fn reference(of: &OtherSide) -> ReferenceReport {
    let [turn, shift, stray] = [of.turn_deg, of.shift_mm.abs(), 100.0 * of.stray].map(words::whole);
    let (way, sens) = if of.shift_mm < 0.0 { ("lower", "bas") } else { ("higher", "haut") };
    ReferenceReport {
        kind: "contralateral".into(),
        note: Sentence::new(
            format!(
                "the same end of the other side, mirrored and laid on this one slice by slice (turned {turn}°, from {shift} mm {way}; healthy \
                 walls stray from it by {stray} % over a quarter of the circumference)"
            ),
            format!(
                "la même extrémité du côté opposé, en miroir et recalée coupe par coupe (tournée de {turn}°, prise {shift} mm plus {sens} ; les \
                 parois saines s’en écartent de {stray} % sur un quart de la circonférence)"
            ),
        ),
    }
}

fn no_reference(why: &NoOtherSide) -> Sentence {
    match why {
        NoOtherSide::NotMeasured => Sentence::new(
            "the same end of the other side was not measured",
            "la même extrémité du côté opposé n’a pas été mesurée",
        ),
        NoOtherSide::NotRegistered => Sentence::new(
            "the same end of the other side could not be laid on this one",
            "la même extrémité du côté opposé n’a pas pu être recalée sur celle-ci",
        ),
        NoOtherSide::TooUnlike(stray) if stray.is_finite() => {
            let stray = format!("{:.0}", 100.0 * stray);
            Sentence::new(
                format!(
                    "the walls of both sides differ by {stray} % over a quarter of the circumference, too much for a reference"
                ),
                format!(
                    "les parois des deux côtés diffèrent de {stray} % sur un quart de la circonférence, trop pour une référence"
                ),
            )
        }
        NoOtherSide::TooUnlike(_) => Sentence::new(
            "too little of the wall is whole to lay the other side's on it",
            "trop peu de la paroi est intact pour y recaler celle du côté opposé",
        ),
    }
}

impl EndReport {
    /// With its numbers as they are printed.
    pub(super) fn round(&mut self) {
        let all = |values: &mut [f64], decimals: i32| values.iter_mut().for_each(|v| *v = to_decimals(*v, decimals));
        all(&mut self.z_range_mm, 2);
        for s in &mut self.slices {
            s.z_mm = to_decimals(s.z_mm, 2);
            for value in [&mut s.cortical_area_mm2, &mut s.reference_area_mm2] {
                *value = to_decimals(*value, 1);
            }
            for value in [&mut s.axial_lysis_percent, &mut s.circumferential_lysis_percent] {
                *value = to_decimals(*value, 1);
            }
            all(&mut s.axial_lysis_ci95, 1);
            all(&mut s.circumferential_lysis_ci95, 1);
        }
        for l in &mut self.lesions {
            all(&mut l.z_range_mm, 2);
            for value in [&mut l.max_axial_lysis_percent, &mut l.max_circumferential_lysis_percent] {
                *value = to_decimals(*value, 1);
            }
            all(&mut l.max_axial_lysis_ci95, 1);
            all(&mut l.max_circumferential_lysis_ci95, 1);
        }
    }

    /// Largest share of a slice's cortex that could be lost, percent.
    pub(super) fn at_most_percent(&self) -> f64 {
        self.slices.iter().map(|slice| slice.axial_lysis_ci95[1]).fold(0.0, f64::max)
    }

    /// The slice at a patient z, where the other side tells its loss.
    pub(super) fn slice_at(&self, z_mm: f64) -> Option<&EndSliceReport> {
        self.slices.iter().find(|slice| (slice.z_mm - z_mm).abs() < 0.05)
    }

    /// What the slices showed, in a sentence.
    pub(super) fn sentence(&self, language: Language) -> String {
        let [low, high] = self.z_range_mm.map(|z| words::number(language, Some(z), 0));
        let seen = language.pick(
            format!("Beyond the shaft, {} end (z {low} to {high} mm)", self.end),
            format!("Au-delà de la diaphyse, extrémité {} (z de {low} à {high} mm)", end_word(language, &self.end)),
        );
        let told = self.slices.len();
        let Some(worst) = self.slices.iter().max_by(|a, b| a.axial_lysis_percent.total_cmp(&b.axial_lysis_percent))
        else {
            return language.pick(
                format!("{seen}: loss not measured, for want of a reference."),
                format!("{seen} : perte non mesurée, faute de référence."),
            );
        };
        if self.lesions.is_empty() {
            let most = words::number(language, Some(self.at_most_percent()), 0);
            return language.pick(
                format!("{seen}, against the other side: no loss found in {told} slices; up to {most}\u{a0}% of a slice's cortex could go unseen."),
                format!("{seen}, comparée au côté opposé : aucune perte trouvée dans {told} coupes ; jusqu’à {most}\u{a0}% de la corticale d’une coupe pourrait échapper."),
            );
        }
        let percent = |value, ci95| words::percent_with_ci(language, Some(value), Some(ci95));
        let axial = percent(worst.axial_lysis_percent, worst.axial_lysis_ci95);
        let around = percent(worst.circumferential_lysis_percent, worst.circumferential_lysis_ci95);
        let walls: Vec<_> = self.lesions.iter().map(|lesion| wall_word(language, &lesion.wall)).collect();
        let walls = walls.join(", ");
        language.pick(
            format!("{seen}, against the other side, {told} slices: wall lost ({walls}); worst: {axial} of the cortex, {around} of the circumference."),
            format!("{seen}, comparée au côté opposé, {told} coupes : paroi perdue ({walls}) ; la plus atteinte : {axial} de la corticale, {around} de la circonférence."),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::{csv, fixture, page, summary};
    use super::*;

    fn end(lost: bool) -> EndReport {
        let value = if lost { 26.04 } else { 0.0 };
        EndReport {
            end: "upper".into(),
            z_range_mm: [880.0, 910.0],
            reference: Some(reference(&OtherSide { turn_deg: -1.2, shift_mm: 12.0, stray: 0.1 })),
            lysis_not_measured_because: None,
            slices: vec![EndSliceReport {
                instance_number: Some(7),
                z_mm: 889.0,
                cortical_area_mm2: 212.4,
                reference_area_mm2: 260.0,
                axial_lysis_percent: value,
                axial_lysis_ci95: [value / 2.0, 41.0],
                circumferential_lysis_percent: value,
                circumferential_lysis_ci95: [value / 2.0, 55.0],
            }],
            lesions: if lost {
                vec![EndLesionReport {
                    id: 1,
                    z_range_mm: [886.0, 892.0],
                    wall: "medial".into(),
                    through_the_wall: true,
                    max_axial_lysis_percent: value,
                    max_axial_lysis_ci95: [13.0, 41.0],
                    max_circumferential_lysis_percent: value,
                    max_circumferential_lysis_ci95: [13.0, 55.0],
                }]
            } else {
                Vec::new()
            },
        }
    }

    #[test]
    fn walls_are_named_by_the_side_of_the_bone() {
        let named = |side, towards| wall(side, towards);
        assert_eq!(named(Side::Left, [5.0, 1.0]), "lateral");
        assert_eq!(named(Side::Right, [5.0, 1.0]), "medial");
        assert_eq!(named(Side::Right, [1.0, -5.0]), "front");
        assert_eq!(named(Side::Unknown, [-5.0, 1.0]), "right");
    }

    #[test]
    fn a_loss_beyond_the_shaft_is_in_summary_page_and_table() {
        let mut report = fixture::bone().report();
        assert!(csv::ends_csv(&report).is_none());
        let slice = &mut report.bones[0].slices[0];
        (slice.measured, slice.z_mm, slice.cortical_area_mm2) = (false, 889.0, Some(212.4));
        report.bones[0].ends = vec![end(true)];
        for (language, words) in [(Language::En, "wall lost (medial)"), (Language::Fr, "paroi perdue (médiale)")] {
            assert!(
                summary(&report, language).replace('\n', " ").contains(words.split(' ').next().unwrap()),
                "{language:?}"
            );
            assert!(report.bones[0].ends[0].sentence(language).contains(words), "{language:?}");
            let page = page(&report, &[], language);
            assert!(page.contains("26.0") || page.contains("26,0"), "{language:?}");
        }
        let table = String::from_utf8(csv::ends_csv(&report).unwrap().unwrap()).unwrap();
        assert!(table.lines().count() == 2 && table.contains("889") && table.contains("260"));
        assert!(end(false).sentence(Language::En).contains("up to 41\u{a0}%"));
        assert!(
            reference(&OtherSide { turn_deg: -0.3, shift_mm: 12.0, stray: 0.1 }).note.english().contains("(turned 0°")
        );
    }
}
