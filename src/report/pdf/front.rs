//! The first page: which series, and per bone what was found, which rule says what, and how sure.

use super::flow::{Cell, Column, Flow, LEFT, SOFT, Type, WIDTH};
use crate::language::{Language, Sentence, Text};
use crate::report::figures::plain::Anchor;
use crate::report::model::*;
use crate::report::rule_words::{quantities, yes_or_no};
use crate::report::words;
use crate::scores::DISCLAIMER_TEXT;

/// Everything that belongs onto the first page; what does not fit goes on.
pub(super) fn pages(flow: &mut Flow, report: &Report, language: Language) {
    heading(flow, report, language);
    series(flow, &report.series, language);
    if let Some(reviewed) = words::reviewed_by(language, report) {
        flow.gap(3.0);
        flow.paragraph(Type::STRONG, &reviewed);
        for note in report.review.iter().flat_map(|review| &review.notes) {
            flow.paragraph(Type::BODY, &note.of(language));
        }
    }
    if report.bones.is_empty() {
        let nothing =
            language.say("No long bone was found in the series.", "Aucun os long n’a été trouvé dans la série.");
        flow.paragraph(Type::STRONG, &nothing);
    }
    let sources = Sources::of(report);
    for one in &report.bones {
        bone(flow, one, &sources, language);
    }
    quotes(flow, report, &sources, language);
    sources.list(flow, language);
    signature(flow, language);
}

fn heading(flow: &mut Flow, report: &Report, language: Language) {
    flow.line(Type::TITLE, &super::title(language));
    let version = format!("{} {}", report.tool.name, report.tool.version);
    flow.aside(Type { colour: SOFT, ..Type::BODY }, &version);
    flow.gap(1.0);
    flow.paragraph(Type::SMALL, &DISCLAIMER_TEXT.of(language));
    flow.rule();
}

/// Labels and values in two columns.
fn series(flow: &mut Flow, series: &SeriesReport, language: Language) {
    let number = |value, decimals| words::number(language, Some(value), decimals);
    let unknown = language.pick("not given", "non donné");
    let or_unknown = |text: &str| if text.is_empty() { unknown.to_owned() } else { text.to_owned() };
    let scanner: Vec<String> = [
        series.manufacturer.clone(),
        series.kernel.clone(),
        series.kvp.map_or_else(String::new, |kv| format!("{} kV", number(kv, 0))),
    ]
    .into_iter()
    .filter(|text| !text.is_empty())
    .collect();
    let [rows, columns] = series.pixel_spacing_mm.map(|mm| number(mm, 3));
    let mut facts = Vec::new();
    if let Some(patient) = &series.patient {
        facts.push((language.pick("Patient", "Patient"), or_unknown(&patient.name)));
        facts.push((language.pick("Patient ID", "Identifiant"), or_unknown(&patient.id)));
    }
    facts.extend([
        (language.pick("Series UID", "UID de la série"), or_unknown(&series.series_instance_uid)),
        (language.pick("Study UID", "UID de l’examen"), or_unknown(&series.study_instance_uid)),
        (language.pick("Scanner, kernel, kV", "Scanner, filtre, kV"), or_unknown(&scanner.join(", "))),
        (
            language.pick("Images", "Images"),
            format!(
                "{} × {} × {}; {rows} × {columns} × {} mm",
                series.slices,
                series.rows,
                series.columns,
                number(series.slice_spacing_mm, 3)
            ),
        ),
    ]);
    let gutter = 14.0;
    let half = (WIDTH - gutter) / 2.0;
    for pair in facts.chunks(2) {
        flow.need(22.0);
        let top = flow.y;
        let mut lowest = top;
        for ((label, value), left) in pair.iter().zip([LEFT, LEFT + half + gutter]) {
            flow.y = top;
            flow.block(Type::HEAD, left, half, label);
            flow.block(Type::CELL, left, half, value);
            lowest = lowest.max(flow.y);
        }
        flow.y = lowest + 1.5;
    }
    for warning in &series.warnings {
        self::warning(flow, language, &warning.of(language));
    }
}

