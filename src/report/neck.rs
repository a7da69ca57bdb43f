//! The neck of a femur in sections across its own axis, as the report tells it.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::{Decision, ReferenceReport, RemarkReport, decision};
use super::round::to_decimals;
use super::words;
use crate::analysis::MeasuredNeck;
use crate::cortex::SECTORS;
use crate::cortex::neck::{NeckSection, NeckUnseen};
use crate::estimate::Estimate;
use crate::language::{Language, Sentence, Text};
use crate::lysis::neck::NeckLesion;
use crate::lysis::other_side::{NoOtherSide, OtherSide, WallLoss};

/// The neck of a femur, measured across its own axis beside the native slices. No rule and no score counts it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NeckReport {
    /// From the head's centre along the neck, a unit vector of the patient.
    pub axis: [f64; 3],
    /// Where the intact wall was taken from; `null` where no loss was measured.
    pub reference: Option<ReferenceReport>,
    /// Why no loss was measured, where `reference` is `null`.
    pub lysis_not_measured_because: Option<Sentence>,
    /// One a millimetre, from the head towards the trochanters.
    pub sections: Vec<NeckSectionReport>,
    pub lesions: Vec<NeckLesionReport>,
}

/// One section across the neck. All measurements are `null` when `measured` is false; those of the loss also where the neck has
/// no reference there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NeckSectionReport {
    /// Distance from the head's centre along the neck.
    pub from_head_mm: f64,
    /// Middle of the section, patient x, y and z.
    pub centre_mm: [f64; 3],
    pub measured: bool,
    pub not_measured_because: Option<Sentence>,
    /// Area within the periosteal contour.
    pub area_inside_mm2: Option<f64>,
    /// Area of the fitted wall.
    pub cortical_area_mm2: Option<f64>,
    pub mean_thickness_mm: Option<f64>,
    /// Thickness that a tenth of the contour falls short of.
    pub thin_tenth_mm: Option<f64>,
    /// The cortical area when intact.
    pub reference_area_mm2: Option<f64>,
    /// Share of the section's cortical area that is gone, percent.
    pub axial_lysis_percent: Option<f64>,
    pub axial_lysis_ci95: Option<[f64; 2]>,
    /// Share of the contour that lost more than the chosen depth, percent.
    pub circumferential_lysis_percent: Option<f64>,
    pub circumferential_lysis_ci95: Option<[f64; 2]>,
}

/// A connected patch of lost wall of a neck.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NeckLesionReport {
    /// 1, 2, … within the neck.
    #[serde(default)]
    pub id: usize,
    /// From and to, from the head's centre along the neck.
    pub from_head_range_mm: [f64; 2],
    /// Its middle on the contour, patient x, y and z.
    pub centre_mm: [f64; 3],
    /// `upper`, `lower`, `front` or `back` wall.
    pub wall: String,
    pub through_the_wall: bool,
    pub max_axial_lysis_percent: f64,
    pub max_axial_lysis_ci95: [f64; 2],
    pub max_circumferential_lysis_percent: f64,
    pub max_circumferential_lysis_ci95: [f64; 2],
    /// What the reviewer says of it; absent where nothing was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<RemarkReport>,
}

impl NeckLesionReport {
    /// Was it rejected by a reviewer? Then no mask and no object shows it.
    pub fn is_rejected(&self) -> bool {
        decision(&self.review) == Some(Decision::Rejected)
    }
}

/// What the reader must know of a bone whose neck has a loss that stands.
pub(super) const NECK_LOST: Text = Text::new(
    "Cortex is missing in the neck, seen in sections across the neck's own axis. No rule and no score counts it: they were made for slices and \
     lengths of the shaft.",
    "De la corticale manque au col, vu en sections perpendiculaires à son axe. Aucun critère ni score ne la compte : ils ont été faits pour des \
     coupes et des longueurs de la diaphyse.",
);

