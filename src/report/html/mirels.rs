//! Mirels' score: its four items, what would change if one of them were another, and what the recommendation says.

use super::*;
use crate::scores::mirels::{LesionType, Level, Pain, Site, Size};
use crate::scores::recommendation::category_of_range;

/// One item: its name, what was found, and the three levels that it could have.
struct Asked<'a> {
    name: Text,
    found: &'a Option<MirelsItem>,
    levels: [Text; 3],
}

fn asked<T: Level>(name: Text, found: &Option<MirelsItem>) -> Asked<'_> {
    Asked { name, found, levels: T::LEVELS.map(Level::text) }
}

fn items(mirels: &MirelsReport) -> [Asked<'_>; 4] {
    [
        asked::<Site>(Text::same("Site"), &mirels.site),
        asked::<Size>(Text::new("Size", "Taille"), &mirels.size),
        asked::<LesionType>(Text::new("Type", "Nature"), &mirels.kind),
        asked::<Pain>(PAIN, &mirels.pain),
    ]
}

const PAIN: Text = Text::new("Pain", "Douleur");

/// Both tables.
pub(super) fn section(language: Language, bone: &BoneReport, mirels: &MirelsReport) -> Markup {
    html! {
        h3 { (language.say("Mirels’ score", "Score de Mirels")) }
        (score(language, mirels))
        h4 { (language.say("If one item were another", "Si un item était autre")) }
        (changes(language, bone, mirels))
    }
}

fn score(language: Language, mirels: &MirelsReport) -> Markup {
    scrolling(
        &language.say("Mirels’ score", "Score de Mirels"),
        html! {
            table .narrow .mirels {
                thead { tr {
                    th scope="col" { "Item" }
                    th scope="col" { (language.say("Finding", "Constat")) }
                    th scope="col" { (language.say("Basis", "Origine")) }
                    th scope="col" .num { "Points" }
                } }
                tbody {
                    @for item in items(mirels) { tr {
                        th scope="row" { (item.name.of(language)) }
                        @match item.found {
                            Some(found) => {
                                td {
                                    @match &found.value {
                                        Some(value) => (words::level_word(language, value)),
                                        None => (language.say("open", "ouvert")),
                                    }
                                }
                                td { (sentence(language, &found.basis)) }
                                td .num { (points(language, found.points_range)) }
                            }
                            None => {
                                td { (language.say("not given", "non donnée")) }
                                td { (language.say("clinical", "clinique")) }
                                td .num { (points(language, ANY)) }
                            }
                        }
                    } }
                }
                tfoot { tr {
                    th scope="row" colspan="3" { "Total" }
                    td .num { (words::mirels_total(language, mirels)) }
                } }
            }
        },
    )
}

/// An item of which nothing is known.
const ANY: [u8; 2] = [1, 3];

fn points(language: Language, [low, high]: [u8; 2]) -> String {
    if low == high { low.to_string() } else { format!("{low} {} {high}", language.pick("to", "à")) }
}