/// Between the parts of a sentence; in French with a space before it.
pub(super) fn semicolon(language: Language) -> &'static str {
    language.pick("; ", "\u{a0}; ")
}

pub(super) fn warning(flow: &mut Flow, language: Language, text: &str) {
    flow.paragraph(Type::CELL, &language.say(format!("Warning: {text}"), format!("Attention : {text}")));
}

/// Where the rules come from, each source once under a number.
struct Sources(Vec<Sentence>);

impl Sources {
    fn of(report: &Report) -> Self {
        let mut found: Vec<Sentence> = Vec::new();
        let of_rules = report.bones.iter().flat_map(|bone| &bone.rules).map(|rule| &rule.source);
        // The sentence that a bone without a lesion gets is no quotation.
        let advice = report.bones.iter().filter_map(|bone| bone.recommendation.as_ref());
        let quoted =
            advice.filter(|advice| !words::quoted_categories([*advice]).is_empty()).map(|advice| &advice.source);
        for source in of_rules.chain(quoted) {
            if !found.contains(source) {
                found.push(source.clone());
            }
        }
        Self(found)
    }

    fn number(&self, source: &Sentence) -> String {
        let at = self.0.iter().position(|known| known == source);
        at.map_or_else(String::new, |n| format!("[{}]", n + 1))
    }

    fn list(&self, flow: &mut Flow, language: Language) {
        if self.0.is_empty() {
            return;
        }
        flow.gap(4.0);
        for (n, source) in self.0.iter().enumerate() {
            flow.paragraph(Type::SMALL, &format!("[{}] {}", n + 1, source.of(language)));
        }
    }
}

fn bone(flow: &mut Flow, bone: &BoneReport, sources: &Sources, language: Language) {
    flow.section(&words::bone_title(language, bone), 60.0);
    let measured = bone.slices.iter().filter(|slice| slice.measured).count();
    let z = words::range_text(language, bone.z_range_mm, 0);
    let covered = language.say(
        format!("z {z} mm, {measured} of {} slices measured", bone.slices.len()),
        format!("z {z} mm, {measured} coupes mesurées sur {}", bone.slices.len()),
    );
    flow.aside(Type::SMALL, &covered);
    if measured == 0 {
        flow.paragraph(Type::STRONG, &language.say("Not measured", "Non mesuré"));
        for (reason, runs) in words::not_measured_by_reason(bone) {
            let text =
                format!("{} ({}).", words::capitalised(&reason.of(language)), words::short_runs(language, &runs));
            flow.paragraph(Type::BODY, &text);
        }
        super::neck::neck(flow, bone, language);
        super::beyond::beyond(flow, bone, language);
        return;
    }
    headline(flow, bone, language);
    if words::standing(bone).next().is_none() {
        healthy(flow, bone, language);
    } else {
        worst(flow, bone, language);
        rules(flow, bone, sources, language);
        mirels(flow, bone, language);
        weakest(flow, bone, language);
    }
    lesions(flow, bone, language);
    super::neck::neck(flow, bone, language);
    super::beyond::beyond(flow, bone, language);
}

fn headline(flow: &mut Flow, bone: &BoneReport, language: Language) {
    let (Some(advice), Some(headline)) = (&bone.recommendation, words::headline(language, bone)) else { return };
    flow.paragraph(Type { size: 9.4, ..Type::STRONG }, headline);
    let by_pain = advice.by_pain.as_ref().filter(|_| advice.category == Category::DependsOnPain);
    let levels: Vec<String> = by_pain
        .into_iter()
        .flat_map(words::pain_levels)
        .map(|(pain, outcome)| {
            let total = outcome.mirels_total.map_or_else(String::new, |total| format!(" (Mirels {total})"));
            let what = words::category_headline(language, outcome.category);
            let pain = words::pain_words(language, pain);
            language.say(format!("{pain}{total}: {what}"), format!("{pain}{total} : {what}")).into_owned()
        })
        .collect();
    if !levels.is_empty() {
        flow.paragraph(Type::BODY, &format!("{}.", words::capitalised(&levels.join(semicolon(language)))));
    }
}