/// The neck as it is reported.
pub(super) fn neck_report(measured: &MeasuredNeck) -> NeckReport {
    let MeasuredNeck { neck, lysis } = measured;
    let sections = neck.sections.iter().zip(&lysis.sections);
    NeckReport {
        axis: [neck.frame.axis.x, neck.frame.axis.y, neck.frame.axis.z],
        reference: lysis.reference.as_ref().ok().map(reference),
        lysis_not_measured_because: lysis.reference.as_ref().err().map(no_reference),
        sections: sections
            .map(|(section, loss)| {
                let centre = neck.frame.point(section.from_head_mm, section.centre_mm);
                section_report(section, loss.as_ref(), [centre.x, centre.y, centre.z])
            })
            .collect(),
        lesions: lysis.lesions.iter().map(lesion).collect(),
    }
}

fn section_report(section: &NeckSection, loss: Option<&WallLoss>, centre_mm: [f64; 3]) -> NeckSectionReport {
    let told = NeckSectionReport { from_head_mm: section.from_head_mm, centre_mm, ..NeckSectionReport::default() };
    if let Some(why) = section.not_measured {
        return NeckSectionReport { not_measured_because: Some(unseen(why).into()), ..told };
    }
    let [mean, thin] = section.mean_and_low_thickness_mm();
    let percent = |of: fn(&WallLoss) -> Estimate| loss.map(of);
    let (axial, around) = (percent(|l| l.axial_percent), percent(|l| l.circumferential_percent));
    NeckSectionReport {
        measured: true,
        area_inside_mm2: Some(section.area_inside_mm2()),
        cortical_area_mm2: Some(section.cortical_area_mm2()),
        mean_thickness_mm: Some(mean),
        thin_tenth_mm: Some(thin),
        reference_area_mm2: loss.map(|loss| loss.reference_area_mm2),
        axial_lysis_percent: axial.map(|e| e.value),
        axial_lysis_ci95: axial.map(|e| [e.low, e.high]),
        circumferential_lysis_percent: around.map(|e| e.value),
        circumferential_lysis_ci95: around.map(|e| [e.low, e.high]),
        ..told
    }
}

fn lesion(lesion: &NeckLesion) -> NeckLesionReport {
    let (axial, around) = (lesion.max_axial_percent, lesion.max_circumferential_percent);
    NeckLesionReport {
        id: lesion.id,
        from_head_range_mm: lesion.from_head_mm,
        centre_mm: [lesion.centre_mm.x, lesion.centre_mm.y, lesion.centre_mm.z],
        // An eighth on either side of front, top, back and bottom.
        wall: ["front", "upper", "back", "lower"][(lesion.sector + SECTORS / 8) * 4 / SECTORS % 4].into(),
        through_the_wall: lesion.through_the_wall,
        max_axial_lysis_percent: axial.value,
        max_axial_lysis_ci95: [axial.low, axial.high],
        max_circumferential_lysis_percent: around.value,
        max_circumferential_lysis_ci95: [around.low, around.high],
        review: None,
    }
}

fn unseen(why: NeckUnseen) -> Text {
    match why {
        NeckUnseen::NoNeck => Text::new("the section still is the head", "la section est encore la tête"),
        NeckUnseen::CutByBorder => Text::new("the image border cuts the neck", "le bord de l’image coupe le col"),
        NeckUnseen::Metal => Text::new("metal in the section", "du métal dans la section"),
        NeckUnseen::WallNotSeen => Text::new(
            "no wall can be told on a fifth of the circumference or more",
            "aucune paroi ne se distingue sur un cinquième de la circonférence ou plus",
        ),
    }
}

fn reference(of: &OtherSide) -> ReferenceReport {
    let [turn, shift, stray] = [of.turn_deg, of.shift_mm, 100.0 * of.stray].map(words::whole);
    ReferenceReport {
        kind: "contralateral".into(),
        note: Sentence::new(
            format!(
                "the neck of the other side, laid on this one (turned {turn}°, shifted {shift} mm; healthy walls stray from it by \
                 {stray} % over a quarter of the circumference)"
            ),
            format!(
                "le col du côté opposé, recalé sur celui-ci (tourné de {turn}°, décalé de {shift} mm ; les parois saines s’en écartent de \
                 {stray} % sur un quart de la circonférence)"
            ),
        ),
    }
}