/// A row an item, a column a level: the total, and what the recommendation says of it.
fn changes(language: Language, bone: &BoneReport, mirels: &MirelsReport) -> Markup {
    let guideline = bone.rules.iter().find(|rule| rule.name == "guideline-30-50");
    let guideline = guideline.map_or(Verdict::NotEvaluated, |rule| rule.met);
    // As in the summary: pain that is not known, and would change the answer, is the answer.
    let category = |[low, high]: [u8; 2], of_pain: bool| {
        if of_pain || mirels.pain.is_some() {
            return category_of_range(guideline, [low, high]);
        }
        let [mild, moderate, functional] =
            [1, 2, 3].map(|pain| category_of_range(guideline, [low + pain - ANY[0], high + pain - ANY[1]]));
        if mild == moderate && moderate == functional { mild } else { Category::DependsOnPain }
    };
    let cell = |item: &Asked, level: usize| {
        let own = item.found.as_ref().map_or(ANY, |found| found.points_range);
        let level_points = level as u8 + 1;
        let others = [mirels.range[0].saturating_sub(own[0]), mirels.range[1].saturating_sub(own[1])];
        let total = others.map(|points| points + level_points);
        let now = own == [level_points; 2];
        html! {
            td .now[now] {
                span .level { (words::capitalised(&item.levels[level].of(language))) @if now { " " (mark(language)) } }
                strong { (points(language, total)) }
                span .detail { (words::category_headline(language, category(total, item.name == PAIN))) }
            }
        }
    };
    let pt = |points: &str| language.pick(format!("{points} points"), format!("{points} points"));
    scrolling(
        &language.say("If one item of Mirels’ score were another", "Si un item du score de Mirels était autre"),
        html! {
            table .changes {
                thead { tr {
                    th scope="col" { "Item" }
                    th scope="col" { (language.say("1 point", "1 point")) }
                    th scope="col" { (pt("2")) }
                    th scope="col" { (pt("3")) }
                } }
                tbody { @for item in items(mirels) { tr {
                    th scope="row" { (item.name.of(language)) }
                    @for level in 0..3 { (cell(&item, level)) }
                } } }
            }
        },
    )
}

fn mark(language: Language) -> Markup {
    html! { span .mark { (language.say("as found", "constaté")) } }
}

/// Each sentence once, in the reader's language and in its own words.
pub(super) fn quotes(language: Language, advice: &RecommendationReport) -> Markup {
    let categories = words::quoted_categories([advice]);
    html! {
        @if !categories.is_empty() {
            h3 { (language.say("What the recommendation says", "Ce que dit la recommandation")) }
            div .quotes { @for category in categories {
                @if let Some(quote) = category.quote() {
                    blockquote {
                        p { strong { (words::category_headline(language, category)) } }
                        @if language == Language::En {
                            p { "“" (quote.english) "”" }
                            p .source lang="fr" { (Language::Fr.say("", format!("« {} »", quote.original))) }
                        } @else {
                            p { (language.say("", format!("« {} »", quote.original))) }
                        }
                    }
                }
            } }
            p .source {
                (language.say("Quoted from: ", "Extrait de : ")) cite { (sentence(language, &advice.source)) } "."
                @if language == Language::En { " The English is a translation." }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    /// The row of an item, cells told apart by "|", tags taken out.
    fn row(markup: &str, item: &str) -> Vec<String> {
        let row = markup.split("<tr>").find(|row| row.contains(&format!("\">{item}</th>"))).expect("the item");
        let cells = row.split("<td").skip(1);
        cells
            .map(|cell| {
                let text = cell.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text));
                text.filter(|text| !text.trim().is_empty()).map(str::trim).collect::<Vec<_>>().join(" | ")
            })
            .collect()
    }

    #[test]
    fn each_item_is_told_with_what_another_level_would_make_of_it() {
        let mut bone = fixture::bone().report().bones[0].clone();
        // Lower limb 2, size 2, lytic 3, pain not given: 8 to 10.
        bone.rules[0].met = Verdict::NotMet;
        let score = bone.mirels.clone().expect("scored");
        let markup = changes(Language::En, &bone, &score).into_string();
        let fixation = "Prophylactic fixation, by Mirels’ score alone";
        assert_eq!(
            row(&markup, "Site"),
            [
                "Upper limb | 7 to 9 | Depends on the patient’s pain".to_owned(),
                "Lower limb | as found | 8 to 10 | Depends on the patient’s pain".to_owned(),
                format!("Trochanteric | 9 to 11 | {fixation}"),
            ]
        );
        assert_eq!(
            row(&markup, "Pain"),
            [
                "Mild | 8 | Multidisciplinary decision".to_owned(),
                format!("Moderate | 9 | {fixation}"),
                format!("Functional | 10 | {fixation}"),
            ]
        );
    }
}