/// A bone without a lesion that counts: the largest values, and the rules in a sentence.
fn healthy(flow: &mut Flow, bone: &BoneReport, language: Language) {
    let text = |(value, high)| {
        let [value, high] = [value, high].map(|percent| words::number(language, percent, 1));
        format!("{value} % ({} {high})", language.pick("up to", "jusqu’à"))
    };
    let axial = text(words::largest(bone, |s| s.axial_lysis_percent, |s| s.axial_lysis_ci95));
    let around = text(words::largest(bone, |s| s.circumferential_lysis_percent, |s| s.circumferential_lysis_ci95));
    let none = words::no_lesion(language, bone);
    let largest = language.say(
        format!("{none} Largest values: axial lysis {axial}, circumferential {around}."),
        format!("{none} Valeurs les plus grandes : lyse axiale {axial}, circonférence {around}."),
    );
    flow.paragraph(Type::BODY, &largest);
    let rules: Vec<String> = bone
        .rules
        .iter()
        .map(|rule| format!("{} {}", words::rule_title(language, &rule.name), words::verdict_word(language, rule.met)))
        .collect();
    if !rules.is_empty() {
        let rules = rules.join(semicolon(language));
        flow.paragraph(Type::BODY, &language.say(format!("Rules: {rules}."), format!("Règles : {rules}.")));
    }
}

fn worst(flow: &mut Flow, bone: &BoneReport, language: Language) {
    let flagged: Vec<String> = words::flagged_runs(bone).iter().map(|run| run.text(language)).collect();
    let flagged = match flagged.len() {
        0 => {
            language.say("No slice is above 30 % and 50 % together.", "Aucune coupe ne dépasse à la fois 30 % et 50 %.")
        }
        n => {
            let mut runs = flagged[..n.min(4)].join(", ");
            if n > 4 {
                runs += &language.pick(format!(" and {} more", n - 4), format!(" et {} de plus", n - 4));
            }
            language.say(format!("Above 30 % and 50 %: {runs}."), format!("Au-dessus de 30 % et de 50 % : {runs}."))
        }
    };
    let worst = words::worst_slice(bone).map_or_else(String::new, |slice| {
        let percent =
            |value, ci95| format!("{} % ({})", words::number(language, value, 1), words::interval(language, ci95, 1));
        let axial = percent(slice.axial_lysis_percent, slice.axial_lysis_ci95);
        let around = percent(slice.circumferential_lysis_percent, slice.circumferential_lysis_ci95);
        let name = words::slice_name(language, slice);
        let text = language.say(
            format!("Worst slice: {name}, axial lysis {axial}, circumferential {around}. "),
            format!("Coupe la plus atteinte : {name}, lyse axiale {axial}, circonférence {around}. "),
        );
        text.into_owned()
    });
    flow.paragraph(Type::BODY, &format!("{worst}{flagged}"));
    let rejected = words::rejected_runs(bone);
    if !rejected.is_empty() {
        let runs = words::short_runs(language, &rejected);
        let text = language.say(
            format!("Flags rejected by the reviewer: {runs}."),
            format!("Signalements rejetés par le relecteur : {runs}."),
        );
        flow.paragraph(Type::BODY, &text);
    }
    flow.gap(2.0);
}

/// A sign beside the word: never colour alone, and seen from afar.
fn verdict(language: Language, met: Verdict) -> String {
    let sign = match met {
        Verdict::Met => "●",
        Verdict::NotMet => "○",
        Verdict::Indeterminate => "◐",
        Verdict::NotEvaluated => "–",
    };
    format!("{sign} {}", words::verdict_word(language, met))
}