fn no_reference(why: &NoOtherSide) -> Sentence {
    match why {
        NoOtherSide::NotMeasured => Sentence::new(
            "no neck of the other side was measured, and a neck's own course along its axis is too short to tell a loss from its shape",
            "aucun col du côté opposé n’a été mesuré, et un col est trop court pour que sa propre forme le long de son axe révèle une perte",
        ),
        NoOtherSide::NotRegistered => Sentence::new(
            "the neck of the other side could not be laid on this one",
            "le col du côté opposé n’a pas pu être recalé sur celui-ci",
        ),
        NoOtherSide::TooUnlike(stray) if stray.is_finite() => {
            let stray = format!("{:.0}", 100.0 * stray);
            Sentence::new(
                format!(
                    "the walls of both necks differ by {stray} % over a quarter of the circumference, too much for a reference"
                ),
                format!(
                    "les parois des deux cols diffèrent de {stray} % sur un quart de la circonférence, trop pour une référence"
                ),
            )
        }
        NoOtherSide::TooUnlike(_) => Sentence::new(
            "too little of the neck is whole to lay the other side's on it",
            "trop peu du col est intact pour y recaler celui du côté opposé",
        ),
    }
}

/// The word for a wall.
pub(super) fn wall_word(language: Language, wall: &str) -> Cow<'static, str> {
    let text = match wall {
        "upper" => Text::new("upper", "supérieure"),
        "lower" => Text::new("lower", "inférieure"),
        "front" => Text::new("front", "antérieure"),
        _ => Text::new("back", "postérieure"),
    };
    text.of(language)
}

impl NeckReport {
    /// With its numbers as they are printed.
    pub(super) fn round(&mut self) {
        let all = |values: &mut [f64], decimals: i32| values.iter_mut().for_each(|v| *v = to_decimals(*v, decimals));
        let some = |value: &mut Option<f64>, decimals: i32| {
            *value = value.filter(|v| v.is_finite()).map(|v| to_decimals(v, decimals));
        };
        all(&mut self.axis, 3);
        for s in &mut self.sections {
            s.from_head_mm = to_decimals(s.from_head_mm, 1);
            all(&mut s.centre_mm, 1);
            for (value, decimals) in [
                (&mut s.area_inside_mm2, 0),
                (&mut s.cortical_area_mm2, 1),
                (&mut s.mean_thickness_mm, 2),
                (&mut s.thin_tenth_mm, 2),
                (&mut s.reference_area_mm2, 1),
                (&mut s.axial_lysis_percent, 1),
                (&mut s.circumferential_lysis_percent, 1),
            ] {
                some(value, decimals);
            }
            for ci95 in [&mut s.axial_lysis_ci95, &mut s.circumferential_lysis_ci95].into_iter().flatten() {
                all(ci95, 1);
            }
        }
        for l in &mut self.lesions {
            all(&mut l.from_head_range_mm, 1);
            all(&mut l.centre_mm, 1);
            all(&mut l.max_axial_lysis_ci95, 1);
            all(&mut l.max_circumferential_lysis_ci95, 1);
            l.max_axial_lysis_percent = to_decimals(l.max_axial_lysis_percent, 1);
            l.max_circumferential_lysis_percent = to_decimals(l.max_circumferential_lysis_percent, 1);
        }
    }

    /// The sections that have numbers.
    pub fn measured(&self) -> impl Iterator<Item = &NeckSectionReport> {
        self.sections.iter().filter(|section| section.measured)
    }

    /// The most that a section may have lost by the upper end of its interval, percent: what could go unseen where no loss was found.
    pub fn at_most_percent(&self) -> f64 {
        self.measured().filter_map(|s| Some(s.axial_lysis_ci95?[1])).fold(0.0, f64::max)
    }