fn rules(flow: &mut Flow, bone: &BoneReport, sources: &Sources, language: Language) {
    let columns = [
        Column::text(language.pick("Rule", "Règle"), 1.6),
        Column::text(language.pick("Quantity", "Grandeur"), 1.7),
        Column::numbers(language.pick("Value", "Valeur"), 1.25),
        Column::numbers(language.pick("95 % interval", "Intervalle 95 %"), 1.15),
        Column::numbers(language.pick("Threshold", "Seuil"), 0.8),
        Column::text("Verdict", 1.1),
        Column::text("Source", 0.65),
    ];
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".into()).replace('\u{a0}', " ");
    let mut rows = Vec::new();
    for rule in &bone.rules {
        let facts = quantities(language, bone, rule);
        let title = words::rule_title(language, &rule.name);
        for n in 0..facts.len().max(1) {
            let first = |text: String| if n == 0 { Cell::strong(text) } else { Cell::new("") };
            let [name, value, ci95, threshold] = match facts.get(n) {
                Some(fact) => [
                    words::capitalised(&fact.name),
                    or_dash(&fact.value),
                    or_dash(&fact.ci95),
                    or_dash(&fact.threshold),
                ],
                None => std::array::from_fn(|_| "–".to_owned()),
            };
            rows.push(vec![
                first(title.to_owned()),
                Cell::new(name),
                Cell::new(value),
                Cell::new(ci95),
                Cell::new(threshold),
                first(verdict(language, rule.met)),
                Cell { kind: Type::SMALL, ..first(sources.number(&rule.source)) },
            ]);
        }
    }
    flow.table(&columns, &rows);
}

fn mirels(flow: &mut Flow, bone: &BoneReport, language: Language) {
    let Some(mirels) = &bone.mirels else { return };
    let names = [Text::same("Site"), Text::new("Size", "Taille"), Text::same("Type"), Text::new("Pain", "Douleur")];
    let items = [&mirels.site, &mirels.size, &mirels.kind, &mirels.pain];
    let texts: Vec<String> = names
        .into_iter()
        .zip(items)
        .map(|(name, item)| {
            let name = name.of(language);
            let said = match item {
                None => language.pick("not given, 1 to 3", "non donnée, 1 à 3").to_owned(),
                Some(item) => {
                    let points = item.points.map_or_else(|| "?".into(), |points| points.to_string());
                    let value = item.value.as_deref().map(|value| words::level_word(language, value).into_owned());
                    let basis = item.basis.of(language);
                    match value {
                        Some(value) => format!("{points} ({value}, {basis})"),
                        None => format!("{points} ({basis})"),
                    }
                }
            };
            format!("{name} {said}")
        })
        .collect();
    flow.gap(3.0);
    let total = words::mirels_total(language, mirels);
    let items = texts.join(semicolon(language));
    let text = language.say(format!("Mirels {total}: {items}."), format!("Mirels {total} : {items}."));
    flow.paragraph(Type::BODY, &text);
}

fn weakest(flow: &mut Flow, bone: &BoneReport, language: Language) {
    let Some(weakest) = &bone.weakest_section else { return };
    let slice = bone.slices.iter().find(|slice| slice.z_mm == weakest.z_mm);
    let Some((slice, r)) = slice.and_then(|slice| Some((slice, slice.rigidity?))) else { return };
    let lost = |value: f64, ci95| {
        format!("{} % ({})", words::number(language, Some(value), 1), words::interval(language, Some(ci95), 1))
    };
    let [ea, ei, gj] = [
        lost(r.ea_reduction_percent, r.ea_reduction_ci95),
        lost(r.ei_reduction_percent, r.ei_reduction_ci95),
        lost(r.gj_reduction_percent, r.gj_reduction_ci95),
    ];
    let name = words::slice_name(language, slice);
    let text = language.say(
        format!("Weakest section: {name}. Rigidity lost: axial {ea}, bending {ei}, torsion {gj}."),
        format!("Section la plus faible : {name}. Rigidité perdue : axiale {ea}, flexion {ei}, torsion {gj}."),
    );
    flow.paragraph(Type::BODY, &text);
}

fn lesions(flow: &mut Flow, bone: &BoneReport, language: Language) {
    if bone.lesions.is_empty() {
        return;
    }
    let mut columns = vec![
        Column::text(language.pick("Lesion", "Lésion"), 0.62),
        Column::text(language.pick("Type, place", "Type, siège"), 1.3),
        Column::text("z, mm", 1.15),
        Column::numbers(language.pick("Extent, mm", "Étendue, mm"), 1.25),
        Column::numbers(language.pick("Axial lysis, %", "Lyse axiale, %"), 1.25),
        Column::numbers(language.pick("Circumf. lysis, %", "Lyse circonf., %"), 1.25),
        Column::text(language.pick("Through the wall", "Toute l’épaisseur"), 0.9),
    ];
    let reviewed = bone.lesions.iter().any(|lesion| lesion.review.is_some());
    if reviewed {
        columns.push(Column::text(language.pick("Review", "Relecture"), 1.5));
    }
    let value = |value, ci95| super::with_ci(language, value, ci95);
    let rows: Vec<Vec<Cell>> = bone
        .lesions
        .iter()
        .map(|lesion| {
            let kind = words::level_word(language, &lesion.kind);
            let place = lesion.location.as_deref().map(|place| words::place_word(language, place));
            let mut row = vec![
                Cell::strong(format!("{}{}", lesion.id, words::region_of(lesion))),
                Cell::new(place.map_or_else(|| kind.to_string(), |place| format!("{kind}, {place}"))),
                Cell::new(words::range_text(language, lesion.z_range_mm, 1)),
                value(lesion.axial_extent_mm, lesion.axial_extent_ci95),
                value(lesion.max_axial_lysis_percent, lesion.max_axial_lysis_ci95),
                value(lesion.max_circumferential_lysis_percent, lesion.max_circumferential_lysis_ci95),
                Cell::new(yes_or_no(language, lesion.through_the_wall)),
            ];
            if reviewed {
                row.push(Cell::new(words::remark(language, lesion.review.as_ref()).unwrap_or_default()));
            }
            row
        })
        .collect();
    flow.gap(3.0);
    flow.table(&columns, &rows);
}

/// The sentences of the recommendation, each once, in the reader's language.
fn quotes(flow: &mut Flow, report: &Report, sources: &Sources, language: Language) {
    let advice = || report.bones.iter().filter_map(|bone| bone.recommendation.as_ref());
    let categories = words::quoted_categories(advice());
    if categories.is_empty() {
        return;
    }
    flow.section(&language.say("What the recommendation says", "Ce que dit la recommandation"), 24.0);
    let mut from: Vec<String> = advice().map(|advice| sources.number(&advice.source)).collect();
    from.dedup();
    let from = from.join(" ");
    for category in categories {
        let Some(quote) = category.quote() else { continue };
        let headline = words::category_headline(language, category);
        let text =
            language.say(format!("{headline}: “{}”", quote.english), format!("{headline} : « {} »", quote.original));
        flow.paragraph(Type::CELL, &format!("{text} {from}"));
    }
}

/// Lines to sign on: the results are to be reviewed by a physician.
fn signature(flow: &mut Flow, language: Language) {
    const HEIGHT: f64 = 34.0;
    flow.need(HEIGHT);
    flow.gap((flow.left_over() - HEIGHT).clamp(0.0, 24.0));
    let y = flow.y + 18.0;
    let labels = [
        language.pick("Reviewed by", "Relu par"),
        language.pick("Date", "Date"),
        language.pick("Signature", "Signature"),
    ];
    let places = [[LEFT, 215.0], [LEFT + 235.0, 85.0], [LEFT + 340.0, WIDTH - 340.0]];
    for (label, [x, width]) in labels.into_iter().zip(places) {
        flow.document.line(&[[x, y], [x + width, y]], 0.5, super::flow::RULE, false);
        flow.set([x, y + 9.0], Anchor::Start, Type::SMALL, label);
    }
    flow.gap(HEIGHT);
}