    /// What the sections showed, in a sentence.
    pub(super) fn sentence(&self, language: Language) -> String {
        let (told, all) = (self.measured().count(), self.sections.len());
        let seen = language.pick(
            format!("Neck, across its own axis: {told} of {all} sections measured"),
            format!("Col, perpendiculairement à son axe, sections mesurées : {told} sur {all}"),
        );
        match (self.worst(), self.standing().next().is_none()) {
            (Some(_), true) if !self.lesions.is_empty() => language.pick(
                format!("{seen}; every loss found was rejected by the reviewer."),
                format!("{seen} ; toute perte trouvée a été rejetée par le relecteur."),
            ),
            (Some(worst), false) => {
                let axial = words::percent_with_ci(language, worst.axial_lysis_percent, worst.axial_lysis_ci95);
                let around = words::percent_with_ci(
                    language,
                    worst.circumferential_lysis_percent,
                    worst.circumferential_lysis_ci95,
                );
                language.pick(
                    format!("{seen}; worst: {axial} of the cortex lost, {around} of the circumference."),
                    format!("{seen} ; la plus atteinte : {axial} de corticale perdue, {around} de la circonférence."),
                )
            }
            (Some(_), true) => {
                let high = words::number(language, Some(self.at_most_percent()), 0);
                language.pick(
                    format!("{seen}, no loss found; up to {high}\u{a0}% of a section's cortex could go unseen."),
                    format!("{seen}, aucune perte trouvée ; jusqu’à {high}\u{a0}% de la corticale d’une section pourrait échapper."),
                )
            }
            (None, _) => language.pick(
                format!("{seen}; loss not measured, for want of a reference."),
                format!("{seen} ; perte non mesurée, faute de référence."),
            ),
        }
    }

    /// The lesions that no reviewer rejected.
    pub fn standing(&self) -> impl Iterator<Item = &NeckLesionReport> {
        self.lesions.iter().filter(|lesion| !lesion.is_rejected())
    }

    /// The section that lost the largest share of its cortex, of those that a standing lesion reaches where there is one.
    pub fn worst(&self) -> Option<&NeckSectionReport> {
        self.worst_of(|section| section.axial_lysis_percent)
    }

    /// The same of another share of a section.
    pub(super) fn worst_of(&self, share: fn(&NeckSectionReport) -> Option<f64>) -> Option<&NeckSectionReport> {
        let reached = |s: &NeckSectionReport| {
            let within = |[low, high]: [f64; 2]| (low..=high).contains(&s.from_head_mm);
            self.standing().any(|lesion| within(lesion.from_head_range_mm))
        };
        let any = self.measured().any(|s| share(s).is_some() && reached(s));
        let told = self.measured().filter(|s| share(s).is_some() && (!any || reached(s)));
        told.max_by(|a, b| share(a).partial_cmp(&share(b)).unwrap_or(std::cmp::Ordering::Equal))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{csv, fixture, json_schema, page, summary, to_json};
    use super::*;

    fn neck(lost: bool) -> NeckReport {
        let measured = NeckSectionReport {
            from_head_mm: 22.0,
            centre_mm: [100.0, 20.0, -310.0],
            measured: true,
            area_inside_mm2: Some(591.0),
            cortical_area_mm2: Some(97.04),
            mean_thickness_mm: Some(1.06),
            thin_tenth_mm: Some(0.4),
            reference_area_mm2: lost.then_some(121.0),
            axial_lysis_percent: lost.then_some(26.04),
            axial_lysis_ci95: lost.then_some([17.0, 41.0]),
            circumferential_lysis_percent: lost.then_some(19.0),
            circumferential_lysis_ci95: lost.then_some([15.0, 38.0]),
            ..NeckSectionReport::default()
        };
        let head = NeckSectionReport {
            from_head_mm: 12.0,
            not_measured_because: Some(unseen(NeckUnseen::NoNeck).into()),
            ..NeckSectionReport::default()
        };
        let reference = OtherSide { turn_deg: -3.0, shift_mm: 1.0, stray: 0.12 };
        let lesion = NeckLesionReport {
            id: 1,
            from_head_range_mm: [18.0, 27.0],
            centre_mm: [101.0, 19.0, -322.0],
            wall: "lower".into(),
            through_the_wall: true,
            max_axial_lysis_percent: 26.04,
            max_axial_lysis_ci95: [17.0, 41.0],
            max_circumferential_lysis_percent: 19.0,
            max_circumferential_lysis_ci95: [15.0, 38.0],
            review: None,
        };
        NeckReport {
            axis: [0.6, 0.1, -0.79],
            reference: lost.then(|| super::reference(&reference)),
            lysis_not_measured_because: (!lost).then(|| no_reference(&NoOtherSide::NotMeasured)),
            sections: vec![head.clone(), NeckSectionReport { from_head_mm: 13.0, ..head }, measured],
            lesions: if lost { vec![lesion] } else { Vec::new() },
        }
    }

    #[test]
    fn a_neck_is_told_in_every_form_of_the_report_and_in_both_languages() {
        for lost in [true, false] {
            let mut report = fixture::bone().report();
            report.bones[0].neck = Some(neck(lost));
            let value: serde_json::Value = serde_json::from_str(&to_json(&report).expect("JSON")).expect("JSON");
            let schema = jsonschema::validator_for(&json_schema()).expect("a schema");
            assert!(schema.is_valid(&value));
            let section = &value["bones"][0]["neck"]["sections"][2];
            assert_eq!(section["axial_lysis_percent"].as_f64(), lost.then_some(26.0));
            let [english, french] = [Language::En, Language::Fr].map(|language| {
                let text = summary(&report, language).replace('\u{a0}', " ");
                (page(&report, &[], language), text.split_whitespace().collect::<Vec<_>>().join(" "))
            });
            assert!(
                english.0.contains("Neck, across its own axis") && french.0.contains("perpendiculairement à son axe")
            );
            // What is not measured for one reason stands in one row.
            assert!(english.0.contains("12.0 to 13.0") && french.0.contains("12,0 à 13,0"));
            assert!(english.1.contains("Neck, across its own axis: 1 of 3 sections measured"), "{}", english.1);
            let told = ["26.0 % (17.0 to 41.0) of the cortex lost", "loss not measured, for want of a reference"];
            assert!(english.1.contains(told[usize::from(!lost)]), "{}", english.1);
            assert!(french.1.contains("sections mesurées : 1 sur 3"), "{}", french.1);
            let table = String::from_utf8(csv::neck_csv(&report).expect("a neck").expect("CSV")).expect("text");
            assert_eq!(table.lines().count(), 4);
            assert!(table.lines().nth(1).expect("a row").contains("the section still is the head"));
        }
        assert!(csv::neck_csv(&fixture::bone().report()).is_none());
    }

    #[test]
    fn a_neck_without_a_loss_says_what_could_go_unseen() {
        let mut report = fixture::bone().report();
        let mut whole = neck(true);
        whole.lesions.clear();
        for section in whole.sections.iter_mut().filter(|s| s.measured) {
            (section.axial_lysis_percent, section.axial_lysis_ci95) = (Some(0.0), Some([0.0, 14.2]));
        }
        report.bones[0].neck = Some(whole);
        assert!(page(&report, &[], Language::En).contains("up to 14\u{a0}% of a section's cortex could go unseen"));
        assert!(page(&report, &[], Language::Fr).contains("jusqu’à 14\u{a0}% de la corticale"));
    }

    #[test]
    fn walls_are_named_by_the_side_that_they_look_to() {
        let of = |sector: usize| {
            let percent = Estimate::exact(20.0);
            let found = NeckLesion {
                id: 1,
                from_head_mm: [18.0, 27.0],
                centre_mm: nalgebra::Point3::origin(),
                sector,
                through_the_wall: false,
                max_axial_percent: percent,
                max_circumferential_percent: percent,
                cells: Vec::new(),
            };
            lesion(&found).wall
        };
        assert_eq!(
            [0, 30, 60, 90, 14, 16, 110].map(of),
            ["front", "upper", "back", "lower", "front", "upper", "front"]
        );
    }
}
